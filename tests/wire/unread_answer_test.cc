// A client that does not read while an answer is being written misses nothing.

#include <chrono>
#include <thread>

#include <fmt/core.h>
#include <poll.h>
#include <sys/socket.h>

#include "tests/harness/postgres_cluster.h"
#include "tests/wire/wire_fixture.h"

namespace tidemark {
namespace {

class WireUnread : public WireTest {};

// The description of the columns is more than the socket takes. Meanwhile the content comes, and
// nothing comes after it that would wake the connection once more.
TEST_F(WireUnread, content_that_comes_while_the_columns_are_written_is_sent) {
  PostgresCluster& cluster = shared_cluster();
  std::string database = cluster.make_database();
  cluster.run("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (7)", database);
  PostgresAddress address = cluster.address(database);
  PgClient other = connect();
  PgAnswer made = other.run(
      fmt::format("CREATE TABLE t WITH ('connector'='postgres-cdc', 'hostname'='{}', 'port'='{}', "
                  "'username'='postgres', 'password'='postgres', 'database-name'='{}', "
                  "'schema-name'='public', 'table-name'='t')",
                  address.host, address.port, database));
  ASSERT_TRUE(made.ok()) << made.error();
  // The snapshot waits for the lock.
  PostgresConnection lock = std::move(PostgresConnection::open(address).value());
  ASSERT_TRUE(lock.execute("BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE").ok());
  std::string query = "SUBSCRIBE (SELECT id";
  for (int i = 0; i < 1500; ++i) {
    query += fmt::format(", id AS \"{}{}\"", std::string(600, 'c'), i);
  }
  query += " FROM t)";
  PgClient client = connect();
  ASSERT_EQ(PQsendQuery(client.get(), query.c_str()), 1);
  PQsetSingleRowMode(client.get());
  pollfd readable{.fd = PQsocket(client.get()), .events = POLLIN, .revents = 0};
  ASSERT_EQ(poll(&readable, 1, 60'000), 1);  // the description has begun
  ASSERT_TRUE(lock.execute("COMMIT").ok());
  // Until the content is there.
  std::string state;
  for (int look = 0; look < 3000 && state != "RUNNING"; ++look) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    PgAnswer jobs = other.run("SHOW JOBS");
    for (int row = 0; row < jobs.rows(); ++row) {
      state = jobs.cell(row, 2);
    }
  }
  EXPECT_EQ(state, "RUNNING");
  // Without the wake the rest comes with the source's next position: some 15 s later.
  while (PQisBusy(client.get()) != 0) {
    ASSERT_EQ(poll(&readable, 1, 8'000), 1) << "nothing comes";
    ASSERT_EQ(PQconsumeInput(client.get()), 1) << client.message();
  }
  PgAnswer row(PQgetResult(client.get()));
  ASSERT_EQ(PQresultStatus(row.get()), PGRES_SINGLE_TUPLE) << row.error();
  EXPECT_EQ(row.cell(0, 2), "7");
  PGcancel* cancel = PQgetCancel(client.get());
  char message[256];
  EXPECT_EQ(PQcancel(cancel, message, sizeof message), 1) << message;
  PQfreeCancel(cancel);
}

}  // namespace
}  // namespace tidemark
