// EXPLAIN ANALYZE: what each operator has done.

#include <gtest/gtest.h>

#include "engine/engine.h"
#include "tests/harness/live_query.h"
#include "tests/harness/postgres_cluster.h"

namespace tidemark {
namespace {

// Rows of EXPLAIN ANALYZE without times and bytes: "job|operator|in|out|state rows".
std::multiset<std::string> analyzed(TestSession& session, const std::string& query) {
  std::multiset<std::string> lines;
  for (const std::vector<std::string>& row : session.rows("EXPLAIN ANALYZE " + query)) {
    lines.insert(row[0] + "|" + row[1] + "|" + row[3] + "|" + row[4] + "|" + row[5] + "|" + row[6]);
    EXPECT_GE(std::stod(row[2]), 0);
    EXPECT_NE(row[7], "");
  }
  return lines;
}

TEST(Explain, analyze_counts_rows_and_state) {
  std::string database = shared_cluster().make_database();
  shared_cluster().run("CREATE TABLE t (id INT PRIMARY KEY, g INT)", database);
  shared_cluster().run("INSERT INTO t SELECT i, i % 4 FROM generate_series(1, 20) i", database);
  Engine engine;
  TestSession session(engine);
  session.run("CREATE TABLE t WITH (" +
              connector_options(shared_cluster().address(database), "public", "t") + ")");
  EXPECT_EQ(analyzed(session, "SELECT g, COUNT(*) FROM t WHERE id > 8 GROUP BY g"),
            (std::multiset<std::string>{"public.t (shared)|Filter+Project|20|0|12|0",
                                        "public.t (shared)|Aggregate(1 keys, 1 functions)|12|0|4|4",
                                        "query|Project|4|0|4|0", "query|Output|4|0|0|4"}));
  EXPECT_EQ(analyzed(session, "SELECT 1").count("query|Output|1|0|0|1"), 1u);
  // Of a view that is read: all since it began.
  session.run("SET 'execution.runtime-mode' = 'batch'");
  session.run("CREATE MATERIALIZED VIEW n AS SELECT g, COUNT(*) AS n FROM t GROUP BY g");
  EXPECT_EQ(session.rows("SELECT n FROM n WHERE g = 0").size(), 1u);
  shared_cluster().run("DELETE FROM t WHERE id = 4", database);
  std::string position = shared_cluster().value("SELECT pg_current_wal_insert_lsn()", database);
  session.run("WAIT FOR LSN '" + position + "' WITH (TIMEOUT = '300s')");
  EXPECT_EQ(analyzed(session, "SELECT n FROM n").count("n|Output|6|1|0|4"), 1u);
}

TEST(Explain, what_a_snapshot_leaves_out) {
  std::string database = shared_cluster().make_database();
  shared_cluster().run(
      "CREATE TABLE t (id INT PRIMARY KEY, g INT); CREATE TABLE u (id INT, g INT); "
      "ALTER TABLE u REPLICA IDENTITY FULL",
      database);
  Engine engine;
  TestSession session(engine);
  for (std::string table : {"t", "u"}) {
    session.run("CREATE TABLE " + table + " WITH (" +
                connector_options(shared_cluster().address(database), "public", table) + ")");
  }
  auto explained = [&](const std::string& table) {
    return session.rows("EXPLAIN SELECT COUNT(*) FROM " + table + " WHERE id > 8 AND g % 2 = 0")
        .begin()
        ->at(0);
  };
  EXPECT_NE(explained("u").find("Snapshot(table=[u], where=[(id > 8)])\n"), std::string::npos)
      << explained("u");
  EXPECT_EQ(explained("t").find("Snapshot("), std::string::npos) << "its old rows come by key";
}

}  // namespace
}  // namespace tidemark
