#include "engine/session.h"

#include <fmt/core.h>

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

Session::Session(Engine& engine)
    : engine_(engine),
      catalog_(kDefaultCatalog),
      database_(kDefaultDatabase),
      settings_(engine.options().session_settings) {}
Session::~Session() = default;

Result<StatementResult> Session::execute(const sql::Statement& statement, std::string_view text) {
  cancelled_ = false;
  return StatementExecutor(*this, text).execute(statement);
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
