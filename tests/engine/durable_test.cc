// A data directory through restarts: definitions, views, what went away meanwhile, damage of every
// file, a second process, a disk that is full or fails, accidents at the source.

#include <filesystem>
#include <fstream>
#include <random>

#include <fmt/core.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "tests/harness/paths.h"
#include "tests/harness/postgres_cluster.h"
#include "tests/harness/serve_process.h"
#include "tests/harness/small_disk.h"
#include "types/lsn.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TIDEMARK_IS_SANITIZED true
#else
#define TIDEMARK_IS_SANITIZED false
#endif

namespace tidemark {
namespace {

namespace fs = std::filesystem;
using Lines = std::vector<std::string>;

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

TEST_F(DurableTest, DefinitionsComeBackAsTheyWere) {
  ASSERT_TRUE(serve_.start());
  PostgresAddress address = shared_cluster().address(database_);
  define();
  run("CREATE DATABASE mine");
  run("CREATE VIEW dear AS SELECT * FROM claims WHERE cost > 200");
  run("CREATE MATERIALIZED VIEW count_dear AS SELECT COUNT(*) AS n FROM dear");
  run("CREATE MATERIALIZED VIEW animals (how_many) AS SELECT COUNT(*) FROM per_animal");
  run(
      fmt::format("CREATE CATALOG pg WITH ('type'='postgres-cdc', 'hostname'='{}', 'port'='{}', "
                  "'username'='postgres', "
                  "'password'='postgres', 'database-name'='{}')",
                  address.host, address.port, database_));
  run("CREATE MATERIALIZED VIEW from_catalog AS SELECT COUNT(*) AS n FROM pg.`public`.claims");
  run("CREATE MATERIALIZED VIEW gone AS SELECT id FROM claims");
  run("CREATE TEMPORARY VIEW passing AS SELECT 1 AS one");
  wait();
  run("DROP MATERIALIZED VIEW gone");
  for (const char* view : {"per_animal", "count_dear", "animals", "from_catalog"}) {
    ASSERT_EQ(rows(fmt::format("SELECT COUNT(*) > 0 FROM {}", view)), Lines{"t"});  // complete
  }
  wait_for_checkpoint();
  Lines tables = rows("SHOW TABLES"), views = rows("SHOW CREATE MATERIALIZED VIEW per_animal");
  for (bool clean : {false, true}) {
    SCOPED_TRACE(clean);
    if (clean) {
      EXPECT_EQ(serve_.stop(), 0);
    } else {
      serve_.kill();
    }
    ASSERT_TRUE(serve_.start()) << serve_.log();
    Lines now = rows("SHOW TABLES");
    std::erase(tables, "passing");
    EXPECT_EQ(now, tables);
    EXPECT_EQ(rows("SHOW CREATE MATERIALIZED VIEW per_animal"), views);
    EXPECT_EQ(rows("SELECT how_many FROM animals"), Lines{"5"});
    EXPECT_EQ(rows("SELECT n FROM count_dear"),
              source_rows("SELECT count(*) FROM claims WHERE cost > 200"));
    EXPECT_EQ(rows("SELECT n FROM from_catalog"), Lines{"1000"});
    EXPECT_TRUE(rows("SHOW DATABASES") == (Lines{"default_database", "mine"}));
    EXPECT_TRUE(rows("SELECT * FROM gone")[0].starts_with("error:"));
    expect_exact();
  }
  EXPECT_EQ(serve_.log().find("read anew"), std::string::npos) << serve_.log();
}

TEST_F(DurableTest, ReadsDoNotWaitForTheSource) {
  PostgresCluster source;
  std::string database = source.make_database();
  source.run("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 100)",
             database);
  ASSERT_TRUE(serve_.start());
  PostgresAddress address = source.address(database);
  run(fmt::format(
      "CREATE TABLE t WITH ('connector'='postgres-cdc', 'hostname'='{}', 'port'='{}', "
      "'username'='postgres', "
      "'password'='postgres', 'database-name'='{}', 'schema-name'='public', 'table-name'='t')",
      address.host, address.port, database));
  run("CREATE MATERIALIZED VIEW v AS SELECT COUNT(*) AS n FROM t");
  EXPECT_EQ(rows("SELECT n FROM v"), Lines{"100"});
  EXPECT_EQ(serve_.stop(), 0);
  source.stop();
  ASSERT_TRUE(serve_.start());
  EXPECT_EQ(rows("SELECT n FROM v"), Lines{"100"});
  source.start();
  source.run("INSERT INTO t VALUES (101)", database);
  std::string position = source.value("SELECT pg_current_wal_insert_lsn()", database);
  EXPECT_EQ(rows(fmt::format("WAIT FOR LSN '{}' WITH (TIMEOUT = '300s')", position)),
            Lines{"success"});
  EXPECT_EQ(rows("SELECT n FROM v"), Lines{"101"});
  serve_.kill();  // before its source ends
}

// A backup was restored under the same address: other rows, and a log that is shorter.
struct RestoredServer {
  explicit RestoredServer(const std::string& directory) : upstream(directory + "/upstream") {
    CHECK(second.make_database() == database);
    const std::string schema = "CREATE TABLE t (id int PRIMARY KEY, pad text); INSERT INTO t ";
    first.run(schema + "SELECT i, repeat('x', 1000) FROM generate_series(1, 20000) i", database);
    second.run(schema + "SELECT i, 'y' FROM generate_series(1, 30) i", database);
    fs::create_directory(upstream);
    point_to(first);
  }
  void point_to(const PostgresCluster& cluster) const {
    std::string link = upstream + "/.s.PGSQL.5432";
    fs::remove(link);
    fs::create_symlink(cluster.socket_directory() + "/.s.PGSQL." + cluster.port(), link);
  }
  std::string table_sql() const {
    return fmt::format(
        "CREATE TABLE t WITH ('connector'='postgres-cdc', 'hostname'='{}', 'port'='5432', "
        "'username'='postgres', "
        "'password'='postgres', 'database-name'='{}', 'schema-name'='public', 'table-name'='t')",
        upstream, database);
  }
  PostgresCluster first, second;
  std::string database = first.make_database();
  std::string upstream;
};

// A view that was never complete has no content to take back, and yet its source counts from the
// other server's positions.
TEST_F(DurableTest, AViewThatWasNeverCompleteCountsFromItsNewServersPositions) {
  RestoredServer servers(serve_.directory());
  ASSERT_TRUE(serve_.start());
  run(servers.table_sql());
  run("CREATE MATERIALIZED VIEW v AS SELECT COUNT(*) AS n FROM t");
  EXPECT_EQ(rows("SELECT n FROM v"), Lines{"20000"});
  servers.first.stop();
  run("CREATE MATERIALIZED VIEW w AS SELECT pad, COUNT(*) AS n FROM t GROUP BY pad");
  run("DROP MATERIALIZED VIEW v");
  EXPECT_EQ(serve_.stop(), 0);
  servers.point_to(servers.second);
  ASSERT_TRUE(serve_.start());
  EXPECT_EQ(rows("SELECT pad, n FROM w"), Lines{"y|30"}) << serve_.log();
  auto position = [&] {
    return servers.second.value("SELECT pg_current_wal_insert_lsn()", servers.database);
  };
  std::optional<Lsn> mark = Lsn::parse(rows("SELECT mark FROM tidemark.views").at(0));
  ASSERT_TRUE(mark);
  EXPECT_LE(*mark, *Lsn::parse(position()));
  servers.second.run("INSERT INTO t VALUES (100, 'y')", servers.database);
  EXPECT_EQ(rows(fmt::format("WAIT FOR LSN '{}' WITH (TIMEOUT = '300s')", position())),
            Lines{"success"});
  EXPECT_EQ(rows("SELECT pad, n FROM w"), Lines{"y|31"});
  serve_.kill();
}

TEST_F(DurableTest, AnotherServerIsReadAnewAndCountsFromItsOwnPositions) {
  RestoredServer servers(serve_.directory());
  PostgresCluster& second = servers.second;
  const std::string& database = servers.database;
  ASSERT_TRUE(serve_.start());
  run(servers.table_sql());
  run("CREATE MATERIALIZED VIEW v AS SELECT pad, COUNT(*) AS n FROM t GROUP BY pad");
  EXPECT_EQ(rows("SELECT n FROM v"), Lines{"20000"});
  EXPECT_EQ(serve_.stop(), 0);
  servers.point_to(second);
  ASSERT_TRUE(serve_.start());
  for (int i = 0; i < 3; ++i) {
    for (int look = 0;
         look < 600 && rows("SELECT pad, n FROM v") != Lines{fmt::format("y|{}", 30 + i)}; ++look) {
      usleep(20'000);
    }
    EXPECT_EQ(rows("SELECT pad, n FROM v"), Lines{fmt::format("y|{}", 30 + i)}) << serve_.log();
    // What is acknowledged is of this server's log: a kill loses nothing.
    if (i == 1) {
      serve_.kill();
    }
    second.run(fmt::format("INSERT INTO t VALUES ({}, 'y')", 100 + i), database);
    if (i == 1) {
      ASSERT_TRUE(serve_.start());
    }
  }
  std::string position = second.value("SELECT pg_current_wal_insert_lsn()", database);
  EXPECT_EQ(rows(fmt::format("WAIT FOR LSN '{}' WITH (TIMEOUT = '300s')", position)),
            Lines{"success"});
  EXPECT_EQ(rows("SELECT n FROM v"), Lines{"33"});
  EXPECT_EQ(
      second.value(
          "SELECT confirmed_flush_lsn <= pg_current_wal_insert_lsn() FROM pg_replication_slots",
          database),
      "t");
  serve_.kill();
}

// Its ordered rows and its bound come back, also those that are on disk alone.
// Its state is staged in pieces (decision 0041): a kill in the middle loses it, an end does not.
TEST_F(DurableTest, AViewThatIsMadeBesideAnotherIsKeptOnceAllOfItIs) {
  ASSERT_TRUE(serve_.start());
  define();
  shared_cluster().run(
      "INSERT INTO claims SELECT i, 'animal' || i % 5, i / 4.0, md5(i::text) FROM "
      "generate_series(1001, 60000) i",
      database_);
  wait_for_checkpoint();
  std::string query = "SELECT id, cost, note FROM claims WHERE id % 2 = 0";
  auto expect_all_exact = [&] {
    expect_exact();
    EXPECT_EQ(rows("SELECT * FROM halves"), source_rows(query));
  };
  run("CREATE MATERIALIZED VIEW halves AS " + query);
  for (int change = 1; change <= 5; ++change) {
    shared_cluster().run(
        fmt::format("UPDATE claims SET cost = cost + 1 WHERE id % 7 = {0}; DELETE FROM claims "
                    "WHERE id % 1000 = {0}",
                    change),
        database_);
  }
  expect_all_exact();
  serve_.kill();
  ASSERT_TRUE(serve_.start());
  expect_all_exact();

  run("DROP MATERIALIZED VIEW halves");
  run("CREATE MATERIALIZED VIEW halves AS " + query);
  ASSERT_EQ(rows("SELECT COUNT(*) FROM halves"),
            source_rows("SELECT COUNT(*) FROM claims WHERE id % 2 = 0"));
  ASSERT_EQ(serve_.stop(), 0);
  size_t log_before = serve_.log().size();
  ASSERT_TRUE(serve_.start());
  expect_all_exact();
  EXPECT_EQ(serve_.log().find("read anew", log_before), std::string::npos) << serve_.log();
}

TEST_F(DurableTest, ADynamicFilterGoesOnFromItsBound) {
  const std::string query =
      "SELECT id, note FROM claims WHERE id > (SELECT COUNT(*) FROM claims WHERE animal = "
      "'animal1')";
  ASSERT_TRUE(serve_.start({"--memory-limit", "16MB"}));
  define();
  run("CREATE MATERIALIZED VIEW late AS " + query);
  std::string plan = rows("EXPLAIN " + query).at(0);
  EXPECT_NE(plan.find("DynamicFilter(where=["), std::string::npos) << plan;
  wait_for_checkpoint();
  for (int i = 0; i < 4; ++i) {
    serve_.kill();
    shared_cluster().run(
        fmt::format("UPDATE claims SET animal = 'animal1' WHERE id % 10 = {0}; DELETE FROM claims "
                    "WHERE id % 100 = {0}; UPDATE claims SET note = 'late' WHERE id = 500 + {0}",
                    i),
        database_);
    ASSERT_TRUE(serve_.start({"--memory-limit", "16MB"}));
    wait();
    EXPECT_EQ(rows("SELECT * FROM late"), source_rows(query)) << serve_.log();
    wait_for_checkpoint();
  }
  EXPECT_EQ(serve_.log().find("read anew"), std::string::npos) << serve_.log();
}

TEST_F(DurableTest, ALostSlotIsMendedByComparing) {
  ASSERT_TRUE(serve_.start());
  define();
  EXPECT_EQ(serve_.stop(), 0);
  shared_cluster().run(
      "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = '" +
          database_ +
          "';"
          "UPDATE claims SET cost = cost + 1 WHERE animal = 'animal3'; DELETE FROM claims WHERE id "
          "> 900",
      database_);
  ASSERT_TRUE(serve_.start());
  expect_exact();
  std::string verified = rows("VERIFY VIEW per_animal").at(0);
  EXPECT_TRUE(verified.starts_with("equal at ") && verified.ends_with(", 5 rows")) << verified;
}

TEST_F(DurableTest, WhatWasReadAheadSurvivesKills) {
  ASSERT_TRUE(serve_.start());
  define(", 'wal.budget'='64kB'");
  EXPECT_EQ(rows("SELECT budget_bytes, budget_policy, state FROM tidemark.sources"),
            Lines{"65536|spill|streaming"});
  for (const char* place : {"ahead_written:2", "ahead_synced:2", "ahead_confirmed:3"}) {
    SCOPED_TRACE(place);
    EXPECT_EQ(serve_.stop(), 0);
    for (int i = 0; i < 15; ++i) {
      shared_cluster().run("UPDATE claims SET cost = cost + 1, note = repeat('x', 3000)",
                           database_);
    }
    if (serve_.start({"--crash-at", place})) {
      EXPECT_EQ(serve_.wait(), SIGKILL);
    }
    ASSERT_TRUE(serve_.start()) << serve_.log();
    expect_exact();
  }
  EXPECT_EQ(serve_.log().find("read anew"), std::string::npos) << serve_.log();
  EXPECT_NE(serve_.log().find(": streaming"), std::string::npos) << "the state is in the log";
}

TEST_F(DurableTest, WhatNobodyReadsHoldsNoLogAtTheSource) {
  ASSERT_TRUE(serve_.start());
  define();
  std::string kept =
      "SELECT (SELECT count(*) FROM pg_replication_slots WHERE database = '" + database_ +
      "') || ' slots, ' || (SELECT count(*) FROM pg_publication WHERE pubname LIKE 'tidemark%') || "
      "' publications'";
  EXPECT_EQ(shared_cluster().value(kept, database_), "1 slots, 1 publications");
  run("DROP TABLE claims CASCADE");
  // The source is kept for some seconds, for the next query; of the two the slot goes first.
  constexpr const char* kNothing = "0 slots, 0 publications";
  for (int i = 0; i < 600 && shared_cluster().value(kept, database_) != kNothing; ++i) {
    run("SHOW JOBS");
    usleep(50'000);
  }
  EXPECT_EQ(shared_cluster().value(kept, database_), kNothing) << serve_.log();
}

TEST_F(DurableTest, AViewWhoseTableIsAlteredStopsAloneAndComesBack) {
  ASSERT_TRUE(serve_.start());
  define();
  shared_cluster().run("CREATE TABLE beside (id int PRIMARY KEY)", database_);
  run(table_sql("beside"));
  run("CREATE MATERIALIZED VIEW n_beside AS SELECT COUNT(*) AS n FROM beside");
  auto answer = [&](const std::string& sql) {
    PostgresConnection client = serve_.connect();
    Result<QueryResult> result = client.query(sql);
    return result.ok() ? std::string(result->text(0, 0)) : result.status().message();
  };
  auto becomes = [&](const std::string& sql, const std::string& wanted) {
    std::string last;
    for (int i = 0; i < 600 && last != wanted; ++i) {
      last = answer(sql);
      usleep(20'000);
    }
    EXPECT_EQ(last, wanted) << sql << "\n" << serve_.log();
  };
  std::string gone = "table public.claims has no column cost";
  shared_cluster().run("ALTER TABLE claims DROP COLUMN cost; INSERT INTO beside VALUES (1)",
                       database_);
  becomes("SELECT COUNT(*) FROM per_animal", gone);
  becomes("SELECT n FROM n_beside", "1");
  // The same after a restart, which knows of the view and not of the column.
  serve_.kill();
  ASSERT_TRUE(serve_.start());
  becomes("SELECT COUNT(*) FROM per_animal", gone);
  EXPECT_EQ(answer("SELECT n FROM n_beside"), "1");
  shared_cluster().run("ALTER TABLE claims ADD COLUMN cost float8 DEFAULT 2.5", database_);
  becomes("SELECT COUNT(*) FROM per_animal", "5");
  expect_exact();
  // A new name is followed, also across a restart.
  shared_cluster().run(
      "ALTER TABLE claims RENAME COLUMN cost TO price; UPDATE claims SET price = 3 WHERE id < 10",
      database_);
  wait();
  EXPECT_EQ(rows("SELECT SUM(s) FROM per_animal"), source_rows("SELECT sum(price) FROM claims"));
  wait_for_checkpoint();
  serve_.kill();
  shared_cluster().run("UPDATE claims SET price = 4 WHERE id > 990", database_);
  ASSERT_TRUE(serve_.start());
  wait();
  EXPECT_EQ(rows("SELECT SUM(s) FROM per_animal"), source_rows("SELECT sum(price) FROM claims"));
}

TEST_F(DurableTest, ASecondProcessIsRefused) {
  ASSERT_TRUE(serve_.start());
  std::string command =
      fmt::format("{} serve --data-dir {} --socket-dir '' --listen 127.0.0.1:0 >{}/second 2>&1",
                  tidemark_binary(), serve_.data_directory(), serve_.directory());
  EXPECT_EQ(WEXITSTATUS(system(command.c_str())), 1);
  std::ifstream said(serve_.directory() + "/second");
  std::string text((std::istreambuf_iterator<char>(said)), {});
  EXPECT_NE(text.find("in use by another process"), std::string::npos) << text;
}

// Every file of the directory, damaged at random places or cut: an error that says so, or the right
// answer; never another one.
TEST_F(DurableTest, DamageIsNeverAWrongAnswer) {
  ASSERT_TRUE(serve_.start({"--checkpoint-interval", "10ms"}));
  define();
  Lines right = rows("SELECT * FROM per_animal");
  EXPECT_EQ(serve_.stop(), 0);
  // Once more, so that the first data is in a table file and not only in the log.
  ASSERT_TRUE(serve_.start({"--checkpoint-interval", "10ms"}));
  EXPECT_EQ(serve_.stop(), 0);
  std::string kept = serve_.directory() + "/kept";
  fs::copy(serve_.data_directory(), kept, fs::copy_options::recursive);
  std::mt19937 random(20261124);
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(kept)) {
    if (entry.is_regular_file() && entry.file_size() != 0 && entry.path().filename() != "LOCK") {
      names.push_back(entry.path().filename());
    }
  }
  auto is_error = [](const Lines& lines) {
    return lines.size() == 1 && lines[0].starts_with("error:");
  };
  int refused = 0, answered = 0;
  for (const std::string& name : names) {
    for (int round = 0; round < 4; ++round) {
      SCOPED_TRACE(fmt::format("{} round {}", name, round));
      fs::remove_all(serve_.data_directory());
      fs::copy(kept, serve_.data_directory(), fs::copy_options::recursive);
      std::string path = serve_.data_directory() + "/" + name;
      uintmax_t size = fs::file_size(path);
      if (round == 3) {
        fs::resize_file(path, random() % size);
      } else {
        std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
        for (int i = 0; i < 1 << (round * 4); ++i) {
          file.seekp(static_cast<std::streamoff>(random() % size));
          file.put(static_cast<char>(random()));
        }
      }
      if (!serve_.start()) {
        serve_.wait();
        ++refused;
        continue;
      }
      Lines now = rows("SELECT * FROM per_animal");
      if (!is_error(now)) {
        // A log that was cut may have lost the last checkpoints: the view is then at an earlier
        // mark, and catches up. Damage may also be met by the first read of its block only.
        wait();
        now = rows("SELECT * FROM per_animal");
      }
      if (is_error(now)) {
        EXPECT_EQ(now[0].find("no such table or view"), std::string::npos) << now[0];
        ++refused;
      } else {
        EXPECT_EQ(now, right) << serve_.log();
        ++answered;
      }
      serve_.kill();
    }
  }
  fmt::print("damage: {} files, {} times refused, {} times the right answer\n", names.size(),
             refused, answered);
  EXPECT_GT(refused, 0);
}

// A data directory on a file system of 48 MB: reads go on, nothing is lost, and it recovers when
// there is room.
TEST_F(DurableTest, AFullDiskLosesNothing) {
  SmallDisk disk(serve_.data_directory(), "48m");
  if (!disk.is_mounted()) {
    GTEST_SKIP() << disk.why();
  }
  ASSERT_TRUE(serve_.start({"--checkpoint-interval", "20ms"}));
  define();
  run("CREATE MATERIALIZED VIEW notes AS SELECT id, note FROM claims");
  wait();
  disk.fill();
  for (int i = 0; i < 20; ++i) {
    // Notes that no compression makes small.
    shared_cluster().run(
        fmt::format("UPDATE claims SET cost = cost + 1, note = (SELECT string_agg(md5(id::text || "
                    "g), '') FROM generate_series(1, 40) g) WHERE id % 20 = {}",
                    i),
        database_);
  }
  expect_exact();
  // What was read is not durable, so the source must still have it.
  std::string lag = shared_cluster().value(
      "SELECT pg_current_wal_insert_lsn() - confirmed_flush_lsn > 100000 FROM pg_replication_slots "
      "WHERE database = '" +
          database_ + "'",
      database_);
  EXPECT_EQ(lag, "t");
  serve_.kill();
  disk.make_room();
  ASSERT_TRUE(serve_.start({"--checkpoint-interval", "20ms"})) << serve_.log();
  expect_exact();
  shared_cluster().run("DELETE FROM claims WHERE id < 100", database_);
  expect_exact();
  serve_.kill();  // before its disk goes
}

// A sync that fails has lost what it was to keep, and trying again does not bring it back. Nothing
// of it is acknowledged; what is read is right meanwhile; a kill loses nothing, and without one it
// recovers when syncs succeed again.
TEST_F(DurableTest, AFailedSyncLosesNothing) {
  fs::path library = fs::path(tidemark_binary()).parent_path() / "failing_sync.so";
  if (TIDEMARK_IS_SANITIZED) {
    GTEST_SKIP() << "a sanitizer must come before other libraries";
  }
  std::string switch_path = serve_.directory() + "/failing";
  auto start = [&] {
    setenv("LD_PRELOAD", library.c_str(), 1);
    setenv("TIDEMARK_FAILING_SYNC", switch_path.c_str(), 1);
    bool is_started = serve_.start({"--checkpoint-interval", "20ms"});
    unsetenv("LD_PRELOAD");
    unsetenv("TIDEMARK_FAILING_SYNC");
    return is_started;
  };
  auto confirmed = [&] {
    return Lsn::parse(
               shared_cluster().value(
                   "SELECT confirmed_flush_lsn FROM pg_replication_slots WHERE database = '" +
                       database_ + "'",
                   database_))
        .value();
  };
  auto change = [&](const char* which) {
    for (int i = 0; i < 10; ++i) {
      shared_cluster().run(
          fmt::format(
              "UPDATE claims SET cost = cost + 1, note = md5(id::text || {0}) WHERE id % {1} "
              "= {0}",
              i, which),
          database_);
    }
  };
  ASSERT_TRUE(start());
  define(", 'wal.budget'='32kB'");
  run("CREATE MATERIALIZED VIEW notes AS SELECT id, note FROM claims");
  for (bool is_killed : {true, false}) {
    wait_for_checkpoint();
    std::ofstream(switch_path) << "on";
    std::string before = shared_cluster().value("SELECT pg_current_wal_insert_lsn()", database_);
    change("10");   // checkpoints that become tables
    change("200");  // and such that go through the log
    expect_exact();
    EXPECT_EQ(rows("SELECT * FROM notes"), source_rows("SELECT id, note FROM claims"));
    EXPECT_LE(confirmed(), Lsn::parse(before).value());
    EXPECT_NE(rows("SHOW SOURCES").at(0).find("Input/output error"), std::string::npos)
        << rows("SHOW SOURCES").at(0);
    if (is_killed) {
      serve_.kill();
    }
    fs::remove(switch_path);
    if (is_killed) {
      ASSERT_TRUE(start()) << serve_.log();
    }
    change("10");
    expect_exact();
    wait_for_checkpoint();
    EXPECT_EQ(rows("SELECT * FROM notes"), source_rows("SELECT id, note FROM claims"));
  }
  serve_.kill();
  ASSERT_TRUE(start()) << serve_.log();
  expect_exact();
  EXPECT_EQ(serve_.log().find("read anew"), std::string::npos) << serve_.log();
}

}  // namespace
}  // namespace tidemark
