// The JSON functions with clauses: what stands in a clause becomes a text in front of the
// arguments, as the kernels read it (expr/functions/json.cc).

#include <fmt/core.h>

#include "base/ascii.h"
#include "expr/cast.h"
#include "expr/json_list.h"
#include "plan/bind/bind_expr.h"
#include "plan/bind/bind_type.h"
#include "plan/bind/order_by.h"

namespace tidemark {

namespace {

ExprRef text(std::string value) {
  return make_literal(std::move(value), Type::string());
}

// The clauses by name, and the plain arguments.
struct JsonCall {
  std::vector<const sql::Expr*> arguments;
  std::vector<const sql::NamedArgument*> clauses;

  explicit JsonCall(const sql::FunctionCall& call) {
    for (const sql::Expr& argument : call.args) {
      if (const auto* named = std::get_if<sql::NamedArgument>(&argument.node)) {
        clauses.push_back(named);
      } else {
        arguments.push_back(&argument);
      }
    }
  }
  const sql::Expr* clause(std::string_view name) const {
    for (const sql::NamedArgument* each : clauses) {
      if (each->name.text == name) {
        return each->value.get();
      }
    }
    return nullptr;
  }
};

// A clause that is a word: NULL, ERROR, EMPTY ARRAY, ...; "DEFAULT" for an expression.
std::string clause_word(const sql::Expr* clause, std::string_view otherwise) {
  if (clause == nullptr) {
    return std::string(otherwise);
  }
  const auto* symbol = std::get_if<sql::Symbol>(&clause->node);
  return symbol != nullptr ? symbol->text : "DEFAULT";
}

bool gives_json(const sql::Expr& expr) {
  const auto* call = std::get_if<sql::FunctionCall>(&expr.node);
  std::string name = call != nullptr ? ascii_upper(call->name.last()) : "";
  return name == "JSON_OBJECT" || name == "JSON_ARRAY" || name == "JSON_QUERY" ||
         name == "JSON_STRING" || name == "TO_JSONB";
}

}  // namespace

bool is_json_call(std::string_view name) {
  return name == "JSON_VALUE" || name == "JSON_QUERY" || name == "JSON_EXISTS" ||
         name == "JSON_OBJECT" || name == "JSON_ARRAY";
}

Result<ExprRef> ExprBinder::bind_json(const std::string& name, const sql::FunctionCall& function,
                                      size_t position) {
  JsonCall json(function);
  if (name == "JSON_OBJECT" || name == "JSON_ARRAY") {
    bool absent =
        clause_word(json.clause("ON NULL"), name == "JSON_ARRAY" ? "ABSENT" : "NULL") == "ABSENT";
    std::string plan = absent ? "A" : "N";
    std::vector<ExprRef> arguments{nullptr};
    for (size_t i = 0; i < json.arguments.size(); ++i) {
      bool is_value = name == "JSON_ARRAY" || i % 2 == 1;
      plan += !is_value ? "" : gives_json(*json.arguments[i]) ? "j" : "v";
      arguments.push_back(TRY(bind(*json.arguments[i])));
    }
    arguments[0] = text(std::move(plan));
    return call(name, std::move(arguments), position);
  }
  if (json.arguments.size() != 2) {
    return Status::invalid_argument(fmt::format("{} takes JSON and a path", name))
        .with_position(position);
  }
  ExprRef document = TRY(bind(*json.arguments[0])), path = TRY(bind(*json.arguments[1]));
  const sql::Expr* on_empty = json.clause("ON EMPTY");
  const sql::Expr* on_error = json.clause("ON ERROR");
  if (name == "JSON_EXISTS") {
    return call(name, {text(clause_word(on_error, "FALSE")), document, path}, position);
  }
  if (name == "JSON_QUERY") {
    return call(name,
                {text(clause_word(on_empty, "NULL")), text(clause_word(on_error, "NULL")),
                 text(clause_word(json.clause("WRAPPER"), "WITHOUT ARRAY")), document, path},
                position);
  }
  Type type = Type::string();
  if (const sql::Expr* returning = json.clause("RETURNING")) {
    type = TRY(bind_type(*std::get<sql::TypeArgument>(returning->node).type));
  }
  std::vector<ExprRef> arguments;
  for (const sql::Expr* clause : {on_empty, on_error}) {
    std::string word = clause_word(clause, "NULL");
    ExprRef otherwise = make_literal(std::monostate{}, Type::string());
    if (word == "DEFAULT") {
      otherwise = make_cast(TRY(bind(*clause)), Type::string());
    }
    arguments.push_back(text(std::move(word)));
    arguments.push_back(std::move(otherwise));
  }
  arguments.push_back(std::move(document));
  arguments.push_back(std::move(path));
  ExprRef value = TRY(call(name, std::move(arguments), position));
  if (!is_castable(value->type, type)) {
    return Status::invalid_argument(
               fmt::format("JSON_VALUE cannot return {}", type.to_string_without_null()))
        .with_position(position);
  }
  // A value that is not of the type is an error of JSON_VALUE too.
  std::string word = clause_word(on_error, "NULL");
  ExprRef result = make_cast(value, type.as_nullable(), word != "ERROR");
  if (word != "DEFAULT" || result == value) {
    return result;
  }
  ExprRef failed = make_and(
      {TRY(call("IS NOT NULL", {value}, position)), TRY(call("IS NULL", {result}, position))});
  ExprRef otherwise = TRY(coerce(TRY(bind(*on_error)), type.as_nullable(), on_error->position));
  return make_case({{failed, otherwise}}, result, type.as_nullable());
}

bool is_json_aggregate(std::string_view name) {
  return name == "JSON_ARRAYAGG" || name == "JSON_OBJECTAGG";
}

// ARRAY_AGG of the values, or of rows of key and value, as JSON.
Result<ExprRef> ExprBinder::bind_json_aggregate(const std::string& name,
                                                const sql::FunctionCall& function,
                                                size_t position) {
  if (aggregates_ == nullptr) {
    return Status::invalid_argument(fmt::format("aggregate {} cannot stand in {}", name, clause_))
        .with_position(position);
  }
  JsonCall json(function);
  bool is_object = name == "JSON_OBJECTAGG";
  if (json.arguments.size() != (is_object ? 2 : 1)) {
    return Status::invalid_argument(
               fmt::format("{} takes {}", name, is_object ? "a key and a value" : "one value"))
        .with_position(position);
  }
  std::string on_null = clause_word(json.clause("ON NULL"), is_object ? "NULL" : "ABSENT");
  JsonListSpec spec{is_object, on_null == "ABSENT", gives_json(*json.arguments.back())};
  AggregateBuilder* builder = std::exchange(aggregates_, nullptr);
  WindowLevel* windows = std::exchange(windows_, nullptr);
  std::string clause = std::exchange(clause_, fmt::format("the argument of {}", name));
  auto bind_parts = [&]() -> Result<AggregateCall> {
    AggregateCall result;
    result.kind = AggregateKind::kArrayAgg;
    result.name = "ARRAY_AGG";
    result.distinct = function.distinct;
    std::vector<ExprRef> values;
    for (const sql::Expr* argument : json.arguments) {
      ExprRef value = TRY(bind(*argument));
      bool untyped = value->type.kind == TypeKind::kNull;
      values.push_back(untyped ? make_cast(std::move(value), Type::string()) : std::move(value));
    }
    ExprRef gathered = is_object ? TRY(call("ROW", std::move(values), position)) : values[0];
    result.input_type = gathered->type;
    result.result_type = TRY(aggregate_result_type(*find_aggregate("ARRAY_AGG"), gathered->type));
    result.input = builder->add_below(std::move(gathered));
    for (const sql::OrderItem& item : function.order_by) {
      result.order.push_back(sort_key(item, builder->add_below(TRY(bind(*item.expr)))));
    }
    if (function.filter) {
      result.filter = builder->add_below(TRY(bind_boolean(*function.filter, "FILTER")));
    }
    return result;
  };
  Result<AggregateCall> bound = bind_parts();
  aggregates_ = builder;
  windows_ = windows;
  clause_ = clause;
  AggregateCall gathered = TRY(std::move(bound));
  Type type = gathered.result_type;
  return make_json_list(make_column(builder->add_call(std::move(gathered)), std::move(type)), spec);
}

}  // namespace tidemark
