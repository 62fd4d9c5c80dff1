#pragma once
// Joins of two arranged streams: inner, outer, semi, anti, with any condition.
//
// With A, B the collections through the last step and dA, dB this step's changes:
//
//   pairs      dA x B + A x dB + dA x dB, where keys are equal and the residual condition is TRUE
//   lone rows  rows of one side by themselves, by their number of partners (join_lone.h)
//
// A reset of one side takes the whole answer back; it is made again from what the other side holds.

#include <memory>

#include "dataflow/operator.h"
#include "dataflow/operators/arrange.h"
#include "dataflow/operators/join_lone.h"
#include "expr/expr.h"

namespace tidemark {

// An output column: arranged column `index` of a side.
struct JoinColumn {
  size_t side = 0;
  size_t index = 0;
  Type type;
  bool needed = true;  // false: nobody reads it, and it is left out of the batch
};

struct JoinSpec {
  bool pairs = true;
  LoneRows lone[2] = {LoneRows::kNone, LoneRows::kNone};
  std::vector<bool> null_safe;  // per key column: NULL equals NULL
  ExprRef residual;             // over `condition_columns`; null: none
  std::vector<JoinColumn> condition_columns;
  std::vector<JoinColumn> output;  // of one side only, for semi and anti joins
  std::string description;
};

class JoinOperator final : public Operator, public ArrangementReader {
 public:
  // The inputs are arranged streams, left and right.
  explicit JoinOperator(JoinSpec spec) : spec_(std::move(spec)) {}

  void read_from(size_t side, Arrangement& arrangement, std::span<const size_t> places) override;

  std::string name() const override { return spec_.description; }
  Status step(StepContext& context, std::span<const Delta> in, Delta& out) override;
  void visit_state(const StateVisitor& visit) override;

 private:
  JoinSide make_side(size_t which, const Delta& in) const;
  Status probe(StepContext& context, size_t delta_side, Delta& out);
  Status delta_by_delta(StepContext& context, Delta& out);
  // Pairs left.at[i] with right.at[i]; their keys are equal.
  Status join_pairs(StepContext& context, JoinRows left, JoinRows right, Delta& out);
  RowBatch gather(std::span<const JoinColumn> columns, const JoinRows& left,
                  const JoinRows& right) const;
  void emit_lone(size_t which, const LoneChanges& changes, Delta& out) const;

  JoinSpec spec_;
  Arrangement* bases_[2] = {};
  std::unique_ptr<LoneRowsState> lone_[2];
  JoinSide sides_[2];      // this step's
  size_t made_bytes_ = 0;  // in this step
};

}  // namespace tidemark
