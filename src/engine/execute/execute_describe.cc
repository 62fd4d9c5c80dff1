// What statements take and give, for a client that asks before it runs them.

#include "engine/execute/executor.h"
#include "engine/execute/result_rows.h"
#include "engine/prepared_read.h"
#include "engine/row_wise.h"
#include "plan/bind/parameters.h"
#include "plan/optimizer.h"

namespace tidemark {

namespace {

Schema text_columns(std::initializer_list<const char*> names) {
  Schema schema;
  for (const char* name : names) {
    schema.fields.push_back({name, Type::string()});
  }
  return schema;
}

// Statements that answer with a table which depends on nothing but themselves.
bool is_looking_around(const sql::Statement& statement) {
  return std::visit(
      []<typename T>(const T&) {
        return std::is_same_v<T, sql::Show> || std::is_same_v<T, sql::ShowCreate> ||
               std::is_same_v<T, sql::ShowSetting> || std::is_same_v<T, sql::Describe> ||
               std::is_same_v<T, sql::Explain>;
      },
      statement.node);
}

}  // namespace

// `bound`: the query with NULL for its parameters, whose types are known by now.
std::shared_ptr<const PreparedRead> StatementExecutor::prepare(const sql::Query& query,
                                                               const BoundQuery& bound) {
  bool is_read = bound.objects.size() == 1 && bound.objects[0]->is_materialized_view() &&
                 is_row_wise(*bound.plan);
  if (!is_read) {
    return nullptr;
  }
  uint64_t version = catalog_.version();
  Parameters open = *parameters_;
  open.keep_open();
  BindContext context = bind_context();
  context.parameters = &open;
  Result<BoundQuery> again = bind_query(query, context);
  if (!again.ok()) {
    return nullptr;
  }
  again->plan = optimize(again->plan);
  return prepare_read(*again, context, version);
}

Result<StatementShape> StatementExecutor::describe(const sql::Statement& statement) {
  StatementShape shape;
  if (session_.transaction_ == TransactionState::kFailed && !mends_block(statement)) {
    return execute_in_transaction(statement).status();  // the error of a failed block
  }
  if (const auto* query = std::get_if<sql::QueryStatement>(&statement.node)) {
    BoundQuery bound = TRY(bind(*query->query));
    shape.is_stream = !bound.objects.empty() && session_.is_streaming();
    shape.rows = shape.is_stream ? bound.plan->schema : visible_schema(bound);
    shape.read = shape.is_stream ? nullptr : prepare(*query->query, bound);
  } else if (const auto* subscribe = std::get_if<sql::Subscribe>(&statement.node)) {
    sql::Query whole;
    if (!subscribe->query) {
      whole = query_of(*subscribe);
    }
    BoundQuery bound = TRY(bind(subscribe->query ? *subscribe->query : whole));
    shape.is_stream = true;
    shape.rows = bound.plan->schema;
  } else if (std::holds_alternative<sql::VerifyView>(statement.node)) {
    shape.rows = text_columns({"result"});
  } else if (const auto* insert = std::get_if<sql::Insert>(&statement.node)) {
    if (!TRY(new_insert(*insert)).query.objects.empty()) {
      shape.rows = text_columns({"job id"});
    }
  } else if (std::holds_alternative<sql::StatementSet>(statement.node)) {
    shape.rows = text_columns({"job id"});
  } else if (std::holds_alternative<sql::WaitForLsn>(statement.node)) {
    shape.rows = text_columns({"status"});
  } else if (std::holds_alternative<sql::Set>(statement.node)) {
    if (!std::get<sql::Set>(statement.node).option) {
      shape.rows = text_columns({"key", "value"});
    }
  } else if (is_looking_around(statement)) {
    StatementResult result = TRY(execute(statement));
    shape.rows = std::get<RowsResult>(result.outcome).schema;
  }
  for (size_t i = 0; i < parameters_->size(); ++i) {
    Parameters::Parameter& parameter = parameters_->at(static_cast<uint32_t>(i + 1));
    if (parameter.type.kind == TypeKind::kNull) {
      return Status::invalid_argument("could not determine data type of parameter $" +
                                      std::to_string(i + 1))
          .with_sqlstate("42P18");
    }
    shape.parameters.push_back(parameter.type);
  }
  return shape;
}

}  // namespace tidemark
