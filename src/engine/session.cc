#include "engine/session.h"

#include <fmt/core.h>

#include "base/ascii.h"
#include "base/nearest.h"
#include "engine/durability.h"
#include "engine/engine.h"
#include "engine/execute/executor.h"
#include "engine/settings.h"
#include "engine/step_loop.h"
#include "expr/aggregate.h"
#include "expr/function.h"
#include "sql/keywords.h"
#include "sql/parser.h"
#include "types/datetime.h"

namespace tidemark {

namespace {

std::string first_database(const CatalogInfo& catalog) {
  return catalog.name == kDefaultCatalog       ? std::string(kDefaultDatabase)
         : catalog.type == "generic_in_memory" ? "default"
                                               : "public";
}

}  // namespace

Session::Session(Engine& engine)
    : engine_(engine),
      catalog_(kDefaultCatalog),
      database_(kDefaultDatabase),
      settings_(engine.options().session_settings) {}
Session::~Session() = default;

Result<StatementResult> Session::execute(const sql::Statement& statement, std::string_view text,
                                         Parameters* parameters) {
  Result<StatementResult> result =
      StatementExecutor(*this, text, parameters).execute_in_transaction(statement);
  cancelled_ = false;
  if (!result.ok()) {
    fail_transaction();
  }
  return result;
}

Result<StatementShape> Session::describe(const sql::Statement& statement, std::string_view text,
                                         Parameters& parameters) {
  Result<StatementShape> shape = StatementExecutor(*this, text, &parameters).describe(statement);
  if (!shape.ok()) {
    fail_transaction();
  }
  return shape;
}

void Session::fail_transaction() {
  if (transaction_ == TransactionState::kBlock) {
    transaction_ = TransactionState::kFailed;
    if (savepoints_.empty()) {  // else the block may go on, at its mark
      unpin();
    }
  }
}

void Session::unpin() {
  pin_.reset();
  pinned_.clear();
}

Status Session::execute_script(std::string_view text,
                               const std::function<bool(StatementResult)>& done) {
  std::vector<sql::Statement> statements = TRY(sql::parse_script(text));
  for (const sql::Statement& statement : statements) {
    if (!done(TRY(execute(statement, text)))) {
      break;
    }
  }
  return {};
}

void Session::cancel() {
  cancelled_ = true;
}

Status Session::use_database(const std::string& name) {
  if (name == kDatabaseName) {
    return {};
  }
  Result<CatalogInfo> found = engine_.catalog().find_catalog(name);
  if (!found.ok()) {
    return Status::not_found(fmt::format("database \"{}\" does not exist", name))
        .with_sqlstate("3D000")
        .with_hint(fmt::format("the database is {}", kDatabaseName));
  }
  catalog_ = name;
  database_ = first_database(*found);
  return {};
}

std::string Session::setting(std::string_view key) const {
  auto found = settings_.find(std::string(key));
  return found == settings_.end() ? default_setting(key) : found->second;
}

Status Session::set(const std::string& key, const std::string& value,
                    std::vector<std::string>& notices) {
  Result<std::vector<std::string>> checked =
      check_options({{key, value}}, all_settings(), "the session");
  if (!checked.ok()) {
    // A known key with a bad value is an error; an unknown key is kept, as Flink keeps it.
    if (!checked.status().message().starts_with("unknown option")) {
      return checked.status();
    }
    std::vector<std::string> known;
    for (const OptionSpec& spec : all_settings()) {
      known.emplace_back(spec.name);
    }
    auto nearest = nearest_name(key, known);
    notices.push_back(fmt::format("unknown setting '{}': kept, without effect{}", key,
                                  nearest ? fmt::format("; did you mean '{}'?", *nearest) : ""));
  } else {
    for (const std::string& notice : *checked) {
      notices.push_back(notice);
    }
  }
  auto one_of = [&](std::initializer_list<std::string_view> values) -> Status {
    std::string list;
    for (std::string_view candidate : values) {
      std::string lower;
      for (char c : value) {
        lower += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      }
      if (lower == candidate) {
        return {};
      }
      list += (list.empty() ? "" : ", ") + std::string(candidate);
    }
    return Status::invalid_argument(fmt::format("'{}' is one of {}: '{}'", key, list, value));
  };
  if (key == "execution.runtime-mode") {
    TRY(one_of({"streaming", "batch"}));
  } else if (key == "sql-client.execution.result-mode") {
    TRY(one_of({"table", "changelog", "tableau"}));
  } else if (key == "table.exec.sink.not-null-enforcer") {
    TRY(one_of({"error", "drop"}));
  } else if (key == "tidemark.min_mark" && !value.empty() && !Lsn::parse(value)) {
    return Status::invalid_argument(fmt::format("not an LSN: '{}'", value))
        .with_sqlstate("22023")
        .with_hint("an LSN looks like '0/306EE20'");
  } else if (key == "statement_timeout") {
    TRY(parse_duration_us(value));
  } else if (key == "client_encoding" && ascii_upper(value) != "UTF8" &&
             ascii_upper(value) != "UTF-8" && ascii_upper(value) != "UNICODE") {
    return Status::invalid_argument(fmt::format("client_encoding is UTF8: '{}'", value))
        .with_sqlstate("22023");
  } else if (key == "tidemark.until") {
    TRY(one_of({"", "caught-up"}));
  } else if (key == "execution.checkpointing.interval") {
    int64_t interval_us = TRY(parse_duration_us(value));
    if (Durability* durability = engine_.durability()) {
      engine_.step_loop().post(
          [durability, interval_us] { durability->set_interval_us(interval_us); });
    }
  } else if (key == "table.local-time-zone" && value != "default" && !is_time_zone(value)) {
    return Status::invalid_argument(fmt::format("unknown time zone: '{}'", value))
        .with_hint("use a name such as 'UTC', 'Europe/Berlin' or '+02:00'");
  }
  settings_[key] = value;
  return {};
}

std::vector<std::string> Session::complete(std::string_view prefix) {
  size_t start = prefix.size();
  while (start > 0 && (std::isalnum(static_cast<unsigned char>(prefix[start - 1])) ||
                       prefix[start - 1] == '_')) {
    --start;
  }
  std::string word;
  for (char c : prefix.substr(start)) {
    word += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  std::vector<std::string> candidates;
  auto offer = [&](std::string_view name) {
    std::string lower;
    for (char c : name) {
      lower += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
    if (lower.starts_with(word)) {
      candidates.emplace_back(name);
    }
  };
  if (auto names = engine_.catalog().list(catalog_, database_); names.ok()) {
    for (const auto& [name, kind] : *names) {
      offer(name);
    }
  }
  for (const Function* function : all_functions()) {
    offer(function->name);
  }
  for (const AggregateFunction& aggregate : all_aggregates()) {
    offer(aggregate.name);
  }
  return candidates;
}

}  // namespace tidemark
