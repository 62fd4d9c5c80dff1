#include "physical/planner.h"

#include "dataflow/operators/aggregate.h"
#include "dataflow/operators/map.h"
#include "dataflow/operators/top_n.h"
#include "dataflow/operators/union_all.h"

namespace tidemark {

namespace {

std::vector<Type> types_of(const Schema& schema) {
  std::vector<Type> types;
  for (const Field& field : schema.fields) {
    types.push_back(field.type);
  }
  return types;
}

std::vector<ExprRef> all_columns(const Schema& schema) {
  std::vector<ExprRef> columns;
  for (size_t i = 0; i < schema.size(); ++i) {
    columns.push_back(make_column(i, schema[i].type));
  }
  return columns;
}

class GraphBuilder {
 public:
  explicit GraphBuilder(PhysicalPlan& plan) : plan_(plan) {}

  NodeId build(const LogicalPlan& plan) {
    Graph& graph = *plan_.graph;
    if (const auto* scan = std::get_if<ScanNode>(&plan.node)) {
      NodeId node = graph.add_input();
      plan_.inputs.push_back({node, scan->object, scan->columns});
      return node;
    }
    if (const auto* values = std::get_if<ValuesNode>(&plan.node)) {
      NodeId node = graph.add_input();
      plan_.constants.emplace_back(node, values->rows);
      return node;
    }
    if (const auto* project = std::get_if<ProjectNode>(&plan.node)) {
      // A filter right below is taken into the same pass.
      const auto* filter = std::get_if<FilterNode>(&project->input->node);
      NodeId input = build(filter != nullptr ? *filter->input : *project->input);
      return graph.add(std::make_unique<MapOperator>(
                           filter != nullptr ? filter->predicate : nullptr, project->expressions),
                       {input});
    }
    if (const auto* filter = std::get_if<FilterNode>(&plan.node)) {
      NodeId input = build(*filter->input);
      return graph.add(std::make_unique<MapOperator>(filter->predicate, all_columns(plan.schema)),
                       {input});
    }
    if (const auto* aggregate = std::get_if<AggregateNode>(&plan.node)) {
      return build_aggregate(*aggregate);
    }
    if (const auto* top = std::get_if<TopNNode>(&plan.node)) {
      NodeId input = build(*top->input);
      return graph.add(
          std::make_unique<TopNOperator>(types_of(plan.schema), top->order, top->offset,
                                         top->limit.value_or(TopNOperator::kNoLimit)),
          {input});
    }
    std::vector<NodeId> inputs;
    for (const PlanRef& input : std::get<UnionNode>(plan.node).inputs) {
      inputs.push_back(build(*input));
    }
    size_t count = inputs.size();
    return graph.add(std::make_unique<UnionOperator>(types_of(plan.schema), count),
                     std::move(inputs));
  }

 private:
  NodeId build_aggregate(const AggregateNode& aggregate) {
    NodeId input = build(*aggregate.input);
    std::vector<Type> group_types;
    for (size_t column : aggregate.group) {
      group_types.push_back(aggregate.input->schema[column].type);
    }
    std::vector<AggregateSpec> specs;
    for (const AggregateCall& call : aggregate.calls) {
      specs.push_back(
          {call.kind, call.input, call.distinct, call.filter, call.input_type, call.result_type});
    }
    return plan_.graph->add(std::make_unique<AggregateOperator>(
                                aggregate.group, std::move(group_types), std::move(specs)),
                            {input});
  }

  PhysicalPlan& plan_;
};

}  // namespace

PhysicalPlan build_graph(const LogicalPlan& plan) {
  PhysicalPlan result;
  result.graph = std::make_unique<Graph>();
  NodeId last = GraphBuilder(result).build(plan);
  result.graph->set_output(std::make_unique<OutputOperator>(plan.schema), last);
  result.graph->start();
  return result;
}

}  // namespace tidemark
