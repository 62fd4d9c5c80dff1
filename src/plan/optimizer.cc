#include "plan/optimizer.h"

namespace tidemark {

namespace {

struct Rule {
  PlanRef (*apply)(PlanRef);
  const char* reason;
};

constexpr Rule kRules[] = {
    {fold_constants, "first: later rules see literals instead of expressions over them"},
    {merge_projections,
     "before conditions move: what they move through is one projection where views are stacked"},
    {draw_out_common_conjuncts,
     "before conditions move: what is drawn out of an OR can be a key, or of one side alone"},
    {push_predicates,
     "before the joins are ordered: it finds the equalities, and makes inner joins of outer ones"},
    {push_semi_joins,
     "before the joins are ordered: they go around it, and a relation with one counts as filtered"},
    {restrict_groups,
     "when conditions stand at their relations; what it joins is put in order with the others"},
    {order_joins, "once it is known which joins have keys"},
    {push_predicates, "again: what the new order keeps above a relation moves into it"},
    {distributions_as_counts, "before windows become joins: the count of a partition is one"},
    {windows_as_joins,
     "behind the moving of conditions: one on a partition goes below its windows, to both sides"},
    {split_windows, "of the windows that are left, and of ranks that no condition has bounded"},
    {merge_projections, "before pruning: the projections that moving and ordering left behind"},
    {share_subplans, "before pruning: what computes the same is still the same"},
    {prune_columns, "when nothing moves any more: gives only what is still read"},
    {merge_projections, "pruning cuts columns off by projections"},
    {dynamic_filters, "only now it shows for what a join with one row is read"},
    {delta_joins, "last: it weighs the state of the joins as they will be"},
};

}  // namespace

PlanRef optimize(PlanRef plan) {
  for (const Rule& rule : kRules) {
    plan = rule.apply(std::move(plan));
  }
  return plan;
}

}  // namespace tidemark
