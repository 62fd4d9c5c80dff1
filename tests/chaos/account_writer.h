#pragma once
// Random transactions over the tables `accounts` and `audit`, which keep the sum over all balances:
// inserts, updates also of keys, deletes, savepoints, truncates, rollbacks.

#include <atomic>
#include <chrono>
#include <optional>
#include <random>
#include <string>
#include <thread>

#include <fmt/core.h>

#include "tests/harness/postgres_cluster.h"

namespace tidemark {

inline constexpr int kAccounts = 200;
inline constexpr int64_t kTotal = 1'000'000;

// The tables.
inline std::string make_accounts() {
  return fmt::format(
      "CREATE TABLE accounts (id int PRIMARY KEY, owner text NOT NULL, balance bigint NOT "
      "NULL, note text);"
      "CREATE TABLE audit (account int, amount numeric(12, 2), rate float8, what text);"
      "ALTER TABLE audit REPLICA IDENTITY FULL;"
      "INSERT INTO accounts SELECT i, 'owner' || i % 9, {}, NULL FROM generate_series(1, {}) "
      "AS i",
      kTotal / kAccounts, kAccounts);
}

// One connection's random transactions, until told to stop. It pauses between them: what is killed
// is to come to the end of the log between two kills.
class AccountWriter {
 public:
  AccountWriter(PostgresCluster& cluster, const std::string& database, uint64_t seed)
      : cluster_(cluster), database_(database), random_(seed), thread_([this] { run(); }) {}
  ~AccountWriter() {
    stopping_ = true;
    thread_.join();
  }
  uint64_t committed() const { return committed_; }

 private:
  void run() {
    std::optional<PostgresConnection> connection;
    while (!stopping_) {
      if (!connection) {
        Result<PostgresConnection> opened = PostgresConnection::open(cluster_.address(database_));
        if (!opened.ok()) {
          std::this_thread::sleep_for(
              std::chrono::milliseconds(5));  // the server is being restarted
          continue;
        }
        connection.emplace(std::move(opened).value());
      }
      // Deadlocks and restarts end transactions: that is part of it.
      std::this_thread::sleep_for(std::chrono::milliseconds(random_() % 24));
      if (connection->execute(transaction()).ok()) {
        ++committed_;
      } else if (connection->is_broken()) {
        connection.reset();
      } else {
        static_cast<void>(connection->execute("ROLLBACK").ok());
      }
    }
  }

  int account() { return static_cast<int>(random_() % kAccounts) + 1; }

  std::string transfer() {
    int amount = static_cast<int>(random_() % 100);
    int from = account(), to = account();
    return fmt::format(
        "UPDATE accounts SET balance = balance - {0} WHERE id = {1} AND EXISTS (SELECT FROM "
        "accounts WHERE id = {2}); "
        "UPDATE accounts SET balance = balance + {0} WHERE id = {2} AND EXISTS (SELECT FROM "
        "accounts WHERE id = {1}); ",
        amount, from, to);
  }

  std::string transaction() {
    // One lock for all writers: transfers are then exact under READ COMMITTED, and two never wait
    // for each other.
    std::string text = "BEGIN; SELECT pg_advisory_xact_lock(1); ";
    for (uint64_t i = random_() % 4 + 1; i != 0; --i) {
      switch (random_() % 12) {
        case 0:
          text += fmt::format("UPDATE accounts SET owner = 'owner' || {} WHERE id = {}; ",
                              random_() % 9, account());
          break;
        case 1:
          text += fmt::format("UPDATE accounts SET note = repeat(md5('{}'), {}) WHERE id = {}; ",
                              random_(), random_() % 300, account());
          break;
        case 2:
          text += fmt::format(
              "UPDATE accounts SET id = id + {0} WHERE id = {1} AND NOT EXISTS (SELECT FROM "
              "accounts "
              "WHERE id = {0} + {1}); ",
              kAccounts, account());
          break;
        case 3:
          text += fmt::format(
              "WITH gone AS (DELETE FROM accounts WHERE id = {} AND balance = 0 RETURNING id) "
              "INSERT INTO audit SELECT id, 1, 0.5, 'gone' FROM gone; ",
              account());
          break;
        case 4:
          text += fmt::format(
              "SAVEPOINT a; UPDATE accounts SET balance = 77 WHERE id % 3 = 0; ROLLBACK TO a; ");
          break;
        case 5:
          text += random_() % 4 == 0
                      ? "TRUNCATE audit; "
                      : fmt::format("DELETE FROM audit WHERE account = {}; ", account());
          break;
        case 6:
          text += fmt::format(
              "INSERT INTO audit SELECT i % {}, i, i / 3.0, 'bulk' || i FROM generate_series(1, "
              "{}) AS i; ",
              kAccounts, random_() % 20 == 0 ? 5000 : 20);
          break;
        default:
          text += transfer();
          text += fmt::format("INSERT INTO audit VALUES ({}, {}, {}, 'transfer'); ", account(),
                              random_() % 100, random_() % 1000);
      }
    }
    return text + (random_() % 10 == 0 ? "ROLLBACK" : "COMMIT");
  }

  PostgresCluster& cluster_;
  std::string database_;
  std::mt19937_64 random_;
  std::atomic<bool> stopping_{false};
  std::atomic<uint64_t> committed_{0};
  std::thread thread_;
};

}  // namespace tidemark
