// Expressions without columns become literals. What would fail, or depends on the clock, is left
// for the rows to meet.

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

ExprRef fold(const ExprRef& expr) {
  if (std::holds_alternative<CastExpr>(expr->node) && !has_columns(*expr) &&
      !depends_on_session(*expr)) {
    EvalContext context;
    Result<Value> value = evaluate_constant(*expr, context);
    if (value.ok()) {
      return make_literal(*value, expr->type);
    }
  }
  if (const auto* call = std::get_if<CallExpr>(&expr->node)) {
    CallExpr copy = *call;
    for (ExprRef& argument : copy.arguments) {
      argument = fold(argument);
    }
    return std::make_shared<const Expr>(Expr{expr->type, std::move(copy)});
  }
  if (const auto* logic = std::get_if<LogicExpr>(&expr->node)) {
    LogicExpr copy = *logic;
    for (ExprRef& condition : copy.conditions) {
      condition = fold(condition);
    }
    return std::make_shared<const Expr>(Expr{expr->type, std::move(copy)});
  }
  return expr;
}

}  // namespace

PlanRef fold_constants(PlanRef plan) {
  return map_expressions(plan, fold);
}

}  // namespace tidemark
