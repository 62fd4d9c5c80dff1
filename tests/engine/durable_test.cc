// A data directory through restarts: definitions, views, what went away meanwhile, accidents at the
// source.

#include <filesystem>

#include "tests/engine/durable_fixture.h"
#include "types/lsn.h"

namespace tidemark {
namespace {

namespace fs = std::filesystem;
using Lines = std::vector<std::string>;

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

}  // namespace
}  // namespace tidemark
