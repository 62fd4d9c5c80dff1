#pragma once
// Where a PostgreSQL server is and as whom to speak to it.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"

namespace tidemark {

struct PostgresAddress {
  std::string host;  // a name, an IP address, or the directory of a unix socket
  std::string port = "5432";
  std::string database;
  std::string user;
  std::string password;
  std::string application_name = "tidemark";
  // Further libpq keywords (PostgreSQL 15 manual, "Parameter Key Words"): sslmode, sslrootcert ...
  std::vector<std::pair<std::string, std::string>> parameters;
  int connect_timeout_ms = 30'000;

  // "host:port/database as user"; never the password.
  std::string display() const;
};

// Takes everything libpq takes: postgres://user:password@host:port/database?sslmode=require, or
// "host=... dbname=...". What is not given comes from libpq's environment variables and defaults.
Result<PostgresAddress> parse_postgres_url(std::string_view url);

// Names and literals quoted for SQL.
std::string quote_identifier(std::string_view name);
std::string quote_literal(std::string_view text);
std::string quote_qualified(std::string_view schema, std::string_view name);

}  // namespace tidemark
