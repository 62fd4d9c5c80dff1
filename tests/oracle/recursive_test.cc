// WITH RECURSIVE under insertions and deletions, cycles among them.

#include <gtest/gtest.h>

#include "tests/oracle/oracle_case.h"

namespace tidemark {
namespace {

TEST(OracleRecursive, reachable_and_paths) {
  OracleCase oracle;
  oracle.tables = {"edge (a INT, b INT, w INT, id INT PRIMARY KEY)",
                   "node (id INT PRIMARY KEY, name TEXT, parent INT)"};
  oracle.transactions = {
      {"INSERT INTO edge VALUES (1, 2, 1, 1), (2, 3, 1, 2), (3, 4, 5, 3), (5, 6, 1, 4)",
       "INSERT INTO node VALUES (1, 'root', NULL), (2, 'left', 1), (3, 'right', 1), (4, 'leaf', "
       "2), "
       "(5, 'lost', 9)"},
      {"INSERT INTO edge VALUES (4, 1, 1, 5)"},  // a cycle
      {"INSERT INTO edge VALUES (1, 3, 2, 6), (4, 5, 1, 7)"},
      {"DELETE FROM edge WHERE id = 1"},  // the cycle is cut
      {"INSERT INTO edge VALUES (1, 2, 9, 8), (2, 1, 1, 9)"},
      {"UPDATE edge SET b = 7 WHERE id = 3", "INSERT INTO node VALUES (9, 'found', 3)"},
      {"DELETE FROM edge WHERE a = 1"},
      {"UPDATE node SET parent = 5 WHERE id = 2", "DELETE FROM node WHERE id = 3"},
      {"INSERT INTO edge SELECT i, i + 1, 1, i FROM generate_series(20, 40) i"},
      {"UPDATE edge SET a = 1 WHERE id = 20"},
      {"DELETE FROM edge WHERE id = 30"},
      {"TRUNCATE edge"},
      {"INSERT INTO edge VALUES (1, 2, 1, 1)"},
  };
  oracle.queries = {
      {"WITH RECURSIVE r(x) AS (VALUES (1) UNION SELECT e.b FROM r JOIN edge e ON e.a = r.x) "
       "SELECT x "
       "FROM r",
       ""},
      {"WITH RECURSIVE r AS (SELECT a, b FROM edge UNION SELECT r.a, e.b FROM r, edge e WHERE e.a "
       "= "
       "r.b) SELECT a, COUNT(*) FROM r GROUP BY a",
       ""},
      {"WITH RECURSIVE t(id, path, depth) AS (SELECT id, CAST(name AS VARCHAR(100)), 1 FROM node "
       "WHERE parent IS NULL UNION ALL SELECT n.id, CAST(t.path || '/' || n.name AS VARCHAR(100)), "
       "t.depth + 1 FROM t JOIN node n ON n.parent = t.id) SELECT id, path, depth FROM t",
       ""},
      {"WITH RECURSIVE r(x, d) AS (SELECT b, 1 FROM edge WHERE a = 1 UNION ALL SELECT e.b, r.d + 1 "
       "FROM r JOIN edge e ON e.a = r.x WHERE r.d < 5) SELECT x, d, COUNT(*) FROM r GROUP BY x, d",
       ""},
      {"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20) SELECT i, "
       "COUNT(e.id) FROM n LEFT JOIN edge e ON e.a = i GROUP BY i",
       ""},
      {"WITH RECURSIVE r(x) AS (SELECT 1 UNION SELECT e.b FROM r, edge e WHERE e.a = r.x AND NOT "
       "EXISTS (SELECT 1 FROM node n WHERE n.id = e.b AND n.name = 'right')) SELECT n.name FROM r "
       "JOIN node n ON n.id = r.x",
       ""},
      {"WITH RECURSIVE one AS (SELECT a FROM edge) SELECT COUNT(*) FROM one", ""},
  };
  expect_oracle_holds(oracle);
}

}  // namespace
}  // namespace tidemark
