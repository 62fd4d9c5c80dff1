#pragma once
// What operators are made from, out of the nodes of a plan.

#include <memory>
#include <vector>

#include "dataflow/operators/aggregate.h"
#include "dataflow/operators/delta_join.h"
#include "dataflow/operators/join.h"
#include "dataflow/operators/over.h"
#include "plan/insert_only.h"
#include "plan/logical.h"

namespace tidemark {

// For each arranged column the column of the plan: those of the key, then the others.
std::vector<size_t> arranged_order(size_t columns, const std::vector<size_t>& key);
// By which a join reads its left input (0), or its right one (1).
std::vector<size_t> key_of(const JoinNode& join, size_t side);

std::unique_ptr<AggregateOperator> aggregate_operator(const LogicalPlan& plan, Reading reading);
OverSpec over_spec(const WindowNode& window);
// needed: which output columns are read; empty: all.
JoinSpec join_spec(const LogicalPlan& plan, const JoinNode& join, const std::vector<bool>& needed);
DeltaJoinSpec delta_join_spec(const DeltaJoinNode& join, const std::vector<bool>& needed);

}  // namespace tidemark
