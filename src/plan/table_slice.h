#pragma once
// A table of a source, filtered and projected: what an input of a join often is, and what two
// queries can have in common without being alike.

#include <optional>
#include <vector>

#include "plan/logical.h"

namespace tidemark {

struct TableSlice {
  ObjectRef table;
  std::vector<ExprRef> predicates;  // over the table's columns
  std::vector<ExprRef> columns;     // likewise
};

// nullopt: the plan is something else, or depends on more than the table's rows (the time at which
// its query was begun), or the order of its parts decides which rows are in error.
std::optional<TableSlice> table_slice(const LogicalPlan& plan);

// Where the columns of `wanted` are in a slice that has the same rows. nullopt: it has others, or
// not all of its columns, or one more that can fail, whose errors are not those of `wanted`.
std::optional<std::vector<size_t>> places_in(const TableSlice& slice, const TableSlice& wanted);

}  // namespace tidemark
