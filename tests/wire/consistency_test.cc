// Transfers between accounts that are kept in two tables, each transfer one transaction over both;
// views for credits, debits, balance and total. The total is zero in every answer, marks never go
// back within a session, several reads of a block are at one mark, and a writer that waits for its
// LSN sees its own transfer; also across kill -9. Subscribers add up what they are told, go on from
// their last mark when they are cut off, and have a balance of zero at every mark.
//
// TIDEMARK_CONSISTENCY_TRANSFERS: of each writer between two kills (200).
// TIDEMARK_CONSISTENCY_KILLS (1). TIDEMARK_CONSISTENCY_LARGE: transfers in one transaction, once
// between two kills (20000).

#include <atomic>
#include <map>
#include <sstream>
#include <thread>

#include <fmt/core.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include "tests/harness/postgres_cluster.h"
#include "tests/harness/serve_process.h"
#include "types/lsn.h"

namespace tidemark {
namespace {

constexpr int kWriters = 4;
constexpr int kAccounts = 50;

int from_environment(const char* name, int otherwise) {
  const char* text = getenv(name);
  return text == nullptr ? otherwise : atoi(text);
}

class WireConsistency : public testing::Test {
 protected:
  void SetUp() override {
    database_ = cluster_.make_database();
    cluster_.run(
        "CREATE TABLE credits (id bigserial PRIMARY KEY, account int NOT NULL, amount bigint NOT "
        "NULL); CREATE TABLE debits (id bigserial PRIMARY KEY, account int NOT NULL, amount bigint "
        "NOT NULL); CREATE INDEX ON credits (account) INCLUDE (amount)",
        database_);
    ASSERT_TRUE(server_.start());
    PostgresConnection connection = server_.connect();
    PostgresAddress address = cluster_.address(database_);
    for (const char* table : {"credits", "debits"}) {
      must(connection,
           fmt::format("CREATE TABLE {0} WITH ('connector' = 'postgres-cdc', 'hostname' "
                       "= '{1}', 'port' = '{2}', 'username' = 'postgres', 'password' = "
                       "'postgres', 'database-name' = '{3}', 'schema-name' = 'public', "
                       "'table-name' = '{0}')",
                       table, address.host, address.port, database_));
    }
    must(connection,
         "CREATE MATERIALIZED VIEW credited AS SELECT account, SUM(amount) AS amount FROM credits "
         "GROUP BY account");
    must(connection,
         "CREATE MATERIALIZED VIEW debited AS SELECT account, SUM(amount) AS amount FROM debits "
         "GROUP BY account");
    must(connection,
         "CREATE MATERIALIZED VIEW balance AS SELECT COALESCE(c.account, d.account) AS account, "
         "COALESCE(c.amount, 0) - COALESCE(d.amount, 0) AS amount FROM credited c FULL OUTER JOIN "
         "debited d ON c.account = d.account");
    must(connection, "CREATE MATERIALIZED VIEW total AS SELECT SUM(amount) AS amount FROM balance");
  }

  static QueryResult must(PostgresConnection& connection, const std::string& sql) {
    Result<QueryResult> result = connection.query(sql);
    EXPECT_TRUE(result.ok()) << sql << "\n" << result.status().to_string();
    return std::move(result).value();
  }

  void write(int writer, int transfers);
  void read();
  // Until it has been told a mark from `end` on; the balances then.
  std::map<std::string, int64_t> follow();

  PostgresCluster cluster_;
  std::string database_;
  ServeProcess server_;
  std::atomic<bool> stop_ = false;
  std::atomic<uint64_t> end_ = UINT64_MAX;  // of the subscriptions, as an LSN
  std::atomic<int64_t> answers_ = 0, violations_ = 0, own_seen_ = 0, marks_ = 0, gone_on_ = 0;
};

// Transfers; each tenth is large, one very large, and each fifth is waited for and looked up by its
// writer.
void WireConsistency::write(int writer, int transfers) {
  PostgresConnection source = cluster_.connect(database_);
  for (int i = 0; i < transfers; ++i) {
    int from = (writer * 7 + i) % kAccounts, to = (writer * 13 + i * 3) % kAccounts;
    int rows = i % 10 == 9 ? 1000 : 1;
    if (writer == 0 && i == transfers / 2) {
      rows = from_environment("TIDEMARK_CONSISTENCY_LARGE", 20'000);
    }
    must(source,
         fmt::format("BEGIN; INSERT INTO debits (account, amount) SELECT {0}, 5 FROM "
                     "generate_series(1, {2}); INSERT INTO credits (account, amount) SELECT "
                     "{1}, 5 FROM generate_series(1, {2}); COMMIT",
                     from, to, rows));
    if (i % 5 != 0) {
      continue;
    }
    QueryResult lsn = must(source,
                           "SELECT pg_current_wal_insert_lsn(), (SELECT sum(amount) FROM "
                           "credits WHERE account = " +
                               std::to_string(to) + ")");
    std::string wait = fmt::format("WAIT FOR LSN '{}'", lsn.text(0, 0));
    Result<PostgresConnection> reader = server_.try_connect();
    if (!reader.ok() || !reader->query(wait).ok()) {
      continue;  // killed meanwhile
    }
    Result<QueryResult> own =
        reader->query(fmt::format("SELECT amount FROM credited WHERE account = {}", to));
    if (own.ok()) {
      ++own_seen_;
      violations_ += own->rows() != 1 || own->integer(0, 0) < lsn.integer(0, 1) ? 1 : 0;
    }
  }
}

void WireConsistency::read() {
  Lsn last;
  while (!stop_) {
    Result<PostgresConnection> connection = server_.try_connect();
    while (!stop_ && connection.ok()) {
      Result<QueryResult> total = connection->query("SELECT amount FROM total");
      if (!total.ok()) {
        break;
      }
      ++answers_;
      bool has_total = total->rows() == 1 && !total->is_null(0, 0);
      bool is_zero = total->rows() == 0 || total->is_null(0, 0) || total->integer(0, 0) == 0;
      Lsn mark = Lsn::parse(connection->parameter("tidemark.mark")).value_or(last);
      violations_ += !is_zero || mark < last ? 1 : 0;
      last = mark;
      // The same as a look-up, which does not ask the step thread: the total is 0 or not there yet.
      std::vector<std::string> zero{"0"};
      Result<QueryResult> found =
          connection->query("SELECT amount FROM total WHERE amount = $1", zero);
      if (!found.ok()) {
        break;
      }
      ++answers_;
      mark = Lsn::parse(connection->parameter("tidemark.mark")).value_or(last);
      violations_ += (found->rows() != 1 && has_total) || mark < last ? 1 : 0;
      last = mark;
      // One mark for all reads of a block.
      if (!connection->query("BEGIN").ok()) {
        break;
      }
      Result<QueryResult> credits = connection->query("SELECT SUM(amount) FROM credited");
      Result<QueryResult> debits = connection->query("SELECT SUM(amount) FROM debited");
      if (!connection->query("COMMIT").ok() || !credits.ok() || !debits.ok()) {
        break;
      }
      ++answers_;
      violations_ += credits->text(0, 0) != debits->text(0, 0) ? 1 : 0;
    }
    last = Lsn();  // another session
  }
}

std::map<std::string, int64_t> WireConsistency::follow() {
  std::map<std::string, int64_t> balances;  // as of `last`
  Lsn last;
  while (!last.valid() || last.value < end_) {
    Result<PostgresConnection> connection = server_.try_connect();
    std::string from = last.valid() ? " AS OF MARK '" + last.to_string() + "'" : "";
    Status begun = connection.status();
    if (begun.ok()) {
      begun = connection->start_copy("COPY (SUBSCRIBE balance WITH (PROGRESS = true)" + from +
                                     ") TO STDOUT");
    }
    if (begun.sqlstate() == "72000" || begun.sqlstate() == "22023") {
      ADD_FAILURE() << begun.to_string();  // a mark that it was told
      return balances;
    }
    if (!begun.ok()) {
      continue;  // killed meanwhile
    }
    gone_on_ += last.valid() ? 1 : 0;
    std::map<std::string, int64_t> next = balances;
    while (!last.valid() || last.value < end_) {
      Result<std::optional<std::string_view>> line = connection->next_copy_message();
      if (!line.ok() || !*line) {
        break;  // what has no mark yet comes again
      }
      std::istringstream cells{std::string(**line)};
      std::string mark, op, account;
      int64_t amount = 0;
      cells >> mark >> op >> account >> amount;
      if (op != "mark") {
        next[account] += op == "+I" || op == "+U" ? amount : -amount;
        continue;
      }
      Lsn told = Lsn::parse(mark).value_or(Lsn());
      int64_t sum = 0;
      for (const auto& [id, balance] : next) {
        sum += balance;
      }
      ++marks_;
      violations_ += sum != 0 || told < last ? 1 : 0;
      last = told;
      balances = next;
    }
  }
  return balances;
}

TEST_F(WireConsistency, every_answer_is_one_state_of_the_source) {
  int transfers = from_environment("TIDEMARK_CONSISTENCY_TRANSFERS", 200);
  int kills = from_environment("TIDEMARK_CONSISTENCY_KILLS", 1);
  std::vector<std::thread> readers, writers;
  for (int i = 0; i < 2; ++i) {
    readers.emplace_back([this] { read(); });
  }
  std::map<std::string, int64_t> followed;
  std::thread follower([&] { followed = follow(); });
  for (int kill = 0; kill <= kills; ++kill) {
    for (int i = 0; i < kWriters; ++i) {
      writers.emplace_back([this, i, transfers] { write(i, transfers); });
    }
    if (kill < kills) {
      int64_t answers = answers_, marks = marks_;
      while (answers_ < answers + 20 || marks_ == marks) {
        std::this_thread::yield();
      }
      server_.kill();
      EXPECT_TRUE(server_.start());
    }
    for (std::thread& writer : writers) {
      writer.join();
    }
    writers.clear();
  }
  stop_ = true;
  for (std::thread& reader : readers) {
    reader.join();
  }
  PostgresConnection source = cluster_.connect(database_);
  std::string lsn(must(source, "SELECT pg_current_wal_insert_lsn()").text(0, 0));
  PostgresConnection connection = server_.connect();
  must(connection, fmt::format("SET tidemark.min_mark = '{}'", lsn));
  EXPECT_EQ(must(connection, "SELECT amount FROM total").integer(0, 0), 0);
  end_ = Lsn::parse(lsn)->value;
  follower.join();
  QueryResult balances = must(connection, "SELECT account, amount FROM balance");
  for (size_t row = 0; row < balances.rows(); ++row) {
    EXPECT_EQ(followed[std::string(balances.text(row, 0))], balances.integer(row, 1));
  }
  EXPECT_EQ(must(connection, "SELECT SUM(amount) FROM credited").text(0, 0),
            must(source, "SELECT sum(amount) FROM credits").text(0, 0));
  EXPECT_EQ(violations_, 0);
  EXPECT_GT(answers_, 0);
  EXPECT_GT(own_seen_, 0);
  EXPECT_GE(gone_on_, kills);
  fmt::print(
      "answers checked: {}, own writes looked up: {}, marks of a subscription: {}, taken up "
      "again: {}, violations: {}\n",
      answers_.load(), own_seen_.load(), marks_.load(), gone_on_.load(), violations_.load());
}

TEST_F(WireConsistency, subscriptions_as_rows_cursors_and_copies) {
  PostgresConnection connection = server_.connect();
  cluster_.run("INSERT INTO credits (account, amount) VALUES (1, 5)", database_);
  std::string lsn = cluster_.value("SELECT pg_current_wal_insert_lsn()", database_);
  must(connection, fmt::format("SET tidemark.min_mark = '{}'", lsn));
  EXPECT_EQ(must(connection, "SELECT * FROM credited").text(0, 1), "5");
  must(connection, "BEGIN");
  must(connection, "DECLARE c CURSOR FOR SUBSCRIBE credited");
  QueryResult content = must(connection, "FETCH ALL FROM c");
  ASSERT_EQ(content.rows(), 2U);
  EXPECT_EQ(content.column_name(0), "mark");
  EXPECT_EQ(content.text(0, 1), "+I");
  EXPECT_EQ(content.text(1, 1), "mark");
  EXPECT_EQ(must(connection, "FETCH ALL FROM c WITH (TIMEOUT = '1ms')").rows(), 0U);
  cluster_.run("INSERT INTO credits (account, amount) VALUES (1, 2), (2, 9)", database_);
  QueryResult change = must(connection, "FETCH 100 FROM c");  // a commit comes whole
  ASSERT_EQ(change.rows(), 4U);
  EXPECT_EQ(change.text(3, 1), "mark");
  Result<QueryResult> back = connection.query("FETCH PRIOR FROM c");
  EXPECT_FALSE(back.ok());
  must(connection, "ROLLBACK");
  // Without the first content: only what comes later.
  must(connection, "BEGIN");
  must(connection, "DECLARE d CURSOR FOR SUBSCRIBE credited WITH (SNAPSHOT = false)");
  EXPECT_EQ(must(connection, "FETCH ALL FROM d WITH (TIMEOUT = '1ms')").rows(), 0U);
  cluster_.run("INSERT INTO credits (account, amount) VALUES (3, 1)", database_);
  EXPECT_EQ(must(connection, "FETCH ALL FROM d").text(0, 2), "3");
  must(connection, "COMMIT");
}

TEST_F(WireConsistency, freshness_is_told_and_demanded) {
  PostgresConnection connection = server_.connect();
  must(connection, "SELECT * FROM total");
  EXPECT_TRUE(Lsn::parse(connection.parameter("tidemark.mark")).has_value());
  EXPECT_EQ(must(connection, "SHOW FRESHNESS").rows(), 4U);
  EXPECT_EQ(must(connection, "SELECT name FROM tidemark.views WHERE state = 'running'").rows(), 4U);
  Result<QueryResult> never = connection.query("WAIT FOR LSN 'FFFF/0' WITH (TIMEOUT = '1ms')");
  EXPECT_FALSE(never.ok());
  EXPECT_EQ(must(connection, "WAIT FOR LSN 'FFFF/0' WITH (TIMEOUT = '1ms', NO_THROW)").text(0, 0),
            "timeout");
  EXPECT_FALSE(connection.query("SET tidemark.min_mark = 'soon'").ok());
  // In a block that has read, waiting comes too late.
  must(connection, "BEGIN");
  must(connection, "SELECT * FROM total");
  EXPECT_FALSE(connection.query("WAIT FOR LSN '0/1'").ok());
  must(connection, "ROLLBACK");
}

}  // namespace
}  // namespace tidemark
