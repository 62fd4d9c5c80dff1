#pragma once
// A server in this process over an engine, and libpq to speak to it: for tests of what clients see.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <libpq-fe.h>

#include "engine/engine.h"
#include "server/server.h"

namespace tidemark {

// One answer of libpq.
class PgAnswer {
 public:
  explicit PgAnswer(PGresult* result) : result_(result, PQclear) {}
  PGresult* get() const { return result_.get(); }
  bool ok() const {
    ExecStatusType status = PQresultStatus(get());
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK ||
           status == PGRES_SINGLE_TUPLE || status == PGRES_COPY_OUT || status == PGRES_EMPTY_QUERY;
  }
  int rows() const { return PQntuples(get()); }
  std::string cell(int row, int column) const { return PQgetvalue(get(), row, column); }
  std::string tag() const { return PQcmdStatus(get()); }
  std::string error(char field = 'M') const {
    const char* text = PQresultErrorField(get(), field);
    return text == nullptr ? "" : text;
  }
  std::string sqlstate() const { return error('C'); }
  // Rows as "a|b;c|d".
  std::string text() const;

 private:
  std::unique_ptr<PGresult, void (*)(PGresult*)> result_;
};

class PgClient {
 public:
  explicit PgClient(const std::string& conninfo)
      : connection_(PQconnectdb(conninfo.c_str()), PQfinish) {}
  PGconn* get() const { return connection_.get(); }
  bool ok() const { return PQstatus(get()) == CONNECTION_OK; }
  std::string message() const { return PQerrorMessage(get()); }
  std::string parameter(const char* name) const {
    const char* value = PQparameterStatus(get(), name);
    return value == nullptr ? "" : value;
  }

  PgAnswer run(const std::string& sql) { return PgAnswer(PQexec(get(), sql.c_str())); }
  // The text of the rows; an error fails the test.
  std::string rows(const std::string& sql);
  // With parameters as text, results in text or binary.
  PgAnswer run(const std::string& sql, const std::vector<std::optional<std::string>>& parameters,
               int result_format = 0);
  // All of a COPY TO STDOUT.
  std::string copy(const std::string& sql);

 private:
  std::unique_ptr<PGconn, void (*)(PGconn*)> connection_;
};

class WireTest : public testing::Test {
 protected:
  void SetUp() override { start({}); }
  // (Re)starts the server over the same engine, on a unix socket and a port of 127.0.0.1.
  void start(ListenOptions options);
  std::string socket_conninfo() const;
  std::string socket_path() const;
  std::string tcp_conninfo() const;
  PgClient connect() { return PgClient(socket_conninfo()); }
  // What psql prints, errors too; its exit status must be 0.
  std::string psql(const std::string& command);

  static EngineOptions engine_options();
  Engine engine_{engine_options()};
  std::optional<PrivateDirectory> directory_;
  std::unique_ptr<Server> server_;
};

// With HTTP, and two views over one table of a source of its own: `accounts` (id, owner, town,
// balance) has its rows, `towns` (town, balance, n) the sums by town. Accounts are numbered from 1
// to 5000; the owner is id % 100, the town id % 10, the balance id.
class WireViewTest : public WireTest {
 protected:
  void SetUp() override;
  // At the source.
  void write(const std::string& sql);
  std::string source_value(const std::string& sql);
  static void must(PgClient& client, const std::string& sql);
  // Until the client's reads see what is committed now.
  void wait(PgClient& client);

  std::string database_;  // of the shared cluster
};

}  // namespace tidemark
