// What happens to a source beside its data: a password that is changed, a disk that is full. Views
// stay readable at their mark, SHOW SOURCES says what is wrong and what mends it, and then all goes
// on without reading a table again.

#include <cstdlib>
#include <fstream>
#include <optional>

#include <fmt/core.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "connectors/postgres_cdc/doctor.h"
#include "tests/harness/served_source.h"
#include "tests/harness/small_disk.h"

namespace tidemark {
namespace {

using Lines = std::vector<std::string>;

constexpr const char* kSums =
    "CREATE MATERIALIZED VIEW sums AS SELECT id % 5 AS k, COUNT(*) AS n, SUM(v) AS s FROM t GROUP "
    "BY id % 5";
constexpr const char* kSumsThere = "SELECT id % 5, count(*), sum(v) FROM t GROUP BY id % 5";

class SourceAccident : public ServedSource {
 protected:
  void run_fails(const std::string& sql, const std::string& expected) {
    Status status = client_->query(sql).status();
    EXPECT_NE(status.to_string().find(expected), std::string::npos) << status.to_string();
  }
  // Until the only source is in the state; its row of SHOW SOURCES.
  std::string await_source(const std::string& state) {
    std::string row;
    for (int i = 0; i < 1200; ++i) {
      row = rows("SHOW SOURCES").at(0);
      if (row.find("|" + state + "|") != std::string::npos) {
        return row;
      }
      usleep(50'000);
    }
    ADD_FAILURE() << "it is not " << state << ": " << row << "\n" << serve_.log();
    return row;
  }
};

TEST_F(SourceAccident, APasswordIsChanged) {
  std::string role = "keeper_" + database_;
  source(
      fmt::format("CREATE ROLE {} LOGIN SUPERUSER PASSWORD 'one'; "
                  "CREATE TABLE t (id int PRIMARY KEY, v int); "
                  "INSERT INTO t SELECT i, i FROM generate_series(1, 1000) i",
                  role));
  start();
  PostgresAddress address = shared_cluster().address(database_);
  run(
      fmt::format("CREATE TABLE t WITH ('connector'='postgres-cdc', 'hostname'='127.0.0.1', "
                  "'port'='{}', 'username'='{}', 'password'='one', 'database-name'='{}', "
                  "'schema-name'='public', 'table-name'='t')",
                  address.port, role, database_));
  run(kSums);
  wait();
  Lines before = source_rows(kSumsThere);
  EXPECT_EQ(rows("SELECT * FROM sums"), before);

  // Connections that are there stay, so nothing is noticed until they end.
  source(
      fmt::format("ALTER ROLE {0} PASSWORD 'two'; SELECT pg_terminate_backend(pid) FROM "
                  "pg_stat_activity WHERE usename = '{0}'",
                  role));
  std::string row = await_source("stale");
  for (int i = 0; i < 600 && row.find("password") == std::string::npos; ++i) {
    usleep(50'000);  // the connection was cut first
    row = await_source("stale");
  }
  EXPECT_NE(row.find("password authentication failed"), std::string::npos) << row;
  EXPECT_NE(row.find(fmt::format("ALTER ROLE \"{}\" PASSWORD", role)), std::string::npos) << row;
  EXPECT_NE(serve_.log().find("password authentication failed"), std::string::npos);
  Status found =
      run_doctor(fmt::format("postgres://{}:one@127.0.0.1:{}/{}", role, address.port, database_))
          .status();
  EXPECT_NE(found.hint().find("ALTER ROLE"), std::string::npos) << found.to_string();
  source("UPDATE t SET v = v + 1");
  EXPECT_EQ(rows("SELECT * FROM sums"), before) << "exact up to its mark";

  run_fails("ALTER TABLE t SET ('password' = 'three')", "password authentication failed");
  run_fails("ALTER TABLE t SET ('table-name' = 'u')", "option 'table-name' cannot be changed");
  run("ALTER TABLE t SET ('password' = 'two')");
  wait();
  EXPECT_EQ(rows("SELECT * FROM sums"), source_rows(kSumsThere));
  // Another start has it, also one that comes before the next checkpoint.
  serve_.kill();
  start();
  source("UPDATE t SET v = v + 1");
  wait();
  EXPECT_EQ(rows("SELECT * FROM sums"), source_rows(kSumsThere));
  // A view that is made now shares what the one before has.
  run("CREATE MATERIALIZED VIEW counts AS SELECT v % 10 AS g, COUNT(*) AS n FROM t GROUP BY v % "
      "10");
  wait();
  EXPECT_EQ(rows("SELECT * FROM counts"),
            source_rows("SELECT v % 10, count(*) FROM t GROUP BY v % 10"));

  // A password that stands in a file is looked up at each connection.
  std::string file = serve_.directory() + "/password";
  std::ofstream(file) << "four\n";
  source(fmt::format("ALTER ROLE {} PASSWORD 'four'", role));
  run(fmt::format("ALTER TABLE t SET ('password' = '${{file:{}}}')", file));
  std::ofstream(file) << "five\n";
  source(
      fmt::format("ALTER ROLE {0} PASSWORD 'five'; SELECT pg_terminate_backend(pid) FROM "
                  "pg_stat_activity WHERE usename = '{0}'",
                  role));
  source("UPDATE t SET v = v + 1");
  wait();
  EXPECT_EQ(rows("SELECT * FROM sums"), source_rows(kSumsThere));
  EXPECT_EQ(serve_.log().find("read anew"), std::string::npos) << serve_.log();
}

// A cluster of its own on a file system of 160 MB. When no new file of its log fits in, the server
// ends, and does not come up again before there is room.
class FullSource : public testing::Test {
 protected:
  void SetUp() override {
    if (!disk_.is_mounted()) {
      GTEST_SKIP() << disk_.why();
    }
    const char* before = getenv("TMPDIR");
    std::optional<std::string> kept = before == nullptr ? std::nullopt : std::optional(before);
    setenv("TMPDIR", disk_.path().c_str(), 1);
    cluster_.emplace(ClusterOptions{
        .settings = {"min_wal_size = 32MB", "max_wal_size = 64MB", "autovacuum = off"}});
    kept ? setenv("TMPDIR", kept->c_str(), 1) : unsetenv("TMPDIR");
    database_ = cluster_->make_database();
  }
  void TearDown() override {
    serve_.kill();
    cluster_.reset();
  }

  ServeProcess serve_;
  // Not in the directory of serve_, which the server's user may not enter.
  SmallDisk disk_{serve_.directory() + ".source", "160m"};
  std::optional<PostgresCluster> cluster_;
  std::string database_;
};

TEST_F(FullSource, ViewsGoOnWhenItHasRoom) {
  cluster_->run(
      "CREATE TABLE t (id int PRIMARY KEY, v int, note text); "
      "INSERT INTO t SELECT i, i, '' FROM generate_series(1, 1000) i",
      database_);
  ASSERT_TRUE(serve_.start());
  PostgresConnection client = serve_.connect();
  PostgresAddress address = cluster_->address(database_);
  ASSERT_TRUE(
      client
          .execute(fmt::format("CREATE TABLE t WITH ('connector'='postgres-cdc', 'hostname'='{}', "
                               "'port'='{}', 'username'='postgres', 'password'='postgres', "
                               "'database-name'='{}', 'schema-name'='public', 'table-name'='t')",
                               address.host, address.port, database_))
          .ok());
  ASSERT_TRUE(client.execute(kSums).ok());
  auto wait = [&] {
    std::string position = cluster_->value("SELECT pg_current_wal_insert_lsn()", database_);
    Status reached =
        client.execute(fmt::format("WAIT FOR LSN '{}' WITH (TIMEOUT = '300s')", position));
    ASSERT_TRUE(reached.ok()) << reached.to_string() << "\n" << serve_.log();
  };
  wait();
  disk_.fill();
  int committed = 0;
  {
    PostgresConnection writer = cluster_->connect(database_);
    for (int i = 0; i < 100 && !writer.is_broken(); ++i) {
      committed += writer.execute("UPDATE t SET v = v + 1").ok() ? 1 : 0;
      static_cast<void>(writer.execute("SELECT pg_switch_wal()").ok());
    }
    EXPECT_TRUE(writer.is_broken());
  }
  // What it shows is a state that was committed.
  Result<QueryResult> now = client.query("SELECT SUM(n), SUM(s) FROM sums");
  ASSERT_TRUE(now.ok()) << now.status().to_string();
  EXPECT_EQ(now->integer(0, 0), 1000);
  EXPECT_EQ(now->integer(0, 1) % 1000, 500);
  std::string row = sorted_rows(client, "SHOW SOURCES").at(0);
  EXPECT_EQ(row.find("failed"), std::string::npos) << row;

  cluster_->stop();
  disk_.make_room();
  cluster_->start();
  cluster_->run("UPDATE t SET v = v + 1 WHERE id % 2 = 0", database_);
  wait();
  PostgresConnection source = cluster_->connect(database_);
  EXPECT_EQ(sorted_rows(client, "SELECT * FROM sums"), sorted_rows(source, kSumsThere));
  EXPECT_EQ(serve_.log().find("read anew"), std::string::npos) << serve_.log();
  fmt::print("{} updates before the source's disk was full; then: {}\n", committed, row);
}

}  // namespace
}  // namespace tidemark
