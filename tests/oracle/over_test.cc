// OVER with frames of every kind, and the functions that look at them, against Postgres.

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "tests/oracle/oracle_case.h"

namespace tidemark {
namespace {

OracleCase changing_table() {
  OracleCase oracle;
  oracle.tables = {
      "a (g INT, v INT, x DOUBLE PRECISION, d NUMERIC(8, 2), ts TIMESTAMP, day DATE, t TEXT, id "
      "INT "
      "PRIMARY KEY)"};
  oracle.transactions = {
      {"INSERT INTO a SELECT i % 3, (i * 7) % 11, (i * 5) % 8 / 2.0, i % 9 / 4.0, TIMESTAMP "
       "'2024-01-30 00:00:00' + i * INTERVAL '7 hours', DATE '2024-01-15' + i * 5, 't' || i % 4, i "
       "FROM generate_series(1, 25) i",
       "INSERT INTO a VALUES (1, NULL, NULL, NULL, NULL, NULL, NULL, 50), (1, NULL, 1, 1, NULL, "
       "NULL, 'n', 51)"},
      {"INSERT INTO a VALUES (1, 4, 2, 1.5, '2024-02-01 10:00:00', '2024-02-10', 'new', 100)"},
      {"DELETE FROM a WHERE id IN (5, 6, 17)"},
      {"UPDATE a SET v = v + 5, x = x - 1 WHERE id % 4 = 0"},
      {"UPDATE a SET g = (g + 1) % 3 WHERE id = 7"},
      {"UPDATE a SET v = NULL WHERE id = 9", "UPDATE a SET t = NULL WHERE id % 5 = 0"},
      {"INSERT INTO a SELECT NULL, i, i, i, NULL, NULL, '', 200 + i FROM generate_series(1, 6) i"},
      {"DELETE FROM a WHERE v IS NULL"},
      {"TRUNCATE a"},
      {"INSERT INTO a VALUES (1, 1, 1, 1, '2024-02-01 10:00:00', '2024-02-10', 'one', 1)"},
      {"INSERT INTO a VALUES (1, 1, 1, 1, '2024-02-01 10:00:00', '2024-02-10', 'two', 2)"},
  };
  return oracle;
}

std::string sum_over(const std::string& window) {
  return "SELECT id, SUM(v) OVER (PARTITION BY g " + window + "), COUNT(*) OVER (PARTITION BY g " +
         window + ") FROM a";
}

TEST(OracleOver, frames_in_rows) {
  OracleCase oracle = changing_table();
  for (std::string frame :
       {"ORDER BY id ROWS 2 PRECEDING", "ORDER BY id ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING",
        "ORDER BY id DESC ROWS BETWEEN 3 PRECEDING AND 2 PRECEDING",
        "ORDER BY id ROWS BETWEEN 1 FOLLOWING AND 3 FOLLOWING",
        "ORDER BY id ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING",
        "ORDER BY id ROWS UNBOUNDED PRECEDING",
        "ORDER BY id ROWS BETWEEN 2 PRECEDING AND 2 FOLLOWING EXCLUDE CURRENT ROW",
        "ORDER BY v NULLS FIRST, id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING"}) {
    oracle.queries.push_back({sum_over(frame), ""});
  }
  expect_oracle_holds(oracle);
}

TEST(OracleOver, frames_in_groups) {
  OracleCase oracle = changing_table();
  for (std::string frame :
       {"", "ORDER BY v NULLS LAST", "ORDER BY t DESC NULLS LAST",
        "ORDER BY t NULLS FIRST GROUPS 1 PRECEDING",
        "ORDER BY v NULLS LAST GROUPS BETWEEN 1 FOLLOWING AND 2 FOLLOWING",
        "ORDER BY t NULLS FIRST GROUPS BETWEEN 1 PRECEDING AND 1 FOLLOWING EXCLUDE GROUP",
        "ORDER BY t NULLS FIRST GROUPS BETWEEN CURRENT ROW AND CURRENT ROW EXCLUDE TIES",
        "ORDER BY t NULLS FIRST RANGE BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING EXCLUDE TIES"}) {
    std::string collated = frame;
    if (size_t at = collated.find("BY t "); at != std::string::npos) {
      collated.replace(at, 5, "BY t COLLATE \"C\" ");
    }
    oracle.queries.push_back({sum_over(frame), sum_over(collated)});
  }
  expect_oracle_holds(oracle);
}

TEST(OracleOver, frames_in_range) {
  OracleCase oracle = changing_table();
  for (std::string frame :
       {"ORDER BY v NULLS LAST RANGE BETWEEN 2 PRECEDING AND 1 FOLLOWING",
        "ORDER BY v DESC NULLS FIRST RANGE BETWEEN 3 PRECEDING AND 1 PRECEDING",
        "ORDER BY x NULLS FIRST RANGE BETWEEN 0.5 PRECEDING AND CURRENT ROW",
        "ORDER BY d NULLS LAST RANGE BETWEEN 0.255 PRECEDING AND 0.5 FOLLOWING EXCLUDE CURRENT ROW",
        "ORDER BY v NULLS LAST RANGE BETWEEN UNBOUNDED PRECEDING AND 2 PRECEDING",
        "ORDER BY v NULLS FIRST RANGE BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING",
        "ORDER BY ts NULLS LAST RANGE BETWEEN INTERVAL '1' DAY PRECEDING AND INTERVAL '7' HOUR "
        "FOLLOWING",
        "ORDER BY day NULLS LAST RANGE BETWEEN INTERVAL '1' MONTH PRECEDING AND CURRENT ROW",
        "ORDER BY ts DESC NULLS LAST RANGE BETWEEN INTERVAL '10' DAY PRECEDING AND INTERVAL '1' "
        "MONTH FOLLOWING"}) {
    oracle.queries.push_back({sum_over(frame), ""});
  }
  expect_oracle_holds(oracle);
}

TEST(OracleOver, offsets_that_vary_by_row) {
  OracleCase oracle = changing_table();
  const std::string w = " OVER (PARTITION BY g ORDER BY id)";
  for (const std::string& calls : std::vector<std::string>{
           "LAG(id, v)" + w + ", LEAD(id, v % 3, -1)" + w,
           "LAG(t, g - 1, 'none') OVER (ORDER BY id DESC)", "LEAD(v, v)" + w + ", SUM(v)" + w,
           "NTH_VALUE(id, v + 1)" + w,
           "NTH_VALUE(id, g + 1) OVER (PARTITION BY g ORDER BY id ROWS BETWEEN 2 PRECEDING AND 1 "
           "FOLLOWING)",
           "NTILE(g + 2)" + w, "LAG(id, (SELECT COUNT(*) FROM a x WHERE x.id < a.v)::INT)" + w}) {
    oracle.queries.push_back({"SELECT id, " + calls + " FROM a", ""});
  }
  oracle.queries.push_back(
      {"SELECT id, LAG(v, 1 + id % 2) IGNORE NULLS OVER (ORDER BY id) FROM a",
       "SELECT id, (SELECT b.v FROM a b WHERE b.id < a.id AND b.v IS NOT NULL ORDER BY b.id DESC "
       "OFFSET a.id % 2 LIMIT 1) FROM a"});
  expect_oracle_holds(oracle);
}

TEST(OracleOver, values_of_other_rows) {
  OracleCase oracle = changing_table();
  std::string w = " OVER (PARTITION BY g ORDER BY id)";
  std::string near =
      " OVER (PARTITION BY g ORDER BY id ROWS BETWEEN 2 PRECEDING AND 2 FOLLOWING "
      "EXCLUDE CURRENT ROW)";
  oracle.queries = {
      {"SELECT id, LAG(v)" + w + ", LEAD(v, 2)" + w + ", LAG(v, 3, -1)" + w + ", LEAD(v, 0)" + w +
           ", LAG(v, -1)" + w + " FROM a",
       ""},
      {"SELECT id, LAG(t, 1, 'none') OVER (ORDER BY id DESC) FROM a", ""},
      {"SELECT id, v - LAG(v)" + w + " AS change FROM a WHERE v IS NOT NULL", ""},
      {"SELECT id, FIRST_VALUE(v)" + w + ", LAST_VALUE(v)" + w + ", NTH_VALUE(v, 2)" + w +
           " FROM a",
       ""},
      {"SELECT id, FIRST_VALUE(t)" + near + ", LAST_VALUE(t)" + near + ", NTH_VALUE(t, 3)" + near +
           " FROM a",
       ""},
      {"SELECT id, NTILE(4)" + w +
           ", CUME_DIST() OVER (PARTITION BY g ORDER BY v NULLS LAST), "
           "PERCENT_RANK() OVER (ORDER BY v NULLS FIRST) FROM a",
       ""},
      {"SELECT id, FIRST_VALUE(v) IGNORE NULLS OVER (ORDER BY id ROWS BETWEEN 1 FOLLOWING AND "
       "UNBOUNDED FOLLOWING) FROM a",
       "SELECT id, (SELECT b.v FROM a b WHERE b.id > a.id AND b.v IS NOT NULL ORDER BY b.id LIMIT "
       "1) "
       "FROM a"},
      {"SELECT id, LAG(v, 2) IGNORE NULLS OVER (ORDER BY id) FROM a",
       "SELECT id, (SELECT b.v FROM a b WHERE b.id < a.id AND b.v IS NOT NULL ORDER BY b.id DESC "
       "LIMIT 1 OFFSET 1) FROM a"},
  };
  expect_oracle_holds(oracle);
}

// The nearest value in one direction: a change costs the rows up to the next one.
TEST(OracleOver, nearest_values_that_are_not_null) {
  OracleCase oracle = changing_table();
  auto nearest = [](std::string_view call, std::string_view condition, std::string_view order) {
    return OracleQuery{
        fmt::format("SELECT id, {} FROM a", call),
        fmt::format("SELECT id, (SELECT b.v FROM a b WHERE b.v IS NOT NULL AND {} ORDER BY {} "
                    "LIMIT 1) FROM a",
                    condition, order)};
  };
  std::string same_g = "b.g IS NOT DISTINCT FROM a.g AND ";
  oracle.queries = {
      nearest("LAST_VALUE(v) IGNORE NULLS OVER (PARTITION BY g ORDER BY id)",
              same_g + "b.id <= a.id", "b.id DESC"),
      nearest("LAST_VALUE(v) IGNORE NULLS OVER (ORDER BY id DESC ROWS UNBOUNDED PRECEDING)",
              "b.id >= a.id", "b.id"),
      nearest("LAST_VALUE(v) IGNORE NULLS OVER (ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 "
              "PRECEDING)",
              "b.id < a.id", "b.id DESC"),
      nearest("FIRST_VALUE(v) IGNORE NULLS OVER (PARTITION BY g ORDER BY id ROWS BETWEEN CURRENT "
              "ROW AND UNBOUNDED FOLLOWING)",
              same_g + "b.id >= a.id", "b.id"),
      nearest("LEAD(v) IGNORE NULLS OVER (PARTITION BY g ORDER BY id)", same_g + "b.id > a.id",
              "b.id"),
      nearest("LAST_VALUE(v) IGNORE NULLS OVER (ORDER BY g NULLS FIRST, id)",
              "(COALESCE(b.g, -1), b.id) <= (COALESCE(a.g, -1), a.id)",
              "COALESCE(b.g, -1) DESC, b.id DESC"),
  };
  expect_oracle_holds(oracle);
}

// They run in the opposite order; ties are settled as in the order itself.
TEST(OracleOver, aggregates_from_the_row_to_the_last) {
  OracleCase oracle = changing_table();
  std::string rows = " ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING)";
  std::string peers = " RANGE BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING)";
  oracle.queries = {
      {"SELECT id, SUM(v) OVER (PARTITION BY g ORDER BY id" + rows +
           ", COUNT(*) OVER (PARTITION BY g ORDER BY id), MIN(v) OVER (PARTITION BY g ORDER BY id" +
           peers + ", AVG(x) OVER (PARTITION BY g ORDER BY id ROWS 1 PRECEDING) FROM a",
       ""},
      {"SELECT id, COUNT(v) FILTER (WHERE v > 3) OVER (ORDER BY v NULLS FIRST" + peers +
           ", MAX(x) OVER (ORDER BY g DESC NULLS LAST, id" + rows + " FROM a",
       ""},
  };
  expect_oracle_holds(oracle);
}

TEST(OracleOver, aggregates_up_to_a_distance_from_the_row) {
  OracleCase oracle = changing_table();
  for (std::string frame :
       {"UNBOUNDED PRECEDING AND 1 PRECEDING", "UNBOUNDED PRECEDING AND 3 PRECEDING",
        "UNBOUNDED PRECEDING AND 2 FOLLOWING", "2 PRECEDING AND UNBOUNDED FOLLOWING",
        "1 FOLLOWING AND UNBOUNDED FOLLOWING", "4 FOLLOWING AND UNBOUNDED FOLLOWING"}) {
    std::string over = " OVER (PARTITION BY g ORDER BY id ROWS BETWEEN " + frame + ")";
    oracle.queries.push_back({"SELECT id, SUM(v)" + over + ", COUNT(*)" + over + ", MAX(x)" + over +
                                  ", AVG(x) FILTER (WHERE v > 3)" + over +
                                  ", SUM(v) OVER (PARTITION BY g ORDER BY id) FROM a",
                              ""});
  }
  expect_oracle_holds(oracle);
}

// Joins with an aggregate or with the first row (plan/rules/windows_as_joins.cc).
TEST(OracleOver, values_that_a_partition_has_in_common) {
  OracleCase oracle = changing_table();
  std::string by_g = " OVER (PARTITION BY g ORDER BY id)";
  std::string whole =
      " OVER (PARTITION BY g ORDER BY v NULLS LAST, id ROWS BETWEEN UNBOUNDED PRECEDING AND "
      "UNBOUNDED FOLLOWING)";
  oracle.queries = {
      {"SELECT id, v, SUM(v) OVER (PARTITION BY g), COUNT(*) OVER (PARTITION BY g), MAX(t) OVER "
       "(PARTITION BY g) FROM a",
       "SELECT id, v, SUM(v) OVER (PARTITION BY g), COUNT(*) OVER (PARTITION BY g), MAX(t COLLATE "
       "\"C\") OVER (PARTITION BY g) FROM a"},
      {"SELECT id, x - SUM(x) OVER (), COUNT(v) FILTER (WHERE v > 4) OVER () FROM a", ""},
      {"SELECT id, MIN(d) OVER (PARTITION BY t, g), MAX(d)" + whole + " FROM a", ""},
      {"SELECT id, FIRST_VALUE(v)" + by_g + ", FIRST_VALUE(t)" + by_g + ", FIRST_VALUE(x)" + whole +
           ", LAST_VALUE(x)" + whole + ", LAST_VALUE(t)" + whole + " FROM a",
       ""},
      {"SELECT id, FIRST_VALUE(id) OVER (ORDER BY d DESC NULLS LAST, id), LAST_VALUE(id) OVER "
       "(ORDER BY d NULLS FIRST, id DESC ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) FROM a",
       ""},
      {"SELECT id, SUM(v) OVER (PARTITION BY g), SUM(v)" + by_g + ", LAG(v)" + by_g +
           ", FIRST_VALUE(v)" + by_g + ", NTILE(2)" + by_g + " FROM a",
       ""},
      {"SELECT * FROM (SELECT id, g, v, AVG(CAST(v AS DOUBLE)) OVER () AS mean FROM a) q WHERE v > "
       "mean",
       "SELECT * FROM (SELECT id, g, v, AVG(CAST(v AS DOUBLE PRECISION)) OVER () AS mean FROM a) q "
       "WHERE v > mean"},
      {"SELECT v, COUNT(*) OVER (PARTITION BY v) FROM a UNION ALL SELECT v, 0 FROM a", ""},
      {"SELECT id, NTH_VALUE(v, 3)" + by_g + ", NTH_VALUE(t, 2)" + whole + ", NTH_VALUE(x, 4)" +
           whole + ", NTH_VALUE(v, 100)" + by_g + " FROM a",
       ""},
      {"SELECT id, NTH_VALUE(v, 3) OVER (PARTITION BY g ORDER BY v NULLS LAST), NTH_VALUE(v, 2) "
       "OVER (ORDER BY v NULLS FIRST), NTH_VALUE(id, 5) OVER (ORDER BY id DESC ROWS UNBOUNDED "
       "PRECEDING) FROM a",
       ""},
      {"SELECT id, NTH_VALUE(g, 2) OVER (PARTITION BY g) FROM a", ""},
  };
  expect_oracle_holds(oracle);
}

// As quotients of counts (plan/rules/distributions.cc).
TEST(OracleOver, distributions) {
  OracleCase oracle = changing_table();
  std::string by_v = " OVER (PARTITION BY g ORDER BY v NULLS LAST)";
  oracle.queries = {
      {"SELECT id, CUME_DIST()" + by_v + ", PERCENT_RANK()" + by_v + ", SUM(v)" + by_v +
           ", RANK()" + by_v + " FROM a",
       ""},
      {"SELECT id, CUME_DIST() OVER (), PERCENT_RANK() OVER (PARTITION BY id), PERCENT_RANK() OVER "
       "(PARTITION BY g) FROM a",
       ""},
      {"SELECT id, CUME_DIST() OVER (ORDER BY d DESC NULLS LAST), LAG(v) OVER (PARTITION BY g "
       "ORDER BY id), "
       "NTILE(3) OVER (PARTITION BY g ORDER BY id) FROM a",
       ""},
      {"SELECT * FROM (SELECT id, g, v, PERCENT_RANK()" + by_v +
           " AS p FROM a) q WHERE p > 0.5 AND g = 1",
       ""},
  };
  expect_oracle_holds(oracle);
}

// Each kind of call in a window of its own (plan/rules/split_windows.cc).
TEST(OracleOver, calls_of_several_kinds_over_one_window) {
  OracleCase oracle = changing_table();
  std::string by_g = " OVER (PARTITION BY g ORDER BY id)";
  std::string rows = " OVER (PARTITION BY g ORDER BY id ROWS UNBOUNDED PRECEDING)";
  oracle.queries = {
      {"SELECT id, LAG(v)" + by_g + ", SUM(x)" + by_g + ", LEAD(t, 2)" + by_g + ", COUNT(*)" +
           rows + ", LAST_VALUE(v)" + by_g + ", SUM(v)" + by_g + " FROM a",
       ""},
      {"SELECT id, SUM(x) OVER (ORDER BY v NULLS LAST), AVG(x) OVER (ORDER BY v NULLS LAST), "
       "MAX(v) OVER (ORDER BY v NULLS LAST GROUPS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM a",
       ""},
      {"SELECT id, ROW_NUMBER() OVER (PARTITION BY g ORDER BY id), RANK() OVER (PARTITION BY g "
       "ORDER BY v NULLS LAST), DENSE_RANK() OVER (ORDER BY v DESC NULLS FIRST) FROM a",
       ""},
      {"SELECT v, ROW_NUMBER() OVER (ORDER BY v NULLS LAST) FROM (SELECT v FROM a UNION ALL SELECT "
       "v FROM a) q",
       ""},
      {"SELECT v, n FROM (SELECT v, RANK() OVER (ORDER BY v NULLS LAST) AS n FROM a) q WHERE n % 2 "
       "= 0",
       ""},
  };
  expect_oracle_holds(oracle);
}

TEST(OracleOver, aggregates_and_clauses) {
  OracleCase oracle = changing_table();
  oracle.queries = {
      {"SELECT id, MIN(v) OVER w, MAX(v) OVER (w ROWS 2 PRECEDING), BOOL_OR(v > 5) OVER w FROM a "
       "WINDOW w AS (PARTITION BY g ORDER BY id)",
       ""},
      {"SELECT id, STRING_AGG(t, '-') OVER (ORDER BY id ROWS 1 PRECEDING), SUM(v) FILTER (WHERE v "
       "> "
       "4) OVER (ORDER BY id ROWS BETWEEN 3 PRECEDING AND CURRENT ROW) FROM a WHERE t <> ''",
       "SELECT id, CASE WHEN p < t COLLATE \"C\" THEN p || '-' || t ELSE t || COALESCE('-' || p, "
       "'') "
       "END, s FROM (SELECT id, t, LAG(t) OVER (ORDER BY id) AS p, SUM(v) FILTER (WHERE v > 4) "
       "OVER "
       "(ORDER BY id ROWS BETWEEN 3 PRECEDING AND CURRENT ROW) AS s FROM a WHERE t <> '') q"},
      {"SELECT g, SUM(v), SUM(SUM(v)) OVER (ORDER BY g NULLS LAST), RANK() OVER (ORDER BY "
       "COUNT(*)) "
       "FROM a GROUP BY g",
       ""},
      {"SELECT id FROM a QUALIFY v > AVG(CAST(v AS DOUBLE)) OVER (PARTITION BY g)",
       "SELECT id FROM (SELECT id, v > AVG(CAST(v AS DOUBLE PRECISION)) OVER (PARTITION BY g) AS q "
       "FROM a) a WHERE q"},
      {"SELECT * FROM (SELECT g, id, SUM(v) OVER (PARTITION BY g ORDER BY id) AS s FROM a) q WHERE "
       "g "
       "= 1 AND s > 10",
       ""},
      {"SELECT id, (SELECT SUM(w) FROM (SELECT SUM(v) OVER (ORDER BY id ROWS 1 PRECEDING) AS w "
       "FROM a "
       "i WHERE i.g = o.g) q) FROM a o",
       ""},
      {"SELECT v, COUNT(*) OVER (PARTITION BY v) FROM (SELECT v FROM a UNION ALL SELECT v FROM a) "
       "q",
       ""},
      {"SELECT SUM(v) OVER (ORDER BY v NULLS LAST ROWS 1 PRECEDING) FROM (SELECT v FROM a UNION "
       "ALL "
       "SELECT v FROM a) q",
       ""},
  };
  expect_oracle_holds(oracle);
}

}  // namespace
}  // namespace tidemark
