#include "expr/share_calls.h"

#include <algorithm>

namespace tidemark {

namespace {

constexpr size_t kCallsMax = 256;  // compared with each other; larger expressions share nothing
constexpr size_t kSharedMax = 16;  // rounds of that

ExprRef replaced(const ExprRef& expr, const Expr& what, const ExprRef& with) {
  if (same_expr(*expr, what)) {
    return with;
  }
  return with_parts(expr, [&](const ExprRef& part) { return replaced(part, what, with); });
}

bool is_worth_sharing(const Expr& expr) {
  if (!std::holds_alternative<CallExpr>(expr.node) &&
      !std::holds_alternative<CastExpr>(expr.node)) {
    return false;
  }
  std::vector<bool> columns;
  collect_columns(expr, columns);
  return std::ranges::find(columns, true) != columns.end() && is_deterministic(expr) &&
         !can_fail(expr);
}

// From the outside in.
void collect_calls(const Expr& expr, std::vector<const Expr*>& calls) {
  if (is_worth_sharing(expr)) {
    calls.push_back(&expr);
  }
  visit_parts(expr, [&](const Expr& part) { collect_calls(part, calls); });
}

}  // namespace

SharedCalls share_calls(std::vector<ExprRef> expressions, size_t first, size_t width) {
  SharedCalls shared;
  while (shared.calls.size() < kSharedMax) {
    std::vector<const Expr*> calls;
    size_t calls_of_first = 0;
    for (size_t i = 0; i < expressions.size(); ++i) {
      if (expressions[i] != nullptr) {
        collect_calls(*expressions[i], calls);
      }
      calls_of_first = i + 1 == first ? calls.size() : calls_of_first;
    }
    if (calls.size() > kCallsMax) {
      break;
    }
    const Expr* found = nullptr;
    for (size_t i = 0; i < calls_of_first && found == nullptr; ++i) {
      bool again = std::any_of(calls.begin() + static_cast<ptrdiff_t>(i) + 1, calls.end(),
                               [&](const Expr* other) { return same_expr(*calls[i], *other); });
      found = again ? calls[i] : nullptr;
    }
    if (found == nullptr) {
      break;
    }
    ExprRef column = make_column(width + shared.calls.size(), found->type);
    ExprRef call = std::make_shared<const Expr>(*found);  // what it is part of is about to go
    shared.calls.push_back(call);
    for (ExprRef& expression : expressions) {
      expression = expression != nullptr ? replaced(expression, *call, column) : nullptr;
    }
  }
  shared.expressions = std::move(expressions);
  return shared;
}

}  // namespace tidemark
