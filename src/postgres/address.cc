#include "postgres/address.h"

#include <fmt/core.h>
#include <libpq-fe.h>

namespace tidemark {

std::string PostgresAddress::display() const {
  return fmt::format("{}:{}/{} as {}", host, port, database, user);
}

Result<PostgresAddress> parse_postgres_url(std::string_view url) {
  char* error = nullptr;
  PQconninfoOption* parsed = PQconninfoParse(std::string(url).c_str(), &error);
  if (parsed == nullptr) {
    std::string text = error == nullptr ? "out of memory" : error;
    PQfreemem(error);
    while (!text.empty() && text.back() == '\n') {
      text.pop_back();
    }
    // libpq quotes the whole URL in some of its messages, and a URL may hold a password.
    if (text.find(url) != std::string::npos) {
      text = "not a connection URL";
    }
    return Status::invalid_argument("cannot read the connection URL: " + text)
        .with_hint("postgres://user:password@host:5432/database");
  }
  PQconninfoOption* defaults = PQconndefaults();
  auto value_of = [&](std::string_view keyword) -> std::string {
    for (PQconninfoOption* list : {parsed, defaults}) {
      for (PQconninfoOption* o = list; o != nullptr && o->keyword != nullptr; ++o) {
        if (keyword == o->keyword && o->val != nullptr) {
          return o->val;
        }
      }
    }
    return {};
  };
  PostgresAddress address;
  address.host = value_of("host");
  if (address.host.empty()) {
    address.host = value_of("hostaddr");
  }
  if (address.host.empty()) {
    address.host = "localhost";
  }
  address.port = value_of("port");
  address.user = value_of("user");
  address.database = value_of("dbname");
  if (address.database.empty()) {
    address.database = address.user;
  }
  address.password = value_of("password");
  for (PQconninfoOption* o = parsed; o->keyword != nullptr; ++o) {
    std::string_view keyword = o->keyword;
    bool own = keyword == "host" || keyword == "hostaddr" || keyword == "port" ||
               keyword == "user" || keyword == "dbname" || keyword == "password" ||
               keyword == "application_name" || keyword == "replication";
    if (o->val != nullptr && o->val[0] != '\0' && !own) {
      address.parameters.emplace_back(keyword, o->val);
    }
  }
  PQconninfoFree(defaults);
  PQconninfoFree(parsed);
  return address;
}

std::string quote_identifier(std::string_view name) {
  std::string quoted = "\"";
  for (char c : name) {
    quoted += c;
    if (c == '"') {
      quoted += '"';
    }
  }
  return quoted + '"';
}

std::string quote_literal(std::string_view text) {
  bool has_backslash = text.find('\\') != std::string_view::npos;
  std::string quoted = has_backslash ? "E'" : "'";
  for (char c : text) {
    quoted += c;
    if (c == '\'' || c == '\\') {
      quoted += c;
    }
  }
  return quoted + '\'';
}

std::string quote_qualified(std::string_view schema, std::string_view name) {
  return quote_identifier(schema) + "." + quote_identifier(name);
}

}  // namespace tidemark
