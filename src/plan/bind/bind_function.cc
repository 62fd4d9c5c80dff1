// Calls of functions in SQL.

#include <algorithm>

#include <fmt/core.h>

#include "base/ascii.h"
#include "plan/bind/bind_expr.h"
#include "plan/bind/bind_query.h"
#include "plan/bind/sql_functions.h"
#include "sql/name_parts.h"
#include "sql/parser.h"

namespace tidemark {

namespace {

constexpr size_t kDepthMax = 32;
// Of an expression after its calls are replaced: a body that names a parameter twice doubles it.
constexpr size_t kSizeMax = 20'000;

// Counts parts up to `max`.
size_t size_of(const Expr& expr, size_t max) {
  size_t size = 1;
  visit_parts(expr, [&](const Expr& part) {
    if (size < max) {
      size += size_of(part, max - size);
    }
  });
  return size;
}

bool same_function(const ObjectName& a, const ObjectName& b) {
  return a.catalog == b.catalog && a.database == b.database &&
         ascii_lower(a.object) == ascii_lower(b.object);
}

// Error: the function is one of those whose bodies are being bound.
Status check_not_recursive(const ObjectName& name, const SqlFunctions& functions) {
  std::string path;
  bool is_recursive = false;
  for (const CatalogObject* outer : functions.path) {
    is_recursive = is_recursive || same_function(outer->name, name);
    path += is_recursive ? outer->name.object + " calls " : "";
  }
  if (is_recursive) {
    return Status::invalid_argument(fmt::format("function {} calls itself", name.object))
        .with_sqlstate("42P19")  // invalid_recursion
        .with_detail(path + name.object)
        .with_hint("WITH RECURSIVE in a query repeats until nothing new comes");
  }
  if (functions.path.size() >= kDepthMax) {
    return Status::invalid_argument(
        fmt::format("functions call each other more than {} deep", kDepthMax));
  }
  return {};
}

// "line 1, column 5 of its body"
std::string place_in(const std::string& body, size_t position) {
  std::string_view before = std::string_view(body).substr(0, position);
  size_t line = 1 + static_cast<size_t>(std::ranges::count(before, '\n'));
  size_t start = before.rfind('\n') == before.npos ? 0 : before.rfind('\n') + 1;
  return fmt::format("line {}, column {} of its body", line, before.size() - start + 1);
}

// The body over the parameters as columns.
Result<ExprRef> bind_body(const CatalogObject& function, const BindContext& context) {
  const auto& definition = std::get<FunctionDefinition>(function.definition);
  sql::Expr body = TRY(sql::parse_function_body(definition.body));
  BindContext inner = context;
  inner.current_catalog = function.context_catalog;
  inner.current_database = function.context_database;
  inner.parameters = nullptr;
  Scope scope;
  for (const Field& parameter : function.schema.fields) {
    scope.columns.push_back({function.name.object, parameter.name, parameter.type});
  }
  ExprBinder binder(scope, inner);
  binder.set_clause("the body of a function");
  binder.use_function(&function);
  ExprRef bound = TRY(binder.bind_as(body, definition.result));
  ExprRef result = TRY(ExprBinder::coerce(bound, definition.result, body.position));
  if (size_of(*result, kSizeMax) >= kSizeMax) {
    return Status::invalid_argument(
               fmt::format("with the functions that it calls it has more than {} parts", kSizeMax))
        .with_sqlstate("54001")  // statement_too_complex
        .with_position(body.position);
  }
  return result;
}

Result<ExprRef> body_of(const ObjectRef& function, const BindContext& context) {
  SqlFunctions& functions = *context.functions;
  auto known = functions.bodies.find(function->id);
  if (known != functions.bodies.end()) {
    return known->second;
  }
  functions.path.push_back(function.get());
  Result<ExprRef> bound = bind_body(*function, context);
  functions.path.pop_back();
  ExprRef body = TRY(std::move(bound));
  functions.used.push_back(function);
  functions.bodies[function->id] = body;
  return body;
}

// An error in a body, told where the function is called.
Status in_call(const CatalogObject& function, const Status& status, size_t position) {
  const auto& definition = std::get<FunctionDefinition>(function.definition);
  Status told(status.code(),
              fmt::format("function {}: {}", function.name.object, status.message()));
  std::string detail = status.detail();
  if (status.position()) {
    detail += (detail.empty() ? "" : "; ") + place_in(definition.body, *status.position());
  }
  return std::move(told)
      .with_hint(status.hint())
      .with_detail(std::move(detail))
      .with_position(position);
}

}  // namespace

std::string signature_of(const CatalogObject& function) {
  std::string parameters;
  for (const Field& parameter : function.schema.fields) {
    parameters += (parameters.empty() ? "" : ", ") + parameter.name +
                  (parameter.name.empty() ? "" : " ") + parameter.type.to_string_without_null();
  }
  return fmt::format("{}({})", function.name.object, parameters);
}

Result<ObjectRef> ExprBinder::find_sql_function(const sql::Name& name) const {
  bool is_bare = name.parts.size() == 1;
  if (context_.functions == nullptr || (is_bare && is_system_function(ascii_upper(name.last())))) {
    return ObjectRef();
  }
  const std::string &catalog = context_.current_catalog, &database = context_.current_database;
  std::vector<std::string> parts = sql::parts_of(name);
  Result<ObjectName> full = context_.catalog.full_name(parts, catalog, database);
  if (!full.ok()) {
    return ObjectRef();
  }
  if (Status status = check_not_recursive(*full, *context_.functions); !status.ok()) {
    return std::move(status).with_position(name.position());
  }
  ObjectRef found = context_.catalog.find_function(parts, catalog, database);
  bool is_replaced =
      found != nullptr && context_.instead != nullptr && context_.instead->id == found->id;
  return is_replaced ? context_.instead : found;
}

Result<ExprRef> ExprBinder::bind_sql_call(const ObjectRef& function, const sql::FunctionCall& call,
                                          size_t position) {
  const auto& definition = std::get<FunctionDefinition>(function->definition);
  if (call.over || call.distinct || call.filter || !call.order_by.empty() ||
      !call.within_group.empty()) {
    return Status::invalid_argument(
               fmt::format("{} is not an aggregate: OVER, DISTINCT, FILTER and ORDER BY do not "
                           "apply",
                           function->name.object))
        .with_position(position);
  }
  const std::vector<Field>& parameters = function->schema.fields;
  if (call.args.size() != parameters.size()) {
    return Status::invalid_argument(fmt::format("{} takes {} arguments, and got {}",
                                                function->name.object, parameters.size(),
                                                call.args.size()))
        .with_sqlstate("42883")
        .with_hint("usage: " + signature_of(*function))
        .with_position(position);
  }
  std::vector<ExprRef> arguments;
  std::vector<ExprRef> conditions;  // of STRICT: an argument is missing
  for (size_t i = 0; i < parameters.size(); ++i) {
    ExprRef argument = TRY(bind_as(call.args[i], parameters[i].type));
    Result<ExprRef> taken = coerce(argument, parameters[i].type, call.args[i].position);
    if (!taken.ok()) {
      return taken.status().with_context(signature_of(*function));
    }
    arguments.push_back(std::move(taken).value());
    if (definition.strict) {
      conditions.push_back(TRY(ExprBinder::call("IS NULL", {arguments.back()}, position)));
    }
  }
  Result<ExprRef> body = body_of(function, context_);
  if (!body.ok()) {
    return in_call(*function, body.status(), position);
  }
  ExprRef result = substitute(*body, arguments);
  if (!conditions.empty()) {
    ExprRef none = make_literal(std::monostate{}, definition.result);
    result = make_case({{make_or(std::move(conditions)), none}}, result, definition.result);
  }
  if (size_of(*result, kSizeMax) >= kSizeMax) {
    return Status::invalid_argument(fmt::format("the call of {} is too large: more than {} parts",
                                                function->name.object, kSizeMax))
        .with_sqlstate("54001")  // statement_too_complex
        .with_detail("an argument stands in every place where the body names its parameter")
        .with_position(position);
  }
  return result;
}

Result<std::vector<ObjectRef>> check_sql_function(const CatalogObject& function,
                                                  BindContext context) {
  SqlFunctions functions;
  context.functions = &functions;
  functions.path.push_back(&function);
  TRY(bind_body(function, context));
  return std::move(functions.used);
}

}  // namespace tidemark
