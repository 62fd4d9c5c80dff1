#pragma once
// Filter and project in one pass: rows that satisfy the predicate, as the projected expressions.

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

  ExprRef predicate_;
  std::vector<ExprRef> projections_;
  std::vector<bool> used_;        // input columns that the projections read
  std::vector<uint32_t> chosen_;  // scratch
};

}  // namespace tidemark
