// BEGIN, COMMIT, ROLLBACK. Nothing is written in a block: it is there so that all its reads are at
// one mark. Definitions and settings are not undone by ROLLBACK, and it says so.

#include "engine/engine.h"
#include "engine/execute/executor.h"

namespace tidemark {

namespace {

// Statements whose effect others see at once.
bool defines(const sql::Statement& statement) {
  return std::visit(
      []<typename T>(const T&) {
        return std::is_same_v<T, sql::CreateTable> || std::is_same_v<T, sql::CreateView> ||
               std::is_same_v<T, sql::CreateMaterializedView> ||
               std::is_same_v<T, sql::CreateCatalog> || std::is_same_v<T, sql::CreateDatabase> ||
               std::is_same_v<T, sql::CreateUser> || std::is_same_v<T, sql::CreateIndex> ||
               std::is_same_v<T, sql::Drop> || std::is_same_v<T, sql::Alter>;
      },
      statement.node);
}

bool ends_block(const sql::Statement& statement) {
  return std::holds_alternative<sql::Commit>(statement.node) ||
         std::holds_alternative<sql::Rollback>(statement.node);
}

}  // namespace

Result<StatementResult> StatementExecutor::execute_in_transaction(const sql::Statement& statement) {
  if (session_.transaction_ == TransactionState::kFailed && !ends_block(statement)) {
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
  session_.pin_.reset();
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
