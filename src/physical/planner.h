#pragma once
// Logical plans to dataflow graphs: the only place that knows both.

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "dataflow/graph.h"
#include "plan/logical.h"

namespace tidemark {

class ArrangeOperator;
class ArrangementReader;

// An entry of the graph that a table or materialized view feeds, with these of its columns.
struct GraphInput {
  NodeId node;
  ObjectRef object;
  std::vector<size_t> columns;
  std::optional<Lsn> as_of;  // see ScanNode
  // Over the object's columns: a row for which one of them is not TRUE changes nothing.
  std::vector<ExprRef> conditions;
};

// An entry that takes the changes of an arrangement in another graph, for joins of this one.
struct ArrangedInput {
  NodeId node;
  PlanRef plan;             // what is arranged
  std::vector<size_t> key;  // columns of it
  std::vector<std::pair<ArrangementReader*, size_t>>
      readers;  // of the graph; which of their inputs
  // A reader takes the same rows by another key too: both are to show the same of them in each
  // step.
  bool is_one_of_several = false;
};

struct PhysicalPlan {
  std::unique_ptr<Graph> graph;
  std::vector<GraphInput> inputs;
  std::vector<ArrangedInput> arranged;
  // Constant rows, to be pushed once before the first step.
  std::vector<std::pair<NodeId, RowBatch>> constants;
  // Of the body of a recursion: RecursiveRefNode's index, and its entry.
  std::vector<std::pair<size_t, NodeId>> iteration_inputs;
};

enum class JoinInputs : uint8_t {
  kOwn,     // every arrangement is in the graph
  kShared,  // those of slices of tables (plan/table_slice.h) are in graphs of their own
};
// `content_key`: see OutputOperator.
PhysicalPlan build_graph(const PlanRef& plan, JoinInputs inputs = JoinInputs::kOwn,
                         std::vector<size_t> content_key = {});

// The graph of one of those; what comes out of it is arranged: the key, then the other columns.
struct ArrangementGraph {
  PhysicalPlan plan;
  ArrangeOperator* arrange = nullptr;
};
ArrangementGraph build_arrangement(const PlanRef& plan, const std::vector<size_t>& key);
// For each arranged column the column of the plan.
std::vector<size_t> arranged_order(size_t columns, const std::vector<size_t>& key);

}  // namespace tidemark
