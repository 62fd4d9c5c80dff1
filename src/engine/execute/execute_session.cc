#include <fmt/core.h>

#include "engine/execute/executor.h"
#include "engine/settings.h"
#include "engine/system/snapshot.h"
#include "sql/name_parts.h"

namespace tidemark {

namespace {

std::string_view unsupported_name(const sql::Statement& statement) {
  return std::visit(
      []<typename T>(const T&) -> std::string_view {
        using namespace sql;
        if constexpr (std::is_same_v<T, Update>) {
          return "UPDATE";
        } else if constexpr (std::is_same_v<T, Delete>) {
          return "DELETE";
        } else if constexpr (std::is_same_v<T, Truncate>) {
          return "TRUNCATE";
        } else if constexpr (std::is_same_v<T, Call>) {
          return "CALL";
        } else if constexpr (std::is_same_v<T, Analyze>) {
          return "ANALYZE";
        } else if constexpr (std::is_same_v<T, CompilePlan>) {
          return "COMPILE PLAN";
        } else if constexpr (std::is_same_v<T, ExecutePlan>) {
          return "EXECUTE PLAN";
        } else if constexpr (std::is_same_v<T, VerifyView>) {
          return "VERIFY VIEW";
        } else if constexpr (std::is_same_v<T, WaitForLsn>) {
          return "WAIT FOR LSN";
        } else if constexpr (std::is_same_v<T, CreateMaterializedTable>) {
          return "CREATE MATERIALIZED TABLE";
        } else if constexpr (std::is_same_v<T, CreateModel>) {
          return "CREATE MODEL";
        } else if constexpr (std::is_same_v<T, CreateConnection>) {
          return "CREATE CONNECTION";
        } else if constexpr (std::is_same_v<T, CreateUser>) {
          return "CREATE USER";
        } else if constexpr (std::is_same_v<T, Alter>) {
          return "ALTER";
        } else if constexpr (std::is_same_v<T, LoadModule>) {
          return "LOAD MODULE";
        } else if constexpr (std::is_same_v<T, UnloadModule>) {
          return "UNLOAD MODULE";
        } else if constexpr (std::is_same_v<T, AddJar>) {
          return "ADD JAR";
        } else if constexpr (std::is_same_v<T, RemoveJar>) {
          return "REMOVE JAR";
        } else if constexpr (std::is_same_v<T, Kill>) {
          return "KILL";
        } else if constexpr (std::is_same_v<T, DeclareCursor>) {
          return "DECLARE CURSOR";
        } else if constexpr (std::is_same_v<T, Fetch>) {
          return "FETCH";
        } else if constexpr (std::is_same_v<T, CloseCursor>) {
          return "CLOSE";
        } else if constexpr (std::is_same_v<T, Copy>) {
          return "COPY";
        } else if constexpr (std::is_same_v<T, Help> || std::is_same_v<T, Quit> ||
                             std::is_same_v<T, Clear> || std::is_same_v<T, SourceFile>) {
          return "a statement of the client";
        } else {
          return "this statement";
        }
      },
      statement.node);
}

}  // namespace

StatementExecutor::StatementExecutor(Session& session, std::string_view text,
                                     Parameters* parameters)
    : session_(session),
      engine_(session.engine_),
      catalog_(session.engine_.catalog()),
      text_(text),
      parameters_(parameters) {}

StatementExecutor::~StatementExecutor() = default;

Result<StatementResult> StatementExecutor::execute(const sql::Statement& statement) {
  return std::visit(
      [&]<typename T>(const T& node) -> Result<StatementResult> {
        if constexpr (requires { this->run(node); }) {
          return run(node);
        } else {
          return Status::unsupported(
                     fmt::format("{} is not supported yet", unsupported_name(statement)))
              .with_position(statement.position);
        }
      },
      statement.node);
}

StatementResult StatementExecutor::done(std::string tag) {
  return {CommandDone{std::move(tag)}, std::move(notices_)};
}

StatementResult StatementExecutor::table(std::string tag, Schema schema,
                                         std::vector<std::vector<std::string>> rows) {
  std::vector<Column> columns = make_columns(schema);
  for (const std::vector<std::string>& row : rows) {
    for (size_t c = 0; c < columns.size(); ++c) {
      columns[c].append_string(row[c]);
    }
  }
  RowsResult result;
  result.rows = to_batch(std::move(columns));
  result.schema = std::move(schema);
  result.tag = std::move(tag);
  return {std::move(result), std::move(notices_)};
}

Result<StatementResult> StatementExecutor::run(const sql::Use& statement) {
  std::vector<std::string> parts = sql::parts_of(statement.names[0]);
  switch (statement.kind) {
    case sql::UseKind::kModules:
      return Status::unsupported("USE MODULES is not supported yet")
          .with_position(statement.names[0].position());
    case sql::UseKind::kCatalog: {
      Result<CatalogInfo> found = catalog_.find_catalog(parts.back());
      if (!found.ok()) {
        return found.status().with_position(statement.names[0].position());
      }
      session_.catalog_ = parts.back();
      session_.database_ = parts.back() == kDefaultCatalog      ? std::string(kDefaultDatabase)
                           : found->type == "generic_in_memory" ? "default"
                                                                : "public";
      return done("USE CATALOG");
    }
    case sql::UseKind::kDatabase: {
      std::string catalog = parts.size() > 1 ? parts[0] : session_.catalog_;
      Status exists = catalog_.check_database(catalog, parts.back());
      // Postgres's public schema is there even while it has no tables.
      if (!exists.ok() && parts.back() != "public") {
        return std::move(exists).with_position(statement.names[0].position());
      }
      session_.catalog_ = catalog;
      session_.database_ = parts.back();
      return done("USE");
    }
  }
  CHECK(false);
}

Result<StatementResult> StatementExecutor::run(const sql::Set& statement) {
  if (!statement.option) {
    std::vector<std::vector<std::string>> rows;
    for (const OptionSpec& spec : all_settings()) {
      if (!spec.name.ends_with(".*")) {
        rows.push_back({std::string(spec.name), session_.setting(spec.name)});
      }
    }
    return table("SET", Schema{{{"key", Type::string()}, {"value", Type::string()}}},
                 std::move(rows));
  }
  if (statement.is_default) {
    session_.settings_.erase(statement.option->key);
    return done("SET");
  }
  std::string key =
      statement.option->key == "timezone" ? "table.local-time-zone" : statement.option->key;
  if (statement.local) {
    if (session_.transaction_ == TransactionState::kIdle) {
      notice("SET LOCAL can only be used in transaction blocks");
      return done("SET");
    }
    auto before = session_.settings_.find(key);
    session_.settings_before_.emplace(key,
                                      before == session_.settings_.end() ? "" : before->second);
  }
  Status status = session_.set(key, statement.option->value, notices_);
  if (!status.ok()) {
    return std::move(status).with_position(statement.option->value_position);
  }
  return done("SET");
}

Result<StatementResult> StatementExecutor::run(const sql::Reset& statement) {
  if (statement.key) {
    session_.settings_.erase(*statement.key);
  } else {
    session_.settings_.clear();
  }
  return done("RESET");
}

}  // namespace tidemark
