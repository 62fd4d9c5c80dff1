// Statements that take their time: subscriptions as COPY, cancel requests, blocks with savepoints
// over views.

#include <thread>

#include <arpa/inet.h>
#include <fmt/core.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/harness/raw_socket.h"
#include "tests/wire/wire_fixture.h"

namespace tidemark {
namespace {

class WireStream : public WireViewTest {
 protected:
  // A cancel request by hand.
  void request_cancel(int id, uint32_t secret) {
    int fd = connect_unix(socket_path());
    uint32_t message[] = {htonl(16), htonl(80877102), htonl(static_cast<uint32_t>(id)),
                          htonl(secret)};
    ASSERT_EQ(::write(fd, message, sizeof message), static_cast<ssize_t>(sizeof message));
    char byte = 0;
    EXPECT_EQ(::read(fd, &byte, 1), 0);  // it is answered by the end of the connection
    close(fd);
  }
  // Whether an answer can be read within the time.
  static bool has_answer(PGconn* connection, int ms) {
    for (int i = 0; i < ms; ++i) {
      if (PQconsumeInput(connection) == 0 || PQisBusy(connection) == 0) {
        return true;
      }
      usleep(1000);
    }
    return false;
  }
  static std::string cancelled(PGconn* connection) {
    PGcancel* cancel = PQgetCancel(connection);
    char error[256];
    // One that comes before its statement is for none: again until it is answered.
    do {
      EXPECT_EQ(PQcancel(cancel, error, sizeof error), 1) << error;
    } while (!has_answer(connection, 20));
    PQfreeCancel(cancel);
    char* buffer = nullptr;
    while (PQgetCopyData(connection, &buffer, 0) > 0) {  // of a COPY
      PQfreemem(buffer);
    }
    std::string state;
    while (PGresult* result = PQgetResult(connection)) {
      state = PgAnswer(result).sqlstate();
    }
    return state;
  }
};

TEST_F(WireStream, a_running_statement_is_cancelled) {
  PgClient client = connect();
  ASSERT_EQ(PQsendQuery(client.get(), "WAIT FOR LSN 'FFFF/0'"), 1);
  // Not by those who do not know the secret.
  request_cancel(PQbackendPID(client.get()), 12345);
  EXPECT_FALSE(has_answer(client.get(), 50));
  EXPECT_EQ(cancelled(client.get()), "57014");
  EXPECT_EQ(client.rows("SELECT 1"), "1");
  // In the extended protocol, and a live query that waits for changes.
  ASSERT_EQ(PQsendQueryParams(client.get(), "SUBSCRIBE towns WITH (SNAPSHOT = false)", 0, nullptr,
                              nullptr, nullptr, nullptr, 0),
            1);
  EXPECT_EQ(cancelled(client.get()), "57014");
  EXPECT_EQ(client.rows("SELECT 1"), "1");
  // Within a block, which fails with it.
  must(client, "BEGIN");
  ASSERT_EQ(PQsendQuery(client.get(), "WAIT FOR LSN 'FFFF/0'"), 1);
  EXPECT_EQ(cancelled(client.get()), "57014");
  EXPECT_EQ(client.run("SELECT 1").sqlstate(), "25P02");
  must(client, "ROLLBACK");
}

TEST_F(WireStream, a_statement_times_out) {
  PgClient client = connect();
  must(client, "SET statement_timeout = '50ms'");
  PgAnswer late = client.run("WAIT FOR LSN 'FFFF/0'");
  EXPECT_EQ(late.sqlstate(), "57014");
  EXPECT_NE(late.error().find("statement timeout"), std::string::npos) << late.error();
  EXPECT_EQ(client.run("SUBSCRIBE towns WITH (SNAPSHOT = false)").sqlstate(), "57014");
  must(client, "SET statement_timeout = 0");
  EXPECT_EQ(client.rows("SELECT 1"), "1");
}

TEST_F(WireStream, a_copy_of_a_subscription_gives_whole_commits) {
  PgClient client = connect();
  PgAnswer begun = client.run(
      "COPY (SUBSCRIBE (SELECT town, n FROM towns) WITH (SNAPSHOT = true)) TO STDOUT WITH (FORMAT "
      "csv)");
  ASSERT_EQ(PQresultStatus(begun.get()), PGRES_COPY_OUT) << client.message();
  std::vector<std::string> lines;
  auto read_to_mark = [&] {
    lines.clear();
    while (lines.empty() || lines.back().find(",mark,") == std::string::npos) {
      char* buffer = nullptr;
      int size = PQgetCopyData(client.get(), &buffer, 0);
      ASSERT_GT(size, 0) << client.message();
      lines.emplace_back(buffer, static_cast<size_t>(size));
      PQfreemem(buffer);
    }
  };
  read_to_mark();
  EXPECT_EQ(lines.size(), 11U);  // the content, and its mark
  write(
      "BEGIN; UPDATE accounts SET town = 'moved' WHERE id IN (1, 2); INSERT INTO accounts VALUES "
      "(6000, 'o', 'moved', 1); COMMIT");
  read_to_mark();
  ASSERT_EQ(lines.size(), 6U);  // two towns before and after, the new one, the mark
  std::string mark = lines[0].substr(0, lines[0].find(','));
  size_t moved = 0;
  for (const std::string& line : lines) {
    EXPECT_TRUE(line.starts_with(mark + ",")) << line;
    moved += line == mark + ",+I,moved,3\n" ? 1 : 0;
  }
  EXPECT_EQ(moved, 1U);
  EXPECT_EQ(lines[5], mark + ",mark,,\n");
  EXPECT_EQ(cancelled(client.get()), "57014");
  EXPECT_EQ(client.rows("SELECT n FROM towns WHERE town = 'moved'"), "3");
}

TEST_F(WireStream, a_block_that_is_mended_stays_at_its_mark) {
  PgClient client = connect();
  must(client, "BEGIN");
  must(client, "SAVEPOINT a");
  EXPECT_EQ(client.rows("SELECT n FROM towns WHERE town = 'town1'"), "500");
  std::string mark = client.parameter("tidemark.mark");
  EXPECT_FALSE(client.run("SELECT nothing").ok());
  write("DELETE FROM accounts WHERE town = 'town1' AND id < 1000");
  PgClient other = connect();
  wait(other);
  EXPECT_EQ(other.rows("SELECT n FROM towns WHERE town = 'town1'"), "400");
  must(client, "ROLLBACK TO SAVEPOINT a");
  EXPECT_EQ(client.rows("SELECT n FROM towns WHERE town = 'town1'"), "500");
  EXPECT_EQ(client.rows("SELECT COUNT(*) FROM accounts"), "5000");
  EXPECT_EQ(client.parameter("tidemark.mark"), mark);
  must(client, "COMMIT");
  EXPECT_EQ(client.rows("SELECT COUNT(*) FROM accounts"), "4900");
}

}  // namespace
}  // namespace tidemark
