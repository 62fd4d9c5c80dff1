#pragma once
// A server with a data directory over a table of 1,000 claims, and a view of it.

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "tests/harness/postgres_cluster.h"
#include "tests/harness/serve_process.h"

namespace tidemark {

class DurableTest : public testing::Test {
 protected:
  void SetUp() override {
    database_ = shared_cluster().make_database();
    shared_cluster().run(
        "CREATE TABLE claims (id int PRIMARY KEY, animal text, cost float8, note text);"
        "INSERT INTO claims SELECT i, 'animal' || i % 5, i / 4.0, repeat('n', i % 40) FROM "
        "generate_series(1, 1000) i",
        database_);
  }
  // The last test of a source leaves nothing at the server: no slot, no publication.
  void TearDown() override {
    serve_.kill();
    shared_cluster().run(
        "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = '" +
            database_ + "'",
        database_);
  }

  std::string table_sql(const std::string& table, const std::string& options = "") {
    PostgresAddress address = shared_cluster().address(database_);
    return fmt::format(
        "CREATE TABLE {0} WITH ('connector'='postgres-cdc', 'hostname'='{1}', 'port'='{2}', "
        "'username'='postgres', "
        "'password'='postgres', 'database-name'='{3}', 'schema-name'='public', "
        "'table-name'='{0}'{4})",
        table, address.host, address.port, database_, options);
  }
  void run(const std::string& sql) {
    PostgresConnection client = serve_.connect();
    Status status = client.execute(sql);
    ASSERT_TRUE(status.ok()) << sql << "\n" << status.to_string() << "\n" << serve_.log();
  }
  using Lines = std::vector<std::string>;
  Lines rows(const std::string& sql) {
    PostgresConnection client = serve_.connect();
    return sorted_rows(client, sql);
  }
  Lines source_rows(const std::string& sql) {
    PostgresConnection source = shared_cluster().connect(database_);
    return sorted_rows(source, sql);
  }
  // Until the views show all that is committed at the source now.
  void wait() {
    std::string position = shared_cluster().value("SELECT pg_current_wal_insert_lsn()", database_);
    ASSERT_EQ(rows(fmt::format("WAIT FOR LSN '{}' WITH (TIMEOUT = '300s')", position)),
              Lines{"success"})
        << serve_.log();
  }
  // Until the views' present content is on our disk: a change made now is applied after it, and
  // acknowledged when it is there too.
  void wait_for_checkpoint() {
    shared_cluster().run("UPDATE claims SET note = note WHERE id = 1", database_);
    wait();
    std::string position = shared_cluster().value("SELECT pg_current_wal_insert_lsn()", database_);
    std::string done = "SELECT bool_and(confirmed_flush_lsn >= '" + position +
                       "') FROM pg_replication_slots WHERE database = '" + database_ + "'";
    for (int i = 0; i < 6000 && shared_cluster().value(done, database_) != "t"; ++i) {
      usleep(20'000);
    }
    ASSERT_EQ(shared_cluster().value(done, database_), "t") << serve_.log();
  }
  void expect_exact() {
    wait();
    EXPECT_EQ(
        rows("SELECT * FROM per_animal"),
        source_rows("SELECT animal, count(*), sum(cost), max(id) FROM claims GROUP BY animal"))
        << serve_.log();
  }
  void define(const std::string& options = "") {
    run(table_sql("claims", options));
    run("CREATE MATERIALIZED VIEW per_animal AS SELECT animal, COUNT(*) AS n, SUM(cost) AS s, "
        "MAX(id) AS last FROM "
        "claims GROUP BY animal");
    wait();
    ASSERT_EQ(rows("SELECT COUNT(*) FROM per_animal"), Lines{"5"});
  }

  std::string database_;
  ServeProcess serve_;
};

}  // namespace tidemark
