#include "client/client.h"

#include <fmt/core.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/repl.h"
#include "client/run_script.h"
#include "client/width.h"

namespace tidemark {

namespace {

std::string flink_literal(std::string_view text) {
  std::string quoted = "'";
  for (char c : text) {
    quoted += c;
    if (c == '\'') {
      quoted += c;
    }
  }
  return quoted + "'";
}

bool goes_on(const RunEnd& end) {
  return end.kind == RunEnd::Kind::kDone || end.kind == RunEnd::Kind::kLeft;
}

// Whether a full screen can be drawn at all; an editor's shell window is such a terminal that
// cannot.
bool has_cursor() {
  const char* kind = getenv("TERM");
  return kind != nullptr && kind[0] != '\0' && strcmp(kind, "dumb") != 0;
}

RunEnd run_own(ClientSession& session, const std::string& statement) {
  RunEnd end = session.run_quietly(statement);
  if (end.kind == RunEnd::Kind::kFailed) {
    fmt::print(stderr, "[ERROR] {}\n", end.status.to_string());
  }
  return end;
}

// Settings and the source's catalog; the texts are the client's own, so errors are shown without
// them.
RunEnd prepare(ClientSession& session, const ClientOptions& options) {
  std::vector<std::string> statements;
  for (const auto& [key, value] : options.settings) {
    statements.push_back(fmt::format("SET {} = {}", flink_literal(key), flink_literal(value)));
  }
  if (options.until_caught_up) {
    statements.emplace_back("SET 'tidemark.until' = 'caught-up'");
  }
  if (options.source) {
    statements.push_back(catalog_statement(*options.source));
    statements.emplace_back("USE CATALOG pg");
  }
  for (const std::string& statement : statements) {
    if (RunEnd end = run_own(session, statement); !goes_on(end)) {
      return end;
    }
  }
  if (options.source) {
    // A database without tables in `public` has them all in another schema: that is where to be.
    std::vector<std::string> schemas = session.ask("SHOW DATABASES");
    if (schemas.size() == 1 && schemas[0] != "public") {
      return run_own(session, fmt::format("USE `{}`", schemas[0]));
    }
  }
  return {};
}

RunEnd run_inputs(ClientSession& session, const ClientOptions& options, bool interactive) {
  auto run_file = [&](const std::string& path, auto run) -> RunEnd {
    Result<ScriptText> script = read_script(path);
    if (!script.ok()) {
      fmt::print(stderr, "[ERROR] {}\n", script.status().to_string());
      return {.kind = RunEnd::Kind::kFailed, .status = script.status()};
    }
    return run(session, *script);
  };
  for (const std::string& path : options.init_files) {
    if (RunEnd end = run_file(path, run_init_script); !goes_on(end)) {
      return end;
    }
  }
  for (const std::string& path : options.files) {
    if (RunEnd end = run_file(path, run_script); !goes_on(end)) {
      return end;
    }
  }
  for (const std::string& text : options.texts) {
    if (RunEnd end = run_script(session, {.name = "-c", .text = text}); !goes_on(end)) {
      return end;
    }
  }
  if (interactive) {
    return run_prompt(session);
  }
  return options.files.empty() && options.texts.empty() ? run_file("-", run_script) : RunEnd{};
}

int exit_status(const RunEnd& end, const Output& output) {
  switch (end.kind) {
    case RunEnd::Kind::kDone:
    case RunEnd::Kind::kQuit:
    case RunEnd::Kind::kLeft:
    case RunEnd::Kind::kTimeUp:
      return 0;
    case RunEnd::Kind::kFailed:
      return 1;
    case RunEnd::Kind::kInterrupted:
      return 128 + end.signal;
    case RunEnd::Kind::kOutputClosed:
      if (output.closed() && !output.reader_gone()) {
        fmt::print(stderr, "[ERROR] cannot write the output: {}\n", strerror(output.error()));
        return 1;
      }
      return 128 + SIGPIPE;
  }
  return 1;
}

}  // namespace

std::string catalog_statement(const PostgresAddress& source) {
  std::string sql = fmt::format(
      "CREATE CATALOG pg WITH ('type' = 'postgres-cdc', 'hostname' = {}, 'port' = {}, 'username' = "
      "{}, "
      "'password' = {}, 'database-name' = {}",
      flink_literal(source.host), flink_literal(source.port), flink_literal(source.user),
      flink_literal(source.password), flink_literal(source.database));
  for (const auto& [keyword, value] : source.parameters) {
    if (keyword.starts_with("ssl")) {
      sql += fmt::format(", 'debezium.database.{}' = {}", keyword, flink_literal(value));
    }
  }
  return sql + ")";
}

int run_client(const ClientOptions& options) {
  use_utf8_locale();
  Signals signals;
  Output output(STDOUT_FILENO);
  bool is_terminal = isatty(STDIN_FILENO) != 0 && isatty(STDOUT_FILENO) != 0;
  bool interactive = is_terminal && options.files.empty() && options.texts.empty();
  Result<PostgresConnection> connection = PostgresConnection::open(options.server);
  if (!connection.ok()) {
    fmt::print(stderr, "[ERROR] {}\n", connection.status().to_string());
    return 1;
  }
  SessionOptions session_options{.form = options.form, .full_screen = is_terminal && has_cursor()};
  if (options.for_us >= 0) {
    session_options.deadline_us = steady_us() + options.for_us;
  }
  ClientSession session(std::move(connection).value(), session_options, output, signals);
  RunEnd end = prepare(session, options);
  if (goes_on(end)) {
    end = run_inputs(session, options, interactive);
  }
  output.flush();
  if (goes_on(end) && output.closed()) {
    end.kind = RunEnd::Kind::kOutputClosed;
  }
  return exit_status(end, output);
}

}  // namespace tidemark
