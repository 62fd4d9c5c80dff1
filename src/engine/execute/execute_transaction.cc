// BEGIN, COMMIT, ROLLBACK, SAVEPOINT. Nothing is written in a block: it is there so that all its
// reads are at one mark. Definitions and settings are not undone by ROLLBACK, and it says so.

#include <algorithm>

#include <fmt/core.h>

#include "engine/engine.h"
#include "engine/execute/executor.h"

namespace tidemark {

namespace {

constexpr size_t kSavepointsMax = 10'000;  // each keeps the settings

// Statements whose effect others see at once.
bool defines(const sql::Statement& statement) {
  return std::visit(
      []<typename T>(const T&) {
        return std::is_same_v<T, sql::CreateTable> || std::is_same_v<T, sql::CreateView> ||
               std::is_same_v<T, sql::CreateMaterializedView> ||
               std::is_same_v<T, sql::CreateCatalog> || std::is_same_v<T, sql::CreateDatabase> ||
               std::is_same_v<T, sql::CreateFunction> || std::is_same_v<T, sql::CreateUser> ||
               std::is_same_v<T, sql::CreateIndex> || std::is_same_v<T, sql::Drop> ||
               std::is_same_v<T, sql::Alter>;
      },
      statement.node);
}

}  // namespace

bool mends_block(const sql::Statement& statement) {
  const auto* savepoint = std::get_if<sql::Savepoint>(&statement.node);
  return std::holds_alternative<sql::Commit>(statement.node) ||
         std::holds_alternative<sql::Rollback>(statement.node) ||
         (savepoint != nullptr && savepoint->action == sql::SavepointAction::kRollbackTo);
}

Result<StatementResult> StatementExecutor::execute_in_transaction(const sql::Statement& statement) {
  if (session_.transaction_ == TransactionState::kFailed && !mends_block(statement)) {
    return Status::invalid_argument(
               "current transaction is aborted, commands ignored until end of transaction block")
        .with_sqlstate("25P02");
  }
  Result<StatementResult> result = execute(statement);
  if (result.ok() && session_.transaction_ == TransactionState::kBlock && defines(statement)) {
    session_.has_defined_ = true;
  }
  return result;
}

void StatementExecutor::end_block() {
  session_.transaction_ = TransactionState::kIdle;
  session_.unpin();
  session_.has_read_tables_ = false;
  session_.has_defined_ = false;
  for (auto& [key, value] : session_.settings_before_) {
    if (value.empty()) {
      session_.settings_.erase(key);
    } else {
      session_.settings_[key] = value;
    }
  }
  session_.settings_before_.clear();
  session_.savepoints_.clear();
}

// Savepoints of the same name cover each other, as in PostgreSQL.
Result<StatementResult> StatementExecutor::run(const sql::Savepoint& statement) {
  bool sets = statement.action == sql::SavepointAction::kSet;
  bool releases = statement.action == sql::SavepointAction::kRelease;
  const char* tag = sets ? "SAVEPOINT" : releases ? "RELEASE" : "ROLLBACK";
  if (session_.transaction_ == TransactionState::kIdle) {
    return Status::invalid_argument(fmt::format("{} can only be used in transaction blocks",
                                                sets       ? "SAVEPOINT"
                                                : releases ? "RELEASE SAVEPOINT"
                                                           : "ROLLBACK TO SAVEPOINT"))
        .with_sqlstate("25P01");
  }
  std::vector<Session::Savepoint>& savepoints = session_.savepoints_;
  if (sets) {
    if (savepoints.size() >= kSavepointsMax) {
      return Status::unavailable("too many savepoints in this transaction block")
          .with_sqlstate("54000");
    }
    savepoints.push_back({++session_.savepoints_made_, statement.name.text, session_.settings_,
                          session_.settings_before_});
    return done(tag);
  }
  auto found = std::find_if(savepoints.rbegin(), savepoints.rend(),
                            [&](const auto& point) { return point.name == statement.name.text; });
  if (found == savepoints.rend()) {
    return Status::not_found(fmt::format("savepoint \"{}\" does not exist", statement.name.text))
        .with_sqlstate("3B001")
        .with_position(statement.name.position);
  }
  auto place = found.base() - 1;
  if (releases) {
    savepoints.erase(place, savepoints.end());
    return done(tag);
  }
  for (const auto& [key, value] : session_.settings_before_) {  // what SET LOCAL has set
    auto then = place->settings.find(key);
    if (then == place->settings.end()) {
      session_.settings_.erase(key);
    } else {
      session_.settings_[key] = then->second;
    }
  }
  session_.settings_before_ = place->settings_before;
  session_.rolled_back_to_ = place->number;
  session_.transaction_ = TransactionState::kBlock;
  savepoints.erase(place + 1, savepoints.end());
  if (session_.has_defined_) {
    notice("what this block has created, altered or dropped is not undone");
  }
  return done(tag);
}

Result<StatementResult> StatementExecutor::run(const sql::Begin&) {
  if (session_.transaction_ == TransactionState::kBlock) {
    notice("there is already a transaction in progress");
  }
  session_.transaction_ = TransactionState::kBlock;
  return done("BEGIN");
}

Result<StatementResult> StatementExecutor::run(const sql::Commit&) {
  bool failed = session_.transaction_ == TransactionState::kFailed;
  if (session_.transaction_ == TransactionState::kIdle) {
    notice("there is no transaction in progress");
  }
  end_block();
  return done(failed ? "ROLLBACK" : "COMMIT");
}

Result<StatementResult> StatementExecutor::run(const sql::Rollback&) {
  if (session_.transaction_ == TransactionState::kIdle) {
    notice("there is no transaction in progress");
  }
  if (session_.has_defined_) {
    notice("what this block has created, altered or dropped is not undone");
  }
  end_block();
  return done("ROLLBACK");
}

}  // namespace tidemark
