// Conditions that all branches of an OR have in common are drawn out of it:
//
//   (a AND x) OR (a AND y)   becomes   a AND (x OR y)
//
// Exact in three-valued logic: AND and OR distribute over each other. An equality between the sides
// of a join becomes a key of it that way, and what reads one side alone moves there.
//
// A condition that can fail stays in its branch: the others there may keep it from rows.

#include <algorithm>

#include "plan/optimizer.h"
#include "plan/rewrite.h"

namespace tidemark {

namespace {

using Conditions = std::vector<ExprRef>;

void split_or(const ExprRef& expr, std::vector<Conditions>& branches) {
  const auto* logic = std::get_if<LogicExpr>(&expr->node);
  if (logic == nullptr || logic->is_and) {
    split_and(expr, branches.emplace_back());
    return;
  }
  for (const ExprRef& condition : logic->conditions) {
    split_or(condition, branches);
  }
}

bool contains(const Conditions& conditions, const Expr& wanted) {
  return std::ranges::any_of(conditions,
                             [&](const ExprRef& each) { return same_expr(*each, wanted); });
}

ExprRef draw_out(const ExprRef& expr);

ExprRef draw_out_of_or(const ExprRef& expr) {
  std::vector<Conditions> branches;
  split_or(expr, branches);
  Conditions common;
  for (const ExprRef& condition : branches[0]) {
    bool in_all = std::ranges::all_of(
        branches, [&](const Conditions& branch) { return contains(branch, *condition); });
    if (in_all && !can_fail(*condition) && is_deterministic(*condition) &&
        !contains(common, *condition)) {
      common.push_back(condition);
    }
  }
  if (common.empty()) {
    return expr;
  }
  Conditions rests;
  for (Conditions& branch : branches) {
    std::erase_if(branch, [&](const ExprRef& each) { return contains(common, *each); });
    if (branch.empty()) {
      return make_and(std::move(common));  // a OR (a AND y)
    }
    rests.push_back(make_and(std::move(branch)));
  }
  common.push_back(make_or(std::move(rests)));
  return make_and(std::move(common));
}

ExprRef draw_out(const ExprRef& expr) {
  const auto* logic = std::get_if<LogicExpr>(&expr->node);
  if (logic == nullptr) {
    return expr;
  }
  ExprRef inside = with_parts(expr, draw_out);
  return logic->is_and ? inside : draw_out_of_or(inside);
}

}  // namespace

PlanRef draw_out_common_conjuncts(PlanRef plan) {
  return map_expressions(plan, draw_out);
}

}  // namespace tidemark
