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
  if (const auto* call = std::get_if<CallExpr>(&expr->node)) {
    CallExpr copy = *call;
    for (ExprRef& argument : copy.arguments) {
      argument = fold(argument);
    }
    bool constant = is_arithmetic(*expr, copy);
    ExprRef folded = std::make_shared<const Expr>(Expr{expr->type, std::move(copy)});
    return constant ? evaluated(folded) : folded;
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
