#pragma once
// Logical plans to dataflow graphs: the only place that knows both.

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "dataflow/graph.h"
#include "physical/sharing.h"
#include "plan/insert_only.h"
#include "plan/logical.h"

namespace tidemark {

class ArrangeOperator;
class ArrangementReader;
class HoldingOperator;

// An entry of the graph that a table or materialized view feeds, with these of its columns.
struct GraphInput {
  NodeId node;
  ObjectRef object;
  std::vector<size_t> columns;
  std::optional<Lsn> as_of;  // see ScanNode
  // Over the object's columns: a row for which one of them is not TRUE changes nothing.
  std::vector<ExprRef> conditions;
};

// An entry that takes what comes out of another graph.
struct SharedInput {
  NodeId node;
  PlanRef plan;  // what that computes
  // Columns of it by which it is arranged, for joins of this graph; nullopt: it is an aggregate.
  std::optional<std::vector<size_t>> key;
  // Of an arrangement: those joins, and which of their inputs.
  std::vector<std::pair<ArrangementReader*, size_t>> readers;
  // A reader takes the same rows by another key too: both are to show the same of them in each
  // step.
  bool is_one_of_several = false;
};

struct PhysicalPlan {
  std::unique_ptr<Graph> graph;
  std::vector<GraphInput> inputs;
  std::vector<SharedInput> shared;
  // Constant rows, to be pushed once before the first step.
  std::vector<std::pair<NodeId, RowBatch>> constants;
  // Of the body of a recursion: RecursiveRefNode's index, and its entry.
  std::vector<std::pair<size_t, NodeId>> iteration_inputs;
};

// `content_key`: see OutputOperator.
PhysicalPlan build_graph(const PlanRef& plan, Sharing sharing = Sharing::kNone,
                         std::vector<size_t> content_key = {},
                         Reading reading = Reading::kFollowed);

// The graph that a SharedInput reads. What comes out of an arrangement is arranged: the key, then
// the other columns.
struct PartGraph {
  PhysicalPlan plan;
  HoldingOperator* holder = nullptr;   // its last operator
  ArrangeOperator* arrange = nullptr;  // the same, if it is an arrangement
};
PartGraph build_part(const SharedInput& input, Sharing sharing);

}  // namespace tidemark
