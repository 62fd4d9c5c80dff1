#pragma once
// Filter and project in one pass: rows that satisfy the predicate, as the projected expressions.
// Calls that several of them have in common are made once: those of the predicate for all rows, the
// others for the rows that are left.

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
  ZBatch map_batch(StepContext& context, const ZBatch& in);

  // The batch's columns, and behind them the shared calls over them.
  static RowBatch with_calls(const RowBatch& batch, size_t width, std::span<const ExprRef> calls,
                             EvalContext& context);

  ExprRef predicate_;
  std::vector<ExprRef> projections_;
  size_t width_ = 0;                 // columns that are read
  std::vector<ExprRef> calls_;       // over these
  std::vector<ExprRef> late_calls_;  // over these and calls_, once the rows are chosen
  std::vector<bool> used_;           // of both, those that late calls and projections read
  std::vector<uint32_t> chosen_;     // scratch
};

}  // namespace tidemark
