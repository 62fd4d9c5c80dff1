// Readers that come and go while transactions run: what they hold is right at every commit.

#include <atomic>
#include <random>
#include <thread>

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "tests/cdc/postgres/source_fixture.h"
#include "tests/cdc/postgres/writers.h"

namespace tidemark {
namespace {

class PostgresLoadTest : public ::testing::Test {
 protected:
  PostgresLoadTest() : fixture_(shared_cluster(), shared_cluster().make_database()) {
    fixture_.sink.on_commit = [this](const CommitInfo& commit) {
      invariant_.check(fixture_.sink.tables, commit);
    };
  }

  void expect_all_exact() {
    ASSERT_TRUE(fixture_.catch_up());
    EXPECT_EQ(invariant_.violation, "");
    for (auto& [id, table] : fixture_.sink.tables) {
      EXPECT_EQ(table.violation, "");
      EXPECT_TRUE(table.failed.ok()) << table.failed.to_string();
      EXPECT_EQ(table.sorted_rows(), fixture_.rows_at_source(id)) << table.table.display_name;
    }
  }

  SourceFixture fixture_;
  WritersInvariant invariant_;
};

TEST_F(PostgresLoadTest, readers_added_while_others_write_are_exact_at_every_commit) {
  Writers writers(fixture_.cluster, fixture_.database, 4);
  ASSERT_TRUE(fixture_.pump_until_ready(fixture_.read("counter")));
  for (int round = 0; round < 6; ++round) {
    int before = writers.committed();
    ReaderId account = fixture_.read("account"), ledger = fixture_.read("ledger");
    ASSERT_TRUE(fixture_.pump_until_ready(account));
    ASSERT_TRUE(fixture_.pump_until_ready(ledger));
    ASSERT_TRUE(fixture_.pump_until([&] { return writers.committed() > before + 200; }));
  }
  writers.stop();
  expect_all_exact();
  EXPECT_GT(invariant_.checks, 500);
}

TEST_F(PostgresLoadTest, readers_added_while_transactions_are_sent_in_parts_are_exact) {
  fixture_.run("ALTER DATABASE " + fixture_.database + " SET logical_decoding_work_mem = '64kB'");
  Writers writers(fixture_.cluster, fixture_.database, 2);
  ASSERT_TRUE(fixture_.pump_until_ready(fixture_.read("counter")));
  fixture_.run("CREATE TABLE big (id int PRIMARY KEY, pad text)");
  ReaderId first = fixture_.read("big");
  ASSERT_TRUE(fixture_.pump_until_ready(first));
  PostgresConnection writer = fixture_.cluster.connect(fixture_.database);
  for (int round = 0; round < 4; ++round) {
    std::string insert =
        fmt::format("INSERT INTO big SELECT i, repeat('x', 80) FROM generate_series({}, {}) i",
                    round * 10000, round * 10000 + 4000);
    ASSERT_TRUE(writer.execute("BEGIN; " + insert).ok());
    // The table is in the publication already, so that the reader waits for this writer.
    fixture_.read("big");
    ASSERT_TRUE(fixture_.pump_until([&] { return true; }));
    ASSERT_TRUE(writer.execute("UPDATE big SET pad = 'y' WHERE id % 10 = 0; COMMIT").ok());
  }
  for (auto& [id, table] : fixture_.sink.tables) {
    ASSERT_TRUE(fixture_.pump_until_ready(id));
  }
  writers.stop();
  expect_all_exact();
}

TEST_F(PostgresLoadTest, a_removed_reader_gets_no_more_events) {
  Writers writers(fixture_.cluster, fixture_.database, 1);
  ReaderId account = fixture_.read("account");
  ASSERT_TRUE(fixture_.pump_until_ready(account));
  ReaderId ledger = fixture_.read("ledger");
  ASSERT_TRUE(fixture_.pump_until_ready(ledger));
  fixture_.source->remove_reader(account);
  uint64_t batches = fixture_.model(account).change_batches;
  int before = writers.committed();
  ASSERT_TRUE(fixture_.pump_until([&] { return writers.committed() > before + 50; }));
  writers.stop();
  ASSERT_TRUE(fixture_.catch_up());
  EXPECT_EQ(fixture_.model(account).change_batches, batches);
  EXPECT_EQ(fixture_.model(ledger).sorted_rows(), fixture_.rows_at_source(ledger));
}

}  // namespace
}  // namespace tidemark
