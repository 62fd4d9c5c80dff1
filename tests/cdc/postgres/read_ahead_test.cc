// A source whose consumer is slow: what is kept where, for how long, and that nothing is lost or
// doubled by it.

#include <filesystem>
#include <fstream>

#include <fmt/core.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/cdc/postgres/ahead_fixture.h"
#include "tests/cdc/postgres/writers.h"
#include "tests/harness/small_disk.h"

namespace tidemark {
namespace {

namespace fs = std::filesystem;

TEST(PostgresReadAhead, the_slot_moves_on_while_nobody_takes_anything) {
  AheadFixture fixture("1MB");
  ReaderId t = fixture.read_table();
  Lsn end = fixture.write_backlog(1);
  ASSERT_TRUE(fixture.wait_until([&] { return fixture.confirmed() >= end; }))
      << fixture.confirmed().to_string() << " of " << end.to_string() << ", "
      << fixture.source->status().message;
  EXPECT_GT(fixture.source->status().read_ahead_bytes, 10u << 20);
  EXPECT_EQ(fixture.source->status().message,
            "the views are behind: what the source sends is kept here meanwhile, and not there");
  EXPECT_LT(fixture.sink.position, end);
  expect_exact(fixture, t);
  EXPECT_EQ(fixture.model(t).resets, 0);
  // What has a better place is not kept, and what comes next is not written.
  fixture.acknowledges = true;
  EXPECT_TRUE(fixture.pump_until([&] { return fixture.files().empty(); }));
  fixture.run("INSERT INTO t VALUES (-1, 'last')");
  expect_exact(fixture, t);
  EXPECT_TRUE(fixture.files().empty());
  EXPECT_TRUE(fixture.pump_until([&] { return fixture.source->status().message.empty(); }));
}

TEST(PostgresReadAhead, a_source_that_is_up_to_date_writes_nothing) {
  AheadFixture fixture("1GB");
  ReaderId t = fixture.read_table();
  fixture.write_backlog(1);
  expect_exact(fixture, t);
  EXPECT_TRUE(fixture.files().empty());
  EXPECT_EQ(fixture.source->status().budget_bytes, 1u << 30);
  EXPECT_EQ(fixture.source->status().budget_policy, "spill");
}

TEST(PostgresReadAhead, goes_on_from_the_log_after_restarts) {
  AheadFixture fixture("1MB");
  ReaderId t = fixture.read_table();
  for (int round = 0; round < 3; ++round) {
    SourceCheckpoint kept = fixture.checkpoint();
    fixture.source->acknowledge(kept.at.position);
    Lsn end = fixture.write_backlog(round * 10 + 1);
    ASSERT_TRUE(fixture.wait_until([&] { return fixture.confirmed() >= end; }));
    if (round == 1) {  // some of it is taken, and lost
      ASSERT_TRUE(fixture.pump_until([&] { return fixture.sink.position > kept.at.position; }));
    }
    fixture.close();
    fixture.run("INSERT INTO t VALUES (" + std::to_string(-1 - round) + ", 'while away')");
    fixture.restart(kept);
    expect_exact(fixture, t);
    EXPECT_EQ(fixture.model(t).resets, 0) << fixture.source->status().message;
  }
}

TEST(PostgresReadAhead, goes_on_after_a_lost_connection) {
  AheadFixture fixture("1MB");
  ReaderId t = fixture.read_table();
  for (int round = 0; round < 3; ++round) {
    Lsn end = fixture.write_backlog(round * 10 + 1);
    if (round != 1) {
      ASSERT_TRUE(fixture.wait_until([&] { return fixture.confirmed() >= end; }, 15))
          << fixture.source->status().message;
    }
    fixture.run(kEndWalsender);
    expect_exact(fixture, t);
  }
  EXPECT_EQ(fixture.model(t).resets, 0);
}

TEST(PostgresReadAhead, damage_of_the_log_is_told_and_the_tables_are_read_anew) {
  for (const char* what : {"header", "record", "gone"}) {
    SCOPED_TRACE(what);
    AheadFixture fixture("1MB");
    fixture.make_table();
    ReaderId t = fixture.read("t");
    ASSERT_TRUE(fixture.pump_until_ready(t));
    SourceCheckpoint kept = fixture.checkpoint();
    Lsn end = fixture.write_backlog(1);
    ASSERT_TRUE(fixture.wait_until([&] { return fixture.confirmed() >= end; }));
    fixture.close();
    std::string told = "the log that was read ahead";
    if (std::string(what) == "gone") {
      fs::remove_all(fixture.read_ahead_directory);
      told = "without us";
    } else {
      std::fstream file(fixture.files().front(), std::ios::binary | std::ios::in | std::ios::out);
      file.seekp(std::string(what) == "header" ? 20 : 5'000'000);
      file.put('\x55');
      told = "";
    }
    fixture.restart(kept);
    ASSERT_TRUE(fixture.pump_until([&] { return fixture.model(t).resets == 1; }));
    ASSERT_TRUE(fixture.pump_until_ready(t));
    EXPECT_TRUE(fixture.was_told(told.empty() ? "read anew" : told));
    expect_exact(fixture, t);
    EXPECT_EQ(fixture.model(t).resets, 1);
  }
}

TEST(PostgresReadAhead, a_full_disk_is_told_and_the_views_go_on) {
  AheadFixture fixture("1MB");
  SmallDisk disk(fixture.read_ahead_directory, "8m");
  if (!disk.is_mounted()) {
    GTEST_SKIP() << disk.why();
  }
  ReaderId t = fixture.read_table();
  fixture.write_backlog(1);
  EXPECT_TRUE(fixture.wait_until([&] {
    return fixture.source->status().message.find("cannot be kept here") != std::string::npos;
  })) << fixture.source->status().message;
  expect_exact(fixture, t);
  EXPECT_EQ(fixture.model(t).resets, 0);
  fixture.source->abandon();
  fixture.close();
}

TEST(PostgresReadAhead, a_reader_in_its_snapshot_stays) {
  AheadFixture fixture("1MB");
  fixture.make_table();
  fixture.run(
      "CREATE TABLE big (id int PRIMARY KEY, pad text); INSERT INTO big SELECT i, repeat('x', 200) "
      "FROM generate_series(1, 150000) i; ANALYZE big");
  ReaderId t = fixture.read("t");
  ASSERT_TRUE(fixture.pump_until_ready(t));
  ReaderId big = fixture.read("big");
  while (fixture.model(big).snapshot_rows == 0) {
    fixture.source->poll(1, fixture.sink);
  }
  fixture.run("DELETE FROM big WHERE id % 3 = 0");
  Lsn end = fixture.write_backlog(1);
  fixture.run("UPDATE big SET pad = 'y' WHERE id % 5 = 0");
  ASSERT_TRUE(fixture.wait_until([&] { return fixture.confirmed() >= end; }))
      << fixture.source->status().message;
  ASSERT_TRUE(fixture.pump_until_ready(big));
  expect_exact(fixture, big);
  expect_exact(fixture, t);
  EXPECT_EQ(fixture.model(big).resets, 0);
  EXPECT_EQ(fixture.model(t).resets, 0);
}

TEST(PostgresReadAhead, transactions_in_parts_are_whole_across_the_log_and_the_stream) {
  PostgresCluster cluster(ClusterOptions{.settings = {"logical_decoding_work_mem = 64kB"}});
  AheadFixture fixture("1MB", "spill", cluster);
  ReaderId t = fixture.read_table();
  for (int round = 0; round < 2; ++round) {
    SourceCheckpoint kept = fixture.checkpoint();
    fixture.source->acknowledge(kept.at.position);
    PostgresConnection writer = cluster.connect(fixture.database);
    ASSERT_TRUE(
        writer
            .execute(fmt::format("BEGIN; INSERT INTO t SELECT -i - 100000 * {}, 'part' FROM "
                                 "generate_series(1, 20000) i; SAVEPOINT s; DELETE FROM t "
                                 "WHERE id < 0; ROLLBACK TO s",
                                 round + 1))
            .ok());
    Lsn end = fixture.write_backlog(round * 10 + 1);
    ASSERT_TRUE(fixture.wait_until([&] { return fixture.confirmed() >= end; }));
    if (round == 1) {
      fixture.restart(kept);
    }
    ASSERT_TRUE(writer.execute("COMMIT").ok());
    expect_exact(fixture, t);
    EXPECT_EQ(fixture.model(t).resets, 0);
  }
}

// What the log begins with has been decoded already, and nothing else says what the table is like.
TEST(PostgresReadAhead, a_small_transaction_follows_one_in_parts_that_comes_again) {
  PostgresCluster cluster(ClusterOptions{.settings = {"logical_decoding_work_mem = 64kB"}});
  AheadFixture fixture("1MB", "spill", cluster);
  ReaderId t = fixture.read_table();
  fixture.source->acknowledge(fixture.checkpoint().at.position);
  fixture.run("INSERT INTO t SELECT i, repeat(md5(i::text), 30) FROM generate_series(1, 300) i");
  expect_exact(fixture, t);
  fixture.run(
      "CREATE TABLE other AS SELECT repeat(md5(i::text), 30) FROM generate_series(1, 5000) i");
  Lsn end = fixture.current();
  ASSERT_TRUE(fixture.wait_until([&] { return fixture.confirmed() >= end; }));
  fixture.run("INSERT INTO t VALUES (-1, 'small')");
  expect_exact(fixture, t);
  EXPECT_EQ(fixture.model(t).resets, 0);
}

TEST(PostgresReadAhead, a_reader_that_needs_text_joins_after_what_was_read_ahead) {
  AheadFixture fixture("1MB");
  fixture.make_table();
  fixture.run(
      "CREATE TABLE r (id int PRIMARY KEY, span int4range); INSERT INTO r VALUES (1, "
      "'[1,3)')");
  ReaderId t = fixture.read("t");
  ASSERT_TRUE(fixture.pump_until_ready(t));
  Lsn end = fixture.write_backlog(1);
  ASSERT_TRUE(fixture.wait_until([&] { return fixture.confirmed() >= end; }));
  ReaderId r = fixture.read("r");
  fixture.run("INSERT INTO r VALUES (2, '[5,8)')");
  ASSERT_TRUE(fixture.pump_until_ready(r));
  fixture.run("INSERT INTO r VALUES (3, '[7,8)')");
  expect_exact(fixture, r);
  expect_exact(fixture, t);
  EXPECT_EQ(fixture.model(t).resets, 0);
}

TEST(PostgresReadAhead, every_commit_is_exact_while_the_log_is_always_in_use) {
  AheadFixture fixture("1kB");
  WritersInvariant invariant;
  fixture.sink.on_commit = [&](const CommitInfo& commit) {
    invariant.check(fixture.sink.tables, commit);
  };
  Writers writers(fixture.cluster, fixture.database, 3);
  for (const char* table : {"account", "ledger", "counter"}) {
    ASSERT_TRUE(fixture.pump_until_ready(fixture.read(table)));
  }
  for (int round = 0; round < 6; ++round) {
    int before = writers.committed();
    ASSERT_TRUE(fixture.pump_until([&] { return writers.committed() > before + 100; }));
    SourceCheckpoint kept = fixture.checkpoint();
    fixture.source->acknowledge(kept.at.position);
    before = writers.committed();
    ASSERT_TRUE(fixture.pump_until([&] { return writers.committed() > before + 300; }));
    usleep(300'000);
    if (round % 2 == 0) {
      fixture.run(kEndWalsender);
    } else {
      fixture.restart(kept);
    }
  }
  writers.stop();
  EXPECT_EQ(invariant.violation, "");
  for (const auto& [id, table] : fixture.sink.tables) {
    expect_exact(fixture, id);
    EXPECT_EQ(fixture.model(id).resets, 0);
  }
}

// The log ends where it has been read, and not before what came while the decoder waited for room.
TEST(PostgresReadAhead, what_comes_while_the_decoder_waits_is_read_before_the_log_ends) {
  AheadFixture fixture("1MB");
  ReaderId t = fixture.read_table();
  fixture.source->acknowledge(fixture.checkpoint().at.position);
  fixture.run("INSERT INTO t SELECT i, 'x' FROM generate_series(1, 400000) i");
  ASSERT_TRUE(fixture.wait_until([&] {
    SourceStatus status = fixture.source->status();
    return status.read_ahead_bytes != 0 && status.held_bytes < (1 << 20);
  }));
  for (int i = 1; i <= 60; ++i) {
    fixture.run(fmt::format("INSERT INTO t VALUES (-{}, 'small')", i));
    usleep(20'000);
    fixture.source->poll(1, fixture.sink);  // an event
  }
  expect_exact(fixture, t);
  EXPECT_EQ(fixture.model(t).resets, 0);
}

// The consumer is further than what is synced, and the server knows it.
TEST(PostgresReadAhead, goes_on_after_lost_connections_while_all_is_taken) {
  AheadFixture fixture("1kB");
  fixture.acknowledges = true;
  Writers writers(fixture.cluster, fixture.database, 3);
  std::vector<ReaderId> readers;
  for (const char* table : {"account", "ledger", "counter"}) {
    readers.push_back(fixture.read(table));
    ASSERT_TRUE(fixture.pump_until_ready(readers.back()));
  }
  std::mt19937 random(1);
  for (int round = 0; round < 12; ++round) {
    auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(300 + random() % 200);
    ASSERT_TRUE(fixture.pump_until([&] { return std::chrono::steady_clock::now() > end; }));
    fixture.run(kEndWalsender);
    int before = writers.committed();
    Lsn then = fixture.current();
    ASSERT_TRUE(fixture.pump_until([&] {
      return writers.committed() > before + 20 && fixture.sink.position >= then;
    })) << "round "
        << round << ": " << fixture.source->status().message;
  }
  writers.stop();
  for (ReaderId reader : readers) {
    expect_exact(fixture, reader);
    EXPECT_EQ(fixture.model(reader).resets, 0);
  }
}

TEST(PostgresWalBudget, pause_lets_the_source_keep_its_log_and_says_so) {
  AheadFixture fixture("1MB", "pause");
  ReaderId t = fixture.read_table();
  Lsn before = fixture.current();
  fixture.write_backlog(1);
  ASSERT_TRUE(fixture.wait_until([&] {
    return fixture.source->status().message.find("more log for them than wal.budget allows") !=
           std::string::npos;
  })) << fixture.source->status().message;
  SourceStatus status = fixture.source->status();
  EXPECT_GT(status.held_bytes, 1u << 20);
  EXPECT_GE(status.kept_bytes, status.held_bytes);
  EXPECT_GT(status.held_since_us, 0);
  EXPECT_EQ(status.wal_status, fixture.cluster.server_version() >= 13'00'00 ? "reserved" : "");
  EXPECT_LE(fixture.confirmed(), before);
  EXPECT_TRUE(fixture.files().empty());
  expect_exact(fixture, t);
  // The server goes on writing log by itself: what has come is acknowledged again.
  EXPECT_TRUE(fixture.pump_until([&] {
    fixture.source->acknowledge(fixture.sink.position);
    return fixture.source->status().message.empty();
  })) << fixture.source->status().message;
  EXPECT_EQ(fixture.model(t).resets, 0);
}

TEST(PostgresWalBudget, release_gives_up_the_slot_and_reads_anew_when_all_is_taken) {
  AheadFixture fixture("1MB", "release");
  ReaderId t = fixture.read_table();
  fixture.write_backlog(1);
  ASSERT_TRUE(fixture.wait_until([&] { return fixture.slots().empty(); }))
      << fixture.source->status().message;
  ASSERT_TRUE(
      fixture.wait_until([&] { return fixture.source->status().state == SourceState::kReleased; }));
  EXPECT_NE(fixture.source->status().message.find("was given up, as it kept"), std::string::npos);
  EXPECT_EQ(fixture.slots(), "") << "while views have not taken what was received";
  ASSERT_TRUE(fixture.pump_until([&] { return fixture.model(t).resets == 1; }));
  fixture.acknowledges = true;
  ASSERT_TRUE(fixture.pump_until_ready(t));
  EXPECT_EQ(fixture.slots(), fixture.durable_name);
  expect_exact(fixture, t);
}

TEST(PostgresWalBudget, a_policy_that_is_not_known_is_an_error) {
  SourceFixture fixture(shared_cluster(), "postgres", {{"wal.budget.policy", "hope"}});
  Result<SourceTable> resolved = fixture.resolve("t");
  ASSERT_FALSE(resolved.ok());
  EXPECT_EQ(resolved.status().message(),
            "wal.budget.policy is spill, pause or release, not 'hope'");
}

}  // namespace
}  // namespace tidemark
