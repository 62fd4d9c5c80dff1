// Random transactions on a real Postgres while `tidemark serve` is killed with -9, at random
// moments and at named places, and while the source is restarted and its connections are cut. After
// every restart:
//   - the sum over all accounts, which every transaction keeps, is constant in every state that a
//   subscriber sees;
//   - each view equals Postgres's answer at the same position, and VERIFY VIEW says so of one;
//   - a subscriber who goes on from the last mark that it was told of has, with the changes that it
//   gets, exactly the view's rows;
//   - the slot's position moves on: the log kept at the source is bounded.
//
// TIDEMARK_CHAOS_KILLS: how many (script/chaos --kills N); TIDEMARK_CHAOS_SEED: of the random
// choices.

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <map>
#include <optional>
#include <random>
#include <thread>

#include <fmt/core.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "tests/chaos/kill_run.h"
#include "tests/harness/postgres_cluster.h"
#include "tests/harness/serve_process.h"
#include "types/lsn.h"

namespace tidemark {
namespace {

struct View {
  const char* name;
  const char* flink;
  const char* postgres;
  const char* columns = "*";  // those that are compared
};

// Every kind of operator and of accumulator state.
const View kViews[] = {
    {"total", "SELECT SUM(balance) AS total FROM accounts",
     "SELECT sum(balance)::bigint FROM accounts"},
    {"per_owner",
     "SELECT owner, COUNT(*) AS n, SUM(balance) AS s, MIN(balance) AS lo, MAX(id) AS hi, "
     "COUNT(DISTINCT balance) AS d "
     "FROM accounts GROUP BY owner",
     "SELECT owner, count(*), sum(balance)::bigint, min(balance), max(id), count(DISTINCT balance) "
     "FROM accounts "
     "GROUP BY owner"},
    {"rich", "SELECT id, balance FROM accounts WHERE balance > 6000",
     "SELECT id, balance FROM accounts WHERE balance > 6000"},
    {"richest", "SELECT id, balance FROM accounts ORDER BY balance DESC, id LIMIT 7",
     "SELECT id, balance FROM accounts ORDER BY balance DESC, id LIMIT 7"},
    {"notes",
     "SELECT CHAR_LENGTH(note) AS size, COUNT(*) AS n FROM accounts GROUP BY CHAR_LENGTH(note)",
     "SELECT char_length(note), count(*) FROM accounts GROUP BY 1"},
    {"audited",
     "SELECT account, SUM(amount) AS amount, AVG(rate) AS rate, MAX(what) AS what FROM audit GROUP "
     "BY account",
     "SELECT account, sum(amount), max(what) FROM audit GROUP BY account", "account, amount, what"},
    {"both",
     "SELECT id FROM accounts WHERE balance > 5500 UNION ALL SELECT account FROM audit WHERE "
     "amount > 50",
     "SELECT id FROM accounts WHERE balance > 5500 UNION ALL SELECT account FROM audit WHERE "
     "amount > 50"},
    {"joined",
     "SELECT a.owner, COUNT(*) AS n, SUM(u.amount) AS amount FROM accounts a JOIN audit u ON a.id "
     "= u.account "
     "GROUP BY a.owner",
     "SELECT a.owner, count(*), sum(u.amount) FROM accounts a JOIN audit u ON a.id = u.account "
     "GROUP BY a.owner"},
    {"outer_joined",
     "SELECT a.id, COUNT(u.amount) AS n FROM accounts a LEFT JOIN audit u ON a.id = u.account AND "
     "u.amount > 20 "
     "GROUP BY a.id",
     "SELECT a.id, count(u.amount) FROM accounts a LEFT JOIN audit u ON a.id = u.account AND "
     "u.amount > 20 "
     "GROUP BY a.id"},
    {"quiet",
     "SELECT id FROM accounts WHERE id NOT IN (SELECT account FROM audit WHERE amount > 90)",
     "SELECT id FROM accounts WHERE id NOT IN (SELECT account FROM audit WHERE amount > 90)"},
    {"owners", "SELECT COUNT(*) AS n, SUM(n) AS accounts, SUM(s) AS total FROM per_owner",
     "SELECT count(*), sum(n)::bigint, sum(s)::bigint FROM (SELECT count(*) AS n, sum(balance) AS "
     "s FROM accounts GROUP "
     "BY owner) AS o"},
};

// Reads the total as it is published, for as long as the server lives.
class TotalReader {
 public:
  explicit TotalReader(PostgresConnection connection)
      : connection_(std::move(connection)), thread_([this] { run(); }) {}
  ~TotalReader() { join(); }
  // After the server's end.
  void join() {
    if (thread_.joinable()) {
      thread_.join();
    }
  }
  uint64_t states() const { return states_; }

 private:
  void run() {
    if (!connection_.send("SUBSCRIBE total").ok() || !connection_.row_by_row().ok()) {
      return;
    }
    while (true) {
      Result<std::optional<QueryResult>> result = connection_.next_result();
      if (!result.ok() || !*result) {
        return;
      }
      for (size_t row = 0; row < (*result)->rows(); ++row) {
        std::string op((*result)->text(row, 1));
        if (op == "+I" || op == "+U") {
          ++states_;
          EXPECT_EQ((*result)->integer(row, 2), kTotal) << "at mark " << (*result)->text(row, 0);
        }
      }
    }
  }

  PostgresConnection connection_;
  std::atomic<uint64_t> states_{0};
  std::thread thread_;
};

// Keeps the rows of a view across all kills: after each it goes on from its last mark.
class LoyalReader {
 public:
  ~LoyalReader() { join(); }
  void start(PostgresConnection connection) {
    connection_.emplace(std::move(connection));
    thread_ = std::thread([this] { run(); });
  }
  // After the server's end.
  void join() {
    if (thread_.joinable()) {
      thread_.join();
    }
  }
  uint64_t resumed() const { return resumed_; }
  // Up to the mark, which the server has reached, and no further.
  std::vector<std::string> rows_at(ServeProcess& serve, Lsn mark) {
    until_ = mark;
    start(serve.connect());
    join();
    until_.reset();
    std::vector<std::string> rows;
    for (const auto& [row, count] : rows_) {
      EXPECT_EQ(count, 1) << row;
      rows.push_back(row);
    }
    return rows;
  }

 private:
  void run() {
    std::string sql = "SUBSCRIBE per_owner WITH (PROGRESS = true)";
    if (mark_.valid()) {
      sql += fmt::format(" AS OF MARK '{}'", mark_.to_string());
      ++resumed_;
    }
    if (!connection_->send(sql).ok() || !connection_->row_by_row().ok()) {
      return;
    }
    std::map<std::string, int64_t> changes;  // of the update that is arriving
    while (!until_ || mark_ < *until_) {
      Result<std::optional<QueryResult>> result = connection_->next_result();
      if (!result.ok() && result.status().code() != StatusCode::kUnavailable &&
          result.status().code() != StatusCode::kCancelled) {
        ADD_FAILURE() << sql << ": " << result.status().to_string();
      }
      if (!result.ok() || !*result) {
        return;  // what has not come whole is told again
      }
      for (size_t row = 0; row < (*result)->rows(); ++row) {
        std::string op((*result)->text(row, 1));
        if (op == "mark") {
          Lsn mark = Lsn::parse((*result)->text(row, 0)).value();
          EXPECT_GE(mark, mark_);
          mark_ = mark;
          for (const auto& [text, count] : std::exchange(changes, {})) {
            if ((rows_[text] += count) == 0) {
              rows_.erase(text);
            }
          }
          continue;
        }
        std::string text;
        for (size_t column = 2; column < (*result)->columns(); ++column) {
          text += (column == 2 ? "" : "|") + std::string((*result)->text(row, column));
        }
        changes[text] += op == "+I" || op == "+U" ? 1 : -1;
      }
    }
    connection_.reset();
  }

  std::optional<PostgresConnection> connection_;
  std::map<std::string, int64_t> rows_;
  Lsn mark_;  // of rows_
  std::optional<Lsn> until_;
  uint64_t resumed_ = 0;
  std::thread thread_;
};

class Chaos final : public KillRun {
 public:
  explicit Chaos(uint64_t seed) : KillRun(seed, 3, 50) {}

 private:
  std::vector<std::string> flags() override {
    // What is kept at the source is looked at once a second: with the longer interval it is more
    // than the budget then.
    reads_ahead_ = random_() % 5 == 0;
    std::vector<std::string> flags = {"--checkpoint-interval", reads_ahead_ ? "2s" : "50ms"};
    if (random_() % 3 == 0) {
      flags.insert(flags.end(),
                   {"--memory-limit", "1MB"});  // less than the store takes: all leaves memory
    }
    makes_tables_ = random_() % 2 == 0;
    if (makes_tables_) {
      flags.insert(flags.end(), {"--table-min", "0"});
    }
    return flags;
  }

  void define() override {
    PostgresConnection client = serve_.connect();
    declare_tables(client, ", 'wal.budget'='32kB'");  // the log is read ahead often
    for (const View& view : kViews) {
      Status made =
          client.execute(fmt::format("CREATE MATERIALIZED VIEW {} AS {}", view.name, view.flink));
      ASSERT_TRUE(made.ok()) << made.to_string();
    }
  }

  void before_kill() override {
    if (serve_.is_running()) {  // until it comes to its named place: any of these may be too late
      if (Result<PostgresConnection> connection = serve_.try_connect(); connection.ok()) {
        reader_.emplace(std::move(connection).value());
      }
      if (Result<PostgresConnection> connection = serve_.try_connect(); connection.ok()) {
        loyal_.start(std::move(connection).value());
      }
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(random_() % 200));
    disturb_source();
  }

  void after_kill() override {
    if (reader_) {
      reader_->join();
      totals_ += reader_->states();
      reader_.reset();
    }
    loyal_.join();
  }

  void report(int kills) override {
    // Views that were live stay so: no snapshot is read again.
    EXPECT_EQ(serve_.log().find("read anew"), std::string::npos) << serve_.log();
    fmt::print(
        "chaos: seed {}, {} kills ({} at named places), {} source restarts, {} cut connections, {} "
        "transactions, "
        "{} totals read, {} comparisons of a view, a subscription resumed {} times\n",
        seed_, kills, named_, restarts_, cuts_, committed_, totals_, comparisons_,
        loyal_.resumed());
  }

  // Of the checkpoint, or of what is read ahead, which a start with a backlog comes past.
  std::string crash_place() override {
    if (reads_ahead_) {
      const char* places[] = {"ahead_written", "ahead_synced", "ahead_confirmed"};
      return fmt::format("{}:{}", places[random_() % std::size(places)], random_() % 2 + 1);
    }
    const char* places[] = {"stage",        "write",         "written",
                            "acknowledged", "table_written", "table_taken"};
    size_t count = std::size(places) - (makes_tables_ ? 0 : 2);
    return fmt::format("{}:{}", places[random_() % count], random_() % 5 + 1);
  }

  void disturb_source() {
    if (random_() % 15 == 0) {
      cluster_.stop();
      cluster_.start();
      ++restarts_;
    } else if (random_() % 10 == 0) {
      cluster_.run("SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE active",
                   database_);
      ++cuts_;
    }
  }

  // Every view is Postgres's answer.
  void check_all() override {
    if (testing::Test::HasFailure()) {
      return;
    }
    PostgresConnection client = serve_.connect();
    PostgresConnection source = cluster_.connect(database_);
    std::string position = cluster_.value("SELECT pg_current_wal_insert_lsn()", database_);
    std::vector<std::string> waited =
        sorted_rows(client, fmt::format("WAIT FOR LSN '{}' WITH (TIMEOUT = '300s')", position));
    ASSERT_EQ(waited, std::vector<std::string>{"success"}) << serve_.log();
    for (const View& view : kViews) {
      std::string query = fmt::format("SELECT {} FROM {}", view.columns, view.name);
      EXPECT_EQ(sorted_rows(client, query), sorted_rows(source, view.postgres)) << view.name << "\n"
                                                                                << serve_.log();
      ++comparisons_;
    }
    const char* view = kViews[random_() % std::size(kViews)].name;
    std::vector<std::string> verified = sorted_rows(client, fmt::format("VERIFY VIEW {}", view));
    EXPECT_TRUE(verified.size() == 1 && verified[0].starts_with("equal at ") &&
                !verified[0].starts_with("equal at 0/0"))
        << view << ": " << verified[0];
    EXPECT_EQ(loyal_.rows_at(serve_, Lsn::parse(position).value()),
              sorted_rows(client, "SELECT * FROM per_owner"))
        << serve_.log();
  }

  LoyalReader loyal_;
  std::optional<TotalReader> reader_;
  bool makes_tables_ = false, reads_ahead_ = false;  // of every batch; in this life
  uint64_t restarts_ = 0, cuts_ = 0, totals_ = 0;
};

TEST(Chaos, KilledAnywhereNothingIsLostOrDoubled) {
  const char* kills = getenv("TIDEMARK_CHAOS_KILLS");
  const char* seed = getenv("TIDEMARK_CHAOS_SEED");
  Chaos(seed != nullptr ? strtoull(seed, nullptr, 10) : 20261124)
      .run(kills != nullptr ? atoi(kills) : 50);
}

}  // namespace
}  // namespace tidemark
