// Scans read only the columns that the plan above them uses.

#include "plan/optimizer.h"

namespace tidemark {

namespace {

struct Pruned {
  PlanRef plan;
  std::vector<size_t> map;  // old column -> new column (SIZE_MAX: dropped)
};

Pruned identity(PlanRef plan) {
  std::vector<size_t> map(plan->schema.size());
  for (size_t i = 0; i < map.size(); ++i) {
    map[i] = i;
  }
  return {std::move(plan), std::move(map)};
}

Pruned prune(const PlanRef& plan, std::vector<bool> needed) {
  needed.resize(plan->schema.size());
  if (const auto* scan = std::get_if<ScanNode>(&plan->node)) {
    std::vector<size_t> columns, map(needed.size(), SIZE_MAX);
    for (size_t i = 0; i < needed.size(); ++i) {
      if (needed[i]) {
        map[i] = columns.size();
        columns.push_back(scan->columns[i]);
      }
    }
    if (columns.empty() && !scan->columns.empty()) {
      map[0] = 0;  // rows are counted by a column
      columns.push_back(scan->columns[0]);
    }
    return {make_scan(scan->object, std::move(columns)), std::move(map)};
  }
  if (const auto* filter = std::get_if<FilterNode>(&plan->node)) {
    collect_columns(*filter->predicate, needed);
    Pruned input = prune(filter->input, needed);
    return {make_filter(input.plan, remap_columns(filter->predicate, input.map)), input.map};
  }
  if (const auto* project = std::get_if<ProjectNode>(&plan->node)) {
    std::vector<bool> below;
    for (size_t i = 0; i < project->expressions.size(); ++i) {
      collect_columns(*project->expressions[i], below);
    }
    Pruned input = prune(project->input, below);
    std::vector<ExprRef> expressions;
    for (const ExprRef& expression : project->expressions) {
      expressions.push_back(remap_columns(expression, input.map));
    }
    return identity(make_project(input.plan, std::move(expressions), plan->schema.names()));
  }
  if (const auto* aggregate = std::get_if<AggregateNode>(&plan->node)) {
    std::vector<bool> below(aggregate->input->schema.size());
    for (size_t column : aggregate->group) {
      below[column] = true;
    }
    for (const AggregateCall& call : aggregate->calls) {
      if (call.kind != AggregateKind::kCountStar) {
        below[call.input] = true;
      }
      if (call.filter) {
        below[*call.filter] = true;
      }
    }
    Pruned input = prune(aggregate->input, below);
    AggregateNode node = *aggregate;
    for (size_t& column : node.group) {
      column = input.map[column];
    }
    for (AggregateCall& call : node.calls) {
      call.input = call.kind == AggregateKind::kCountStar ? 0 : input.map[call.input];
      if (call.filter) {
        call.filter = input.map[*call.filter];
      }
    }
    PlanRef pruned = make_aggregate(input.plan, node.group, node.calls);
    return identity(pruned);
  }
  // TopN orders by whole rows and Union needs equal shapes: all columns.
  std::vector<PlanRef> inputs = inputs_of(*plan);
  for (PlanRef& input : inputs) {
    input = prune(input, std::vector<bool>(input->schema.size(), true)).plan;
  }
  return identity(inputs.empty() ? plan : with_inputs(plan, std::move(inputs)));
}

}  // namespace

PlanRef prune_columns(PlanRef plan) {
  std::vector<bool> all(plan->schema.size(), true);
  return prune(plan, std::move(all)).plan;
}

}  // namespace tidemark
