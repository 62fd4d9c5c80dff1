#pragma once
// Whether parts of plans compute the same.

#include "plan/logical.h"

namespace tidemark {

// The nodes themselves, not their inputs; a projection with the filter and join that it is run
// with.
bool same_node(const LogicalPlan& a, const LogicalPlan& b);
// With all that is below.
bool same_plan(const LogicalPlan& a, const LogicalPlan& b);

}  // namespace tidemark
