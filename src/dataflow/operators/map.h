#pragma once
// Filter and project in one pass: rows that satisfy the predicate, as the projected expressions.
// Calls that several of them have in common are made once: those of the predicate for the rows that
// its other conditions have left, and what they give stays with these rows; the others for the rows
// that are left at the end.

#include <utility>
#include <vector>

#include "dataflow/operator.h"
#include "expr/expr.h"

namespace tidemark {

class MapOperator final : public Operator {
 public:
  // predicate may be null (all rows).
  MapOperator(ExprRef predicate, std::vector<ExprRef> projections);

  std::string name() const override;
  Status step(StepContext& context, std::span<const Delta> in, Delta& out) override;

 private:
  // Calls that are made for each row, then which rows stay.
  struct Stage {
    std::vector<ExprRef> calls;  // behind the columns and the calls of earlier stages
    ExprRef predicate;           // null: all
    std::vector<bool> used;      // of all of these, those that are read afterwards
  };
  struct Mapped {
    ZBatch rows;
    std::vector<std::pair<Status, int64_t>> errors;  // and their weights
    bool is_exceeded = false;                        // see EvalContext
  };

  void make_stages(ExprRef predicate, std::vector<ExprRef> projections);
  // Depends on nothing but these.
  Mapped map(const ZBatch& in, EvalContext eval) const;
  static ZBatch run(const Stage& stage, ZBatch batch, EvalContext& eval, Mapped& mapped);

  size_t width_ = 0;  // columns that are read
  std::vector<Stage> stages_;
  std::vector<ExprRef> projections_;
};

}  // namespace tidemark
