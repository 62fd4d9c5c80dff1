// A durable source: what it keeps at the server, and that it goes on where it was, whatever ended
// it.

#include <filesystem>
#include <fstream>
#include <future>

#include <gtest/gtest.h>
#include <unistd.h>

#include "connectors/postgres_cdc/doctor.h"
#include "connectors/postgres_cdc/durable_upstream.h"
#include "tests/cdc/postgres/writers.h"
#include "tests/harness/tcp_proxy.h"

namespace tidemark {
namespace {

// A fixture with a durable source, whose slot goes with it.
class DurableFixture : public SourceFixture {
 public:
  explicit DurableFixture(PostgresCluster& c = shared_cluster(), Options o = {})
      : SourceFixture(c, c.make_database(), std::move(o)) {
    durable_name = "durable_" + database;
    acknowledges = false;
  }
  ~DurableFixture() {
    if (source != nullptr) {
      source->abandon();
    }
    source.reset();
  }

  std::string slots() {
    return value(
        "SELECT string_agg(slot_name || ':' || temporary, ',') FROM pg_replication_slots "
        "WHERE database = current_database()");
  }
  std::string publications() {
    return value("SELECT string_agg(pubname, ',') FROM pg_publication");
  }
  Lsn confirmed() {
    return *Lsn::parse(
        value("SELECT confirmed_flush_lsn FROM pg_replication_slots WHERE database = "
              "current_database()"));
  }
};

TEST(PostgresResume, a_durable_source_keeps_its_slot_and_publication_until_it_is_abandoned) {
  DurableFixture fixture;
  fixture.run("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)");
  ReaderId t = fixture.read("t");
  ASSERT_TRUE(fixture.pump_until_ready(t));
  EXPECT_NE(fixture.source->token(), "");
  EXPECT_EQ(fixture.source->status().slot_name, fixture.durable_name);
  fixture.close();
  EXPECT_EQ(fixture.slots(), fixture.durable_name + ":false");
  EXPECT_EQ(fixture.publications(), fixture.durable_name);
  {
    SourceFixture temporary(fixture.cluster, fixture.database);
    ASSERT_TRUE(temporary.pump_until_ready(temporary.read("t")));
    EXPECT_NE(temporary.source->status().publication_name, fixture.durable_name);
  }
  EXPECT_EQ(fixture.publications(), fixture.durable_name) << "not taken for one left behind";
  ReaderId again = fixture.read("t");
  ASSERT_TRUE(fixture.pump_until_ready(again)) << "a first start drops what is there";
  fixture.source->abandon();
  fixture.close();
  EXPECT_EQ(fixture.slots(), "");
  EXPECT_EQ(fixture.publications(), "");
}

TEST(PostgresResume, a_source_that_was_never_started_removes_what_it_kept_when_abandoned) {
  DurableFixture fixture;
  fixture.run("CREATE TABLE t (id int PRIMARY KEY)");
  ASSERT_TRUE(fixture.pump_until_ready(fixture.read("t")));
  fixture.close();
  Result<std::unique_ptr<Source>> opened = fixture.connector.open_source(
      {.with = fixture.options("t"), .wake = [] {}, .durable_name = fixture.durable_name});
  ASSERT_TRUE(opened.ok());
  (*opened)->abandon();
  opened->reset();
  EXPECT_EQ(fixture.slots(), "");
  EXPECT_EQ(fixture.publications(), "");
}

TEST(PostgresResume, doctor_finds_what_a_server_that_is_gone_keeps) {
  DurableFixture fixture;
  fixture.run("CREATE TABLE t (id int PRIMARY KEY)");
  ASSERT_TRUE(fixture.pump_until_ready(fixture.read("t")));
  fixture.close();
  while (fixture.value("SELECT count(*) FROM pg_replication_slots WHERE active AND database = "
                       "current_database()") != "0") {
  }
  std::string drop_slot = "SELECT pg_drop_replication_slot('" + fixture.durable_name + "');";
  std::string drop_publication = "DROP PUBLICATION \"" + fixture.durable_name + "\";";
  auto fix_of = [&](const std::string& title) -> std::string {
    Result<std::vector<Finding>> findings = run_doctor(fixture.cluster.address(fixture.database));
    CHECK(findings.ok());
    for (const Finding& finding : *findings) {
      if (finding.title.starts_with(title)) {
        return finding.fix_sql;
      }
    }
    return "no finding";
  };
  EXPECT_EQ(fix_of("slot " + fixture.durable_name + " keeps "), drop_slot + " " + drop_publication);
  EXPECT_EQ(fix_of("publication " + fixture.durable_name), "no finding");
  fixture.run(drop_slot);
  EXPECT_EQ(fix_of("publication " + fixture.durable_name + " is kept for a slot that is gone"),
            drop_publication);
  fixture.run(drop_publication);
}

TEST(PostgresResume, goes_on_after_restarts_without_gap_or_duplicate) {
  DurableFixture fixture;
  WritersInvariant invariant;
  fixture.sink.on_commit = [&](const CommitInfo& commit) {
    invariant.check(fixture.sink.tables, commit);
  };
  Writers writers(fixture.cluster, fixture.database, 3);
  for (const char* table : {"account", "ledger", "counter"}) {
    ASSERT_TRUE(fixture.pump_until_ready(fixture.read(table)));
  }
  for (int round = 0; round < 5; ++round) {
    int before = writers.committed();
    ASSERT_TRUE(fixture.pump_until([&] { return writers.committed() > before + 100; }));
    SourceCheckpoint kept = fixture.checkpoint();
    fixture.source->acknowledge(kept.at.position);
    // What comes now is lost with the process and must come again.
    before = writers.committed();
    size_t known = fixture.sink.commits.size();
    ASSERT_TRUE(fixture.pump_until(
        [&] { return writers.committed() > before + 100 && fixture.sink.commits.size() > known; }));
    std::vector<CommitInfo> lost(fixture.sink.commits.begin() + static_cast<ptrdiff_t>(known),
                                 fixture.sink.commits.end());
    ASSERT_FALSE(lost.empty());
    fixture.restart(kept);
    ASSERT_TRUE(fixture.pump_until([&] { return fixture.sink.position >= lost.back().position; }));
    for (const auto& [id, table] : fixture.sink.tables) {
      EXPECT_EQ(table.resets, 0);
      EXPECT_TRUE(table.is_ready);
    }
  }
  writers.stop();
  EXPECT_EQ(invariant.violation, "");
  for (const auto& [id, table] : fixture.sink.tables) {
    expect_exact(fixture, id);
  }
}

TEST(PostgresResume, what_was_committed_while_away_comes_once_and_what_was_before_does_not) {
  DurableFixture fixture;
  fixture.run("CREATE TABLE t (id int); ALTER TABLE t REPLICA IDENTITY FULL");
  ReaderId t = fixture.read("t");
  ASSERT_TRUE(fixture.pump_until_ready(t));
  fixture.run("INSERT INTO t VALUES (1)");
  ASSERT_TRUE(fixture.catch_up());
  // Not acknowledged: the slot has the transaction still, and the server must leave it out.
  SourceCheckpoint kept = fixture.checkpoint();
  fixture.close();
  fixture.run("INSERT INTO t VALUES (2)");
  fixture.run("INSERT INTO t VALUES (3)");
  fixture.restart(kept);
  ASSERT_TRUE(fixture.catch_up());
  EXPECT_EQ(fixture.model(t).sorted_rows(), (std::vector<std::string>{"1|", "2|", "3|"}));
  EXPECT_EQ(fixture.sink.commits.size(), 2u);
  EXPECT_EQ(fixture.model(t).resets, 0);
}

TEST(PostgresResume, no_more_is_confirmed_than_was_acknowledged) {
  DurableFixture fixture;
  fixture.run("CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE busy (id int, pad text)");
  ReaderId t = fixture.read("t");
  ASSERT_TRUE(fixture.pump_until_ready(t));
  Lsn acknowledged = fixture.confirmed();
  for (int i = 0; i < 20; ++i) {
    fixture.run("INSERT INTO busy SELECT i, repeat('x', 500) FROM generate_series(1, 1000) i");
    if (i % 3 == 0) {
      fixture.run("INSERT INTO t VALUES (" + std::to_string(i) + ")");
    }
    ASSERT_TRUE(fixture.catch_up());
    EXPECT_LE(fixture.confirmed(), acknowledged);
    if (i % 5 == 0) {
      acknowledged = fixture.sink.position;
      fixture.source->acknowledge(acknowledged);
      EXPECT_TRUE(fixture.pump_until([&] { return fixture.confirmed() == acknowledged; }))
          << "also where nothing of interest was written";
    }
  }
  SourceCheckpoint kept = fixture.checkpoint();
  fixture.restart(kept);
  ASSERT_TRUE(fixture.pump_until_ready(t));
  ASSERT_TRUE(fixture.catch_up());
  EXPECT_EQ(fixture.confirmed(), acknowledged);
}

TEST(PostgresResume, a_transaction_cut_off_in_the_middle_is_handed_out_once) {
  // 256 MB: the server sends the transaction at once, after its commit, and parts of it go out
  // before its end has come.
  PostgresCluster cluster(ClusterOptions{.settings = {"logical_decoding_work_mem = 256MB"}});
  DurableFixture fixture(cluster);
  fixture.run(
      "CREATE TABLE t (id int, pad text); ALTER TABLE t REPLICA IDENTITY FULL;"
      "CREATE TABLE k (id int PRIMARY KEY, n int); INSERT INTO k SELECT i, 0 FROM "
      "generate_series(1, 1000) i");
  ReaderId t = fixture.read("t"), k = fixture.read("k");
  ASSERT_TRUE(fixture.pump_until_ready(t));
  ASSERT_TRUE(fixture.pump_until_ready(k));
  for (int round = 0; round < 3; ++round) {
    fixture.run(
        fmt::format("BEGIN; UPDATE k SET n = n + 1; INSERT INTO t SELECT i, repeat('x', 200) FROM "
                    "generate_series(1, 80000) i; TRUNCATE k; INSERT INTO k SELECT i, {} FROM "
                    "generate_series(1, 10000) i; DELETE FROM t WHERE id % 7 = {}; COMMIT",
                    round, round));
    size_t commits = fixture.sink.commits.size();
    // The queue is full long before the transaction's end.
    while (!fixture.sink.in_commit) {
      fixture.source->poll(1, fixture.sink);
    }
    if (round == 1) {
      cluster.stop();
      cluster.start();
    } else {
      fixture.run(kEndWalsender);
    }
    expect_exact(fixture, t);
    expect_exact(fixture, k);
    EXPECT_EQ(fixture.sink.commits.size(), commits + 1);
  }
  EXPECT_EQ(fixture.model(t).resets, 0);
  EXPECT_EQ(fixture.model(k).resets, 0);
  EXPECT_TRUE(fixture.was_told("trying again"));
}

TEST(PostgresResume, a_transaction_sent_in_parts_is_received_again_from_its_beginning) {
  PostgresCluster cluster(ClusterOptions{.settings = {"logical_decoding_work_mem = 64kB"}});
  DurableFixture fixture(cluster);
  fixture.run("CREATE TABLE t (id int PRIMARY KEY, pad text)");
  ReaderId t = fixture.read("t");
  ASSERT_TRUE(fixture.pump_until_ready(t));
  PostgresConnection writer = cluster.connect(fixture.database);
  ASSERT_TRUE(writer
                  .execute("BEGIN; INSERT INTO t SELECT i, repeat('x', 100) FROM "
                           "generate_series(1, 20000) i; SAVEPOINT s; DELETE FROM t; ROLLBACK TO s")
                  .ok());
  // Another commit, so that the parts before it have been sent.
  fixture.run("INSERT INTO t VALUES (-1, '')");
  expect_exact(fixture, t);
  fixture.run(kEndWalsender);
  ASSERT_TRUE(writer.execute("DELETE FROM t WHERE id % 2 = 0; COMMIT").ok());
  expect_exact(fixture, t);
  EXPECT_EQ(fixture.model(t).resets, 0);
}

TEST(PostgresResume, a_reader_still_in_its_snapshot_when_the_stream_is_lost_begins_it_again) {
  DurableFixture fixture;
  fixture.run(
      "CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1); CREATE TABLE big (id int "
      "PRIMARY KEY, pad text); INSERT INTO big SELECT i, repeat('x', 200) FROM generate_series(1, "
      "150000) i; ANALYZE big");
  ReaderId t = fixture.read("t");
  ASSERT_TRUE(fixture.pump_until_ready(t));
  ReaderId big = fixture.read("big");
  while (fixture.model(big).snapshot_rows == 0) {
    fixture.source->poll(1, fixture.sink);
  }
  fixture.run(kEndWalsender);
  fixture.run("INSERT INTO t VALUES (2); DELETE FROM big WHERE id % 3 = 0");
  ASSERT_TRUE(fixture.pump_until([&] { return fixture.model(big).resets == 1; }));
  ASSERT_TRUE(fixture.pump_until_ready(big));
  expect_exact(fixture, big);
  expect_exact(fixture, t);
  EXPECT_EQ(fixture.model(t).resets, 0);
}

TEST(PostgresResume, goes_on_through_many_lost_connections_while_others_write) {
  DurableFixture fixture;
  WritersInvariant invariant;
  fixture.sink.on_commit = [&](const CommitInfo& commit) {
    invariant.check(fixture.sink.tables, commit);
  };
  Writers writers(fixture.cluster, fixture.database, 3);
  ReaderId counter = fixture.read("counter");
  ASSERT_TRUE(fixture.pump_until_ready(counter));
  for (int round = 0; round < 6; ++round) {
    fixture.read(round % 2 == 0 ? "account" : "ledger");  // at the same time as the loss
    fixture.run(kEndWalsender);
    int before = writers.committed();
    ASSERT_TRUE(fixture.pump_until([&] { return writers.committed() > before + 50; }));
  }
  for (const auto& [id, table] : fixture.sink.tables) {
    ASSERT_TRUE(fixture.pump_until_ready(id));
  }
  writers.stop();
  EXPECT_EQ(invariant.violation, "");
  EXPECT_EQ(fixture.model(counter).resets, 0);
  for (const auto& [id, table] : fixture.sink.tables) {
    expect_exact(fixture, id);
  }
}

TEST(PostgresResume, a_connection_that_goes_silent_is_given_up_and_the_stream_goes_on) {
  PostgresCluster& cluster = shared_cluster();
  TcpProxy proxy(cluster.port());
  DurableFixture fixture(cluster, {{"hostname", "127.0.0.1"},
                                   {"port", proxy.port()},
                                   {"debezium.status.update.interval.ms", "100"}});
  fixture.run("CREATE TABLE t (id int PRIMARY KEY)");
  ReaderId t = fixture.read("t");
  ASSERT_TRUE(fixture.pump_until_ready(t));
  proxy.silence();
  fixture.run("INSERT INTO t VALUES (1)");
  ASSERT_TRUE(fixture.pump_until([&] { return fixture.was_told("has been silent"); }));
  ASSERT_TRUE(fixture.pump_until([&] { return fixture.model(t).by_key.size() == 1; }))
      << fixture.source->status().message;
  expect_exact(fixture, t);
  EXPECT_EQ(fixture.model(t).resets, 0);
}

struct Loss {
  const char* sql;
  const char* message;
};

TEST(PostgresResume, what_the_server_has_lost_is_read_anew) {
  const Loss kLosses[] = {
      {"SELECT pg_drop_replication_slot('durable_' || current_database())", "is gone"},
      {"SELECT pg_replication_slot_advance('durable_' || current_database(), "
       "pg_current_wal_lsn())",
       "has moved on to"},
      {"DO $$BEGIN EXECUTE 'DROP PUBLICATION durable_' || current_database(); END$$",
       "publication durable_"},
      {"DO $$BEGIN EXECUTE 'DROP PUBLICATION durable_' || current_database(); EXECUTE 'CREATE "
       "PUBLICATION durable_' || current_database() || ' FOR TABLE t'; END$$",
       "was dropped and made again"},
  };
  for (const Loss& loss : kLosses) {
    SCOPED_TRACE(loss.message);
    DurableFixture fixture;
    fixture.run("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1), (2)");
    ReaderId t = fixture.read("t");
    ASSERT_TRUE(fixture.pump_until_ready(t));
    SourceCheckpoint kept = fixture.checkpoint();
    fixture.close();
    fixture.run("DELETE FROM t WHERE id = 1; INSERT INTO t VALUES (3)");
    fixture.run(loss.sql);
    fixture.run("INSERT INTO t VALUES (4)");
    fixture.restart(kept);
    EXPECT_EQ(fixture.source->token(), kept.at.token) << "what is known before it has connected";
    ASSERT_TRUE(fixture.pump_until_ready(t));
    EXPECT_EQ(fixture.model(t).resets, 1);
    EXPECT_TRUE(fixture.was_told(loss.message));
    expect_exact(fixture, t);
    fixture.run("INSERT INTO t VALUES (5)");
    expect_exact(fixture, t);
  }
}

TEST(PostgresResume, a_slot_whose_log_was_removed_is_made_anew) {
  PostgresCluster cluster(
      ClusterOptions{.settings = {"max_slot_wal_keep_size = 1MB", "max_wal_size = 32MB",
                                  "min_wal_size = 32MB", "checkpoint_timeout = 1h"}});
  DurableFixture fixture(cluster);
  fixture.run("CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE busy (id int)");
  ReaderId t = fixture.read("t");
  ASSERT_TRUE(fixture.pump_until_ready(t));
  SourceCheckpoint kept = fixture.checkpoint();
  fixture.close();
  fixture.run("INSERT INTO t VALUES (1)");
  for (int i = 0; i < 4; ++i) {
    fixture.run("INSERT INTO busy VALUES (1); SELECT pg_switch_wal(); CHECKPOINT");
  }
  fixture.restart(kept);
  ASSERT_TRUE(fixture.pump_until_ready(t));
  EXPECT_TRUE(fixture.was_told("has removed the log"));
  EXPECT_EQ(fixture.model(t).resets, 1);
  expect_exact(fixture, t);
}

TEST(PostgresResume, another_server_is_not_taken_for_the_old_one) {
  DurableFixture fixture;
  fixture.run("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)");
  ReaderId t = fixture.read("t");
  ASSERT_TRUE(fixture.pump_until_ready(t));
  for (const auto& [system, timeline, message] :
       {std::tuple{"1", 1u, "another server"}, {"", 7u, "does not contain"}}) {
    SourceCheckpoint kept = fixture.checkpoint();
    SourceToken token = *SourceToken::parse(kept.at.token);
    token.identity.system = *system == '\0' ? token.identity.system : system;
    token.identity.timeline = timeline;
    kept.at.token = token.encode();
    fixture.restart(kept);
    ASSERT_TRUE(fixture.pump_until_ready(t));
    EXPECT_TRUE(fixture.was_told(message));
    EXPECT_NE(fixture.source->token(), kept.at.token);
    expect_exact(fixture, t);
  }
}

TEST(PostgresResume, a_server_that_was_promoted_goes_on_if_its_history_has_the_position) {
  PostgresCluster cluster;
  DurableFixture fixture(cluster);
  fixture.run("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)");
  ReaderId t = fixture.read("t");
  ASSERT_TRUE(fixture.pump_until_ready(t));
  fixture.run("INSERT INTO t VALUES (2)");
  ASSERT_TRUE(fixture.catch_up());
  std::string before = fixture.source->token();
  // An archive recovery that finds no archive ends where the log ends, on a new timeline.
  cluster.stop();
  std::string data = cluster.socket_directory() + "/data/";
  {
    std::ofstream(data + "recovery.signal");
    std::ofstream conf(data + "postgresql.conf", std::ios::app);
    conf << "restore_command = 'false'\n";
  }
  std::filesystem::permissions(data + "recovery.signal", std::filesystem::perms::all);
  cluster.start();
  while (fixture.value("SELECT pg_is_in_recovery()") != "f") {
  }
  fixture.run("INSERT INTO t VALUES (3)");
  ASSERT_TRUE(fixture.pump_until([&] { return fixture.model(t).by_key.size() == 3; }))
      << fixture.source->status().message;
  EXPECT_NE(fixture.source->token(), before);
  EXPECT_EQ(fixture.model(t).resets, 0);
  expect_exact(fixture, t);
}

TEST(PostgresResume, a_reader_whose_table_changed_while_away_stops_or_begins_again_alone) {
  DurableFixture fixture;
  for (const char* table : {"whole", "lacking", "removed"}) {
    fixture.run(fmt::format(
        "CREATE TABLE {0} (id int PRIMARY KEY, n int); INSERT INTO {0} VALUES (1, 1)", table));
  }
  ReaderId whole = fixture.read("whole"), lacking = fixture.read("lacking"),
           removed = fixture.read("removed");
  for (ReaderId reader : {whole, lacking, removed}) {
    ASSERT_TRUE(fixture.pump_until_ready(reader));
  }
  SourceCheckpoint kept = fixture.checkpoint();
  fixture.close();
  fixture.run(
      "INSERT INTO whole VALUES (2, 2); ALTER TABLE lacking DROP COLUMN n; ALTER PUBLICATION " +
      fixture.durable_name + " DROP TABLE removed; INSERT INTO removed VALUES (2, 2)");
  fixture.restart(kept);
  ASSERT_TRUE(fixture.pump_until_ready(whole));
  ASSERT_TRUE(fixture.pump_until_ready(removed));
  ASSERT_TRUE(fixture.pump_until([&] { return !fixture.model(lacking).stopped.ok(); }));
  EXPECT_EQ(fixture.model(lacking).stopped.message(), "table public.lacking has no column n");
  EXPECT_EQ(fixture.model(whole).resets, 0);
  EXPECT_EQ(fixture.model(removed).resets, 1);
  expect_exact(fixture, whole);
  expect_exact(fixture, removed);
}

TEST(PostgresResume, readers_removed_and_added_while_the_server_is_away_come_right) {
  PostgresCluster cluster;
  DurableFixture fixture(cluster);
  fixture.run("CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE u (id int PRIMARY KEY)");
  ReaderId t = fixture.read("t"), u = fixture.read("u");
  Result<SourceTable> resolved = fixture.resolve("t");
  ASSERT_TRUE(resolved.ok());
  ASSERT_TRUE(fixture.pump_until_ready(t));
  ASSERT_TRUE(fixture.pump_until_ready(u));
  cluster.stop();
  ASSERT_TRUE(
      fixture.pump_until([&] { return fixture.source->status().state == SourceState::kStale; }));
  EXPECT_GT(fixture.source->status().stale_since_us, 0);
  fixture.source->remove_reader(u);
  ReaderId later = fixture.read_resolved("t", *resolved);
  cluster.start();
  fixture.run("INSERT INTO t VALUES (1); INSERT INTO u VALUES (1)");
  ASSERT_TRUE(fixture.pump_until_ready(later));
  expect_exact(fixture, t);
  expect_exact(fixture, later);
  EXPECT_EQ(fixture.model(t).resets, 0);
  EXPECT_EQ(fixture.model(later).resets, 0);
  EXPECT_TRUE(fixture.model(u).by_key.empty());
}

// It is in the log, was delivered to the process before, and is not sent again: no snapshot may be
// without it.
TEST(PostgresResume, a_commit_that_waits_for_a_standby_is_in_the_next_snapshot) {
  PostgresCluster cluster(ClusterOptions{
      .settings = {"synchronous_standby_names = 'nobody'", "synchronous_commit = local"}});
  DurableFixture fixture(cluster);
  fixture.run("CREATE TABLE t (id int PRIMARY KEY)");
  ReaderId before = fixture.read("t");
  ASSERT_TRUE(fixture.pump_until_ready(before));
  PostgresConnection writer = cluster.connect(fixture.database);
  ASSERT_TRUE(writer.execute("SET synchronous_commit = on").ok());
  std::future<Status> waits =
      std::async(std::launch::async, [&] { return writer.execute("INSERT INTO t VALUES (1)"); });
  EXPECT_TRUE(fixture.pump_until([&] { return fixture.model(before).by_key.size() == 1; }));
  SourceCheckpoint kept = fixture.checkpoint();
  fixture.restart(kept);
  ReaderId later = fixture.read("t");
  EXPECT_TRUE(fixture.pump_until([&] {
    // Who joins waits for those who have written to the table, as long as they hold its lock.
    return fixture.model(later).is_ready ||
           fixture.value(
               "SELECT COUNT(*) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND "
               "query LIKE '%virtualtransaction IN (%'") != "0";
  }));
  fixture.run("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'");
  EXPECT_TRUE(waits.get().ok()) << "it is told by a warning that no standby has it";
  ASSERT_TRUE(fixture.pump_until_ready(later));
  EXPECT_EQ(fixture.model(later).by_key.size(), 1u);
  expect_exact(fixture, later);
}

TEST(PostgresResume, a_slot_that_the_user_named_stays) {
  std::string slot = "users_" + std::to_string(getpid());
  {
    DurableFixture fixture(shared_cluster(), {{"slot.name", slot}});
    fixture.run("CREATE TABLE t (id int PRIMARY KEY)");
    ReaderId t = fixture.read("t");
    ASSERT_TRUE(fixture.pump_until_ready(t));
    SourceCheckpoint kept = fixture.checkpoint();
    fixture.close();
    fixture.run("INSERT INTO t VALUES (1)");
    fixture.restart(kept);
    expect_exact(fixture, t);
    EXPECT_EQ(fixture.model(t).resets, 0);
    EXPECT_EQ(fixture.slots(), slot + ":false");
    fixture.source->abandon();
    fixture.close();
    EXPECT_EQ(fixture.slots(), slot + ":false");
    EXPECT_EQ(fixture.publications(), "");
    while (fixture.value("SELECT active FROM pg_replication_slots WHERE slot_name = '" + slot +
                         "'") != "f") {
    }
  }
  shared_cluster().run("SELECT pg_drop_replication_slot('" + slot + "')");
}

}  // namespace
}  // namespace tidemark
