// WITH RECURSIVE: a view of it through kills and restarts, and a row that cannot be computed.

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "tests/harness/live_query.h"
#include "tests/harness/memory_database.h"
#include "tests/harness/serve_process.h"

namespace tidemark {
namespace {

const std::string kReachable =
    "WITH RECURSIVE r(v) AS (SELECT 0 UNION SELECT e.b FROM r JOIN e ON e.a = r.v) SELECT v FROM r";

TEST(Recursive, a_view_goes_on_after_a_kill) {
  PostgresCluster& cluster = shared_cluster();
  std::string database = cluster.make_database();
  cluster.run(
      "CREATE TABLE e (a INT, b INT); ALTER TABLE e REPLICA IDENTITY FULL; INSERT INTO e SELECT i, "
      "i + 1 FROM generate_series(0, 19) i",
      database);
  ServeProcess serve;
  ASSERT_TRUE(serve.start());
  auto run = [&](const std::string& sql) {
    PostgresConnection client = serve.connect();
    Status status = client.execute(sql);
    ASSERT_TRUE(status.ok()) << sql << "\n" << status.to_string() << "\n" << serve.log();
  };
  auto expect_exact = [&] {
    run(fmt::format("WAIT FOR LSN '{}' WITH (TIMEOUT = '300s')",
                    cluster.value("SELECT pg_current_wal_insert_lsn()", database)));
    PostgresConnection client = serve.connect(), source = cluster.connect(database);
    EXPECT_EQ(sorted_rows(client, "SELECT * FROM v"), sorted_rows(source, kReachable))
        << serve.log();
  };
  run("CREATE TABLE e WITH (" + connector_options(cluster.address(database), "public", "e") + ")");
  run("CREATE MATERIALIZED VIEW v AS " + kReachable);
  expect_exact();
  bool is_killed = false;
  for (const char* change : {
           "INSERT INTO e VALUES (20, 5)",  // a cycle
           "DELETE FROM e WHERE a = 4",     // which loses its root
           "INSERT INTO e VALUES (2, 17)",
           "DELETE FROM e WHERE a IN (1, 18)",
       }) {
    if (is_killed) {
      serve.kill();
    } else {
      EXPECT_EQ(serve.stop(), 0);
    }
    is_killed = !is_killed;
    cluster.run(change, database);
    ASSERT_TRUE(serve.start());
    expect_exact();
  }
  EXPECT_EQ(serve.log().find("read anew"), std::string::npos) << serve.log();
  serve.kill();
  cluster.run(
      "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = '" +
          database + "'",
      database);
}

TEST(Recursive, an_error_in_a_row_of_the_term_is_one_of_the_query) {
  MemoryDatabase database;
  ASSERT_TRUE(database.execute("CREATE TABLE e (a INT, b INT)").ok());
  ASSERT_TRUE(database.execute("INSERT INTO e VALUES (4, 0)").ok());
  BoundQuery bound = database
                         .bind(
                             "WITH RECURSIVE r(v) AS (SELECT a FROM e UNION SELECT 8 / (v - 2) "
                             "FROM r WHERE v BETWEEN 1 AND 4) SELECT v FROM r")
                         .value();
  std::unique_ptr<MemoryView> view = database.make_view(bound);
  ObjectRef table = database.find("e").value();
  view->push(table, database.content(table));
  ASSERT_TRUE(view->step().ok());
  auto row = [&](int32_t a, int64_t weight) {
    std::vector<Column> columns = make_columns(table->schema);
    columns[0].append(a);
    columns[1].append(0);
    return ZBatch{to_batch(std::move(columns)), {weight}};
  };
  view->push(table, row(2, 1));
  EXPECT_EQ(view->step().message(), "division by zero: 8 / 0");
  view->push(table, row(2, -1));
  EXPECT_TRUE(view->step().ok());
  EXPECT_EQ(view->answer().value().rows.rows, 1u);
}

}  // namespace
}  // namespace tidemark
