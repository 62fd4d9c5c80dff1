// Arrays, maps and rows: their making, what is in them, and UNNEST.

#include <gtest/gtest.h>

#include "tests/oracle/oracle_case.h"

namespace tidemark {
namespace {

OracleCase table_of_arrays() {
  OracleCase oracle;
  oracle.tables = {"a (id INT PRIMARY KEY, v INT, t TEXT, l INT[], n TEXT[])"};
  oracle.transactions = {
      {"INSERT INTO a VALUES (1, 2, 'x', '{1,2,3}', '{a,NULL}'), (2, 0, NULL, '{}', '{b}'), (3, 3, "
       "'z', NULL, NULL), (4, 1, 'x', '{NULL,7}', '{c,c}')"},
      {"UPDATE a SET l = '{9,9,2}' WHERE id = 1"},
      {"INSERT INTO a SELECT i, i % 5, 't' || i % 3, ARRAY[i, i + 1, i % 2], ARRAY['k' || i % 2] "
       "FROM generate_series(10, 20) i"},
      {"UPDATE a SET v = v + 1, n = n || 'more'::TEXT WHERE id % 2 = 0"},
      {"DELETE FROM a WHERE id IN (1, 12, 15)"},
      {"TRUNCATE a"},
      {"INSERT INTO a VALUES (1, 2, 'x', '{1}', '{a}')"},
  };
  return oracle;
}

TEST(OracleNested, making_and_access) {
  OracleCase oracle = table_of_arrays();
  oracle.queries = {
      {"SELECT id, l[1], l[2], l[v], l[0], n[2] FROM a", ""},
      {"SELECT id, ARRAY[v, id, l[1]], ARRAY[v + 1, 5][1] FROM a",
       "SELECT id, ARRAY[v, id, l[1]], v + 1 FROM a"},
      {"SELECT id, MAP['v', v, 'id', id]['v'], MAP[id, t, v, 'v'][v] FROM a",
       "SELECT id, v, 'v' FROM a"},
      {"SELECT id, MAP['a', 1]['b'] FROM a", "SELECT id, NULL::INT FROM a"},
      {"SELECT id, r.EXPR$0, r.EXPR$1, q.r.EXPR$0 + 1 FROM (SELECT id, ROW(v, t) AS r FROM a) q",
       "SELECT id, v, t, v + 1 FROM a"},
      {"SELECT r, COUNT(*) FROM (SELECT ARRAY[v, 1] AS r FROM a) q GROUP BY r", ""},
  };
  expect_oracle_holds(oracle);
}

TEST(OracleNested, unnest) {
  OracleCase oracle = table_of_arrays();
  oracle.queries = {
      {"SELECT id, x FROM a CROSS JOIN UNNEST(l) AS u(x)", ""},
      {"SELECT id, x, o FROM a, UNNEST(l) WITH ORDINALITY AS u(x, o)", ""},
      {"SELECT id, x, o FROM a LEFT JOIN UNNEST(n) WITH ORDINALITY AS u(x, o) ON TRUE", ""},
      {"SELECT id, x, y, o FROM a, UNNEST(l, n) WITH ORDINALITY AS u(x, y, o)", ""},
      {"SELECT u, COUNT(*), SUM(v) FROM a, UNNEST(l) AS u GROUP BY u", ""},
      {"SELECT id, x FROM a JOIN UNNEST(l) AS u(x) ON x > v", ""},
      {"SELECT id, x FROM a LEFT JOIN UNNEST(l) AS u(x) ON x > v", ""},
      {"SELECT id, x, y FROM a, UNNEST(l) AS u(x), UNNEST(ARRAY[x, id]) AS w(y) WHERE id > 2", ""},
      {"SELECT id FROM a WHERE v IN (SELECT x FROM UNNEST(l) AS u(x))",
       "SELECT id FROM a WHERE v IN (SELECT x FROM UNNEST(l) AS u(x))"},
      {"SELECT id, (SELECT MAX(x) FROM UNNEST(l) AS u(x)) FROM a", ""},
      {"SELECT id, k, w FROM a, UNNEST(MAP['v', v, 'w', id]) AS u(k, w)",
       "SELECT id, k, w FROM a, LATERAL (VALUES ('v', v), ('w', id)) AS u(k, w)"},
      {"SELECT id, x, y FROM a, UNNEST(ARRAY[ROW(v, t), ROW(id, t)]) AS u(x, y)",
       "SELECT id, x, y FROM a, LATERAL (VALUES (v, t), (id, t)) AS u(x, y)"},
      {"SELECT x, id FROM UNNEST(ARRAY[3, 1, 3]) AS u(x) JOIN a ON id = x", ""},
  };
  expect_oracle_holds(oracle);
}

TEST(OracleNested, table_functions) {
  OracleCase oracle = table_of_arrays();
  oracle.queries = {
      {"SELECT id, g FROM a, LATERAL TABLE(GENERATE_SERIES(1, v)) AS u(g)",
       "SELECT id, g FROM a, generate_series(1, v) AS u(g)"},
      {"SELECT id, g FROM a LEFT JOIN LATERAL TABLE(GENERATE_SERIES(v, 1, -2)) AS u(g) ON TRUE",
       "SELECT id, g FROM a LEFT JOIN generate_series(v, 1, -2) AS u(g) ON TRUE"},
      {"SELECT g, COUNT(id) FROM TABLE(GENERATE_SERIES(0, 6)) AS u(g) LEFT JOIN a ON v = g GROUP "
       "BY "
       "g",
       "SELECT g, COUNT(id) FROM generate_series(0, 6) AS u(g) LEFT JOIN a ON v = g GROUP BY g"},
      {"SELECT COUNT(*) FROM a, generate_series(TIMESTAMP '2024-01-01 00:00:00', TIMESTAMP "
       "'2024-01-03 00:00:00', INTERVAL '12' HOUR) AS u(g)",
       ""},
  };
  expect_oracle_holds(oracle);
}

}  // namespace
}  // namespace tidemark
