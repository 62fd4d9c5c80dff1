// The part of ExprBinder for calls of aggregates.

#include <fmt/core.h>

#include "expr/eval.h"
#include "plan/bind/bind_expr.h"
#include "plan/bind/order_by.h"
#include "plan/bind/query_binder.h"

namespace tidemark {

namespace {

using Kind = AggregateKind;

Status wrong_arguments(const AggregateFunction& function, std::string_view takes, size_t position) {
  return Status::invalid_argument(fmt::format("{} takes {}", function.name, takes))
      .with_hint(fmt::format("usage: {}", function.usage))
      .with_position(position);
}

bool is_count_star(const AggregateFunction& function, const sql::FunctionCall& call) {
  return function.name == "COUNT" &&
         (call.args.empty() ||
          (call.args.size() == 1 && std::holds_alternative<sql::Star>(call.args[0].node)));
}

// PERCENTILE(x, fraction), the others are f(fraction) WITHIN GROUP (ORDER BY x).
bool has_fraction_behind(const AggregateFunction& function) {
  return function.name == "PERCENTILE";
}

// What is aggregated: the argument, or what WITHIN GROUP orders by.
Result<const sql::Expr*> aggregated(const AggregateFunction& function,
                                    const sql::FunctionCall& call, size_t position) {
  if (has_fraction_behind(function)) {
    if (call.args.size() != 2 || !call.within_group.empty()) {
      return wrong_arguments(function, "a value and a fraction", position);
    }
    return &call.args[0];
  }
  if (takes_within_group(function.kind)) {
    if (call.args.size() != 1 || call.within_group.size() != 1) {
      return wrong_arguments(function, "a fraction, and WITHIN GROUP (ORDER BY one value)",
                             position);
    }
    return call.within_group[0].expr.get();
  }
  bool has_separator = function.kind == Kind::kListAgg && call.args.size() == 2;
  if ((call.args.size() != 1 && !has_separator) ||
      std::holds_alternative<sql::Star>(call.args[0].node)) {
    return wrong_arguments(
        function, function.kind == Kind::kListAgg ? "a text and a separator" : "one argument",
        position);
  }
  return &call.args[0];
}

// The order that counts, of the two places where it may be written.
Result<const std::vector<sql::OrderItem>*> order_of(const AggregateFunction& function,
                                                    const sql::FunctionCall& call,
                                                    size_t position) {
  if (!call.within_group.empty() && !call.order_by.empty()) {
    return Status::invalid_argument(
               fmt::format("{} has two orders: ORDER BY and WITHIN GROUP", function.name))
        .with_position(position);
  }
  bool is_order = !call.order_by.empty() || !call.within_group.empty();
  if (!call.within_group.empty() && !takes_within_group(function.kind) &&
      function.kind != Kind::kListAgg) {
    return wrong_arguments(function, "no WITHIN GROUP", position);
  }
  if (is_order && call.within_group.empty() && takes_within_group(function.kind)) {
    return wrong_arguments(function, "its order in WITHIN GROUP", position);
  }
  return call.within_group.empty() ? &call.order_by : &call.within_group;
}

}  // namespace

// The separator or the fraction.
Result<Value> ExprBinder::bind_parameter(const AggregateFunction& function,
                                         const sql::FunctionCall& call_ast) {
  if (function.kind == Kind::kListAgg) {
    if (call_ast.args.size() < 2) {
      return Value(std::string(","));
    }
    const auto* literal = std::get_if<sql::StringLiteral>(&call_ast.args[1].node);
    if (literal == nullptr) {
      return Status::invalid_argument(
                 fmt::format("the separator of {} must be a text literal", function.name))
          .with_position(call_ast.args[1].position);
    }
    return Value(literal->value);
  }
  if (!takes_within_group(function.kind)) {
    return Value();
  }
  const sql::Expr& ast = call_ast.args[has_fraction_behind(function) ? 1 : 0];
  size_t position = ast.position;
  ExprRef bound = TRY(bind(ast));
  std::vector<bool> used;
  collect_columns(*bound, used);
  Value value;
  if (bound->type.is_numeric() && std::find(used.begin(), used.end(), true) == used.end()) {
    EvalContext eval;
    value = TRY(evaluate_constant(*make_cast(bound, Type::float64()), eval));
  }
  const auto* fraction = std::get_if<double>(&value);
  if (fraction == nullptr || !(*fraction >= 0 && *fraction <= 1)) {
    return Status::invalid_argument(
               fmt::format("the fraction of {} must be a constant from 0 to 1", function.name))
        .with_position(position);
  }
  return value;
}

// COUNT(a, b): the rows where none is NULL; with DISTINCT, their different values together.
Result<AggregateCall> ExprBinder::bind_count_of_several(
    const sql::FunctionCall& call_ast, size_t position,
    const std::function<size_t(ExprRef)>& column_of) {
  std::vector<ExprRef> values = TRY(bind_all(call_ast.args)), conditions;
  for (const ExprRef& value : values) {
    conditions.push_back(TRY(call("IS NOT NULL", {value}, position)));
  }
  if (call_ast.filter) {
    conditions.push_back(TRY(bind_boolean(*call_ast.filter, "FILTER")));
  }
  AggregateCall result;
  result.name = "COUNT";
  result.result_type = Type::bigint().not_null();
  result.filter = column_of(make_and(std::move(conditions)));
  if (call_ast.distinct) {
    ExprRef row = TRY(call("ROW", std::move(values), position));
    result.kind = Kind::kCount;
    result.distinct = true;
    result.input_type = row->type;
    result.input = column_of(std::move(row));
  }
  return result;
}

Result<AggregateCall> ExprBinder::bind_aggregate_call(
    const AggregateFunction& function, const sql::FunctionCall& call_ast, size_t position,
    const std::function<size_t(ExprRef)>& column_of) {
  AggregateCall result;
  result.kind = function.kind;
  result.name = function.name;
  result.distinct = call_ast.distinct || function.name == "APPROX_COUNT_DISTINCT";
  const std::vector<sql::OrderItem>& order = *TRY(order_of(function, call_ast, position));
  if (call_ast.nulls != sql::NullTreatment::kDefault && !sees_nulls(function.kind)) {
    return wrong_arguments(function, "no IGNORE NULLS and no RESPECT NULLS", position);
  }
  result.ignore_nulls = call_ast.nulls == sql::NullTreatment::kDefault
                            ? function.kind != Kind::kArrayAgg
                            : call_ast.nulls == sql::NullTreatment::kIgnore;
  if (function.name == "COUNT" && call_ast.args.size() > 1) {
    return bind_count_of_several(call_ast, position, column_of);
  }
  if (is_count_star(function, call_ast)) {
    if (call_ast.distinct) {
      return Status::invalid_argument("COUNT(DISTINCT *) is not allowed").with_position(position);
    }
    result.kind = Kind::kCountStar;
    result.result_type = Type::bigint().not_null();
  } else {
    const sql::Expr& ast = *TRY(aggregated(function, call_ast, position));
    ExprRef argument = TRY(bind(ast));
    Result<Type> type = aggregate_result_type(function, argument->type);
    if (!type.ok()) {
      return type.status()
          .with_hint(fmt::format("usage: {}", function.usage))
          .with_position(ast.position);
    }
    result.parameter = TRY(bind_parameter(function, call_ast));
    result.input_type = argument->type;
    result.result_type = *type;
    result.input = column_of(argument);
    // The order of values does not change a sum.
    bool ordered = is_order_sensitive(function.kind) || takes_within_group(function.kind);
    for (const sql::OrderItem& item : order) {
      ExprRef key = TRY(bind(*item.expr));
      if (result.distinct && !same_expr(*key, *argument)) {
        return Status::invalid_argument(
                   fmt::format("{}(DISTINCT x) can only be ordered by x", function.name))
            .with_position(item.expr->position);
      }
      if (ordered && key->type.is_nested()) {
        return Status::invalid_argument(
                   fmt::format("values of {} have no order", key->type.to_string_without_null()))
            .with_position(item.expr->position);
      }
      if (ordered && (!result.distinct || result.order.empty())) {
        result.order.push_back(sort_key(item, column_of(std::move(key))));
      }
    }
  }
  if (call_ast.filter) {
    result.filter = column_of(TRY(bind_boolean(*call_ast.filter, "FILTER")));
  }
  return result;
}

Result<ExprRef> ExprBinder::bind_aggregate(const AggregateFunction& function,
                                           const sql::FunctionCall& call_ast, size_t position) {
  if (aggregates_ == nullptr) {
    return Status::invalid_argument(
               fmt::format("aggregate {} cannot stand in {}", function.name, clause_))
        .with_position(position);
  }
  AggregateBuilder* builder = std::exchange(aggregates_, nullptr);
  WindowLevel* windows = std::exchange(windows_, nullptr);
  std::string clause = std::exchange(clause_, fmt::format("the argument of {}", function.name));
  Result<AggregateCall> bound = bind_aggregate_call(
      function, call_ast, position,
      [&](ExprRef expression) { return builder->add_below(std::move(expression)); });
  aggregates_ = builder;
  windows_ = windows;
  clause_ = clause;
  AggregateCall call = TRY(std::move(bound));
  Type type = call.result_type;
  return make_column(builder->add_call(std::move(call)), std::move(type));
}

}  // namespace tidemark
