// WITH RECURSIVE over graphs that grow, lose edges and have cycles, against Postgres at every mark.

#include <random>

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "tests/oracle/oracle_case.h"

namespace tidemark {
namespace {

TEST(OracleRecursiveGraphs, paths_trees_and_counters) {
  OracleCase oracle;
  oracle.tables = {"e (a INT, b INT, w INT)", "root (v INT)", "emp (id INT, boss INT, name TEXT)"};
  oracle.transactions = {
      {"INSERT INTO e VALUES (1, 2, 1), (2, 3, 1), (3, 4, 5), (2, 4, 9)",
       "INSERT INTO root VALUES (1)",
       "INSERT INTO emp VALUES (1, NULL, 'ada'), (2, 1, 'bob'), (3, 1, 'cem'), (4, 3, 'dan')"},
      {"INSERT INTO e VALUES (4, 2, 1)"},  // a cycle: 2 3 4
      {"INSERT INTO e VALUES (1, 2, 1)"},  // an edge twice
      {"DELETE FROM e WHERE a = 1"},       // the cycle has lost its root, and goes
      {"INSERT INTO e VALUES (1, 4, 2)"},
      {"DELETE FROM e WHERE a = 3"},
      {"UPDATE e SET b = 5 WHERE a = 4", "INSERT INTO e VALUES (5, 6, 1), (6, 1, 1)"},
      {"INSERT INTO root VALUES (2), (NULL)"},
      {"DELETE FROM root WHERE v = 1"},
      {"UPDATE emp SET boss = 2 WHERE id = 4", "INSERT INTO emp VALUES (5, 4, 'eve')"},
      {"UPDATE emp SET name = 'bea' WHERE id = 2"},
      {"DELETE FROM emp WHERE id = 3"},
      {"TRUNCATE e"},
      {"INSERT INTO e SELECT i, i + 1, 1 FROM generate_series(1, 60) i"},
      {"DELETE FROM e WHERE a = 30"},
      {"TRUNCATE root"},
      {"INSERT INTO root VALUES (1)", "INSERT INTO e VALUES (30, 31, 2)"},
      {"TRUNCATE e, root, emp"},
  };
  for (const char* query : {
           "WITH RECURSIVE r(v) AS (SELECT v FROM root UNION SELECT e.b FROM r JOIN e ON e.a = "
           "r.v) SELECT v FROM r",
           "WITH RECURSIVE r(a, b) AS (SELECT a, b FROM e UNION SELECT r.a, e.b FROM r, e WHERE "
           "r.b = e.a) SELECT a, COUNT(*) FROM r GROUP BY a",
           "WITH RECURSIVE r(id, name, depth, path) AS (SELECT id, name, 0, name FROM emp WHERE "
           "boss IS NULL UNION ALL SELECT emp.id, emp.name, r.depth + 1, r.path || '/' || emp.name "
           "FROM emp JOIN r ON emp.boss = r.id) SELECT id, depth, path FROM r",
           "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10) SELECT "
           "n.i, e.b FROM n LEFT JOIN e ON e.a = n.i",
           "WITH RECURSIVE r(v, d) AS (SELECT v, 0 FROM root UNION ALL SELECT e.b, d + e.w FROM r "
           "JOIN e ON e.a = r.v WHERE d < 12) SELECT v, MIN(d), COUNT(*) FROM r GROUP BY v",
           "WITH RECURSIVE r(v) AS (SELECT v FROM root UNION SELECT e.b FROM r JOIN e ON e.a = "
           "r.v WHERE e.b NOT IN (SELECT id FROM emp)) SELECT x.v, y.v FROM r x JOIN r y ON x.v "
           "< y.v",
           "WITH RECURSIVE r(v) AS (SELECT v FROM root UNION SELECT e.b FROM r JOIN e ON e.a = "
           "r.v WHERE EXISTS (SELECT 1 FROM emp WHERE emp.id = e.b AND emp.id > r.v)) SELECT v "
           "FROM r",
           "WITH RECURSIVE r(v) AS (SELECT v FROM root UNION ALL (SELECT DISTINCT e.b FROM r JOIN "
           "e ON e.a = r.v AND e.b > e.a)) SELECT v, COUNT(*) FROM r GROUP BY v",
           "WITH RECURSIVE top AS (SELECT MAX(v) AS v FROM root), r(v, up) AS (SELECT v, v FROM "
           "top UNION SELECT e.b, e.a FROM r LEFT JOIN e ON e.a = r.v) SELECT v, up FROM r",
           "WITH RECURSIVE plain AS (SELECT a FROM e UNION SELECT b FROM e) SELECT a FROM plain",
       }) {
    oracle.queries.push_back({query, ""});
  }
  expect_oracle_holds(oracle);
  oracle.step_commits_max = 0;
  expect_oracle_holds(oracle);
}

TEST(OracleRecursiveGraphs, random_graphs) {
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    auto node = [&] { return random() % 7; };
    OracleCase oracle;
    oracle.tables = {"e (a INT, b INT)", "root (v INT)"};
    oracle.transactions = {{"INSERT INTO root VALUES (0)"}};
    for (int i = 0; i < 25; ++i) {
      std::vector<std::string> statements;
      for (uint64_t s = random() % 4; s < 4; ++s) {
        switch (random() % 9) {
          case 0:
            statements.push_back(fmt::format("DELETE FROM e WHERE a = {}", node()));
            break;
          case 1:
          case 2:
            statements.push_back(
                fmt::format("DELETE FROM e WHERE a = {} AND b = {}", node(), node()));
            break;
          case 3:
            statements.push_back(fmt::format("UPDATE e SET b = {} WHERE b = {}", node(), node()));
            break;
          case 4:
            statements.push_back(fmt::format("UPDATE root SET v = {}", node()));
            break;
          default:
            statements.push_back(fmt::format("INSERT INTO e VALUES ({}, {})", node(), node()));
        }
      }
      oracle.transactions.push_back(std::move(statements));
    }
    oracle.queries = {
        {"WITH RECURSIVE r(v) AS (SELECT v FROM root UNION SELECT e.b FROM r JOIN e ON e.a = r.v) "
         "SELECT v FROM r",
         ""},
        {"WITH RECURSIVE r(a, b) AS (SELECT a, b FROM e UNION SELECT r.a, e.b FROM r JOIN e ON "
         "r.b = e.a) SELECT a, b FROM r",
         ""},
        {"WITH RECURSIVE r(v, d) AS (SELECT v, 0 FROM root UNION SELECT e.b, d + 1 FROM r JOIN e "
         "ON e.a = r.v WHERE d < 6) SELECT v, d FROM r",
         ""},
        {"WITH RECURSIVE r(v, d) AS (SELECT v, 0 FROM root UNION ALL SELECT e.b, d + 1 FROM r JOIN "
         "e ON e.a = r.v WHERE d < 4) SELECT v, d, COUNT(*) FROM r GROUP BY v, d",
         ""}};
    oracle.step_commits_max = seed % 2;
    expect_oracle_holds(oracle);
  }
}

}  // namespace
}  // namespace tidemark
