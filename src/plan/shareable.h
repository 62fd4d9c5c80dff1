#pragma once
// What of a plan can be computed once for several queries that have it in common.

#include <optional>
#include <vector>

#include "plan/logical.h"

namespace tidemark {

// Not on the time at which a query was begun, nor on chance.
bool depends_on_rows_alone(const Expr& expr);

// Whether what the plan gives follows from the rows of sources' tables.
bool depends_on_tables_alone(const LogicalPlan& plan);

// Whether it is an aggregate that is worth to be kept once: it follows from tables, and keeps more
// than one row of numbers.
bool is_shareable_aggregate(const LogicalPlan& plan);

// Where an aggregate that is kept has the columns of one that is wanted, over the same rows. It may
// have more functions, and its input more columns, as long as these cannot fail: an error of theirs
// would not be one of what is wanted. nullopt: it has other groups, or not all functions.
std::optional<std::vector<size_t>> places_in(const AggregateNode& kept,
                                             const AggregateNode& wanted);

}  // namespace tidemark
