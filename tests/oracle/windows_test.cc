// ROW_NUMBER, RANK and DENSE_RANK, in every shape that makes a top n of each partition.

#include <gtest/gtest.h>

#include "tests/oracle/oracle_case.h"

namespace tidemark {
namespace {

TEST(OracleWindows, numbers_and_top_n) {
  OracleCase oracle;
  oracle.tables = {"a (g INT, v INT, id INT PRIMARY KEY)"};
  oracle.transactions = {
      {"INSERT INTO a VALUES (1, 10, 1), (1, 10, 2), (1, 30, 3), (2, 5, 4), (NULL, 7, 5), (2, "
       "NULL, 6)"},
      {"INSERT INTO a VALUES (1, 5, 7), (2, 5, 8)"},
      {"UPDATE a SET v = 50 WHERE id = 1"},
      {"UPDATE a SET g = 2 WHERE g = 1 AND v < 30"},
      {"DELETE FROM a WHERE v = 5"},
      {"INSERT INTO a SELECT i % 4, i % 7, i FROM generate_series(100, 160) i"},
      {"TRUNCATE a"},
      {"INSERT INTO a VALUES (1, 1, 1)"},
  };
  const std::string over = "OVER (PARTITION BY g ORDER BY v DESC NULLS LAST, id)";
  const std::string ties = "OVER (PARTITION BY g ORDER BY v NULLS FIRST)";
  oracle.queries = {
      {"SELECT id, ROW_NUMBER() " + over + " FROM a", ""},
      {"SELECT id, RANK() " + ties + ", DENSE_RANK() " + ties + " FROM a", ""},
      {"SELECT id, n FROM (SELECT id, ROW_NUMBER() " + over + " AS n FROM a) q WHERE n <= 2", ""},
      {"SELECT id FROM (SELECT id, ROW_NUMBER() " + over + " AS n FROM a) q WHERE n = 2", ""},
      {"SELECT id, n FROM (SELECT id, RANK() " + ties + " AS n FROM a) q WHERE n < 3", ""},
      {"WITH q AS (SELECT id, g, DENSE_RANK() " + ties +
           " AS n FROM a) SELECT id FROM q WHERE 2 >= "
           "n AND g = 1",
       ""},
      {"SELECT id FROM a QUALIFY ROW_NUMBER() " + over + " <= 2",
       "SELECT id FROM (SELECT id, ROW_NUMBER() " + over + " AS n FROM a) q WHERE n <= 2"},
      {"SELECT g, COUNT(*), RANK() OVER w FROM a GROUP BY g WINDOW w AS (ORDER BY COUNT(*) DESC)",
       ""},
  };
  expect_oracle_holds(oracle);
}

// A join gives its change in parts: what one takes back too much, another brings again.
TEST(OracleWindows, rows_that_weigh_less_than_nothing_for_a_moment) {
  OracleCase oracle;
  oracle.tables = {"a (k INT, b BOOLEAN)"};
  oracle.transactions = {
      {"INSERT INTO a VALUES (4, FALSE), (5, FALSE)"},
      {"DELETE FROM a WHERE k = 5"},
      {"INSERT INTO a VALUES (4, FALSE), (6, TRUE)"},
      {"DELETE FROM a WHERE k = 4"},
  };
  const std::string joined = "a x RIGHT JOIN a y ON x.b <= y.b";
  for (std::string rank : {"RANK", "DENSE_RANK", "ROW_NUMBER"}) {
    oracle.queries.push_back({"SELECT k, n FROM (SELECT y.k, " + rank +
                                  "() OVER (PARTITION BY y.k ORDER BY y.k) AS n FROM " + joined +
                                  ") q WHERE n <= 3",
                              ""});
  }
  expect_oracle_holds(oracle);
}

}  // namespace
}  // namespace tidemark
