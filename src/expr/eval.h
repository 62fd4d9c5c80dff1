#pragma once
// Evaluates expressions a batch at a time.

#include <vector>

#include "expr/expr.h"

namespace tidemark {

// A result column; `constant` means one row that stands for all.
struct Evaluated {
  ColumnRef column;
  bool constant = false;
};

// Evaluates over all rows of the batch. Row errors go to context.errors; their rows hold NULL.
Evaluated evaluate(const Expr& expr, const RowBatch& batch, EvalContext& context);

// The same, with constants spread to a full column.
ColumnRef evaluate_column(const Expr& expr, const RowBatch& batch, EvalContext& context);

// Rows for which the predicate is TRUE, in order.
void evaluate_filter(const Expr& predicate, const RowBatch& batch, EvalContext& context,
                     std::vector<uint32_t>& chosen);

// The value of an expression without columns. Error: its row error.
Result<Value> evaluate_constant(const Expr& expr, EvalContext& context);

}  // namespace tidemark
