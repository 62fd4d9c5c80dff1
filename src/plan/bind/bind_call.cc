// The part of ExprBinder for calls: of functions, of those that decide what is evaluated, and of
// aggregates.

#include <fmt/core.h>

#include "base/ascii.h"
#include "expr/cast.h"
#include "plan/bind/bind_expr.h"
#include "plan/bind/query_binder.h"

namespace tidemark {

// COALESCE, NULLIF, IF, IFNULL: CASE in other words.
Result<ExprRef> ExprBinder::bind_conditional(const std::string& name,
                                             const sql::FunctionCall& function, size_t position) {
  std::vector<ExprRef> arguments;
  Type known = Type::null();  // of the arguments so far, for parameters
  for (const sql::Expr& argument : function.args) {
    arguments.push_back(TRY(bind_as(argument, known)));
    known = arguments.back()->type;
  }
  auto wrong_count = [&](std::string_view usage) {
    return Status::invalid_argument(fmt::format("{} got {} arguments", name, arguments.size()))
        .with_hint(fmt::format("usage: {}", usage))
        .with_position(position);
  };
  auto common_of = [&](size_t from) -> Result<Type> {
    Type type = Type::null();
    for (size_t i = from; i < arguments.size(); ++i) {
      Result<Type> common = common_type(type, arguments[i]->type);
      if (!common.ok()) {
        return common.status().with_context(name).with_position(function.args[i].position);
      }
      type = *common;
    }
    for (size_t i = from; i < arguments.size(); ++i) {
      arguments[i] = TRY(coerce(arguments[i], type, function.args[i].position));
    }
    return type;
  };
  if (name == "NULLIF") {
    if (arguments.size() != 2) {
      return wrong_count("NULLIF(a, b)");
    }
    ExprRef equal = TRY(call("=", {arguments[0], arguments[1]}, position));
    Type type = arguments[0]->type;
    return make_case({{equal, make_literal(std::monostate{}, type)}}, arguments[0], type);
  }
  if (name == "IF") {
    if (arguments.size() != 3) {
      return wrong_count("IF(condition, then, else)");
    }
    ExprRef condition = TRY(coerce(arguments[0], Type::boolean(), position));
    Type type = TRY(common_of(1));
    return make_case({{condition, arguments[1]}}, arguments[2], type);
  }
  if (arguments.empty() || (name == "IFNULL" && arguments.size() != 2)) {
    return wrong_count(name == "IFNULL" ? "IFNULL(x, otherwise)" : "COALESCE(a, b, ...)");
  }
  Type type = TRY(common_of(0));
  std::vector<std::pair<ExprRef, ExprRef>> branches;
  for (size_t i = 0; i + 1 < arguments.size(); ++i) {
    branches.emplace_back(TRY(call("IS NOT NULL", {arguments[i]}, position)), arguments[i]);
  }
  return branches.empty() ? arguments[0] : make_case(std::move(branches), arguments.back(), type);
}

Result<ExprRef> ExprBinder::bind_call(const sql::FunctionCall& function, size_t position) {
  std::string name = ascii_upper(function.name.last());
  if (function.over) {
    return bind_window(function, position);
  }
  if (const AggregateFunction* aggregate = find_aggregate(name)) {
    return bind_aggregate(*aggregate, function, position);
  }
  if (function.distinct || function.filter || !function.order_by.empty() ||
      !function.within_group.empty()) {
    return Status::invalid_argument(
               fmt::format("{} is not an aggregate: DISTINCT, FILTER and ORDER BY do not apply",
                           name))
        .with_position(position);
  }
  if (name == "COALESCE" || name == "NULLIF" || name == "IF" || name == "IFNULL") {
    return bind_conditional(name, function, position);
  }
  std::vector<const sql::Expr*> arguments;
  for (const sql::Expr& argument : function.args) {
    arguments.push_back(&argument);
  }
  return call_over(name, std::move(arguments), position);
}

Result<ExprRef> ExprBinder::bind_aggregate(const AggregateFunction& function,
                                           const sql::FunctionCall& call_ast, size_t position) {
  if (aggregates_ == nullptr) {
    return Status::invalid_argument(
               fmt::format("aggregate {} cannot stand in {}", function.name, clause_))
        .with_position(position);
  }
  if (!call_ast.order_by.empty() || !call_ast.within_group.empty()) {
    return unsupported("ORDER BY inside an aggregate", position);
  }
  AggregateBuilder* builder = std::exchange(aggregates_, nullptr);
  std::string clause = std::exchange(clause_, fmt::format("the argument of {}", function.name));
  auto restore = [&] {
    aggregates_ = builder;
    clause_ = clause;
  };
  auto bind_parts = [&]() -> Result<AggregateCall> {
    AggregateCall result;
    result.kind = function.kind;
    result.name = function.name;
    result.distinct = call_ast.distinct;
    bool star =
        call_ast.args.size() == 1 && std::holds_alternative<sql::Star>(call_ast.args[0].node);
    if (function.kind == AggregateKind::kCount && (star || call_ast.args.empty())) {
      if (call_ast.distinct) {
        return Status::invalid_argument("COUNT(DISTINCT *) is not allowed").with_position(position);
      }
      result.kind = AggregateKind::kCountStar;
      result.result_type = Type::bigint().not_null();
    } else {
      if (call_ast.args.size() != 1 || star) {
        return Status::invalid_argument(fmt::format("{} takes one argument", function.name))
            .with_hint(fmt::format("usage: {}", function.usage))
            .with_position(position);
      }
      ExprRef argument = TRY(bind_node(call_ast.args[0]));
      Result<Type> type = aggregate_result_type(function, argument->type);
      if (!type.ok()) {
        return type.status()
            .with_hint(fmt::format("usage: {}", function.usage))
            .with_position(call_ast.args[0].position);
      }
      result.input_type = argument->type;
      result.result_type = *type;
      result.input = builder->add_below(std::move(argument));
    }
    if (call_ast.filter) {
      result.filter = builder->add_below(TRY(bind_boolean(*call_ast.filter, "FILTER")));
    }
    return result;
  };
  Result<AggregateCall> bound = bind_parts();
  restore();
  AggregateCall call = TRY(std::move(bound));
  Type type = call.result_type;
  return make_column(builder->add_call(std::move(call)), std::move(type));
}

}  // namespace tidemark
