// Comparisons with a scalar that changes: what Postgres answers at every mark, and no more rows
// touched than lie between the old and the new value.

#include <gtest/gtest.h>

#include "tests/harness/memory_database.h"
#include "tests/oracle/oracle_case.h"
#include "types/column.h"

namespace tidemark {
namespace {

TEST(OracleDynamicFilter, every_comparison_at_every_mark) {
  OracleCase oracle;
  oracle.tables = {"a (k INT, v INT, x DOUBLE PRECISION, s TEXT)", "b (y INT, z DOUBLE PRECISION)"};
  oracle.transactions = {
      {"INSERT INTO a SELECT i, i % 13, (i % 17) / 4.0, 's' || i % 7 FROM generate_series(1, 60) i",
       "INSERT INTO a VALUES (100, NULL, 'NaN', NULL), (101, 5, 'Infinity', ''), (101, 5, "
       "'Infinity', '')"},
      {"INSERT INTO b VALUES (5, 2.5)"},
      {"UPDATE b SET y = 9, z = 'NaN'"},
      {"UPDATE b SET y = 2, z = '-Infinity'", "DELETE FROM a WHERE k % 5 = 0"},
      {"UPDATE b SET y = NULL, z = NULL"},
      {"INSERT INTO b VALUES (7, 1.25), (8, 3)", "UPDATE a SET v = v + 1 WHERE k < 20"},
      {"DELETE FROM b WHERE y = 8"},
      {"TRUNCATE a"},
      {"INSERT INTO a SELECT i, i % 11, i / 8.0, 's' || i FROM generate_series(1, 40) i"},
      {"TRUNCATE b"},
      {"INSERT INTO b VALUES (3, 'Infinity')", "UPDATE a SET x = 'NaN' WHERE k = 7"},
  };
  for (const char* op : {"<", "<=", "=", ">=", ">"}) {
    std::string text = op;
    for (const std::string& query :
         {"SELECT k, v FROM a WHERE v " + text + " (SELECT MAX(y) FROM b)",
          "SELECT k, x FROM a WHERE (SELECT MAX(z) FROM b) " + text + " x",
          "SELECT k FROM a WHERE s " + text + " (SELECT MIN(s) FROM a WHERE k > 30)",
          "SELECT v, COUNT(*) FROM a GROUP BY v HAVING COUNT(*) " + text +
              " (SELECT COUNT(*) FROM b)"}) {
      oracle.queries.push_back({query, ""});
    }
  }
  for (const char* query :
       {"SELECT k FROM a WHERE v >= (SELECT MIN(y) FROM b) AND v <= (SELECT MAX(y) FROM b) AND k > "
        "3",
        "SELECT k FROM a WHERE v > (SELECT AVG(v) FROM a)",
        "SELECT k FROM a WHERE v + k > (SELECT MAX(y) FROM b)",
        "SELECT SUM(v) FROM a WHERE x < (SELECT z FROM b ORDER BY y NULLS LAST LIMIT 1)",
        "SELECT k FROM a WHERE v > (SELECT MAX(y) FROM b) AND NOT EXISTS (SELECT 1 FROM b WHERE "
        "b.y = a.k)"}) {
    oracle.queries.push_back({query, ""});
  }
  expect_oracle_holds(oracle);
}

ZBatch numbers(int32_t from, int32_t to, int64_t weight) {
  Column column(Type::integer());
  for (int32_t i = from; i < to; ++i) {
    column.append(i);
  }
  std::vector<Column> columns;
  columns.push_back(std::move(column));
  ZBatch batch{to_batch(std::move(columns)), {}};
  batch.weights.assign(batch.rows.rows, weight);
  return batch;
}

TEST(OracleDynamicFilter, a_bound_that_moves_touches_only_the_rows_between) {
  MemoryDatabase database;
  ASSERT_TRUE(database.execute("CREATE TABLE a (v INT)").ok());
  ASSERT_TRUE(database.execute("CREATE TABLE b (y INT)").ok());
  ObjectRef a = *database.find("a"), b = *database.find("b");
  auto bound = database.bind("SELECT v FROM a WHERE v > (SELECT MAX(y) FROM b)");
  ASSERT_TRUE(bound.ok());
  std::unique_ptr<MemoryView> view = database.make_view(*bound);
  auto rows_out = [&] {
    for (const Graph::NodeInfo& node : view->graph().nodes()) {
      if (node.name.starts_with("DynamicFilter")) {
        return node.stats.rows_out;
      }
    }
    ADD_FAILURE() << "no dynamic filter";
    return uint64_t{0};
  };
  view->push(a, numbers(0, 100'000, 1));
  view->push(b, numbers(50'000, 50'001, 1));
  ASSERT_TRUE(view->step().ok());
  uint64_t before = rows_out();
  EXPECT_EQ(before, 49'999U);
  view->push(b, numbers(50'000, 50'001, -1));
  view->push(b, numbers(50'003, 50'004, 1));
  ASSERT_TRUE(view->step().ok());
  EXPECT_EQ(rows_out() - before, 3U);
  before = rows_out();
  view->push(b, numbers(49'999, 50'000, 1));  // MAX stays
  ASSERT_TRUE(view->step().ok());
  EXPECT_EQ(rows_out(), before);
  view->push(b, numbers(50'003, 50'004, -1));
  ASSERT_TRUE(view->step().ok());
  EXPECT_EQ(rows_out() - before, 4U);
  Result<MemoryAnswer> answer = view->answer();
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->rows.rows, 50'000U);
}

// TPC-H's questions 11 and 22.
TEST(OracleDynamicFilter, tpch_compares_by_it) {
  MemoryDatabase database;
  for (const char* table :
       {"CREATE TABLE partsupp (ps_partkey INT, ps_suppkey INT, ps_availqty INT, ps_supplycost "
        "DECIMAL(15, 2))",
        "CREATE TABLE customer (c_custkey INT, c_phone STRING, c_acctbal DECIMAL(15, 2))",
        "CREATE TABLE orders (o_custkey INT)"}) {
    ASSERT_TRUE(database.execute(table).ok());
  }
  for (const char* query :
       {"SELECT ps_partkey, SUM(ps_supplycost * ps_availqty) AS v FROM partsupp GROUP BY "
        "ps_partkey "
        "HAVING SUM(ps_supplycost * ps_availqty) > (SELECT SUM(ps_supplycost * ps_availqty) * "
        "0.0001 FROM partsupp)",
        "SELECT code, COUNT(*), SUM(c_acctbal) FROM (SELECT SUBSTRING(c_phone FROM 1 FOR 2) AS "
        "code, c_acctbal FROM customer WHERE SUBSTRING(c_phone FROM 1 FOR 2) IN ('13', '31') AND "
        "c_acctbal > (SELECT AVG(c_acctbal) FROM customer WHERE c_acctbal > 0.00) AND NOT EXISTS "
        "(SELECT * FROM orders WHERE o_custkey = c_custkey)) AS x GROUP BY code"}) {
    auto bound = database.bind(query);
    ASSERT_TRUE(bound.ok()) << bound.status().to_string();
    std::string plan = plan_to_string(*bound->plan);
    EXPECT_NE(plan.find("DynamicFilter"), std::string::npos) << plan;
  }
}

}  // namespace
}  // namespace tidemark
