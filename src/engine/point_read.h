#pragma once
// Reads of single rows: SELECT ... FROM v WHERE k = 5 [AND ...], which an index over v's content
// answers. The rows that the index gives are filtered again by the whole condition.

#include <optional>
#include <vector>

#include "engine/view_history.h"
#include "expr/eval.h"
#include "plan/logical.h"

namespace tidemark {

struct PointRead {
  std::vector<size_t> columns;    // of the view, ascending
  std::vector<ColumnRef> values;  // what each has to equal: one row, of the column's type
};

// The equalities with constants that a plan of scan, filters and projections asks for; nullopt:
// none, or the plan has other nodes.
std::optional<PointRead> as_point_read(const LogicalPlan& plan, EvalContext& context);

// The rows of the read that have the values: from the base by its index, from later changes by
// looking at each. nullopt: there is no index yet, or so many changes that adding up pays.
std::optional<ZBatch> find_rows(const ViewRead& read, const PointRead& point);

}  // namespace tidemark
