#pragma once
// The operators of one view, query or shared part, in topological order, and the deltas between
// them. Only operators with input run: a step costs what it touches.
//
// Thread rule: the step thread.

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "dataflow/operator.h"
#include "dataflow/operators/output.h"

namespace tidemark {

using NodeId = size_t;

class Graph {
 public:
  // An entry, fed by push().
  NodeId add_input();
  // `inputs` must have been added before; their order is the operator's.
  NodeId add(std::unique_ptr<Operator> op, std::vector<NodeId> inputs);
  // The last node: the view's content.
  void set_output(std::unique_ptr<OutputOperator> output, NodeId input);
  // Instead of an output: what comes out of the node is for other graphs.
  void set_exit(NodeId node) { exit_ = node; }
  // What has come out there since the last call.
  Delta take_exit() { return std::exchange(exit_delta_, {}); }

  // Adds to what the next step takes in.
  void push(NodeId input, Delta delta);
  // Runs the operators that must run even without input (a global aggregate's first row).
  void start();
  Status step(StepContext& context) {
    TRY(run(context));
    commit();
    return {};
  }
  // The two parts of a step. What the graph's state shows between them, to other graphs that read
  // it too, is that through the last step.
  Status run(StepContext& context);
  void commit();

  OutputOperator& output() { return *output_; }
  const OutputOperator& output() const { return *output_; }
  // Whether a row error stands anywhere in the graph, and the first one's text.
  std::optional<std::string> error() const;
  size_t state_bytes() const;
  // Every table of every operator, with its node and its place among the node's tables.
  using NodeStateVisitor = std::function<void(NodeId node, size_t place, StateTable& table)>;
  void visit_state(const NodeStateVisitor& visit);
  // See StateTable::index_loose. True: there may be more.
  bool index_loose(size_t entries_max);
  // Of what comes out nothing is ever taken back: rows stay loose.
  void keep_loose() { keeps_loose_ = true; }

  struct NodeInfo {
    std::string name;
    size_t state_bytes;
    size_t state_rows;
    OperatorStats stats;
  };
  std::vector<NodeInfo> nodes() const;

 private:
  struct Node {
    std::unique_ptr<Operator> op;                      // null: an entry
    std::vector<Delta> in;                             // one per input
    std::vector<std::pair<NodeId, size_t>> consumers;  // node, which of its inputs
    bool dirty = false;
  };
  void deliver(Node& node, Delta delta);

  bool keeps_loose_ = false;

  std::vector<Node> nodes_;
  std::vector<Operator*> ran_;        // since the last commit
  OutputOperator* output_ = nullptr;  // owned by its node; null: the graph has an exit
  std::optional<NodeId> exit_;
  Delta exit_delta_;
};

}  // namespace tidemark
