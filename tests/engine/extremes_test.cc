// Sources of unusual size, and a process that stands still for longer than its peers wait.

#include <fmt/core.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include "tests/harness/served_source.h"
#include "tests/harness/subscription_reader.h"

namespace tidemark {
namespace {

using Lines = std::vector<std::string>;

class Extremes : public ServedSource {};

TEST_F(Extremes, TenThousandTablesInTheSourceDatabase) {
  // In transactions of 200: a transaction holds a lock of every table that it makes.
  source(
      "CREATE PROCEDURE make_tables() LANGUAGE plpgsql AS $$ BEGIN FOR i IN 1..10000 LOOP "
      "EXECUTE format('CREATE TABLE t%s (id int PRIMARY KEY, v int)', i); "
      "IF i % 200 = 0 THEN COMMIT; END IF; END LOOP; END $$");
  source("CALL make_tables()");
  source("INSERT INTO t5000 VALUES (1, 10), (2, 20)");
  start();
  PostgresAddress address = shared_cluster().address(database_);
  run(
      fmt::format("CREATE CATALOG pg WITH ('type'='postgres-cdc', 'hostname'='{}', 'port'='{}', "
                  "'username'='postgres', 'password'='postgres', 'database-name'='{}')",
                  address.host, address.port, database_));
  run("CREATE MATERIALIZED VIEW sum_of_one AS SELECT SUM(v) AS s FROM pg.`public`.t5000");
  wait();
  EXPECT_EQ(rows("SELECT s FROM sum_of_one"), Lines{"30"});
  source("INSERT INTO t5000 VALUES (3, 5); INSERT INTO t4999 VALUES (1, 1)");
  wait();
  EXPECT_EQ(rows("SELECT s FROM sum_of_one"), Lines{"35"});
  run("USE CATALOG pg");
  run("USE `public`");
  EXPECT_EQ(rows("SHOW TABLES").size(), 10000u);
  EXPECT_EQ(source_rows("SELECT tablename FROM pg_publication_tables"), Lines{"t5000"});
}

TEST_F(Extremes, AMillionRowsIntoAThousandPartitions) {
  source(
      "CREATE TABLE parts (id int, part int, v int, PRIMARY KEY (part, id)) PARTITION BY LIST "
      "(part)");
  source(
      "CREATE PROCEDURE make_parts() LANGUAGE plpgsql AS $$ BEGIN FOR i IN 0..999 LOOP "
      "EXECUTE format('CREATE TABLE parts_%s PARTITION OF parts FOR VALUES IN (%s)', i, i); "
      "IF i % 200 = 0 THEN COMMIT; END IF; END LOOP; END $$");
  source("CALL make_parts()");
  start();
  declare("parts");
  run("CREATE MATERIALIZED VIEW per_part AS SELECT part, COUNT(*) AS n, SUM(v) AS s FROM parts "
      "GROUP BY part");
  wait();
  source("INSERT INTO parts SELECT i, i % 1000, i % 77 FROM generate_series(1, 1000000) i");
  wait();
  EXPECT_EQ(rows("SELECT * FROM per_part"),
            source_rows("SELECT part, count(*), sum(v) FROM parts GROUP BY part"));
}

// The source's walsender gives up a consumer that says nothing; it comes back by itself.
TEST_F(Extremes, AProcessThatStandsStill) {
  source(
      fmt::format("ALTER ROLE postgres IN DATABASE \"{}\" SET wal_sender_timeout = '1s'; "
                  "CREATE TABLE t (id int PRIMARY KEY, v int)",
                  database_));
  start();
  declare("t");
  run("CREATE MATERIALIZED VIEW sums AS SELECT id % 5 AS k, SUM(v) AS s FROM t GROUP BY id % 5");
  wait();
  std::string sender =
      fmt::format("SELECT active_pid FROM pg_replication_slots WHERE database = '{}'", database_);
  Lines before = source_rows(sender);
  serve_.signal(SIGSTOP);
  source("INSERT INTO t SELECT i, i FROM generate_series(1, 20000) i");
  source("UPDATE t SET v = v + 1 WHERE id % 3 = 0");
  bool is_given_up = false;
  for (int i = 0; i < 600 && !is_given_up; ++i) {
    usleep(50'000);
    is_given_up = source_rows(sender) != before;
  }
  EXPECT_TRUE(is_given_up);
  serve_.signal(SIGCONT);
  wait();
  EXPECT_EQ(rows("SELECT k, s FROM sums"),
            source_rows("SELECT id % 5, sum(v) FROM t GROUP BY id % 5"))
      << serve_.log();
}

// A step and an answer for each would cost more than the rows: behind, commits go together.
TEST_F(Extremes, ABacklogOfSmallCommitsIsShownInFewerStates) {
  source("CREATE TABLE t (id int PRIMARY KEY, v int)");
  source(
      "CREATE PROCEDURE write(n int) LANGUAGE plpgsql AS $$ BEGIN FOR i IN 1..n LOOP "
      "INSERT INTO t VALUES (i, i); COMMIT; END LOOP; END $$");
  start();
  declare("t");
  run("CREATE MATERIALIZED VIEW total AS SELECT SUM(v) AS s FROM t");
  wait();
  SubscriptionReader reader(serve_.connect(), "SUBSCRIBE total");
  constexpr size_t kCommits = 8000;
  serve_.signal(SIGSTOP);
  source(fmt::format("CALL write({})", kCommits));
  serve_.signal(SIGCONT);
  wait();
  reader.read();
  EXPECT_EQ(SubscriptionReader::sorted(reader.rows),
            Lines{std::to_string(kCommits * (kCommits + 1) / 2)});
  EXPECT_LT(reader.marks.size(), kCommits / 8);
}

// TRUNCATE makes the server describe the table again. Behind, the catalogs have had it all when
// they were asked for the first of them.
TEST_F(Extremes, ABacklogOfTruncatesAsksTheCatalogsOnce) {
  source("CREATE TABLE t (id int PRIMARY KEY, v int)");
  start();
  declare("t");
  run("CREATE MATERIALIZED VIEW total AS SELECT COUNT(*) AS n, SUM(v) AS s FROM t");
  wait();
  constexpr int kTruncates = 300;
  // What read the snapshot still holds its lock for a moment, and would hold it while stopped.
  const Lines unlocked = {"0"};
  while (source_rows("SELECT count(*) FROM pg_locks WHERE relation = 't'::regclass") != unlocked) {
    usleep(10'000);
  }
  serve_.signal(SIGSTOP);
  {
    PostgresConnection writer = shared_cluster().connect(database_);
    for (int i = 0; i < kTruncates; ++i) {
      Status written = writer.execute(
          fmt::format("TRUNCATE t; INSERT INTO t SELECT i, {} FROM generate_series(1, 3) i", i));
      ASSERT_TRUE(written.ok()) << written.to_string();
    }
  }
  serve_.signal(SIGCONT);
  wait();
  EXPECT_EQ(rows("SELECT n, s FROM total"), source_rows("SELECT count(*), sum(v) FROM t"));
  client_.reset();
  serve_.kill();
  // A session is counted when it has ended. Each query of ours is a transaction.
  Lines none = {"1"};  // this one
  for (int i = 0; i < 600 && source_rows("SELECT count(*) FROM pg_stat_activity WHERE datname = "
                                         "current_database()") != none;
       ++i) {
    usleep(50'000);
  }
  PostgresConnection source = shared_cluster().connect(database_);
  Result<QueryResult> transactions =
      source.query("SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()");
  ASSERT_TRUE(transactions.ok());
  EXPECT_LT(transactions->integer(0, 0), 3 * kTruncates);
}

}  // namespace
}  // namespace tidemark
