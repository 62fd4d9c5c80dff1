#pragma once
// Logical plans to dataflow graphs: the only place that knows both.

#include <memory>
#include <optional>
#include <vector>

#include "dataflow/graph.h"
#include "plan/logical.h"

namespace tidemark {

// An entry of the graph that a table or materialized view feeds, with these of its columns.
struct GraphInput {
  NodeId node;
  ObjectRef object;
  std::vector<size_t> columns;
  std::optional<Lsn> as_of;  // see ScanNode
};

struct PhysicalPlan {
  std::unique_ptr<Graph> graph;
  std::vector<GraphInput> inputs;
  // Constant rows, to be pushed once before the first step.
  std::vector<std::pair<NodeId, RowBatch>> constants;
  // Of the body of a recursion: RecursiveRefNode's index, and its entry.
  std::vector<std::pair<size_t, NodeId>> iteration_inputs;
};

PhysicalPlan build_graph(const PlanRef& plan);

}  // namespace tidemark
