#pragma once
// WITH RECURSIVE: the rows of a base, and what a body makes of them, again and again until nothing
// new comes. Of UNION each row once, of UNION ALL each time that it comes.
//
// Iteration i is an instance of the body of its own, which reads what iteration i - 1 has brought
// that no earlier one had. It keeps its state between steps, so that a change, a deletion too, goes
// through the iterations as a difference: cycles do not keep themselves alive. Iterations are in
// memory only and follow from the tables of the inputs; after a restart they are made anew.
//
//   base ──► W0 ──► body 1 ──► W1 ──► body 2 ──► ...        result: W0 + W1 + W2 + ...
//                     ▲                 ▲
//   other inputs ─────┴─────────────────┘

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>

#include "dataflow/graph.h"
#include "state/ordered_table.h"

namespace tidemark {

// entries[0] takes the rows of the iteration before, the others the operator's other inputs.
struct RecursiveBody {
  std::unique_ptr<Graph> graph;
  std::vector<NodeId> entries;
};

struct RecursiveSpec {
  std::vector<Type> types;                     // of the result, the base and what the body gives
  std::vector<std::vector<Type>> other_types;  // of the other inputs
  bool all = false;                            // UNION ALL
  std::function<RecursiveBody()> make_body;
};

class RecursiveOperator final : public Operator {
 public:
  // Inputs: the base, then the others.
  explicit RecursiveOperator(RecursiveSpec spec);

  std::string name() const override { return spec_.all ? "RecursiveAll" : "Recursive"; }
  // Error: it does not end.
  Status step(StepContext& context, std::span<const Delta> in, Delta& out) override;
  void visit_state(const StateVisitor& visit) override;

 private:
  // Whole rows as bytes (types/key_codec.h) -> change of weight.
  using Rows = std::map<std::string, int64_t>;

  ZBatch to_rows(const Rows& rows, const std::vector<Type>& types) const;
  static void add_rows(const ZBatch& batch, Rows& rows);
  static Rows all_of(const OrderedTable& table);
  // Takes the changes of every input through all iterations.
  Status iterate(StepContext& context, const std::vector<Rows>& changes, Rows& result);
  // A change of what iteration `level` makes, before rows of earlier ones are left out: changes of
  // what it and later ones bring.
  void count(size_t level, const std::string& row, int64_t weight, std::vector<Rows>& brought);

  // Shows a row error that stands in an iteration as the operator's own.
  void take_error();

  RecursiveSpec spec_;
  std::vector<std::unique_ptr<OrderedTable>> inputs_;  // whole rows -> weight
  bool is_made_ = false;              // the iterations are those of the inputs' tables
  std::deque<RecursiveBody> bodies_;  // of iterations 1, 2, ...
  // How often each iteration makes a row; not for UNION ALL.
  std::unordered_map<std::string, std::map<size_t, int64_t>> made_;
  std::vector<int64_t> rows_brought_;  // by iteration: how many rows stand there
  std::optional<std::string> error_;   // a row error of an iteration, as it stands in errors()
};

}  // namespace tidemark
