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
     "before pruning: one projection where views are stacked, so that unused columns show"},
    {prune_columns, "last: reads from a source only what the merged plan still needs"},
};

}  // namespace

PlanRef optimize(PlanRef plan) {
  for (const Rule& rule : kRules) {
    plan = rule.apply(std::move(plan));
  }
  return plan;
}

PlanRef with_inputs(const PlanRef& plan, std::vector<PlanRef> inputs) {
  auto names = [&] { return plan->schema.names(); };
  if (const auto* filter = std::get_if<FilterNode>(&plan->node)) {
    return make_filter(inputs[0], filter->predicate);
  }
  if (const auto* project = std::get_if<ProjectNode>(&plan->node)) {
    return make_project(inputs[0], project->expressions, names());
  }
  if (const auto* aggregate = std::get_if<AggregateNode>(&plan->node)) {
    return make_aggregate(inputs[0], aggregate->group, aggregate->calls);
  }
  if (const auto* top = std::get_if<TopNNode>(&plan->node)) {
    return make_top_n(inputs[0], top->order, top->offset, top->limit);
  }
  if (std::holds_alternative<UnionNode>(plan->node)) {
    return make_union(std::move(inputs));
  }
  return plan;
}

}  // namespace tidemark
