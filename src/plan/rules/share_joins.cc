// Joins of the same rows by the same keys become one, with the columns that any of their readers
// reads. It stands before pruning: afterwards such joins differ by the columns that are left.

#include "plan/optimizer.h"
#include "plan/rewrite.h"
#include "plan/same_plan.h"

namespace tidemark {

PlanRef share_joins(PlanRef plan) {
  std::vector<PlanRef> joins;
  return rewrite_bottom_up(plan, [&](PlanRef node) -> PlanRef {
    if (!std::holds_alternative<JoinNode>(node->node)) {
      return node;
    }
    for (const PlanRef& known : joins) {
      if (same_plan(*known, *node)) {
        return known;
      }
    }
    return joins.emplace_back(std::move(node));
  });
}

}  // namespace tidemark
