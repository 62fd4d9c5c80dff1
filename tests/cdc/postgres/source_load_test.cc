// Readers that come and go while transactions run: what they hold is right at every commit.

#include <atomic>
#include <random>
#include <thread>

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "tests/cdc/postgres/source_fixture.h"

namespace tidemark {
namespace {

// Writers that move amounts between accounts, each time with one row in the ledger and one more in
// the counter: sum(accounts) is constant and count(ledger) = counter in every committed state.
class Writers {
 public:
  Writers(PostgresCluster& cluster, const std::string& database, int threads) {
    cluster.run(
        "CREATE TABLE account (id int PRIMARY KEY, balance int NOT NULL);"
        "INSERT INTO account SELECT i, 100 FROM generate_series(1, 40) i;"
        "CREATE TABLE ledger (no int, source int, target int, amount int); ALTER TABLE ledger "
        "REPLICA IDENTITY FULL;"
        "CREATE TABLE counter (id int PRIMARY KEY, n int); INSERT INTO counter VALUES (1, 0)",
        database);
    for (int i = 0; i < threads; ++i) {
      threads_.emplace_back([this, i, connection = cluster.connect(database)]() mutable {
        std::mt19937 random(static_cast<unsigned>(i));
        while (!stop_) {
          write(connection, random);
        }
      });
    }
  }
  ~Writers() { stop(); }
  void stop() {
    stop_ = true;
    for (std::thread& thread : threads_) {
      thread.join();
    }
    threads_.clear();
  }
  int committed() const { return committed_; }

 private:
  void write(PostgresConnection& connection, std::mt19937& random) {
    int from = 1 + static_cast<int>(random() % 40), to = 1 + static_cast<int>(random() % 40);
    int amount = static_cast<int>(random() % 10);
    bool rolls_back = random() % 5 == 0;
    // The counter last: its lock makes transactions of all writers overlap without deadlocks on it.
    std::string sql = fmt::format(
        "BEGIN; UPDATE account SET balance = balance - {2} WHERE id = {0}; UPDATE account SET "
        "balance = balance + {2} "
        "WHERE id = {1}; SAVEPOINT s; DELETE FROM ledger; ROLLBACK TO s; INSERT INTO ledger SELECT "
        "n + 1, {0}, {1}, {2} "
        "FROM counter; UPDATE counter SET n = n + 1; {3}",
        from, to, amount, rolls_back ? "ROLLBACK" : "COMMIT");
    if (!connection.execute(sql).ok()) {
      Status rolled_back = connection.execute("ROLLBACK");  // a deadlock between accounts
      (void)rolled_back;
    } else if (!rolls_back) {
      ++committed_;
    }
  }

  std::atomic<bool> stop_{false};
  std::atomic<int> committed_{0};
  std::vector<std::thread> threads_;
};

int64_t sum_of_balances(const TableModel& table) {
  int64_t sum = 0;
  for (const auto& [key, row] : table.by_key) {
    sum += std::stoll(row.substr(row.find('|') + 1));
  }
  return sum;
}

class PostgresLoadTest : public ::testing::Test {
 protected:
  PostgresLoadTest() : fixture_(shared_cluster(), shared_cluster().make_database()) {
    fixture_.sink.on_commit = [this](const CommitInfo& commit) { check(commit); };
  }

  void check(const CommitInfo& commit) {
    std::optional<int64_t> count, counted;
    for (auto& [id, table] : fixture_.sink.tables) {
      if (!table.is_ready || !violation_.empty()) {
        continue;
      }
      std::string name = table.table.display_name;
      if (name == "public.account" && sum_of_balances(table) != 4000) {
        violation_ = fmt::format("account of reader {} at {}: sum {}", id,
                                 commit.position.to_string(), sum_of_balances(table));
      } else if (name == "public.ledger") {
        int64_t rows = 0;
        for (const auto& [row, n] : table.rows) {
          rows += n;
        }
        if (count && *count != rows) {
          violation_ = fmt::format("two ledgers differ at {}", commit.position.to_string());
        }
        count = rows;
      } else if (name == "public.counter") {
        counted = std::stoll(table.by_key.begin()->second.substr(2));
      }
    }
    if (violation_.empty() && count && counted && *count != *counted) {
      violation_ = fmt::format("ledger {} and counter {} at {}", *count, *counted,
                               commit.position.to_string());
    }
    ++checks_;
  }

  void expect_all_exact() {
    ASSERT_TRUE(fixture_.catch_up());
    EXPECT_EQ(violation_, "");
    for (auto& [id, table] : fixture_.sink.tables) {
      EXPECT_EQ(table.violation, "");
      EXPECT_TRUE(table.failed.ok()) << table.failed.to_string();
      EXPECT_EQ(table.sorted_rows(), fixture_.rows_at_source(id)) << table.table.display_name;
    }
  }

  SourceFixture fixture_;
  std::string violation_;
  int checks_ = 0;
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
  EXPECT_GT(checks_, 500);
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
