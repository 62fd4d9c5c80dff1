#pragma once
// The values of window functions for a stretch of rows.

#include <optional>
#include <vector>

#include "dataflow/operators/accumulator.h"
#include "dataflow/operators/over_rows.h"

namespace tidemark {

struct OverCall {
  WindowFunction function = WindowFunction::kAggregate;
  AggregateSpec aggregate;  // its argument, types and NULL treatment for every function
  int64_t offset = 1;       // LAG, LEAD; NTH_VALUE: from 1; NTILE: the number of tiles
  // A BIGINT column in its place: the row's value, for NTILE that of the partition's first row.
  std::optional<size_t> offset_column;
  std::optional<size_t> fallback;  // LAG, LEAD: the column that stands for a row that is not there
  WindowFrame frame;
};

// Appends the value of each position of `wanted` to `out`. Values that do not exist are NULL and
// reported in errors (row: from the first wanted one).
void evaluate_over(const OverCall& call, const OverRows& rows, Stretch wanted, Column& out,
                   std::vector<RowError>& errors);

}  // namespace tidemark
