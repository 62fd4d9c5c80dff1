#pragma once
// The ordered list of rules that make a plan cheaper without changing its answer. Each rule is a
// file in rules/; the reason for its place stands in optimizer.cc.

#include "plan/logical.h"

namespace tidemark {

PlanRef optimize(PlanRef plan);

// The rules.
PlanRef fold_constants(PlanRef plan);             // rules/fold_constants.cc
PlanRef merge_projections(PlanRef plan);          // rules/merge_projections.cc
PlanRef draw_out_common_conjuncts(PlanRef plan);  // rules/common_conjuncts.cc
PlanRef push_predicates(PlanRef plan);            // rules/push_predicates.cc
PlanRef push_semi_joins(PlanRef plan);            // rules/push_semi_joins.cc
PlanRef restrict_groups(PlanRef plan);            // rules/restrict_groups.cc
PlanRef order_joins(PlanRef plan);                // rules/order_joins.cc
PlanRef distributions_as_counts(PlanRef plan);    // rules/distributions.cc
PlanRef windows_as_joins(PlanRef plan);           // rules/windows_as_joins.cc
PlanRef split_windows(PlanRef plan);              // rules/split_windows.cc
PlanRef share_subplans(PlanRef plan);             // rules/share_subplans.cc
PlanRef prune_columns(PlanRef plan);              // rules/prune_columns.cc
PlanRef dynamic_filters(PlanRef plan);            // rules/dynamic_filters.cc
PlanRef delta_joins(PlanRef plan);                // rules/delta_joins.cc

}  // namespace tidemark
