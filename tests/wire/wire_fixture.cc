#include "tests/wire/wire_fixture.h"

#include <fmt/core.h>

#include "tests/harness/command_output.h"
#include "tests/harness/postgres_cluster.h"

namespace tidemark {

std::string PgAnswer::text() const {
  std::string text;
  for (int row = 0; row < rows(); ++row) {
    text += row == 0 ? "" : ";";
    for (int column = 0; column < PQnfields(get()); ++column) {
      text += column == 0 ? "" : "|";
      text += PQgetisnull(get(), row, column) != 0 ? "NULL" : cell(row, column);
    }
  }
  return text;
}

std::string PgClient::rows(const std::string& sql) {
  PgAnswer answer = run(sql);
  EXPECT_TRUE(answer.ok()) << sql << "\n" << message();
  return answer.text();
}

PgAnswer PgClient::run(const std::string& sql,
                       const std::vector<std::optional<std::string>>& parameters,
                       int result_format) {
  std::vector<const char*> values;
  for (const std::optional<std::string>& parameter : parameters) {
    values.push_back(parameter ? parameter->c_str() : nullptr);
  }
  return PgAnswer(PQexecParams(get(), sql.c_str(), static_cast<int>(values.size()), nullptr,
                               values.data(), nullptr, nullptr, result_format));
}

std::string PgClient::copy(const std::string& sql) {
  PgAnswer begun = run(sql);
  EXPECT_EQ(PQresultStatus(begun.get()), PGRES_COPY_OUT) << sql << "\n" << message();
  std::string all;
  char* buffer = nullptr;
  int size = 0;
  while ((size = PQgetCopyData(get(), &buffer, 0)) > 0) {
    all.append(buffer, static_cast<size_t>(size));
    PQfreemem(buffer);
  }
  EXPECT_EQ(size, -1) << message();
  while (PGresult* result = PQgetResult(get())) {
    EXPECT_EQ(PQresultStatus(result), PGRES_COMMAND_OK) << message();
    PQclear(result);
  }
  return all;
}

EngineOptions WireTest::engine_options() {
  EngineOptions options;
  options.session_settings["execution.runtime-mode"] = "batch";
  return options;
}

void WireTest::start(ListenOptions options) {
  server_.reset();
  Result<PrivateDirectory> made = PrivateDirectory::make();
  ASSERT_TRUE(made.ok());
  directory_.emplace(std::move(made).value());
  options.socket_directory = directory_->path();
  options.host = options.host.empty() ? "127.0.0.1" : options.host;
  options.port = 0;
  Result<std::unique_ptr<Server>> server = Server::start(engine_, std::move(options));
  ASSERT_TRUE(server.ok()) << server.status().message();
  server_ = std::move(server).value();
}

std::string WireTest::psql(const std::string& command) {
  CommandOutput output = command_output(fmt::format(
      "psql -X -A -t -v ON_ERROR_STOP=1 -h {} -p {} -U tidemark tidemark 2>&1 <<'END'\n{}\nEND\n",
      directory_->path(), server_->port(), command));
  EXPECT_EQ(output.status, 0) << command << "\n" << output.text;
  return output.text;
}

std::string WireTest::socket_path() const {
  return directory_->path() + "/.s.PGSQL." + std::to_string(server_->port());
}

std::string WireTest::socket_conninfo() const {
  return fmt::format("host={} port={} user=tidemark dbname=tidemark", directory_->path(),
                     server_->port());
}

std::string WireTest::tcp_conninfo() const {
  return fmt::format("host=127.0.0.1 port={} user=tidemark dbname=tidemark", server_->port());
}

void WireViewTest::SetUp() {
  start({.http_host = "127.0.0.1"});
  database_ = shared_cluster().make_database();
  write(
      "CREATE TABLE accounts (id int PRIMARY KEY, owner text NOT NULL, town varchar(20), balance "
      "bigint NOT NULL); INSERT INTO accounts SELECT i, 'owner' || i % 100, 'town' || i % 10, i "
      "FROM generate_series(1, 5000) i");
  PostgresAddress address = shared_cluster().address(database_);
  PgClient client = connect();
  must(client,
       fmt::format("CREATE TABLE accounts_cdc WITH ('connector' = 'postgres-cdc', 'hostname' = "
                   "'{}', 'port' = '{}', 'username' = 'postgres', 'password' = 'postgres', "
                   "'database-name' = '{}', 'schema-name' = 'public', 'table-name' = 'accounts')",
                   address.host, address.port, database_));
  must(client,
       "CREATE MATERIALIZED VIEW accounts AS SELECT id, owner, town, balance FROM accounts_cdc");
  must(client,
       "CREATE MATERIALIZED VIEW towns AS SELECT town, SUM(balance) AS balance, COUNT(*) AS n FROM "
       "accounts_cdc GROUP BY town");
  for (const char* view : {"accounts", "towns"}) {
    must(client, fmt::format("SELECT COUNT(*) FROM {}", view));  // is there
  }
}

void WireViewTest::write(const std::string& sql) {
  shared_cluster().run(sql, database_);
}

std::string WireViewTest::source_value(const std::string& sql) {
  return shared_cluster().value(sql, database_);
}

void WireViewTest::must(PgClient& client, const std::string& sql) {
  ASSERT_TRUE(client.run(sql).ok()) << sql << "\n" << client.message();
}

void WireViewTest::wait(PgClient& client) {
  must(client,
       fmt::format("WAIT FOR LSN '{}'", source_value("SELECT pg_current_wal_insert_lsn()")));
}

}  // namespace tidemark
