#pragma once
// Traffic for tests of the source, with invariants that hold in every committed state.

#include <atomic>
#include <random>
#include <thread>

#include <fmt/core.h>

#include "tests/cdc/postgres/source_fixture.h"

namespace tidemark {

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
        "WHERE id = {1}; SAVEPOINT s; DELETE FROM ledger WHERE no > (SELECT n - 20 FROM counter); "
        "ROLLBACK TO s; INSERT INTO ledger SELECT "
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

inline int64_t sum_of_balances(const TableModel& table) {
  int64_t sum = 0;
  for (const auto& [key, row] : table.by_key) {
    sum += std::stoll(row.substr(row.find('|') + 1));
  }
  return sum;
}

// What holds for every table that is ready, at every commit.
struct WritersInvariant {
  std::string violation;
  int checks = 0;

  void check(const std::map<ReaderId, TableModel>& tables, const CommitInfo& commit) {
    std::optional<int64_t> count, counted;
    for (const auto& [id, table] : tables) {
      if (!table.is_ready || !violation.empty()) {
        continue;
      }
      std::string name = table.table.display_name;
      if (name == "public.account" && sum_of_balances(table) != 4000) {
        violation = fmt::format("account of reader {} at {}: sum {}", id,
                                commit.position.to_string(), sum_of_balances(table));
      } else if (name == "public.ledger") {
        if (count && *count != table.row_count) {
          violation = fmt::format("two ledgers differ at {}", commit.position.to_string());
        }
        count = table.row_count;
      } else if (name == "public.counter") {
        counted = std::stoll(table.by_key.begin()->second.substr(2));
      }
    }
    if (violation.empty() && count && counted && *count != *counted) {
      violation = fmt::format("ledger {} and counter {} at {}", *count, *counted,
                              commit.position.to_string());
    }
    ++checks;
  }
};

}  // namespace tidemark
