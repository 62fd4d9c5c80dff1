// Reads of single rows by prepared statements, which are answered from an index without the step
// thread: the answers are those of any other read, and it is seen that they take that way.

#include <thread>

#include <fmt/core.h>

#include "tests/harness/http_get.h"
#include "tests/harness/postgres_cluster.h"
#include "tests/wire/wire_fixture.h"
#include "types/lsn.h"

namespace tidemark {
namespace {

using Values = std::vector<std::optional<std::string>>;

class WirePointRead : public WireViewTest {
 protected:
  static void prepare(PgClient& client, const char* name, const std::string& sql) {
    PgAnswer answer(PQprepare(client.get(), name, sql.c_str(), 0, nullptr));
    ASSERT_TRUE(answer.ok()) << sql << "\n" << client.message();
  }
  static PgAnswer execute(PgClient& client, const char* name, const Values& values) {
    std::vector<const char*> texts;
    for (const auto& value : values) {
      texts.push_back(value ? value->c_str() : nullptr);
    }
    return PgAnswer(PQexecPrepared(client.get(), name, static_cast<int>(values.size()),
                                   texts.data(), nullptr, nullptr, 0));
  }
  // How many reads were answered from an index at once, by all clients.
  int64_t point_reads() {
    std::string text = http_get(server_->http_port(), "/metrics").body;
    size_t at = text.find("\ntidemark_point_reads_total ");
    return at == std::string::npos ? -1 : atoll(text.c_str() + at + 28);
  }
  // The rows of a prepared read, which must be answered at once.
  std::string at_once(PgClient& client, const char* name, const Values& values) {
    // The first makes the index; it is published with the end of the engine's turn.
    for (int i = 0; i < 1000; ++i) {
      int64_t before = point_reads();
      PgAnswer answer = execute(client, name, values);
      EXPECT_TRUE(answer.ok()) << client.message();
      if (point_reads() == before + 1) {
        return answer.text();
      }
    }
    return "never at once";
  }
};

TEST_F(WirePointRead, answers_at_once_and_as_any_read) {
  PgClient client = connect();
  prepare(client, "by_id", "SELECT id, owner, balance FROM accounts WHERE id = $1");
  EXPECT_EQ(at_once(client, "by_id", {"7"}), "7|owner7|7");
  EXPECT_EQ(execute(client, "by_id", {"4999"}).text(), "4999|owner99|4999");
  EXPECT_EQ(execute(client, "by_id", {"5001"}).rows(), 0);
  EXPECT_EQ(execute(client, "by_id", {std::nullopt}).rows(), 0);
  EXPECT_EQ(execute(client, "by_id", {"many"}).sqlstate(), "22P02");
  EXPECT_EQ(execute(client, "by_id", {"7"}).tag(), "SELECT 1");
  prepare(client, "of_group", "SELECT balance FROM towns WHERE $1 = town");
  EXPECT_EQ(
      at_once(client, "of_group", {"town3"}),
      shared_cluster().value("SELECT sum(balance) FROM accounts WHERE town = 'town3'", database_));
}

TEST_F(WirePointRead, conditions_and_expressions_beside_the_key) {
  PgClient client = connect();
  prepare(client, "more",
          "SELECT balance + $2::BIGINT, UPPER(owner) FROM accounts WHERE id = $1 "
          "AND balance > $3 AND owner LIKE 'owner%'");
  EXPECT_EQ(at_once(client, "more", {"7", "10", "6"}), "17|OWNER7");
  EXPECT_EQ(execute(client, "more", {"7", "10", "7"}).rows(), 0);
  EXPECT_EQ(execute(client, "more", {"8", "-1", "7"}).text(), "7|OWNER8");
  // The same column twice can only be both.
  prepare(client, "both", "SELECT id FROM accounts WHERE id = $1 AND id = $2");
  EXPECT_EQ(at_once(client, "both", {"7", "7"}), "7");
  EXPECT_EQ(execute(client, "both", {"7", "8"}).rows(), 0);
  // What fails for a row is told.
  prepare(client, "fails", "SELECT 10 / (balance - 7) FROM accounts WHERE id = $1");
  execute(client, "fails", {"8"});
  EXPECT_EQ(at_once(client, "fails", {"8"}), "10");
  EXPECT_EQ(execute(client, "fails", {"7"}).sqlstate(), "22012");
  EXPECT_EQ(execute(client, "fails", {"8"}).text(), "10");
  // Aggregates and subqueries are answered too, the long way.
  prepare(client, "sum", "SELECT SUM(balance) FROM accounts WHERE id = $1");
  EXPECT_EQ(execute(client, "sum", {"7"}).text(), "7");
  prepare(client, "sub",
          "SELECT id FROM accounts WHERE id = (SELECT MIN(id) FROM accounts WHERE "
          "id >= $1)");
  EXPECT_EQ(execute(client, "sub", {"12"}).text(), "12");
}

TEST_F(WirePointRead, own_writes_are_seen_after_waiting) {
  PgClient client = connect();
  prepare(client, "by_id", "SELECT owner, balance FROM accounts WHERE id = $1");
  at_once(client, "by_id", {"7"});
  int64_t before = point_reads();
  for (int i = 0; i < 50; ++i) {
    write(fmt::format("UPDATE accounts SET balance = {} WHERE id IN (7, {})", i, 100 + i));
    wait(client);
    EXPECT_EQ(execute(client, "by_id", {"7"}).text(), fmt::format("owner7|{}", i));
  }
  EXPECT_GT(point_reads(), before + 40);
  write("DELETE FROM accounts WHERE id = 7");
  wait(client);
  EXPECT_EQ(execute(client, "by_id", {"7"}).rows(), 0);
  write("INSERT INTO accounts VALUES (7, 'again', 'town', 1)");
  wait(client);
  EXPECT_EQ(execute(client, "by_id", {"7"}).text(), "again|1");
  // The same by the setting.
  write("UPDATE accounts SET owner = 'once more' WHERE id = 7");
  must(client,
       fmt::format("SET tidemark.min_mark = '{}'",
                   shared_cluster().value("SELECT pg_current_wal_insert_lsn()", database_)));
  EXPECT_EQ(execute(client, "by_id", {"7"}).text(), "once more|1");
}

// Far more changes than the first content had rows: it is added up anew while it is read.
TEST_F(WirePointRead, many_changes_are_added_up) {
  PgClient client = connect();
  prepare(client, "by_id", "SELECT balance FROM accounts WHERE id = $1");
  at_once(client, "by_id", {"7"});
  int64_t before = point_reads();
  for (int i = 0; i < 20; ++i) {
    write(fmt::format("UPDATE accounts SET balance = balance + 1 WHERE id % 5 = {}", i % 5));
    wait(client);
    for (int id : {5, 6, 7, 4999}) {
      int64_t times = 0;
      for (int j = 0; j <= i; ++j) {
        times += j % 5 == id % 5 ? 1 : 0;
      }
      EXPECT_EQ(execute(client, "by_id", {std::to_string(id)}).text(), std::to_string(id + times));
    }
  }
  EXPECT_GT(point_reads(), before + 20);
}

TEST_F(WirePointRead, definitions_that_change_are_bound_anew) {
  PgClient client = connect(), other = connect();
  prepare(client, "by_town", "SELECT n FROM towns WHERE town = $1");
  EXPECT_EQ(at_once(client, "by_town", {"town3"}), "500");
  must(other, "DROP MATERIALIZED VIEW towns");
  EXPECT_EQ(execute(client, "by_town", {"town3"}).sqlstate(), "42P01");
  must(other,
       "CREATE MATERIALIZED VIEW towns AS SELECT town, COUNT(*) * 2 AS n FROM accounts_cdc GROUP "
       "BY town");
  EXPECT_EQ(execute(client, "by_town", {"town3"}).text(), "1000");
  EXPECT_EQ(at_once(client, "by_town", {"town3"}), "1000");
  // A view of another schema in front of it, once it is the current one.
  must(other, "CREATE DATABASE extra");
  must(other, "CREATE VIEW extra.towns AS SELECT 'town3' AS town, CAST(1 AS BIGINT) AS n");
  EXPECT_EQ(execute(client, "by_town", {"town3"}).text(), "1000");
  must(client, "USE extra");
  EXPECT_EQ(execute(client, "by_town", {"town3"}).text(), "1");
  must(client, "USE public");
  EXPECT_EQ(execute(client, "by_town", {"town3"}).text(), "1000");
  // Another type of the result is an error, as in PostgreSQL.
  must(other, "DROP MATERIALIZED VIEW towns");
  must(other,
       "CREATE MATERIALIZED VIEW towns AS SELECT town, MIN(owner) AS n FROM accounts_cdc "
       "GROUP BY town");
  EXPECT_EQ(execute(client, "by_town", {"town3"}).error(),
            "cached plan must not change result type");
}

// The values are in the text: bound each time, and answered as at once.
TEST_F(WirePointRead, simple_statements_are_answered_at_once) {
  PgClient client = connect();
  auto at_once_of = [&](const std::string& sql) {
    for (int i = 0; i < 1000; ++i) {
      int64_t before = point_reads();
      std::string rows = client.rows(sql);
      if (point_reads() == before + 1) {
        return rows;
      }
    }
    return std::string("never at once");
  };
  EXPECT_EQ(at_once_of("SELECT id, owner, balance FROM accounts WHERE id = 7"), "7|owner7|7");
  EXPECT_EQ(at_once_of("SELECT id FROM accounts WHERE id = 4999 AND balance > 5"), "4999");
  EXPECT_EQ(at_once_of("SELECT id FROM accounts WHERE id = 5001"), "");
  EXPECT_EQ(client.run("SELECT 10 / (balance - 7) FROM accounts WHERE id = 7").sqlstate(), "22012");
  int64_t before = point_reads();
  for (int i = 0; i < 20; ++i) {
    write(fmt::format("UPDATE accounts SET balance = {} WHERE id = 7", i));
    wait(client);
    EXPECT_EQ(client.rows("SELECT balance FROM accounts WHERE id = 7"), std::to_string(i));
  }
  EXPECT_GT(point_reads(), before + 15);
  EXPECT_EQ(client.rows("SELECT COUNT(*) FROM accounts WHERE id = 7"), "1");
}

// The first read of a view pins it; the others are at its mark, whatever changes.
TEST_F(WirePointRead, a_block_is_answered_at_once_from_the_second_read_on) {
  PgClient client = connect();
  prepare(client, "by_id", "SELECT balance FROM accounts WHERE id = $1");
  prepare(client, "of_town", "SELECT n FROM towns WHERE town = $1");
  at_once(client, "by_id", {"7"});
  at_once(client, "of_town", {"town3"});
  must(client, "BEGIN");
  EXPECT_EQ(execute(client, "by_id", {"7"}).text(), "7");
  std::string mark = client.parameter("tidemark.mark");
  PgClient other = connect();
  for (int i = 0; i < 5; ++i) {
    write(fmt::format("UPDATE accounts SET balance = -{} WHERE id IN (7, 8)", i + 1));
    wait(other);
    EXPECT_EQ(at_once(client, "by_id", {"8"}), "8");
    EXPECT_EQ(client.parameter("tidemark.mark"), mark);
    int64_t before = point_reads();
    EXPECT_EQ(client.rows("SELECT balance FROM accounts WHERE id = 7"), "7");
    EXPECT_EQ(point_reads(), before + 1);
  }
  EXPECT_EQ(execute(client, "of_town", {"town3"}).text(), "500");
  EXPECT_EQ(at_once(client, "of_town", {"town3"}), "500");
  must(client, "SAVEPOINT s");
  EXPECT_EQ(execute(client, "by_id", {"many"}).sqlstate(), "22P02");
  EXPECT_EQ(execute(client, "by_id", {"8"}).sqlstate(), "25P02");
  must(client, "ROLLBACK TO SAVEPOINT s");
  EXPECT_EQ(at_once(client, "by_id", {"8"}), "8");
  // What another session drops or changes meanwhile is not answered from before.
  must(other, "DROP MATERIALIZED VIEW towns");
  EXPECT_EQ(execute(client, "of_town", {"town3"}).sqlstate(), "42P01");
  must(client, "ROLLBACK");
  EXPECT_EQ(at_once(client, "by_id", {"8"}), "-5");
  must(client, "BEGIN");
  EXPECT_EQ(execute(client, "by_id", {"8"}).text(), "-5");
  must(client, "COMMIT");
}

TEST_F(WirePointRead, a_block_reads_at_its_mark) {
  PgClient client = connect();
  prepare(client, "by_id", "SELECT balance FROM accounts WHERE id = $1");
  at_once(client, "by_id", {"7"});
  must(client, "BEGIN");
  EXPECT_EQ(execute(client, "by_id", {"7"}).text(), "7");
  std::string mark = client.parameter("tidemark.mark");
  write("UPDATE accounts SET balance = 0 WHERE id IN (7, 8)");
  PgClient other = connect();
  wait(other);
  EXPECT_EQ(execute(client, "by_id", {"8"}).text(), "8");
  EXPECT_EQ(client.parameter("tidemark.mark"), mark);
  must(client, "COMMIT");
  EXPECT_EQ(execute(client, "by_id", {"8"}).text(), "0");
}

// Both views show every commit, and whoever has seen one of them at a mark never sees the other
// before it.
TEST_F(WirePointRead, marks_never_go_back_across_views) {
  PgClient client = connect();
  prepare(client, "account", "SELECT balance FROM accounts WHERE id = $1");
  prepare(client, "town", "SELECT balance FROM towns WHERE town = $1");
  at_once(client, "account", {"3"});
  at_once(client, "town", {"town3"});
  int64_t before = point_reads();
  std::atomic<bool> stop = false;
  std::thread writer([&] {
    for (int i = 0; i < 300; ++i) {
      write("UPDATE accounts SET balance = balance + 1 WHERE id = 3");
    }
    stop = true;
  });
  Lsn last;
  int64_t least = 0, answers = 0;
  std::string others = shared_cluster().value(
      "SELECT sum(balance) FROM accounts WHERE town = 'town3' AND id <> 3", database_);
  while (!stop) {
    for (bool is_account : {true, false}) {
      PgAnswer answer =
          is_account ? execute(client, "account", {"3"}) : execute(client, "town", {"town3"});
      ASSERT_EQ(answer.rows(), 1) << client.message();
      int64_t value = atoll(answer.cell(0, 0).c_str()) - (is_account ? 0 : atoll(others.c_str()));
      EXPECT_GE(value, least);
      least = value;
      Lsn mark = Lsn::parse(client.parameter("tidemark.mark")).value_or(Lsn());
      EXPECT_FALSE(mark < last);
      last = mark;
      ++answers;
    }
  }
  writer.join();
  EXPECT_GT(point_reads(), before + answers / 2);
}

// What a subscription has told is there for other sessions at once.
TEST_F(WirePointRead, what_a_subscriber_knows_others_can_read) {
  PgClient reader = connect(), follower = connect();
  // Views that take their time for every change, after the one that is followed.
  for (int i = 0; i < 10; ++i) {
    must(reader, fmt::format("CREATE MATERIALIZED VIEW tiles{} AS SELECT id, NTILE(7) OVER (ORDER "
                             "BY balance, id) AS tile FROM accounts",
                             i));
    must(reader, fmt::format("SELECT COUNT(*) FROM tiles{}", i));
  }
  prepare(reader, "by_id", "SELECT balance FROM accounts WHERE id = $1");
  at_once(reader, "by_id", {"7"});
  must(follower, "BEGIN");
  must(follower, "DECLARE c CURSOR FOR SUBSCRIBE accounts WITH (SNAPSHOT = false)");
  must(follower, "FETCH ALL FROM c WITH (TIMEOUT = '1ms')");
  for (int i = 0; i < 50; ++i) {
    write(fmt::format("UPDATE accounts SET balance = {} WHERE id = 7", 10'000 + i));
    PgAnswer told = follower.run("FETCH 2 FROM c");
    ASSERT_TRUE(told.ok()) << follower.message();
    while (told.rows() == 0 || told.cell(told.rows() - 1, 1) != "mark") {
      PgAnswer more = follower.run("FETCH 1 FROM c");
      ASSERT_TRUE(more.ok()) << follower.message();
      told = std::move(more);
    }
    EXPECT_EQ(execute(reader, "by_id", {"7"}).text(), std::to_string(10'000 + i));
  }
}

}  // namespace
}  // namespace tidemark
