#pragma once
// UNION ALL: the sum of its inputs.

#include "dataflow/operator.h"

namespace tidemark {

class UnionOperator final : public Operator {
 public:
  std::string name() const override { return "Union"; }
  Status step(StepContext& context, std::span<const Delta> in, Delta& out) override;
};

}  // namespace tidemark
