// Joins of every kind over two tables with NULLs, duplicates and keys that come and go.

#include <gtest/gtest.h>

#include "tests/oracle/oracle_case.h"

namespace tidemark {
namespace {

// Rows of every kind meet, leave and meet again; duplicates; a key with most rows; TRUNCATE.
OracleCase two_tables() {
  OracleCase oracle;
  oracle.tables = {"a (k INT, v INT, s TEXT)", "b (k INT, v INT, s TEXT)", "c (k INT, w INT)"};
  oracle.transactions = {
      {"INSERT INTO a VALUES (1, 10, 'x'), (1, 10, 'x'), (2, 20, 'y'), (NULL, 30, 'z'), (4, 40, "
       "NULL)",
       "INSERT INTO b VALUES (1, 11, 'x'), (2, 5, 'q'), (2, 25, 'q'), (NULL, 31, 'z'), (5, 50, "
       "NULL)",
       "INSERT INTO c VALUES (1, 1), (2, 2), (3, 3)"},
      {"INSERT INTO b VALUES (4, 41, 'new')"},
      {"DELETE FROM b WHERE k = 2 AND v = 5"},
      {"DELETE FROM b WHERE k = 2"},
      {"UPDATE a SET k = 5 WHERE k = 2", "UPDATE b SET v = v + 100 WHERE k = 1"},
      {"INSERT INTO a SELECT 7, i, 'skew' FROM generate_series(1, 200) i",
       "INSERT INTO b SELECT 7, i * 10, 'skew' FROM generate_series(1, 3) i"},
      {"DELETE FROM b WHERE k = 7 AND v > 10"},
      {"DELETE FROM b WHERE k = 7", "INSERT INTO c VALUES (7, 7), (NULL, 9)"},
      {"TRUNCATE b"},
      {"INSERT INTO b SELECT k, v, s FROM a WHERE v < 50"},
      {"TRUNCATE a", "INSERT INTO a VALUES (1, 1, 'again')"},
      {"TRUNCATE a, b", "INSERT INTO a VALUES (3, 3, 'x')", "INSERT INTO b VALUES (3, 1, 'x')"},
      {"DELETE FROM a", "DELETE FROM b"},
  };
  return oracle;
}

void check_joins(std::vector<std::string> queries) {
  OracleCase oracle = two_tables();
  for (std::string& query : queries) {
    oracle.queries.push_back({std::move(query), ""});
  }
  expect_oracle_holds(oracle);
}

TEST(OracleJoins, inner_and_cross) {
  check_joins({
      "SELECT a.v, b.v FROM a JOIN b ON a.k = b.k",
      "SELECT a.v, b.v FROM a, b WHERE a.k = b.k AND a.v > 10",
      "SELECT a.s, c.w FROM a CROSS JOIN c",
      "SELECT a.v, b.v FROM a JOIN b ON a.k = b.k AND a.v < b.v",
      "SELECT a.v, b.v FROM a JOIN b ON a.v < b.v",
      "SELECT x.v, y.v FROM a x JOIN a y ON x.k = y.k",
      "SELECT a.k, b.v, c.w FROM a, b, c WHERE a.k = c.k AND b.k = c.k",
      "SELECT COUNT(*), SUM(a.v) FROM a JOIN b ON a.k + 1 = b.k",
      "SELECT a.v, b.v FROM a JOIN b ON a.s = b.s AND a.k IS NOT DISTINCT FROM b.k",
      "SELECT k, SUM(v) AS sv FROM (SELECT a.k, b.v FROM a JOIN b USING (k)) q GROUP BY k",
  });
}

TEST(OracleJoins, outer) {
  check_joins({
      "SELECT a.k, a.v, b.v FROM a LEFT JOIN b ON a.k = b.k",
      "SELECT a.v, b.k, b.v FROM a RIGHT JOIN b ON a.k = b.k",
      "SELECT a.k, a.v, b.k, b.v FROM a FULL JOIN b ON a.k = b.k",
      "SELECT a.k, a.v, b.v FROM a LEFT JOIN b ON a.k = b.k AND a.v < b.v",
      "SELECT a.k, a.v, b.v FROM a LEFT JOIN b ON a.v < b.v",
      "SELECT a.k, a.v, b.v FROM a LEFT JOIN b ON a.k = b.k AND b.v > 20",
      "SELECT a.k, a.v, b.v FROM a LEFT JOIN b ON a.k = b.k AND a.v > 20",
      "SELECT a.k, a.v, b.k, b.v FROM a FULL JOIN b ON a.k = b.k AND a.s = b.s",
      "SELECT a.v, b.v FROM a LEFT JOIN b ON a.k = b.k WHERE b.v IS NULL",
      "SELECT a.v, b.v FROM a LEFT JOIN b ON a.k = b.k WHERE b.v > 12",
      "SELECT a.v, b.v, c.w FROM a LEFT JOIN b ON a.k = b.k LEFT JOIN c ON b.k = c.k",
      "SELECT a.v, c.w FROM a LEFT JOIN c ON TRUE",
      "SELECT a.v, b.v FROM a LEFT JOIN b ON a.k IS NOT DISTINCT FROM b.k",
      "SELECT COUNT(*), COUNT(b.v) FROM a LEFT JOIN b ON a.k = b.k",
  });
}

TEST(OracleJoins, using_and_natural) {
  check_joins({
      "SELECT * FROM a JOIN c USING (k)",
      "SELECT k, a.k, c.k FROM a LEFT JOIN c USING (k)",
      "SELECT k, w, v FROM a RIGHT JOIN c USING (k)",
      "SELECT * FROM a RIGHT JOIN c USING (k)",
      "SELECT * FROM a FULL JOIN c USING (k)",
      "SELECT * FROM a NATURAL JOIN c",
      "SELECT * FROM a NATURAL JOIN b",
      "SELECT * FROM a NATURAL LEFT JOIN b",
      "SELECT k, COUNT(*) FROM a JOIN b USING (k) JOIN c USING (k) GROUP BY k",
      "SELECT a.* FROM a JOIN c USING (k)",
      "SELECT j.k, j.v FROM (a JOIN c USING (k)) AS j",
  });
}

TEST(OracleJoins, a_wrong_answer_is_found_and_shrunk) {
  OracleCase oracle = two_tables();
  oracle.queries = {
      {"SELECT c.k FROM c", ""},
      {"SELECT a.v FROM a JOIN b ON a.k = b.k", "SELECT v FROM a WHERE k IS NOT NULL"}};
  std::optional<OracleFailure> failure = run_oracle_case(oracle);
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->query, 1u);
  OracleCase small = shrink_oracle_case(oracle);
  EXPECT_TRUE(run_oracle_case(small));
  size_t statements = 0;
  for (const auto& transaction : small.transactions) {
    statements += transaction.size();
  }
  EXPECT_EQ(statements, 1u) << small.to_string();
  EXPECT_EQ(small.tables.size(), 2u);
}

}  // namespace
}  // namespace tidemark
