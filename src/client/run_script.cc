#include "client/run_script.h"

#include <fmt/core.h>
#include <stdio.h>

#include "sql/parser.h"

namespace tidemark {

namespace {

constexpr std::string_view kHelp =
    "Statements end with ';'. What the client does itself:\n"
    "  HELP;                      shows this\n"
    "  QUIT; or EXIT;             leaves, as Ctrl-D does\n"
    "  CLEAR;                     clears the screen\n"
    "  SOURCE 'file.sql';         runs a script\n"
    "Some of what the engine does:\n"
    "  CREATE TABLE t WITH (...); declares a source; without columns it takes them from there\n"
    "  CREATE CATALOG c WITH (...);  makes every table of a database ready to query\n"
    "  SELECT ...;                a live answer: it stays true until you leave it with q or "
    "Ctrl-C\n"
    "  SHOW TABLES; SHOW FUNCTIONS; DESCRIBE t; EXPLAIN SELECT ...;\n"
    "  SET;                       all settings\n"
    "  SET 'sql-client.execution.result-mode' = 'table' | 'changelog' | 'tableau';\n"
    "  SET 'tidemark.until' = 'caught-up';  answers end when they include all that was committed\n"
    "In a live table: arrows or W A S D move, N P pages, G goes to a page, L the last one, O opens "
    "a row.\n";

RunEnd report(RunEnd end, const ScriptText& script, ClientSession& session) {
  if (end.kind == RunEnd::Kind::kFailed) {
    session.output().flush();
    fmt::print(stderr, "{}", error_text(end.status, script));
  }
  return end;
}

bool may_prepare(const sql::Statement& statement) {
  return !std::holds_alternative<sql::QueryStatement>(statement.node) &&
         !std::holds_alternative<sql::Subscribe>(statement.node) &&
         !std::holds_alternative<sql::Insert>(statement.node) &&
         !std::holds_alternative<sql::StatementSet>(statement.node);
}

}  // namespace

RunEnd run_statement(ClientSession& session, const ScriptText& script, const sql::Piece& piece) {
  Result<sql::Statement> parsed = sql::parse_statement(piece.text);
  if (parsed.ok()) {
    if (std::holds_alternative<sql::Help>(parsed->node)) {
      session.output().write(kHelp);
      session.output().flush();
      return {};
    }
    if (std::holds_alternative<sql::Clear>(parsed->node)) {
      session.output().write("\033[H\033[2J");  // ECMA-48: cursor home, erase all
      session.output().flush();
      return {};
    }
    if (const auto* source = std::get_if<sql::SourceFile>(&parsed->node)) {
      Result<ScriptText> inner = read_script(source->path);
      if (!inner.ok()) {
        Status status = std::move(inner).status().with_position(piece.offset);
        return report({.kind = RunEnd::Kind::kFailed, .status = std::move(status)}, script,
                      session);
      }
      return run_script(session, *inner);
    }
  }
  return report(session.run(piece), script, session);
}

RunEnd run_script(ClientSession& session, const ScriptText& script) {
  Status status = check_script(script);
  if (!status.ok()) {
    return report({.kind = RunEnd::Kind::kFailed, .status = std::move(status)}, script, session);
  }
  for (const sql::Piece& piece : sql::split_script(script.text).pieces) {
    RunEnd end = run_statement(session, script, piece);
    if (end.kind != RunEnd::Kind::kDone && end.kind != RunEnd::Kind::kLeft) {
      return end;
    }
  }
  return {};
}

RunEnd run_init_script(ClientSession& session, const ScriptText& script) {
  for (const sql::Piece& piece : sql::split_script(script.text).pieces) {
    Result<sql::Statement> parsed = sql::parse_statement(piece.text);
    if (parsed.ok() && !may_prepare(*parsed)) {
      Status status =
          Status::invalid_argument("an init script holds only statements that prepare, no queries")
              .with_position(piece.offset)
              .with_hint("run queries with -f");
      return report({.kind = RunEnd::Kind::kFailed, .status = std::move(status)}, script, session);
    }
  }
  return run_script(session, script);
}

}  // namespace tidemark
