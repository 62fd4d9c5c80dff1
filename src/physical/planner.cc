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
#include "physical/scan_conditions.h"
#include "plan/same_plan.h"
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
  GraphBuilder(PhysicalPlan& plan, JoinInputs join_inputs)
      : plan_(plan), graph_(*plan.graph), join_inputs_(join_inputs) {}

  NodeId build(const PlanRef& plan) {
    if (auto known = nodes_.find(plan.get()); known != nodes_.end()) {
      return known->second;
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

  // A table is read once, with all columns that any part of the plan reads.
  void add_scans(const PlanRef& plan);
  // After that: what all parts of the plan ask of a table's rows.
  void add_conditions(const PlanRef& plan);
  // Ends the graph with an arrangement.
  ArrangeOperator* end_with_arrangement(const PlanRef& plan, const std::vector<size_t>& key);

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

  // What the node reads: a filter under a projection, and both over a join, are taken into one
  // operator.
  std::vector<NodeId> build_inputs(const LogicalPlan& plan);
  std::vector<NodeId> build_joined(const LogicalPlan& plan);
  bool is_shared(const PlanRef& side) const {
    return join_inputs_ == JoinInputs::kShared && table_slice(*side);
  }
  std::vector<PlanRef> inputs_here(const LogicalPlan& plan) const;
  ArrangedInput& arranged_input(const PlanRef& plan, const std::vector<size_t>& key);
  NodeId add(const PlanRef& plan, const std::vector<NodeId>& inputs);
  NodeId add_scan(const ScanNode& scan);
  NodeId add_project(const ProjectNode& project, const std::vector<NodeId>& inputs);
  NodeId add_aggregate(const AggregateNode& aggregate, NodeId input);
  NodeId add_window(const WindowNode& window, NodeId input);
  NodeId add_top_n(const LogicalPlan& plan, const TopNNode& top, NodeId input);
  // needed: which output columns are read; empty: all.
  NodeId add_join(const LogicalPlan& plan, const JoinNode& join, const std::vector<NodeId>& inputs,
                  const std::vector<bool>& needed);
  NodeId add_delta_join(const DeltaJoinNode& join, const std::vector<NodeId>& inputs,
                        const std::vector<bool>& needed);
  // The stream of a relation by key, as an input of the operator. `relation`: its own node, unless
  // its arrangements are shared.
  NodeId read_arranged(const PlanRef& plan, NodeId relation, const std::vector<size_t>& key,
                       ArrangementReader& reader, size_t input, bool is_one_of_several);
  const Arranged& arrange(NodeId input, const PlanRef& plan, std::vector<size_t> key);

  PhysicalPlan& plan_;
  Graph& graph_;
  JoinInputs join_inputs_;
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

std::vector<size_t> key_of(const JoinNode& join, size_t side) {
  std::vector<size_t> key;
  for (const JoinKey& part : join.keys) {
    key.push_back(side == 0 ? part.left : part.right);
  }
  return key;
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
    ids.push_back(is_shared(inputs[i]) ? arranged_input(inputs[i], keys[i][0]).node
                                       : build(inputs[i]));
  }
  return ids;
}

ArrangedInput& GraphBuilder::arranged_input(const PlanRef& plan, const std::vector<size_t>& key) {
  for (ArrangedInput& known : plan_.arranged) {
    if (known.key == key && same_plan(*known.plan, *plan)) {
      return known;
    }
  }
  return plan_.arranged.emplace_back(
      ArrangedInput{.node = graph_.add_input(), .plan = plan, .key = key});
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

// Those that are not arranged in another graph.
std::vector<PlanRef> GraphBuilder::inputs_here(const LogicalPlan& plan) const {
  std::vector<PlanRef> inputs = inputs_of(plan);
  if (is_join(plan)) {
    std::erase_if(inputs, [&](const PlanRef& input) { return is_shared(input); });
  }
  return inputs;
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
          [&](const AggregateNode& aggregate) { return add_aggregate(aggregate, inputs[0]); },
          [&](const TopNNode& top) { return add_top_n(*plan, top, inputs[0]); },
          [&](const RankNode& rank) {
            RankSpec spec{rank.partition, rank.order, rank.function};
            spec.last = rank.last.value_or(spec.last);
            spec.with_number = true;
            return graph_.add(
                std::make_unique<RankOperator>(rank.input->schema.types(), std::move(spec)),
                inputs);
          },
          [&](const WindowNode& window) { return add_window(window, inputs[0]); },
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
            return graph_.add(std::make_unique<UnionOperator>(plan->schema.types(), inputs.size()),
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

AggregateSpec spec_of(const AggregateCall& call, const Schema& input) {
  AggregateSpec spec{call.kind,       call.input,       call.distinct, call.filter,
                     call.input_type, call.result_type, call.order,    {},
                     call.parameter};
  spec.ignore_nulls = call.ignore_nulls;
  for (const SortKey& key : call.order) {
    spec.order_types.push_back(input[key.column].type);
  }
  return spec;
}

NodeId GraphBuilder::add_aggregate(const AggregateNode& aggregate, NodeId input) {
  std::vector<Type> group_types;
  for (size_t column : aggregate.group) {
    group_types.push_back(aggregate.input->schema[column].type);
  }
  std::vector<AggregateSpec> specs;
  for (const AggregateCall& call : aggregate.calls) {
    specs.push_back(spec_of(call, aggregate.input->schema));
  }
  return graph_.add(std::make_unique<AggregateOperator>(aggregate.group, std::move(group_types),
                                                        std::move(specs)),
                    {input});
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

NodeId GraphBuilder::add_window(const WindowNode& window, NodeId input) {
  const Schema& schema = window.input->schema;
  OverSpec spec{window.partition, window.order, {}};
  for (const WindowCall& call : window.calls) {
    spec.calls.push_back({call.function, spec_of(call.argument, schema), call.offset,
                          call.offset_column, call.fallback, call.frame});
  }
  return graph_.add(std::make_unique<OverOperator>(schema.types(), std::move(spec)), {input});
}

NodeId GraphBuilder::add_top_n(const LogicalPlan& plan, const TopNNode& top, NodeId input) {
  if (top.partition.empty()) {
    return graph_.add(std::make_unique<TopNOperator>(plan.schema.types(), top.order, top.offset,
                                                     top.limit.value_or(TopNOperator::kNoLimit)),
                      {input});
  }
  RankSpec spec{top.partition, top.order};
  spec.offset = top.offset;
  if (top.limit && *top.limit < spec.last - top.offset) {
    spec.last = top.offset + *top.limit;
  }
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

// Where a column of the input is in the arrangement.
std::vector<size_t> arranged_places(size_t columns, const std::vector<size_t>& key) {
  std::vector<size_t> places(columns, SIZE_MAX);
  for (size_t i = key.size(); i-- > 0;) {
    places[key[i]] = i;
  }
  size_t next = key.size();
  for (size_t& place : places) {
    place = place == SIZE_MAX ? next++ : place;
  }
  return places;
}

NodeId GraphBuilder::add_join(const LogicalPlan& plan, const JoinNode& join,
                              const std::vector<NodeId>& inputs, const std::vector<bool>& needed) {
  std::vector<size_t> keys[2] = {key_of(join, 0), key_of(join, 1)};
  JoinSpec spec;
  for (const JoinKey& key : join.keys) {
    spec.null_safe.push_back(key.null_safe);
  }
  const PlanRef* sides[2] = {&join.left, &join.right};
  size_t left_width = join.left->schema.size();
  std::vector<JoinColumn> columns;
  for (size_t side : {0, 1}) {
    const Schema& schema = (*sides[side])->schema;
    std::vector<size_t> places = arranged_places(schema.size(), keys[side]);
    for (size_t c = 0; c < schema.size(); ++c) {
      columns.push_back({side, places[c], schema[c].type});
    }
  }
  spec.residual = join.residual;
  if (join.residual != nullptr) {
    std::vector<bool> read(columns.size());
    collect_columns(*join.residual, read);
    spec.condition_columns = columns;
    for (size_t i = 0; i < columns.size(); ++i) {
      spec.condition_columns[i].needed = read[i];
    }
  }
  for (size_t i = 0; i < plan.schema.size(); ++i) {
    columns[i].type = plan.schema[i].type;
    columns[i].needed = needed.empty() || needed[i];
    spec.output.push_back(columns[i]);
  }
  switch (join.type) {
    case JoinType::kInner:
      break;
    case JoinType::kFull:
      spec.lone[1] = LoneRows::kNullExtended;
      [[fallthrough]];
    case JoinType::kLeft:
      spec.lone[0] = LoneRows::kNullExtended;
      break;
    case JoinType::kSemi:
    case JoinType::kAnti:
      CHECK(spec.output.size() == left_width);
      spec.pairs = false;
      spec.lone[0] = join.type == JoinType::kSemi ? LoneRows::kMatched : LoneRows::kUnmatched;
      break;
  }
  spec.description = fmt::format("{}({} keys{})", join_type_text(join.type), join.keys.size(),
                                 join.residual != nullptr ? ", residual condition" : "");
  auto op = std::make_unique<JoinOperator>(std::move(spec));
  std::vector<NodeId> streams;
  for (size_t side : {0, 1}) {
    streams.push_back(read_arranged(*sides[side], inputs[side], keys[side], *op, side, false));
  }
  return graph_.add(std::move(op), std::move(streams));
}

NodeId GraphBuilder::read_arranged(const PlanRef& plan, NodeId relation,
                                   const std::vector<size_t>& key, ArrangementReader& reader,
                                   size_t input, bool is_one_of_several) {
  if (is_shared(plan)) {
    ArrangedInput& shared = arranged_input(plan, key);
    shared.readers.emplace_back(&reader, input);
    shared.is_one_of_several = shared.is_one_of_several || is_one_of_several;
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
  DeltaJoinSpec spec;
  for (size_t r = 0; r < join.relations.size(); ++r) {
    const Schema& schema = join.relations[r]->schema;
    for (size_t c = 0; c < schema.size(); ++c) {
      spec.columns.push_back({r, c, schema[c].type});
    }
  }
  std::vector<const DeltaLookup*> arranged = arrangements_of(join);
  std::vector<size_t> keys_by(join.relations.size());
  for (const DeltaLookup* lookup : arranged) {
    ++keys_by[lookup->relation];
    spec.inputs.push_back(
        {lookup->relation, lookup->null_safe,
         arranged_places(join.relations[lookup->relation]->schema.size(), lookup->key)});
  }
  for (const std::vector<DeltaLookup>& path : join.paths) {
    std::vector<DeltaJoinStep>& steps = spec.paths.emplace_back();
    for (const DeltaLookup& lookup : path) {
      auto input = std::ranges::find_if(arranged, [&](const DeltaLookup* known) {
        return known->relation == lookup.relation && known->key == lookup.key;
      });
      steps.push_back(
          {static_cast<size_t>(input - arranged.begin()), lookup.from, lookup.condition});
    }
  }
  spec.output = join.output;
  spec.needed = needed;
  spec.needed.resize(join.output.size(), needed.empty());
  spec.description =
      fmt::format("DeltaJoin({} relations, {} keys)", join.relations.size(), arranged.size());
  auto op = std::make_unique<DeltaJoinOperator>(std::move(spec));
  std::vector<NodeId> streams;
  for (size_t i = 0; i < arranged.size(); ++i) {
    size_t relation = arranged[i]->relation;
    streams.push_back(read_arranged(join.relations[relation], inputs[relation], arranged[i]->key,
                                    *op, i, keys_by[relation] > 1));
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

}  // namespace

std::vector<size_t> arranged_order(size_t columns, const std::vector<size_t>& key) {
  std::vector<size_t> order = key;
  for (size_t column = 0; column < columns; ++column) {
    if (std::find(key.begin(), key.end(), column) == key.end()) {
      order.push_back(column);
    }
  }
  return order;
}

ArrangementGraph build_arrangement(const PlanRef& plan, const std::vector<size_t>& key) {
  ArrangementGraph result;
  result.plan.graph = std::make_unique<Graph>();
  GraphBuilder builder(result.plan, JoinInputs::kOwn);
  builder.add_scans(plan);
  builder.add_conditions(plan);
  result.arrange = builder.end_with_arrangement(plan, key);
  result.plan.graph->start();
  return result;
}

PhysicalPlan build_graph(const PlanRef& plan, JoinInputs inputs, std::vector<size_t> content_key) {
  PhysicalPlan result;
  result.graph = std::make_unique<Graph>();
  GraphBuilder builder(result, inputs);
  builder.add_scans(plan);
  builder.add_conditions(plan);
  NodeId last = builder.build(plan);
  result.graph->set_output(std::make_unique<OutputOperator>(plan->schema, std::move(content_key)),
                           last);
  result.graph->start();
  return result;
}

}  // namespace tidemark
