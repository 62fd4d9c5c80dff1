// Subqueries in every place, and set operations, over tables with NULLs that change.

#include <gtest/gtest.h>

#include "tests/oracle/oracle_case.h"

namespace tidemark {
namespace {

OracleCase three_tables() {
  OracleCase oracle;
  oracle.tables = {"a (k INT, v INT)", "b (k INT, v INT)", "c (k INT NOT NULL, w INT NOT NULL)"};
  oracle.transactions = {
      {"INSERT INTO a VALUES (1, 10), (2, 20), (2, 20), (NULL, 30), (4, 40)",
       "INSERT INTO b VALUES (1, 11), (2, 5), (2, 25)", "INSERT INTO c VALUES (1, 1), (3, 3)"},
      {"INSERT INTO b VALUES (NULL, 1), (4, NULL)"},
      {"DELETE FROM b WHERE k IS NULL"},
      {"UPDATE b SET k = 4 WHERE v = 5", "INSERT INTO c VALUES (2, 2)"},
      {"DELETE FROM b WHERE v IS NULL", "UPDATE a SET v = NULL WHERE k = 1"},
      {"DELETE FROM b"},
      {"INSERT INTO b SELECT k, w FROM c", "DELETE FROM c WHERE k = 1"},
      {"TRUNCATE c"},
      {"TRUNCATE a"},
      {"INSERT INTO a SELECT i % 5, i FROM generate_series(1, 50) i",
       "INSERT INTO c VALUES (1, 7)"},
  };
  return oracle;
}

void check_subqueries(std::vector<std::string> queries) {
  OracleCase oracle = three_tables();
  for (std::string& query : queries) {
    oracle.queries.push_back({std::move(query), ""});
  }
  expect_oracle_holds(oracle);
}

TEST(OracleSubqueries, as_conditions) {
  check_subqueries({
      "SELECT k, v FROM a WHERE k IN (SELECT k FROM b)",
      "SELECT k, v FROM a WHERE k NOT IN (SELECT k FROM b)",
      "SELECT k, v FROM a WHERE k NOT IN (SELECT k FROM c)",
      "SELECT k, w FROM c WHERE k NOT IN (SELECT w FROM c x WHERE x.w > 1)",
      "SELECT k, v FROM a WHERE (k, v) NOT IN (SELECT k, v FROM b)",
      "SELECT k, v FROM a WHERE EXISTS (SELECT 1 FROM b WHERE b.k = a.k AND b.v > a.v)",
      "SELECT k, v FROM a WHERE NOT EXISTS (SELECT 1 FROM b WHERE b.k = a.k)",
      "SELECT k, v FROM a WHERE v NOT IN (SELECT v FROM b WHERE b.k = a.k)",
      "SELECT k, v FROM a WHERE v > ALL (SELECT v FROM b WHERE b.k = a.k)",
      "SELECT k, v FROM a WHERE v < ANY (SELECT w FROM c) OR k IS NULL",
      "SELECT k, v FROM a WHERE v > (SELECT AVG(v) FROM a)",
      "SELECT k, v FROM a WHERE EXISTS (SELECT 1 FROM b WHERE b.k = a.k AND EXISTS (SELECT 1 FROM "
      "c WHERE c.k = b.k AND c.w < a.v))",
      "SELECT k, COUNT(*) FROM a GROUP BY k HAVING COUNT(*) > (SELECT COUNT(*) FROM b WHERE b.k = "
      "a.k)",
  });
}

TEST(OracleSubqueries, as_values) {
  check_subqueries({
      "SELECT k, (SELECT COUNT(*) FROM b WHERE b.k = a.k) FROM a",
      "SELECT k, (SELECT MAX(v) FROM b) FROM a",
      "SELECT k, (SELECT SUM(b.v) + a.v FROM b WHERE b.k <> a.k) FROM a",
      "SELECT k, k IN (SELECT k FROM b), k NOT IN (SELECT k FROM c) FROM a",
      "SELECT k, EXISTS (SELECT 1 FROM c WHERE c.k = a.k), EXISTS (SELECT 1 FROM b) FROM a",
      "SELECT k, v = ALL (SELECT v FROM b), v <> ANY (SELECT v FROM b WHERE b.k = a.k) FROM a",
      "SELECT k, (SELECT v FROM b WHERE b.k = a.k ORDER BY v NULLS LAST LIMIT 1) FROM a",
      "SELECT k, (SELECT MIN(v) FROM b WHERE b.k = a.k), COUNT(*) FROM a GROUP BY k",
      "SELECT x.k, (SELECT MAX(y.n) FROM (SELECT b.v, COUNT(*) AS n FROM b WHERE b.k = x.k GROUP "
      "BY b.v) y) FROM a x",
      "SELECT a.k, l.n FROM a, LATERAL (SELECT COUNT(*) AS n FROM b WHERE b.k = a.k) l",
      "SELECT a.k, l.v FROM a LEFT JOIN LATERAL (SELECT v FROM b WHERE b.k < a.k ORDER BY v NULLS "
      "LAST LIMIT 2) l ON TRUE",
  });
}

TEST(OracleSubqueries, set_operations_and_common_tables) {
  check_subqueries({
      "SELECT k FROM a INTERSECT SELECT k FROM b",
      "SELECT k FROM a INTERSECT ALL SELECT k FROM b",
      "SELECT k FROM a EXCEPT SELECT k FROM b",
      "SELECT k FROM a EXCEPT ALL SELECT k FROM b",
      "SELECT k FROM a UNION SELECT k FROM b EXCEPT SELECT k FROM c",
      "WITH q AS (SELECT k, SUM(v) AS s FROM a GROUP BY k) SELECT x.k, y.s FROM q x JOIN q y ON "
      "x.s < y.s",
      "SELECT t.x, a.v FROM (VALUES (1, 'one'), (2, 'two')) AS t(n, x) JOIN a ON a.k = t.n",
      "SELECT k, v FROM a WHERE (k, v) = (2, 20) OR (k, v) < (2, 0) OR (k, v) IN ((4, 40), (1, 1))",
  });
}

TEST(OracleSubqueries, in_the_on_of_an_outer_join) {
  const std::string left = "SELECT a.k, a.v, b.k, b.v FROM a LEFT JOIN b ON ";
  check_subqueries({
      // of one side
      left + "a.k = b.k AND b.k IN (SELECT k FROM c)",
      left + "a.k = b.k AND b.v > (SELECT MIN(w) FROM c)",
      left + "a.k = b.k AND NOT EXISTS (SELECT 1 FROM c WHERE c.k = a.k)",
      left + "b.k = a.k AND b.v = (SELECT MAX(x.v) FROM b x WHERE x.k = a.k)",
      left + "b.k = a.k AND b.v = (SELECT MAX(x.v) FROM b x WHERE x.k = b.k) AND a.v > 10",
      left + "EXISTS (SELECT 1 FROM c WHERE c.w > 2) AND a.k = b.k",
      left + "a.k = b.k AND a.k + 1 NOT IN (SELECT k FROM c) OR b.v < ALL (SELECT w FROM c)",
      left +
          "a.k = b.k AND (SELECT MAX(w) FROM c WHERE c.k <= a.k) IN (SELECT w FROM c x WHERE x.k "
          "= a.k)",
      "SELECT a.k, a.v, b.v FROM b RIGHT JOIN a ON a.k = b.k AND a.v > ANY (SELECT w * 5 FROM c)",
      "SELECT a.k, a.v, b.k, b.v FROM a FULL JOIN b ON a.k = b.k AND b.v > (SELECT MAX(w) FROM c)",
      // of both
      left + "a.k = b.k AND EXISTS (SELECT 1 FROM c WHERE c.k <> b.k AND c.w < a.v)",
      left + "EXISTS (SELECT 1 FROM c WHERE c.k = a.k AND c.w < b.v)",
      left + "b.v - a.v IN (SELECT w FROM c WHERE c.k <= a.k) OR a.k = b.k",
      left + "a.k = b.k AND (SELECT COUNT(*) FROM c WHERE c.w < b.v AND c.k < a.v) > 1",
      left + "(SELECT MAX(w) FROM c WHERE c.k >= a.k) <= ALL (SELECT x.v FROM b x WHERE x.k = b.k)",
      "SELECT a.k, a.v, b.k, b.v FROM a RIGHT JOIN b ON (a.k, b.k) NOT IN (SELECT k, w FROM c)",
      "SELECT a.k, a.v, b.k, b.v FROM a FULL JOIN b ON a.k = b.k AND EXISTS (SELECT 1 FROM c WHERE "
      "c.w + b.v > a.v)",
      // and inside of others
      "SELECT a.k, l.v FROM a LEFT JOIN LATERAL (SELECT v FROM b WHERE b.k = a.k) l ON l.v > "
      "(SELECT MIN(w) FROM c WHERE c.k <> a.k)",
      "SELECT k, (SELECT COUNT(c.w) FROM b LEFT JOIN c ON c.k = b.k AND c.w < ALL (SELECT x.v FROM "
      "a x WHERE x.k = b.k AND x.v <> a.v) WHERE b.k = a.k) FROM a",
      "SELECT k, (SELECT COUNT(*) FROM b LEFT JOIN c ON EXISTS (SELECT 1 FROM a x WHERE x.k = b.k "
      "AND x.v > c.w AND x.v <> a.v) WHERE b.k = a.k) FROM a",
      "SELECT a.k, b.v, c.w FROM a LEFT JOIN b ON a.k = b.k AND b.v NOT IN (SELECT v FROM a) LEFT "
      "JOIN c ON c.k = a.k AND EXISTS (SELECT 1 FROM b x WHERE x.v > c.w AND x.v > b.v)",
  });
}

TEST(OracleSubqueries, of_row_values) {
  check_subqueries({
      "SELECT k, v, (k, v) IN (SELECT k, v FROM b), (k, v) NOT IN (SELECT k, v FROM b) FROM a",
      "SELECT k, (k, k) IN (SELECT k, w FROM c), (w, k) IN (SELECT w, k FROM c) FROM c",
      "SELECT k, v FROM a WHERE (k, v) IN (SELECT k, v FROM b) OR v = 40",
      "SELECT k, v FROM a WHERE NOT ((k, v - 5) IN (SELECT k, v FROM b) AND k > 1)",
      "SELECT k, v FROM a WHERE (k, v) NOT IN (SELECT k, w FROM c)",
      "SELECT k, v FROM a WHERE (k, v) NOT IN (SELECT b.k, b.v FROM b WHERE b.v <> a.v)",
      "SELECT k, v, (k, v + 1) IN (SELECT b.k, b.v FROM b WHERE b.k <= a.k) FROM a",
      "SELECT k, COUNT(*) FROM a GROUP BY k HAVING (k, COUNT(*)) IN (SELECT k, w FROM c)",
      "SELECT k, CASE WHEN (k, v) NOT IN (SELECT k, v FROM b) THEN 'no' ELSE 'perhaps' END FROM a",
      "SELECT x.k, y.v FROM a x JOIN b y ON (x.k, y.v) IN (SELECT k, v FROM b) OR x.v = y.v",
      "SELECT k, v, (k, v) < ANY (SELECT k, v FROM b), (k, v) >= ALL (SELECT k, v FROM b) FROM a",
      "SELECT k, v, (k, v) = ALL (SELECT k, v FROM b), (k, v) <> ANY (SELECT k, w FROM c) FROM a",
      "SELECT k, v FROM a WHERE (k, v) > ALL (SELECT b.k, b.v FROM b WHERE b.k < a.k)",
      "SELECT k, (1, 2) IN (SELECT k, w FROM c), (1, NULL) IN (SELECT k, v FROM b) FROM a",
  });
}

TEST(OracleSubqueries, as_arrays) {
  check_subqueries({
      "SELECT k, v FROM a WHERE v = ANY (ARRAY(SELECT v FROM b))",
      "SELECT k, v FROM a WHERE k <> ALL (ARRAY(SELECT c.k FROM c WHERE c.w < a.v))",
      "SELECT k, ARRAY(SELECT v FROM b WHERE b.k <= a.k ORDER BY v DESC NULLS LAST) FROM a",
      "SELECT k, ARRAY(SELECT w FROM c ORDER BY k DESC LIMIT 2) FROM a",
      "SELECT k, COUNT(*) FROM a GROUP BY k HAVING COUNT(*) = ANY (ARRAY(SELECT w FROM c))",
      "SELECT a.k, b.v FROM a LEFT JOIN b ON b.v = ANY (ARRAY(SELECT c.w FROM c WHERE c.k = a.k))",
      "SELECT x FROM UNNEST(ARRAY(SELECT v FROM b)) AS u(x)",
      "SELECT k, (SELECT ARRAY[c.w, c.k] FROM c WHERE c.k = a.k) FROM a",
      "SELECT k, ARRAY[k] < ANY (SELECT ARRAY[w] FROM c), ARRAY[k] = ALL (SELECT ARRAY[k] FROM c) "
      "FROM a WHERE k IS NOT NULL",
      "SELECT a.k, u.x FROM a, UNNEST(ARRAY(SELECT v FROM b WHERE b.k = a.k)) AS u(x)",
      "SELECT a.k, u.x FROM a LEFT JOIN UNNEST(ARRAY(SELECT v FROM b WHERE b.k = a.k)) AS u(x) ON "
      "TRUE",
      "SELECT a.k, i FROM a, generate_series(1, (SELECT COUNT(*) FROM b WHERE b.k = a.k)) AS i",
  });
}

TEST(OracleSubqueries, in_values) {
  check_subqueries({
      "VALUES ((SELECT MAX(v) FROM a), 1), (2, (SELECT COUNT(*)::INT FROM b)), (3, 4)",
      "SELECT a.k, u.name, u.x FROM a, LATERAL (VALUES ('k', a.k), ('v', a.v), ('none', NULL)) AS "
      "u(name, x)",
      "SELECT k, (SELECT MAX(x) FROM (VALUES (a.k), (a.v), ((SELECT MIN(w) FROM c))) AS u(x)) FROM "
      "a",
      "SELECT k FROM a WHERE k IN (VALUES (1), ((SELECT MAX(k) FROM b)))",
  });
}

TEST(OracleSubqueries, beside_windows) {
  OracleCase oracle = three_tables();
  const std::string number = "ROW_NUMBER() OVER (PARTITION BY k ORDER BY v NULLS LAST)";
  const std::string numbered = "(SELECT k, v, " + number + " AS n FROM a) q";
  auto qualified = [&](const std::string& ours, const std::string& postgres) {
    oracle.queries.push_back({"SELECT k, v FROM a QUALIFY " + ours,
                              "SELECT k, v FROM " + numbered + " WHERE " + postgres});
  };
  qualified(number + " = 1 AND k IN (SELECT k FROM b)", "n = 1 AND k IN (SELECT k FROM b)");
  qualified(number + " IN (SELECT w FROM c WHERE c.k <= a.k)",
            "n IN (SELECT w FROM c WHERE c.k <= q.k)");
  qualified(number +
                " > (SELECT COUNT(*) FROM b WHERE b.k = a.k) OR EXISTS (SELECT 1 FROM c WHERE "
                "c.w = a.v)",
            "n > (SELECT COUNT(*) FROM b WHERE b.k = q.k) OR EXISTS (SELECT 1 FROM c WHERE c.w = "
            "q.v)");
  qualified("(k, " + number + ") NOT IN (SELECT k, v FROM b)",
            "(k, n) NOT IN (SELECT k, v FROM b)");
  qualified(
      "NOT EXISTS (SELECT 1 FROM b WHERE b.k = a.k) AND " + number + " <= ALL (SELECT w FROM c)",
      "NOT EXISTS (SELECT 1 FROM b WHERE b.k = q.k) AND n <= ALL (SELECT w FROM c)");
  qualified(number + " = ANY (ARRAY(SELECT w FROM c))", "n = ANY (ARRAY(SELECT w FROM c))");
  oracle.queries.push_back(
      {"SELECT k, MAX(v) AS m FROM a GROUP BY k QUALIFY RANK() OVER (ORDER BY MAX(v) DESC NULLS "
       "LAST) <= (SELECT COUNT(*) FROM b WHERE b.k <= a.k)",
       "SELECT k, m FROM (SELECT k, MAX(v) AS m, RANK() OVER (ORDER BY MAX(v) DESC NULLS LAST) AS "
       "n "
       "FROM a GROUP BY k) q WHERE n <= (SELECT COUNT(*) FROM b WHERE b.k <= q.k)"});
  for (std::string query :
       {"SELECT k, " + number + " IN (SELECT w FROM c) FROM a",
        "SELECT k, (SELECT MAX(w) FROM c WHERE c.k = a.k), " + number + " FROM a",
        std::string("SELECT k, SUM((SELECT COUNT(*) FROM b WHERE b.k = a.k)) OVER (PARTITION BY v) "
                    "FROM a"),
        std::string("SELECT k, COUNT(*) OVER (PARTITION BY k IN (SELECT k FROM c)) FROM a"),
        std::string(
            "SELECT k, MAX(v), MIN((SELECT COUNT(*) FROM b WHERE b.k = a.k)) OVER (ORDER BY "
            "k NULLS FIRST) FROM a GROUP BY k")}) {
    oracle.queries.push_back({query, ""});
  }
  expect_oracle_holds(oracle);
}

// Postgres takes only names there.
TEST(OracleSubqueries, order_by_an_expression_over_a_set_operation) {
  OracleCase oracle = three_tables();
  oracle.queries = {
      {"SELECT k, v FROM a UNION SELECT k, v FROM b ORDER BY v + k DESC NULLS LAST, k "
       "NULLS LAST, v NULLS LAST LIMIT 3",
       "SELECT * FROM (SELECT k, v FROM a UNION SELECT k, v FROM b) q ORDER BY v + k "
       "DESC NULLS LAST, k NULLS LAST, v NULLS LAST LIMIT 3"}};
  expect_oracle_holds(oracle);
}

// More than one row where a value is wanted is an error at that mark, and heals with the data.
TEST(OracleSubqueries, two_rows_for_a_value_are_an_error_that_heals) {
  PostgresCluster& cluster = shared_cluster();
  std::string database = cluster.make_database();
  cluster.run(
      "CREATE TABLE a (k INT); CREATE TABLE b (k INT, v INT); INSERT INTO a VALUES (1), "
      "(2); INSERT INTO b VALUES (1, 10)",
      database);
  cluster.run("ALTER TABLE a REPLICA IDENTITY FULL; ALTER TABLE b REPLICA IDENTITY FULL", database);
  Engine engine;
  TestSession session(engine);
  for (const char* table : {"a", "b"}) {
    session.run(std::string("CREATE TABLE ") + table + " WITH (" +
                connector_options(cluster.address(database), "public", table) + ")");
  }
  const std::string query = "SELECT k, (SELECT v FROM b WHERE b.k = a.k) AS v FROM a";
  session.run("CREATE MATERIALIZED VIEW m AS " + query);
  auto now = [&] { return cluster.value("SELECT pg_current_wal_flush_lsn()", database); };
  {
    LiveQuery live = session.query("SELECT * FROM m");
    live.wait_for_content();
    EXPECT_EQ(live.rows(), (TextRows{{"1", "10"}, {"2", "NULL"}}));
  }
  cluster.run("INSERT INTO b VALUES (1, 20)", database);
  // The query's own answer: an error as long as the data is as it is.
  EXPECT_NE(session.error("SET 'execution.runtime-mode' = 'batch'; " + query)
                .find("a subquery used as a value has more than one row"),
            std::string::npos);
  session.run("SET 'execution.runtime-mode' = 'streaming'");
  cluster.run("DELETE FROM b WHERE v = 10", database);
  cluster.run("INSERT INTO a VALUES (3)", database);
  session.run("WAIT FOR LSN '" + now() + "'");  // while the view is in error it cannot be read
  LiveQuery live = session.query("SELECT * FROM m");
  live.wait_for_content();
  EXPECT_EQ(live.rows(), (TextRows{{"1", "20"}, {"2", "NULL"}, {"3", "NULL"}}));
}

}  // namespace
}  // namespace tidemark
