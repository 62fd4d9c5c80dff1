// Expressions without columns become literals. What would fail, or depends on the clock, is left
// for the rows to meet. A condition that no row can fail goes.

#include "expr/eval.h"
#include "plan/optimizer.h"
#include "plan/rewrite.h"

namespace tidemark {

namespace {

bool has_columns(const Expr& expr) {
  std::vector<bool> used;
  collect_columns(expr, used);
  return std::find(used.begin(), used.end(), true) != used.end();
}

// Casts depend on the session's time zone only when a TIMESTAMP_LTZ is involved; those are left
// alone.
bool depends_on_session(const Expr& expr) {
  if (const auto* cast = std::get_if<CastExpr>(&expr.node)) {
    return expr.type.kind == TypeKind::kTimestampLtz ||
           cast->input->type.kind == TypeKind::kTimestampLtz ||
           cast->input->type.kind == TypeKind::kTime || depends_on_session(*cast->input);
  }
  return !is_literal(expr);
}

// The value as a literal; what fails stays.
ExprRef evaluated(const ExprRef& expr) {
  EvalContext context;
  Result<Value> value = evaluate_constant(*expr, context);
  return value.ok() ? make_literal(*value, expr->type) : expr;
}

// A call of arithmetic over literals. Such a call can fail, but its value cannot: the conditions
// that compare with it are free to move. (DATE '1998-12-01' - INTERVAL '90' DAY)
bool is_arithmetic(const Expr& expr, const CallExpr& call) {
  return call.function->family == "math" && expr.type.kind != TypeKind::kTimestampLtz &&
         std::all_of(call.arguments.begin(), call.arguments.end(), [](const ExprRef& argument) {
           return is_literal(*argument) && argument->type.kind != TypeKind::kTimestampLtz;
         });
}

ExprRef fold(const ExprRef& expr) {
  if (std::holds_alternative<CastExpr>(expr->node) && !has_columns(*expr) &&
      !depends_on_session(*expr)) {
    return evaluated(expr);
  }
  ExprRef folded = with_parts(expr, fold);
  const auto* call = std::get_if<CallExpr>(&folded->node);
  return call != nullptr && is_arithmetic(*folded, *call) ? evaluated(folded) : folded;
}

// IS NOT NULL of a column that cannot be.
bool is_always_true(const Expr& condition, const Schema& input) {
  const auto* call = std::get_if<CallExpr>(&condition.node);
  if (call == nullptr || call->function->name != "IS NOT NULL") {
    return false;
  }
  const auto* column = std::get_if<ColumnExpr>(&call->arguments[0]->node);
  return column != nullptr && !input[column->index].type.nullable;
}

PlanRef without_true_conditions(PlanRef plan) {
  const auto* filter = std::get_if<FilterNode>(&plan->node);
  if (filter == nullptr) {
    return plan;
  }
  std::vector<ExprRef> conditions;
  split_and(filter->predicate, conditions);
  size_t erased = std::erase_if(conditions, [&](const ExprRef& each) {
    return is_always_true(*each, filter->input->schema);
  });
  return erased == 0          ? plan
         : conditions.empty() ? filter->input
                              : make_filter(filter->input, make_and(std::move(conditions)));
}

}  // namespace

PlanRef fold_constants(PlanRef plan) {
  return rewrite_bottom_up(map_expressions(plan, fold), without_true_conditions);
}

}  // namespace tidemark
