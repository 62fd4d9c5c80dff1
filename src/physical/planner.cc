#include "physical/planner.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <set>

#include <fmt/core.h>

#include "base/overloaded.h"
#include "dataflow/operators/aggregate.h"
#include "dataflow/operators/arrange.h"
#include "dataflow/operators/delta_join.h"
#include "dataflow/operators/dynamic_filter.h"
#include "dataflow/operators/join.h"
#include "dataflow/operators/map.h"
#include "dataflow/operators/over.h"
#include "dataflow/operators/rank.h"
#include "dataflow/operators/recursive.h"
#include "dataflow/operators/set_difference.h"
#include "dataflow/operators/top_n.h"
#include "dataflow/operators/union_all.h"
#include "dataflow/operators/unnest.h"
#include "physical/operator_specs.h"
#include "physical/scan_conditions.h"
#include "plan/same_plan.h"
#include "plan/shareable.h"
#include "plan/table_slice.h"

namespace tidemark {

namespace {

std::vector<ExprRef> all_columns(const Schema& schema) {
  std::vector<ExprRef> columns;
  for (size_t i = 0; i < schema.size(); ++i) {
    columns.push_back(make_column(i, schema[i].type));
  }
  return columns;
}

RecursiveSpec spec_of(const RecursiveNode& recursive);

// Each part of a plan becomes one operator, however many readers it has: parts are the same when
// they compute the same from the same operators.
class GraphBuilder {
 public:
  GraphBuilder(PhysicalPlan& plan, Sharing sharing, Reading reading = Reading::kFollowed)
      : plan_(plan), graph_(*plan.graph), sharing_(sharing), reading_(reading) {}

  // What the graph reads, before anything is built.
  void add_inputs(const PlanRef& plan) {
    if (!is_elsewhere(*plan)) {
      add_scans(plan);
      add_conditions(plan);
    }
  }

  NodeId build(const PlanRef& plan) {
    if (auto known = nodes_.find(plan.get()); known != nodes_.end()) {
      return known->second;
    }
    if (is_elsewhere(*plan)) {
      NodeId node = shared_input(plan, std::nullopt).node;
      nodes_.emplace(plan.get(), node);
      return node;
    }
    std::vector<NodeId> inputs = build_inputs(*plan);
    for (const Built& built : built_) {
      if (built.inputs == inputs && same_node(*built.plan, *plan)) {
        nodes_.emplace(plan.get(), built.node);
        return built.node;
      }
    }
    NodeId node = add(plan, inputs);
    built_.push_back({plan, std::move(inputs), node});
    nodes_.emplace(plan.get(), node);
    return node;
  }

  // Both end the graph, which has an exit then.
  ArrangeOperator* end_with_arrangement(const PlanRef& plan, const std::vector<size_t>& key);
  AggregateOperator* end_with_aggregate(const LogicalPlan& plan);

 private:
  struct Built {
    PlanRef plan;
    std::vector<NodeId> inputs;
    NodeId node;
  };
  struct Arranged {
    NodeId input;
    std::vector<size_t> key;
    NodeId node;
    ArrangeOperator* op;
  };

  // A table is read once, with all columns that any part of the plan reads.
  void add_scans(const PlanRef& plan);
  // After that: what all parts of the plan ask of a table's rows.
  void add_conditions(const PlanRef& plan);
  // What the node reads: a filter under a projection, and both over a join, are taken into one
  // operator.
  std::vector<NodeId> build_inputs(const LogicalPlan& plan);
  std::vector<NodeId> build_joined(const LogicalPlan& plan);
  // Whether its rows come out of another graph.
  bool is_elsewhere(const LogicalPlan& plan) const {
    return sharing_ == Sharing::kResults && is_shareable_aggregate(plan);
  }
  // Whether they are arranged there. One row is not worth a graph; a relation that is looked up by
  // several keys is to show the same rows by each (see SharedInput).
  bool is_arranged_elsewhere(const LogicalPlan& relation, size_t keys) const {
    bool is_one_row = relation.key && relation.key->empty();
    return sharing_ != Sharing::kNone &&
           (table_slice(relation) || (sharing_ == Sharing::kResults && keys == 1 && !is_one_row &&
                                      depends_on_tables_alone(relation)));
  }
  std::vector<PlanRef> inputs_here(const LogicalPlan& plan) const;
  SharedInput& shared_input(const PlanRef& plan, const std::optional<std::vector<size_t>>& key);
  NodeId add(const PlanRef& plan, const std::vector<NodeId>& inputs);
  NodeId add_scan(const ScanNode& scan);
  NodeId add_project(const ProjectNode& project, const std::vector<NodeId>& inputs);
  NodeId add_top_n(const LogicalPlan& plan, const TopNNode& top, NodeId input);
  // needed: which output columns are read; empty: all.
  NodeId add_join(const LogicalPlan& plan, const JoinNode& join, const std::vector<NodeId>& inputs,
                  const std::vector<bool>& needed);
  NodeId add_delta_join(const DeltaJoinNode& join, const std::vector<NodeId>& inputs,
                        const std::vector<bool>& needed);
  // The stream of a relation by one of its keys, as an input of the operator. `relation`: its own
  // node, unless it is arranged elsewhere.
  NodeId read_arranged(const PlanRef& plan, NodeId relation, const std::vector<size_t>& key,
                       ArrangementReader& reader, size_t input, size_t keys);
  const Arranged& arrange(NodeId input, const PlanRef& plan, std::vector<size_t> key);

  PhysicalPlan& plan_;
  Graph& graph_;
  Sharing sharing_;
  Reading reading_;
  std::vector<Built> built_;
  std::map<const LogicalPlan*, NodeId> nodes_;
  std::set<const LogicalPlan*> scanned_;
  std::vector<Arranged> arranged_;
  std::map<std::pair<ObjectId, std::optional<Lsn>>, size_t> scans_;  // -> index in plan_.inputs
};

const FilterNode* filter_below(const ProjectNode& project) {
  return std::get_if<FilterNode>(&project.input->node);
}

// The join that a projection reads, through a filter or not. Its output is made for the projection
// alone, with the columns that are read.
const PlanRef* join_below(const ProjectNode& project) {
  const FilterNode* filter = filter_below(project);
  const PlanRef& below = filter != nullptr ? filter->input : project.input;
  return is_join(*below) ? &below : nullptr;
}

std::vector<NodeId> GraphBuilder::build_inputs(const LogicalPlan& plan) {
  std::vector<NodeId> ids;
  if (const auto* project = std::get_if<ProjectNode>(&plan.node)) {
    if (const PlanRef* join = join_below(*project)) {
      return build_joined(**join);
    }
    const FilterNode* filter = filter_below(*project);
    return {build(filter != nullptr ? filter->input : project->input)};
  }
  if (is_join(plan)) {
    return build_joined(plan);
  }
  for (const PlanRef& input : inputs_of(plan)) {
    ids.push_back(build(input));
  }
  return ids;
}

// The keys by which a join reads each of its inputs.
std::vector<std::vector<std::vector<size_t>>> keys_of(const LogicalPlan& plan) {
  if (const auto* join = std::get_if<JoinNode>(&plan.node)) {
    return {{key_of(*join, 0)}, {key_of(*join, 1)}};
  }
  const auto& delta = std::get<DeltaJoinNode>(plan.node);
  std::vector<std::vector<std::vector<size_t>>> keys(delta.relations.size());
  for (const DeltaLookup* lookup : arrangements_of(delta)) {
    keys[lookup->relation].push_back(lookup->key);
  }
  return keys;
}

std::vector<NodeId> GraphBuilder::build_joined(const LogicalPlan& plan) {
  std::vector<NodeId> ids;
  std::vector<PlanRef> inputs = inputs_of(plan);
  std::vector<std::vector<std::vector<size_t>>> keys = keys_of(plan);
  for (size_t i = 0; i < inputs.size(); ++i) {
    ids.push_back(is_arranged_elsewhere(*inputs[i], keys[i].size())
                      ? shared_input(inputs[i], keys[i][0]).node
                      : build(inputs[i]));
  }
  return ids;
}

SharedInput& GraphBuilder::shared_input(const PlanRef& plan,
                                        const std::optional<std::vector<size_t>>& key) {
  for (SharedInput& known : plan_.shared) {
    if (known.key == key && same_plan(*known.plan, *plan)) {
      return known;
    }
  }
  return plan_.shared.emplace_back(
      SharedInput{.node = graph_.add_input(), .plan = plan, .key = key});
}

void GraphBuilder::add_scans(const PlanRef& plan) {
  if (!scanned_.insert(plan.get()).second) {
    return;
  }
  if (const auto* scan = std::get_if<ScanNode>(&plan->node)) {
    auto [known, added] =
        scans_.emplace(std::pair(scan->object->id, scan->as_of), plan_.inputs.size());
    if (added) {
      plan_.inputs.push_back({graph_.add_input(), scan->object, scan->columns, scan->as_of});
      return;
    }
    std::vector<size_t>& columns = plan_.inputs[known->second].columns;
    for (size_t column : scan->columns) {
      if (std::find(columns.begin(), columns.end(), column) == columns.end()) {
        columns.push_back(column);
      }
    }
  }
  for (const PlanRef& input : inputs_here(*plan)) {
    add_scans(input);
  }
}

void GraphBuilder::add_conditions(const PlanRef& plan) {
  auto inputs = [&](const LogicalPlan& part) { return inputs_here(part); };
  for (auto& [table, conditions] : scan_conditions(plan, inputs)) {
    plan_.inputs[scans_.at({table, std::nullopt})].conditions = std::move(conditions);
  }
}

// Those that are not in another graph.
std::vector<PlanRef> GraphBuilder::inputs_here(const LogicalPlan& plan) const {
  std::vector<PlanRef> inputs = inputs_of(plan), here;
  std::vector<std::vector<std::vector<size_t>>> keys;
  if (is_join(plan)) {
    keys = keys_of(plan);
  }
  for (size_t i = 0; i < inputs.size(); ++i) {
    bool is_here = keys.empty() || !is_arranged_elsewhere(*inputs[i], keys[i].size());
    if (is_here && !is_elsewhere(*inputs[i])) {
      here.push_back(inputs[i]);
    }
  }
  return here;
}

NodeId GraphBuilder::add_scan(const ScanNode& scan) {
  const GraphInput& input = plan_.inputs[scans_.at({scan.object->id, scan.as_of})];
  if (input.columns == scan.columns) {
    return input.node;
  }
  std::vector<ExprRef> columns;
  for (size_t column : scan.columns) {
    auto at = std::find(input.columns.begin(), input.columns.end(), column);
    columns.push_back(make_column(static_cast<size_t>(at - input.columns.begin()),
                                  scan.object->schema[column].type));
  }
  return graph_.add(std::make_unique<MapOperator>(nullptr, std::move(columns)), {input.node});
}

NodeId GraphBuilder::add(const PlanRef& plan, const std::vector<NodeId>& inputs) {
  return std::visit(
      Overloaded{
          [&](const ScanNode& scan) { return add_scan(scan); },
          [&](const ValuesNode& values) {
            NodeId node = graph_.add_input();
            plan_.constants.emplace_back(node, values.rows);
            return node;
          },
          [&](const FilterNode& filter) {
            return graph_.add(
                std::make_unique<MapOperator>(filter.predicate, all_columns(plan->schema)), inputs);
          },
          [&](const ProjectNode& project) { return add_project(project, inputs); },
          [&](const AggregateNode&) {
            return graph_.add(aggregate_operator(*plan, reading_), inputs);
          },
          [&](const TopNNode& top) { return add_top_n(*plan, top, inputs[0]); },
          [&](const RankNode& rank) {
            RankSpec spec{rank.partition, rank.order, rank.function};
            spec.last = rank.last.value_or(spec.last);
            spec.with_number = true;
            spec.insert_only = keeps_less(*plan, reading_);
            return graph_.add(
                std::make_unique<RankOperator>(rank.input->schema.types(), std::move(spec)),
                inputs);
          },
          [&](const WindowNode& window) {
            return graph_.add(
                std::make_unique<OverOperator>(window.input->schema.types(), over_spec(window)),
                inputs);
          },
          [&](const UnnestNode& unnest) {
            UnnestSpec spec{unnest.collections, unnest.with_ordinality, unnest.keeps_empty};
            return graph_.add(
                std::make_unique<UnnestOperator>(unnest.input->schema.types(), std::move(spec)),
                inputs);
          },
          [&](const RecursiveNode& recursive) {
            return graph_.add(std::make_unique<RecursiveOperator>(spec_of(recursive)), inputs);
          },
          [&](const RecursiveRefNode& ref) {
            NodeId node = graph_.add_input();
            plan_.iteration_inputs.emplace_back(ref.index, node);
            return node;
          },
          [&](const UnionNode&) {
            return graph_.add(std::make_unique<UnionOperator>(plan->schema.types(), inputs.size(),
                                                              is_insert_only(*plan, reading_)),
                              inputs);
          },
          [&](const SetDifferenceNode& node) {
            return graph_.add(std::make_unique<SetDifferenceOperator>(plan->schema.types(),
                                                                      node.intersect, node.all),
                              inputs);
          },
          [&](const JoinNode& join) { return add_join(*plan, join, inputs, {}); },
          [&](const DeltaJoinNode& join) { return add_delta_join(join, inputs, {}); },
          [&](const DynamicFilterNode& filter) {
            return graph_.add(std::make_unique<DynamicFilterOperator>(plan->schema.types(),
                                                                      filter.column, filter.kind),
                              inputs);
          },
      },
      plan->node);
}

NodeId GraphBuilder::add_project(const ProjectNode& project, const std::vector<NodeId>& inputs) {
  const FilterNode* filter = filter_below(project);
  ExprRef predicate = filter != nullptr ? filter->predicate : nullptr;
  std::vector<NodeId> below = inputs;
  if (const PlanRef* join = join_below(project)) {
    std::vector<bool> needed((*join)->schema.size());
    for (const ExprRef& expression : project.expressions) {
      collect_columns(*expression, needed);
    }
    if (predicate != nullptr) {
      collect_columns(*predicate, needed);
    }
    const auto* delta = std::get_if<DeltaJoinNode>(&(*join)->node);
    below = {delta != nullptr
                 ? add_delta_join(*delta, inputs, needed)
                 : add_join(**join, std::get<JoinNode>((*join)->node), inputs, needed)};
  }
  return graph_.add(std::make_unique<MapOperator>(predicate, project.expressions), below);
}

RecursiveSpec spec_of(const RecursiveNode& recursive) {
  RecursiveSpec spec;
  spec.types = recursive.base->schema.types();
  for (const PlanRef& other : recursive.others) {
    spec.other_types.push_back(other->schema.types());
  }
  spec.all = recursive.all;
  spec.make_body = [body = recursive.body, entries = recursive.others.size() + 1] {
    PhysicalPlan plan = build_graph(body);
    RecursiveBody result{std::move(plan.graph), std::vector<NodeId>(entries)};
    for (auto [index, node] : plan.iteration_inputs) {
      result.entries[index] = node;
    }
    return result;
  };
  return spec;
}

NodeId GraphBuilder::add_top_n(const LogicalPlan& plan, const TopNNode& top, NodeId input) {
  if (top.partition.empty()) {
    return graph_.add(std::make_unique<TopNOperator>(plan.schema.types(), top.order, top.offset,
                                                     top.limit.value_or(TopNOperator::kNoLimit),
                                                     keeps_less(plan, reading_)),
                      {input});
  }
  RankSpec spec{top.partition, top.order};
  spec.offset = top.offset;
  if (top.limit && *top.limit < spec.last - top.offset) {
    spec.last = top.offset + *top.limit;
  }
  spec.insert_only = keeps_less(plan, reading_);
  return graph_.add(std::make_unique<RankOperator>(plan.schema.types(), std::move(spec)), {input});
}

const GraphBuilder::Arranged& GraphBuilder::arrange(NodeId input, const PlanRef& plan,
                                                    std::vector<size_t> key) {
  for (const Arranged& known : arranged_) {
    if (known.input == input && known.key == key) {
      known.op->add_reader();
      return known;
    }
  }
  std::vector<size_t> order = arranged_order(plan->schema.size(), key);
  std::vector<Type> types;
  std::string names;
  for (size_t i = 0; i < order.size(); ++i) {
    types.push_back(plan->schema[order[i]].type);
    if (i < key.size()) {
      names += (i == 0 ? "" : ", ") + plan->schema[order[i]].name;
    }
  }
  auto op = std::make_unique<ArrangeOperator>(std::move(order), std::move(types), key.size(),
                                              fmt::format("Arrange(key=[{}])", names));
  ArrangeOperator* pointer = op.get();
  pointer->add_reader();
  NodeId node = graph_.add(std::move(op), {input});
  return arranged_.emplace_back(Arranged{input, std::move(key), node, pointer});
}

NodeId GraphBuilder::add_join(const LogicalPlan& plan, const JoinNode& join,
                              const std::vector<NodeId>& inputs, const std::vector<bool>& needed) {
  auto op = std::make_unique<JoinOperator>(join_spec(plan, join, needed));
  std::vector<NodeId> streams = {read_arranged(join.left, inputs[0], key_of(join, 0), *op, 0, 1),
                                 read_arranged(join.right, inputs[1], key_of(join, 1), *op, 1, 1)};
  return graph_.add(std::move(op), std::move(streams));
}

NodeId GraphBuilder::read_arranged(const PlanRef& plan, NodeId relation,
                                   const std::vector<size_t>& key, ArrangementReader& reader,
                                   size_t input, size_t keys) {
  if (is_arranged_elsewhere(*plan, keys)) {
    SharedInput& shared = shared_input(plan, key);
    shared.readers.emplace_back(&reader, input);
    shared.is_one_of_several = shared.is_one_of_several || keys > 1;
    return shared.node;
  }
  const Arranged& own = arrange(relation, plan, key);
  std::vector<size_t> places(arranged_order(plan->schema.size(), key).size());
  std::iota(places.begin(), places.end(), 0);
  reader.read_from(input, own.op->arrangement(), places);
  return own.node;
}

NodeId GraphBuilder::add_delta_join(const DeltaJoinNode& join, const std::vector<NodeId>& inputs,
                                    const std::vector<bool>& needed) {
  std::vector<const DeltaLookup*> arranged = arrangements_of(join);
  std::vector<size_t> keys_by(join.relations.size());
  for (const DeltaLookup* lookup : arranged) {
    ++keys_by[lookup->relation];
  }
  auto op = std::make_unique<DeltaJoinOperator>(delta_join_spec(join, needed));
  std::vector<NodeId> streams;
  for (size_t i = 0; i < arranged.size(); ++i) {
    size_t relation = arranged[i]->relation;
    streams.push_back(read_arranged(join.relations[relation], inputs[relation], arranged[i]->key,
                                    *op, i, keys_by[relation]));
  }
  return graph_.add(std::move(op), std::move(streams));
}

ArrangeOperator* GraphBuilder::end_with_arrangement(const PlanRef& plan,
                                                    const std::vector<size_t>& key) {
  Arranged arranged = arrange(build(plan), plan, key);
  arranged.op->remove_reader();  // they are in other graphs
  graph_.set_exit(arranged.node);
  return arranged.op;
}

AggregateOperator* GraphBuilder::end_with_aggregate(const LogicalPlan& plan) {
  auto op = aggregate_operator(plan, reading_);
  AggregateOperator* pointer = op.get();
  graph_.set_exit(graph_.add(std::move(op), build_inputs(plan)));
  return pointer;
}

}  // namespace

PartGraph build_part(const SharedInput& input, Sharing sharing) {
  PartGraph result;
  result.plan.graph = std::make_unique<Graph>();
  GraphBuilder builder(result.plan, sharing);
  if (input.key) {
    builder.add_inputs(input.plan);
    result.holder = result.arrange = builder.end_with_arrangement(input.plan, *input.key);
  } else {
    builder.add_inputs(std::get<AggregateNode>(input.plan->node).input);
    result.holder = builder.end_with_aggregate(*input.plan);
  }
  result.plan.graph->start();
  return result;
}

PhysicalPlan build_graph(const PlanRef& plan, Sharing sharing, std::vector<size_t> content_key,
                         Reading reading) {
  PhysicalPlan result;
  result.graph = std::make_unique<Graph>();
  GraphBuilder builder(result, sharing, reading);
  builder.add_inputs(plan);
  NodeId last = builder.build(plan);
  result.graph->set_output(std::make_unique<OutputOperator>(plan->schema, std::move(content_key)),
                           last);
  if (is_insert_only(*plan, reading)) {
    result.graph->keep_loose();
  }
  result.graph->start();
  return result;
}

}  // namespace tidemark
