#include "tests/fuzz/statement_fuzz.h"

#include "plan/bind/bind_type.h"
#include "plan/bind/parameters.h"
#include "plan/optimizer.h"
#include "sql/excerpt.h"
#include "sql/parser.h"
#include "sql/unparse.h"

namespace tidemark {

namespace {

// An error points into the text, and can be shown in it.
void check_error(const Status& status, std::string_view text) {
  CHECK(!status.ok() && !status.message().empty());
  CHECK(!status.position() || *status.position() <= text.size());
  CHECK(!sql::excerpt(status, text).empty());
}

// What a statement reads; null: no query.
const sql::Query* query_of(const sql::Statement& statement) {
  if (const auto* query = std::get_if<sql::QueryStatement>(&statement.node)) {
    return query->query.get();
  }
  if (const auto* view = std::get_if<sql::CreateView>(&statement.node)) {
    return view->query.get();
  }
  if (const auto* view = std::get_if<sql::CreateMaterializedView>(&statement.node)) {
    return view->query.get();
  }
  if (const auto* subscribe = std::get_if<sql::Subscribe>(&statement.node)) {
    return subscribe->query.get();
  }
  if (const auto* insert = std::get_if<sql::Insert>(&statement.node)) {
    return insert->query.get();
  }
  const auto* explain = std::get_if<sql::Explain>(&statement.node);
  return explain != nullptr ? query_of(*explain->statement) : nullptr;
}

}  // namespace

StatementFuzz::StatementFuzz() {
  add_table("t",
            "a INT, b STRING, c DOUBLE, d DECIMAL(10, 2), e TIMESTAMP, f ARRAY<INT>, g BOOLEAN");
  add_table(
      "u",
      "a BIGINT, k VARCHAR(5), at TIMESTAMP_LTZ(3), m MAP<STRING, INT>, r ROW<x INT, y STRING>, "
      "day DATE, raw BYTES, i INTERVAL DAY TO SECOND");
  CatalogObject view;
  view.name = {std::string(kDefaultCatalog), std::string(kDefaultDatabase), "v"};
  view.context_catalog = view.name.catalog;
  view.context_database = view.name.database;
  view.schema.fields = {{"a", Type::integer()}, {"n", Type::bigint()}};
  view.definition = ViewDefinition{"SELECT a, COUNT(*) AS n FROM t GROUP BY a", {}};
  CHECK(catalog_.create(std::move(view)).ok());
  CatalogObject function;
  function.name = {std::string(kDefaultCatalog), std::string(kDefaultDatabase), "plus"};
  function.context_catalog = function.name.catalog;
  function.context_database = function.name.database;
  function.schema.fields = {{"x", Type::integer()}, {"y", Type::integer()}};
  function.definition = FunctionDefinition{"x + y", Type::integer(), true};
  CHECK(catalog_.create(std::move(function)).ok());
}

// Columns as CREATE TABLE has them.
void StatementFuzz::add_table(const std::string& name, std::string_view columns) {
  std::string text = "CREATE TABLE " + name + " (" + std::string(columns) + ") WITH ('a' = 'b')";
  sql::Statement statement = sql::parse_statement(text).value();
  CatalogObject table;
  table.name = {std::string(kDefaultCatalog), std::string(kDefaultDatabase), name};
  for (const sql::TableElement& element : std::get<sql::CreateTable>(statement.node).elements) {
    const auto& column = std::get<sql::PhysicalColumn>(element);
    table.schema.fields.push_back({column.name.text, bind_type(column.type).value()});
  }
  table.definition = TableDefinition{};
  CHECK(catalog_.create(std::move(table)).ok());
}

BindContext StatementFuzz::context() {
  return {catalog_, std::string(kDefaultCatalog), std::string(kDefaultDatabase), "UTC"};
}

void StatementFuzz::run_query(const sql::Query& query) {
  Parameters parameters;
  BindContext bind_context = context();
  bind_context.parameters = &parameters;
  Result<BoundQuery> bound = bind_query(query, bind_context);
  if (!bound.ok()) {
    CHECK(!bound.status().message().empty());
    return;
  }
  ++bound_;
  PlanRef plan = optimize(bound->plan);
  CHECK(plan->schema.size() == bound->plan->schema.size());
  CHECK(!plan_to_string(*plan).empty());
}

void StatementFuzz::run_statement(const sql::Statement& statement) {
  std::string canonical = sql::unparse(statement);
  Result<sql::Statement> again = sql::parse_statement(canonical);
  CHECK(again.ok());
  CHECK(sql::unparse(*again) == canonical);
  if (const sql::Query* query = query_of(statement)) {
    run_query(*query);
  }
  const auto* create = std::get_if<sql::CreateFunction>(&statement.node);
  if (create != nullptr && create->signature && create->returned == nullptr) {
    CatalogObject function;
    function.name = {std::string(kDefaultCatalog), std::string(kDefaultDatabase), "f"};
    for (const sql::FunctionParameter& parameter : create->signature->parameters) {
      Result<Type> type = bind_type(parameter.type);
      function.schema.fields.push_back(
          {parameter.name ? parameter.name->text : "", type.ok() ? *type : Type::integer()});
    }
    Result<Type> returns = bind_type(create->signature->returns);
    function.definition =
        FunctionDefinition{create->body.definition, returns.ok() ? *returns : Type::integer()};
    Result<std::vector<ObjectRef>> used = check_sql_function(function, context());
    if (!used.ok()) {
      check_error(used.status(), create->body.definition);
    }
  }
}

void StatementFuzz::run(std::string_view text) {
  Result<std::vector<sql::Statement>> script = sql::parse_script(text);
  if (!script.ok()) {
    check_error(script.status(), text);
  } else {
    for (const sql::Statement& statement : *script) {
      run_statement(statement);
    }
  }
  Result<sql::Expr> expression = sql::parse_expression(text);
  if (!expression.ok()) {
    check_error(expression.status(), text);
    return;
  }
  std::string canonical = sql::unparse(*expression);
  Result<sql::Statement> query = sql::parse_statement("SELECT " + canonical + " FROM t, u");
  // A star, or an alias: more than an expression in a select list.
  if (query.ok()) {
    run_statement(*query);
  }
}

}  // namespace tidemark
