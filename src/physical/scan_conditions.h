#pragma once
// What all parts of a plan that read a table ask of its rows.

#include <functional>
#include <map>
#include <vector>

#include "plan/logical.h"

namespace tidemark {

// By table, over its columns: a row for which one of them is not TRUE changes nothing in the plan.
// `inputs` gives the inputs of a plan that are to be looked at.
std::map<ObjectId, std::vector<ExprRef>> scan_conditions(
    const PlanRef& plan, const std::function<std::vector<PlanRef>(const LogicalPlan&)>& inputs);

}  // namespace tidemark
