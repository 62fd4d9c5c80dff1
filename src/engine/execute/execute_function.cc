// CREATE, DROP and SHOW of functions in SQL.

#include <algorithm>

#include <fmt/core.h>

#include "base/ascii.h"
#include "base/nearest.h"
#include "engine/durability.h"
#include "engine/execute/executor.h"
#include "engine/execute/name_filter.h"
#include "expr/aggregate.h"
#include "plan/bind/bind_type.h"
#include "plan/bind/sql_functions.h"
#include "sql/name_parts.h"
#include "sql/unparse.h"

namespace tidemark {

namespace {

Status check_is_sql(const sql::CreateFunction& statement) {
  const std::string& language = statement.body.language;
  if (statement.system) {
    return Status::unsupported("a TEMPORARY SYSTEM FUNCTION is not supported")
        .with_hint("CREATE TEMPORARY FUNCTION makes one of the current database")
        .with_position(statement.name.position());
  }
  if (!statement.signature || (!language.empty() && language != "SQL")) {
    return Status::unsupported(language.empty() || language == "SQL"
                                   ? "a function needs its parameters and what it returns"
                                   : fmt::format("functions in {} are not supported", language))
        .with_hint("CREATE FUNCTION f(x INT) RETURNS INT LANGUAGE SQL AS 'x + 1'")
        .with_position(statement.name.position());
  }
  return {};
}

Result<CatalogObject> to_object(const sql::CreateFunction& statement) {
  CatalogObject object;
  const sql::FunctionSignature& signature = *statement.signature;
  for (const sql::FunctionParameter& parameter : signature.parameters) {
    std::string name = parameter.name ? parameter.name->text : "";
    if (!name.empty() && object.schema.find(name)) {
      return Status::invalid_argument(fmt::format("parameter is declared twice: {}", name))
          .with_position(parameter.name->position);
    }
    Type type = TRY(bind_type(parameter.type));
    object.schema.fields.push_back({name, type.as_nullable()});
  }
  FunctionDefinition definition;
  definition.result = TRY(bind_type(signature.returns)).as_nullable();
  definition.strict = signature.strict;
  definition.body =
      statement.returned ? sql::unparse(*statement.returned) : statement.body.definition;
  object.definition = std::move(definition);
  object.temporary = statement.temporary;
  return object;
}

// An error in the body, with its place in the statement.
Status in_statement(const sql::CreateFunction& statement, const Status& status) {
  std::optional<size_t> position = status.position();
  if (statement.returned == nullptr) {
    position = statement.body.definition_position && position
                   ? std::optional<size_t>(*statement.body.definition_position + *position)
                   : std::nullopt;
  }
  Status told(status.code(),
              fmt::format("the body of function {}: {}", statement.name.last(), status.message()));
  return std::move(told)
      .with_hint(status.hint())
      .with_detail(status.detail())
      .with_position(position.value_or(statement.name.position()));
}

}  // namespace

Result<ObjectRef> StatementExecutor::find_function(const sql::Name& name) {
  ObjectRef found =
      catalog_.find_function(sql::parts_of(name), session_.catalog_, session_.database_);
  if (found != nullptr) {
    return found;
  }
  std::string upper = ascii_upper(name.last());
  if (is_system_function(upper)) {
    return Status::invalid_argument(fmt::format("{} is a function of the system", upper))
        .with_position(name.position());
  }
  std::vector<std::string> names;
  for (const ObjectRef& function : catalog_.functions()) {
    names.push_back(function->name.object);
  }
  auto nearest = nearest_name(name.last(), names);
  return Status::not_found(fmt::format("no such function: {}", name.last()))
      .with_sqlstate("42883")
      .with_hint(nearest ? fmt::format("did you mean {}?", *nearest)
                         : "SHOW USER FUNCTIONS lists them")
      .with_position(name.position());
}

Result<StatementResult> StatementExecutor::run(const sql::CreateFunction& statement) {
  TRY(check_is_sql(statement));
  ObjectName name = TRY(full_name(statement.name));
  if (is_system_function(ascii_upper(name.object))) {
    return Status::already_exists(
               fmt::format("the system has a function of this name: {}", name.object))
        .with_sqlstate("42723")  // duplicate_function
        .with_hint("give it another name")
        .with_position(statement.name.position());
  }
  ObjectRef old =
      catalog_.find_function(sql::parts_of(statement.name), session_.catalog_, session_.database_);
  if (old != nullptr && statement.if_not_exists) {
    notice(fmt::format("function exists already: {}", name.object));
    return done("CREATE FUNCTION");
  }
  CatalogObject object = TRY(to_object(statement));
  object.name = name;
  object.context_catalog = session_.catalog_;
  object.context_database = session_.database_;
  Result<std::vector<ObjectRef>> used = check_sql_function(object, bind_context());
  if (!used.ok()) {
    return in_statement(statement, used.status());
  }
  for (const ObjectRef& function : *used) {
    if (function->temporary && !object.temporary) {
      return Status::invalid_argument(
                 fmt::format("a function cannot call the temporary function {}",
                             function->name.object))
          .with_detail("it would not be there after a restart")
          .with_position(statement.name.position());
    }
    object.depends_on.push_back(function->id);
  }
  if (old != nullptr && statement.mode == sql::CreateMode::kCreateOrReplace) {
    TRY(replace_function(old, std::move(object), *used));
    return done("CREATE FUNCTION");
  }
  Result<ObjectRef> created = create_object(std::move(object), {});
  return created.ok() ? Outcome(done("CREATE FUNCTION"))
                      : Outcome(created.status().with_position(statement.name.position()));
}

// Views and functions that call it must do with the new one; what runs goes on by the plan it has.
Status StatementExecutor::replace_function(const ObjectRef& old, CatalogObject function,
                                           const std::vector<ObjectRef>& used) {
  TRY(check_is_not_read(*old, used));
  function.id = old->id;
  function.name = old->name;
  function.temporary = old->temporary;
  TRY(check_dependents(*old, std::make_shared<const CatalogObject>(function)));
  ObjectRef now = TRY(catalog_.replace(std::move(function)));
  return keep_object(now->id);
}

Result<StatementResult> StatementExecutor::drop_function(const sql::Drop& statement) {
  Result<ObjectRef> found = find_function(statement.name);
  if (!found.ok() && statement.if_exists && found.status().code() == StatusCode::kNotFound) {
    notice(fmt::format("no such function: {}", statement.name.last()));
    return done("DROP FUNCTION");
  }
  ObjectRef function = TRY(std::move(found));
  if (statement.arguments) {
    bool is_same = statement.arguments->size() == function->schema.size();
    for (size_t i = 0; is_same && i < function->schema.size(); ++i) {
      Type type = TRY(bind_type((*statement.arguments)[i]));
      is_same = type.kind == function->schema[i].type.kind;
    }
    if (!is_same) {
      return Status::not_found(
                 fmt::format("function {} has other parameters", function->name.object))
          .with_sqlstate("42883")
          .with_hint("it is " + signature_of(*function))
          .with_position(statement.name.position());
    }
  }
  Status dropped = drop_object(function, statement.behaviour == sql::DropBehaviour::kCascade);
  TRY(std::move(dropped).with_position(statement.name.position()));
  return done("DROP FUNCTION");
}

Result<StatementResult> StatementExecutor::show_functions(const sql::Show& statement) {
  std::vector<std::string> names;
  if (statement.kind == sql::ShowKind::kFunctions) {
    for (const Function* function : all_functions()) {
      names.emplace_back(function->name);
    }
    for (const AggregateFunction& aggregate : all_aggregates()) {
      names.emplace_back(aggregate.name);
    }
    for (const char* name : {"COALESCE", "NULLIF", "IF", "IFNULL", "CAST", "TRY_CAST"}) {
      names.emplace_back(name);
    }
  }
  std::string catalog = session_.catalog_, database = session_.database_;
  if (std::vector<std::string> from = sql::parts_of(statement.from); !from.empty()) {
    database = from.back();
    catalog = from.size() > 1 ? from[0] : catalog;
    Status known = catalog_.check_database(catalog, database);
    TRY(std::move(known).with_position(statement.from.position()));
  }
  for (const ObjectRef& function : catalog_.functions()) {
    if (function->name.catalog == catalog && function->name.database == database) {
      names.push_back(function->name.object);
    }
  }
  std::ranges::sort(names);
  std::vector<std::vector<std::string>> rows;
  for (std::string& name : names) {
    if (passes(statement.filter, name)) {
      rows.push_back({std::move(name)});
    }
  }
  return table("SHOW", Schema{{{"function name", Type::string()}}}, std::move(rows));
}

}  // namespace tidemark
