// Aggregates against Postgres: statistics, ordered lists, percentiles, and sets of groupings.

#include <gtest/gtest.h>

#include "tests/oracle/oracle_case.h"

namespace tidemark {
namespace {

OracleCase table_to_aggregate() {
  OracleCase oracle;
  oracle.tables = {
      "a (g INT, v INT, x DOUBLE PRECISION, d NUMERIC(12, 3), t TEXT, b BOOLEAN, id INT PRIMARY "
      "KEY)"};
  oracle.transactions = {
      {"INSERT INTO a VALUES (1, 10, 0.5, 1.250, 'x', TRUE, 1), (1, 10, 1e9, 7.5, 'y', FALSE, 2), "
       "(1, -30, NULL, NULL, NULL, NULL, 3), (2, 5, -4.25, 0.001, 'z', TRUE, 4), (NULL, 7, 2, 2, "
       "'', NULL, 5), (2, NULL, 3, 3, 'x', TRUE, 6), (3, NULL, NULL, NULL, NULL, NULL, 7)"},
      {"INSERT INTO a VALUES (1, 5, 1e9, 8, 'x', TRUE, 8), (2, 5, 7, 12345.678, 'a', FALSE, 9)"},
      {"UPDATE a SET v = 50, x = x + 1, t = 'w' WHERE id = 1"},
      {"UPDATE a SET g = 2, b = NOT b WHERE g = 1 AND v < 30"},
      {"DELETE FROM a WHERE v = 5"},
      {"INSERT INTO a SELECT i % 4, i % 7, i / 3.0, i % 11 / 8.0, 'k' || i % 5, i % 3 = 0, i FROM "
       "generate_series(100, 160) i"},
      {"UPDATE a SET v = v + 1, x = -x, b = TRUE WHERE id % 5 = 0"},
      {"DELETE FROM a WHERE id % 3 = 0"},
      {"TRUNCATE a"},
      {"INSERT INTO a VALUES (1, 1, 1, 1, 'one', FALSE, 1)"},
  };
  return oracle;
}

TEST(OracleAggregates, variances) {
  OracleCase oracle = table_to_aggregate();
  for (std::string f : {"VAR_POP", "VAR_SAMP", "STDDEV_POP", "STDDEV_SAMP", "VARIANCE", "STDDEV"}) {
    oracle.queries.push_back(
        {"SELECT g, " + f + "(v), " + f + "(d), " + f + "(DISTINCT d) FROM a GROUP BY g",
         "SELECT g, TRUNC(" + f + "(v))::INT, ROUND(" + f + "(d), 6), ROUND(" + f +
             "(DISTINCT d), 6) FROM a GROUP BY g"});
    // The digits that Postgres's own sums have for sure.
    oracle.queries.push_back({"SELECT CAST(" + f + "(x) AS DECIMAL(38, 3)) FROM a WHERE x < 1e6",
                              "SELECT CAST(" + f + "(x) AS DECIMAL(38, 3)) FROM a WHERE x < 1e6"});
  }
  expect_oracle_holds(oracle);
}

TEST(OracleAggregates, conditions) {
  OracleCase oracle = table_to_aggregate();
  oracle.queries = {
      {"SELECT g, BOOL_AND(b), BOOL_OR(b), EVERY(v > 3), BOOL_OR(v > 3) FILTER (WHERE t <> 'x') "
       "FROM a GROUP BY g",
       ""},
      {"SELECT BOOL_AND(b), BOOL_OR(v = 50) FROM a", ""},
  };
  expect_oracle_holds(oracle);
}

TEST(OracleAggregates, lists_in_order) {
  OracleCase oracle = table_to_aggregate();
  oracle.queries = {
      {"SELECT g, STRING_AGG(t, '; ' ORDER BY id DESC) FROM a GROUP BY g", ""},
      {"SELECT g, LISTAGG(t, '-') WITHIN GROUP (ORDER BY v DESC NULLS LAST, id) FROM a GROUP BY g",
       "SELECT g, STRING_AGG(t, '-' ORDER BY v DESC NULLS LAST, id) FROM a GROUP BY g"},
      {"SELECT STRING_AGG(DISTINCT t, ',') FROM a",
       "SELECT STRING_AGG(t, ',' ORDER BY t COLLATE \"C\") FROM (SELECT DISTINCT t FROM a) a"},
      {"SELECT LISTAGG(t) FILTER (WHERE b) FROM a",
       "SELECT STRING_AGG(t, ',' ORDER BY t COLLATE \"C\") FILTER (WHERE b) FROM a"},
      {"SELECT g, ARRAY_AGG(v ORDER BY x NULLS FIRST, id) FROM a GROUP BY g", ""},
      {"SELECT ARRAY_AGG(DISTINCT v ORDER BY v DESC NULLS LAST), ARRAY_AGG(t ORDER BY id) FROM a",
       ""},
      {"SELECT g, FIRST_VALUE(v ORDER BY id), LAST_VALUE(v ORDER BY x NULLS FIRST, id) FROM a "
       "GROUP "
       "BY g",
       "SELECT g, (ARRAY_AGG(v ORDER BY id) FILTER (WHERE v IS NOT NULL))[1], (ARRAY_AGG(v ORDER "
       "BY "
       "x DESC NULLS LAST, id DESC) FILTER (WHERE v IS NOT NULL))[1] FROM a GROUP BY g"},
      {"SELECT g, FIRST_VALUE(v ORDER BY id) RESPECT NULLS FROM a GROUP BY g",
       "SELECT g, (ARRAY_AGG(v ORDER BY id))[1] FROM a GROUP BY g"},
  };
  expect_oracle_holds(oracle);
}

TEST(OracleAggregates, percentiles) {
  OracleCase oracle = table_to_aggregate();
  for (std::string f : {"0", "0.5", "0.3", "0.95", "1"}) {
    oracle.queries.push_back(
        {"SELECT g, PERCENTILE_CONT(" + f + ") WITHIN GROUP (ORDER BY v), PERCENTILE_DISC(" + f +
             ") WITHIN GROUP (ORDER BY t DESC), PERCENTILE_CONT(" + f +
             ") WITHIN GROUP (ORDER BY x DESC) FILTER (WHERE b) FROM a GROUP BY g",
         "SELECT g, PERCENTILE_CONT(" + f + ") WITHIN GROUP (ORDER BY v), PERCENTILE_DISC(" + f +
             ") WITHIN GROUP (ORDER BY t COLLATE \"C\" DESC), PERCENTILE_CONT(" + f +
             ") WITHIN GROUP (ORDER BY x DESC) FILTER (WHERE b) FROM a GROUP BY g"});
  }
  expect_oracle_holds(oracle);
}

// They keep their values once.
TEST(OracleAggregates, percentiles_and_lists_of_the_same_values) {
  OracleCase oracle = table_to_aggregate();
  std::string by_v = " WITHIN GROUP (ORDER BY v), ";
  oracle.queries = {
      {"SELECT g, PERCENTILE_CONT(0.1)" + by_v + "PERCENTILE_CONT(0.5)" + by_v +
           "PERCENTILE_DISC(0.9)" + by_v + "COUNT(*) FROM a GROUP BY g",
       ""},
      {"SELECT PERCENTILE_CONT(0.5)" + by_v + "PERCENTILE_DISC(0.99)" + by_v +
           "LISTAGG(CAST(v AS STRING), ' ' ORDER BY v) FROM a",
       "SELECT PERCENTILE_CONT(0.5)" + by_v + "PERCENTILE_DISC(0.99)" + by_v +
           "STRING_AGG(CAST(v AS TEXT), ' ' ORDER BY v) FROM a"},
  };
  expect_oracle_holds(oracle);
}

TEST(OracleAggregates, grouping_sets) {
  OracleCase oracle = table_to_aggregate();
  oracle.queries = {
      {"SELECT g, t, COUNT(*), SUM(v), GROUPING(g, t), GROUPING(t) FROM a GROUP BY ROLLUP (g, t)",
       ""},
      {"SELECT g, b, MAX(v), GROUPING_ID(b, g) FROM a GROUP BY CUBE (g, b)",
       "SELECT g, b, MAX(v), GROUPING(b, g) FROM a GROUP BY CUBE (g, b)"},
      {"SELECT g, b, t, COUNT(*) FROM a GROUP BY GROUPING SETS ((g, b), t, (), ROLLUP (b, g), t)",
       ""},
      {"SELECT v % 2 AS odd, b, COUNT(DISTINCT g) FROM a GROUP BY v % 2, CUBE ((g, t), b) HAVING "
       "GROUPING(b) = 1 AND COUNT(*) > 1",
       ""},
      {"SELECT COUNT(*), GROUPING(g) FROM a GROUP BY GROUPING SETS ((), (g)) HAVING GROUPING(g) = "
       "1 "
       "OR g > 1",
       ""},
      {"SELECT g, SUM(v), RANK() OVER (PARTITION BY GROUPING(g) ORDER BY SUM(v) DESC NULLS LAST) "
       "FROM a GROUP BY ROLLUP (g)",
       ""},
      {"SELECT COALESCE(CAST(g AS STRING), 'all'), COUNT(*) FROM a WHERE id < 0 GROUP BY ROLLUP "
       "(g)",
       "SELECT COALESCE(CAST(g AS TEXT), 'all'), COUNT(*) FROM a WHERE id < 0 GROUP BY ROLLUP (g)"},
      {"SELECT id FROM a o WHERE v = (SELECT MAX(v) FROM a i WHERE i.g = o.g GROUP BY GROUPING "
       "SETS "
       "(()))",
       ""},
  };
  oracle.queries.push_back(
      {"SELECT id, COUNT(*) FROM a GROUP BY ROLLUP (id) HAVING id IS NULL OR id < 3", ""});
  expect_oracle_holds(oracle);
}

}  // namespace
}  // namespace tidemark
