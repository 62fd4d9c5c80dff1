#pragma once
// UNNEST: a row of the input once for each element of its collections, with the elements behind its
// columns. Without state: what a row gives depends on the row alone.

#include <vector>

#include "dataflow/operator.h"

namespace tidemark {

struct UnnestSpec {
  std::vector<size_t> collections;  // columns; shorter ones are filled up with NULL
  bool with_ordinality = false;     // the element's place, from 1, as an INT column at the end
  bool keeps_empty = false;         // a row without elements once, with NULLs
};

class UnnestOperator final : public Operator {
 public:
  UnnestOperator(const std::vector<Type>& types, UnnestSpec spec);

  std::string name() const override { return "Unnest"; }
  Status step(StepContext& context, std::span<const Delta> in, Delta& out) override;

 private:
  // Rows of the output on their way to a batch.
  struct Piece {
    std::vector<std::vector<Column>> elements;  // of each collection
    Column places;
    std::vector<uint32_t> rows;  // of the input
    std::vector<int64_t> weights;
  };

  Piece new_piece() const;
  ZBatch to_batch(Piece piece, const RowBatch& in) const;
  Status unnest(const StepContext& context, const ZBatch& in, size_t& made_bytes, Delta& out) const;

  UnnestSpec spec_;
  std::vector<Type> types_;
};

}  // namespace tidemark
