// Every part of the plan gives only the columns that are read above it; scans read only those from
// the source. A part with several readers gives what any of them reads.

#include <algorithm>
#include <unordered_map>

#include "base/overloaded.h"
#include "plan/optimizer.h"
#include "plan/rewrite.h"

namespace tidemark {

namespace {

using Mask = std::vector<bool>;

struct Pruned {
  PlanRef plan;
  std::vector<size_t> map;  // old column -> new column (SIZE_MAX: dropped)
};

class Pruner {
 public:
  PlanRef run(const PlanRef& root) {
    std::vector<const LogicalPlan*> order;
    visit(root, order);
    needed_[root.get()].assign(root->schema.size(), true);
    // Readers before what they read.
    for (auto at = order.rbegin(); at != order.rend(); ++at) {
      spread(**at);
    }
    return exactly(root);
  }

 private:
  void visit(const PlanRef& plan, std::vector<const LogicalPlan*>& order) {
    if (!needed_.emplace(plan.get(), Mask(plan->schema.size())).second) {
      return;
    }
    for (const PlanRef& input : inputs_of(*plan)) {
      visit(input, order);
    }
    order.push_back(plan.get());
  }
  void need(const PlanRef& input, const Mask& columns) {
    Mask& mask = needed_.at(input.get());
    for (size_t i = 0; i < columns.size(); ++i) {
      mask[i] = mask[i] || columns[i];
    }
  }
  void need_all(const PlanRef& input) { need(input, Mask(input->schema.size(), true)); }
  bool keeps(const ProjectNode& project, const Mask& needed, size_t i) const {
    // An error is a result too.
    return needed[i] || can_fail(*project.expressions[i]);
  }

  void spread(const LogicalPlan& plan);
  void spread_join(const JoinNode& join, const Mask& needed);
  const Pruned& prune(const PlanRef& plan);
  Pruned make_pruned(const PlanRef& plan);
  Pruned prune_scan(const LogicalPlan& plan, const ScanNode& scan);
  Pruned prune_project(const LogicalPlan& plan, const ProjectNode& project);
  Pruned prune_aggregate(const AggregateNode& aggregate);
  Pruned prune_join(const JoinNode& join);
  // Of a node that reads all columns of its inputs.
  Pruned prune_below(const PlanRef& plan);
  // Pruned and cut to the needed columns, in order.
  PlanRef exactly(const PlanRef& plan);
  Pruned cut(const PlanRef& plan);

  std::unordered_map<const LogicalPlan*, Mask> needed_;
  std::unordered_map<const LogicalPlan*, Pruned> pruned_;
};

std::vector<size_t> identity(size_t size) {
  std::vector<size_t> map(size);
  for (size_t i = 0; i < size; ++i) {
    map[i] = i;
  }
  return map;
}

void Pruner::spread_join(const JoinNode& join, const Mask& needed) {
  size_t left_width = join.left->schema.size();
  Mask all = needed;
  all.resize(left_width + join.right->schema.size());
  if (join.residual != nullptr) {
    collect_columns(*join.residual, all);
  }
  for (const JoinKey& key : join.keys) {
    all[key.left] = true;
    all[left_width + key.right] = true;
  }
  auto middle = all.begin() + static_cast<ptrdiff_t>(left_width);
  need(join.left, Mask(all.begin(), middle));
  need(join.right, Mask(middle, all.end()));
}

void Pruner::spread(const LogicalPlan& plan) {
  const Mask& needed = needed_.at(&plan);
  std::visit(Overloaded{
                 [&](const ScanNode&) {},
                 [&](const RecursiveRefNode&) {},
                 [&](const RecursiveNode& node) {
                   need_all(node.base);
                   for (const PlanRef& other : node.others) {
                     need_all(other);
                   }
                 },
                 [&](const ValuesNode&) {},
                 [&](const FilterNode& node) {
                   Mask below = needed;
                   collect_columns(*node.predicate, below);
                   need(node.input, below);
                 },
                 [&](const ProjectNode& node) {
                   Mask below(node.input->schema.size());
                   for (size_t i = 0; i < node.expressions.size(); ++i) {
                     if (keeps(node, needed, i)) {
                       collect_columns(*node.expressions[i], below);
                     }
                   }
                   need(node.input, below);
                 },
                 [&](const AggregateNode& node) {
                   Mask below(node.input->schema.size());
                   for (size_t column : node.group) {
                     below[column] = true;
                   }
                   for (AggregateCall call : node.calls) {
                     for_each_input(call, [&](size_t& column) { below[column] = true; });
                   }
                   need(node.input, below);
                 },
                 // Ties are settled by whole rows.
                 [&](const TopNNode& node) { need_all(node.input); },
                 [&](const RankNode& node) { need_all(node.input); },
                 [&](const WindowNode& node) {
                   Mask below(needed.begin(),
                              needed.begin() + static_cast<ptrdiff_t>(node.input->schema.size()));
                   WindowNode copy = node;
                   for_each_input(copy, [&](size_t& column) { below[column] = true; });
                   need(node.input, below);
                 },
                 [&](const UnnestNode& node) {
                   Mask below(needed.begin(),
                              needed.begin() + static_cast<ptrdiff_t>(node.input->schema.size()));
                   for (size_t column : node.collections) {
                     below[column] = true;
                   }
                   need(node.input, below);
                 },
                 [&](const UnionNode& node) {
                   for (const PlanRef& input : node.inputs) {
                     need(input, needed);
                   }
                 },
                 [&](const SetDifferenceNode& node) {
                   need_all(node.left);
                   need_all(node.right);
                 },
                 [&](const JoinNode& node) { spread_join(node, needed); },
                 [&](const DynamicFilterNode& node) {
                   Mask below = needed;
                   below[node.column] = true;
                   need(node.input, below);
                   need_all(node.bound);
                 },
                 [&](const DeltaJoinNode& node) {
                   for (const PlanRef& relation : node.relations) {
                     need_all(relation);
                   }
                 },
             },
             plan.node);
}

const Pruned& Pruner::prune(const PlanRef& plan) {
  auto known = pruned_.find(plan.get());
  if (known == pruned_.end()) {
    known = pruned_.emplace(plan.get(), make_pruned(plan)).first;
  }
  return known->second;
}

Pruned Pruner::cut(const PlanRef& plan) {
  Pruned pruned = prune(plan);
  const Mask& needed = needed_.at(plan.get());
  std::vector<size_t> columns, map(needed.size(), SIZE_MAX);
  for (size_t i = 0; i < needed.size(); ++i) {
    if (needed[i]) {
      map[i] = columns.size();
      columns.push_back(pruned.map[i]);
    }
  }
  if (std::holds_alternative<ScanNode>(pruned.plan->node)) {
    return pruned;  // it has no more than it must
  }
  return {select_columns(pruned.plan, columns), std::move(map)};
}

PlanRef Pruner::exactly(const PlanRef& plan) {
  Pruned pruned = prune(plan);
  const Mask& needed = needed_.at(plan.get());
  std::vector<size_t> columns;
  for (size_t i = 0; i < needed.size(); ++i) {
    if (needed[i]) {
      columns.push_back(pruned.map[i]);
    }
  }
  return select_columns(pruned.plan, columns);
}

Pruned Pruner::prune_scan(const LogicalPlan& plan, const ScanNode& scan) {
  const Mask& needed = needed_.at(&plan);
  std::vector<size_t> columns, map(needed.size(), SIZE_MAX);
  for (size_t i = 0; i < needed.size(); ++i) {
    if (needed[i]) {
      map[i] = columns.size();
      columns.push_back(scan.columns[i]);
    }
  }
  if (columns.empty() && !scan.columns.empty()) {
    map[0] = 0;  // rows are counted by a column
    columns.push_back(scan.columns[0]);
  }
  return {make_scan(scan.object, std::move(columns), scan.as_of), std::move(map)};
}

Pruned Pruner::prune_project(const LogicalPlan& plan, const ProjectNode& project) {
  const Mask& needed = needed_.at(&plan);
  const Pruned& input = prune(project.input);
  std::vector<ExprRef> expressions;
  std::vector<std::string> names;
  std::vector<size_t> map(needed.size(), SIZE_MAX);
  for (size_t i = 0; i < project.expressions.size(); ++i) {
    if (keeps(project, needed, i)) {
      map[i] = expressions.size();
      expressions.push_back(remap_columns(project.expressions[i], input.map));
      names.push_back(plan.schema[i].name);
    }
  }
  return {make_project(input.plan, std::move(expressions), std::move(names)), std::move(map)};
}

Pruned Pruner::prune_aggregate(const AggregateNode& aggregate) {
  const Pruned& input = prune(aggregate.input);
  std::vector<size_t> group;
  for (size_t column : aggregate.group) {
    group.push_back(input.map[column]);
  }
  std::vector<AggregateCall> calls = aggregate.calls;
  for (AggregateCall& call : calls) {
    for_each_input(call, [&](size_t& column) { column = input.map[column]; });
  }
  size_t width = group.size() + calls.size();
  return {make_aggregate(input.plan, std::move(group), std::move(calls)), identity(width)};
}

// The inputs are kept as rows: they give no column more than is needed.
Pruned Pruner::prune_join(const JoinNode& join) {
  Pruned left = cut(join.left), right = cut(join.right);
  size_t left_width = left.plan->schema.size();
  std::vector<size_t> map = left.map;
  for (size_t column : right.map) {
    map.push_back(column == SIZE_MAX ? SIZE_MAX : left_width + column);
  }
  JoinNode node{left.plan, right.plan, join.type, {}, nullptr};
  for (const JoinKey& key : join.keys) {
    node.keys.push_back({left.map[key.left], right.map[key.right], key.null_safe});
  }
  if (join.residual != nullptr) {
    node.residual = remap_columns(join.residual, map);
  }
  if (join.type == JoinType::kSemi || join.type == JoinType::kAnti) {
    map.resize(left.map.size());
  }
  return {make_join(std::move(node)), std::move(map)};
}

Pruned Pruner::prune_below(const PlanRef& plan) {
  std::vector<PlanRef> inputs;
  for (const PlanRef& input : inputs_of(*plan)) {
    inputs.push_back(exactly(input));
  }
  return {with_inputs(plan, std::move(inputs)), identity(plan->schema.size())};
}

Pruned Pruner::make_pruned(const PlanRef& plan) {
  return std::visit(
      Overloaded{
          [&](const ScanNode& node) { return prune_scan(*plan, node); },
          [&](const RecursiveRefNode&) {
            return Pruned{plan, identity(plan->schema.size())};
          },
          [&](const RecursiveNode&) { return prune_below(plan); },
          [&](const DeltaJoinNode&) { return prune_below(plan); },
          [&](const ValuesNode&) {
            return Pruned{plan, identity(plan->schema.size())};
          },
          [&](const FilterNode& node) {
            const Pruned& input = prune(node.input);
            return Pruned{make_filter(input.plan, remap_columns(node.predicate, input.map)),
                          input.map};
          },
          [&](const ProjectNode& node) { return prune_project(*plan, node); },
          [&](const AggregateNode& node) { return prune_aggregate(node); },
          [&](const TopNNode& node) {
            return Pruned{with_inputs(plan, {exactly(node.input)}), identity(plan->schema.size())};
          },
          [&](const RankNode& node) {
            return Pruned{with_inputs(plan, {exactly(node.input)}), identity(plan->schema.size())};
          },
          [&](const WindowNode& node) {
            Pruned input = cut(node.input);
            WindowNode copy = node;
            copy.input = input.plan;
            for_each_input(copy, [&](size_t& column) { column = input.map[column]; });
            for (size_t i = 0; i < node.calls.size(); ++i) {
              input.map.push_back(input.plan->schema.size() + i);
            }
            return Pruned{make_window(std::move(copy)), std::move(input.map)};
          },
          [&](const UnnestNode& node) {
            Pruned input = cut(node.input);
            UnnestNode copy = node;
            copy.input = input.plan;
            for (size_t& column : copy.collections) {
              column = input.map[column];
            }
            size_t added = plan->schema.size() - node.input->schema.size();
            for (size_t i = 0; i < added; ++i) {
              input.map.push_back(input.plan->schema.size() + i);
            }
            return Pruned{make_unnest(std::move(copy)), std::move(input.map)};
          },
          [&](const UnionNode& node) {
            // Each input's needed columns are a superset of the union's; the shape is the union's.
            const Mask& needed = needed_.at(plan.get());
            std::vector<PlanRef> inputs;
            std::vector<size_t> map(needed.size(), SIZE_MAX);
            size_t count = 0;
            for (size_t i = 0; i < needed.size(); ++i) {
              map[i] = needed[i] ? count++ : SIZE_MAX;
            }
            for (const PlanRef& input : node.inputs) {
              const Pruned& pruned = prune(input);
              std::vector<size_t> columns;
              for (size_t i = 0; i < needed.size(); ++i) {
                if (needed[i]) {
                  columns.push_back(pruned.map[i]);
                }
              }
              inputs.push_back(select_columns(pruned.plan, columns));
            }
            return Pruned{make_union(std::move(inputs)), std::move(map)};
          },
          [&](const SetDifferenceNode& node) {
            return Pruned{with_inputs(plan, {exactly(node.left), exactly(node.right)}),
                          identity(plan->schema.size())};
          },
          [&](const JoinNode& node) { return prune_join(node); },
          [&](const DynamicFilterNode& node) {
            Pruned input = cut(node.input);
            size_t column = input.map[node.column];
            return Pruned{make_dynamic_filter({input.plan, exactly(node.bound), column, node.kind}),
                          std::move(input.map)};
          },
      },
      plan->node);
}

}  // namespace

PlanRef prune_columns(PlanRef plan) {
  return Pruner().run(plan);
}

}  // namespace tidemark
