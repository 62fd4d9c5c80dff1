#include "tests/harness/served_source.h"

#include <fmt/core.h>
#include <unistd.h>

namespace tidemark {

void ServedSource::TearDown() {
  client_.reset();
  serve_.kill();
  // Its end is noticed there a moment later.
  std::string active =
      "SELECT COUNT(*) FROM pg_replication_slots WHERE active AND database = '" + database_ + "'";
  for (int i = 0; i < 1000 && shared_cluster().value(active, database_) != "0"; ++i) {
    usleep(10'000);
  }
  source("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = '" +
         database_ + "'");
}

std::vector<std::string> ServedSource::source_rows(const std::string& sql) {
  PostgresConnection source = shared_cluster().connect(database_);
  return sorted_rows(source, sql);
}

void ServedSource::start(const std::vector<std::string>& flags) {
  ASSERT_TRUE(serve_.start(flags)) << serve_.log();
  client_.emplace(serve_.connect());
}

void ServedSource::restart(bool clean) {
  if (clean) {
    EXPECT_EQ(serve_.stop(), 0);
  } else {
    serve_.kill();
  }
  start();
  EXPECT_EQ(serve_.log().find("read anew"), std::string::npos) << serve_.log();
}

void ServedSource::run(const std::string& sql) {
  Status status = client_->execute(sql);
  ASSERT_TRUE(status.ok()) << sql << ": " << status.to_string() << "\n" << serve_.log();
}

void ServedSource::declare(const std::string& table, const std::string& options) {
  PostgresAddress address = shared_cluster().address(database_);
  run(
      fmt::format("CREATE TABLE {0} WITH ('connector'='postgres-cdc', 'hostname'='{1}', "
                  "'port'='{2}', 'username'='postgres', 'password'='postgres', "
                  "'database-name'='{3}', 'schema-name'='public', 'table-name'='{0}'{4})",
                  table, address.host, address.port, database_, options));
}

void ServedSource::wait() {
  std::string position = shared_cluster().value("SELECT pg_current_wal_insert_lsn()", database_);
  run(fmt::format("WAIT FOR LSN '{}' WITH (TIMEOUT = '300s')", position));
}

}  // namespace tidemark
