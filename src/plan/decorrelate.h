#pragma once
// Correlated plans made independent, after Neumann and Kemper, "Unnesting Arbitrary Queries" (BTW
// 2015): a subquery that reads columns of an enclosing query is computed for all their different
// values at once (the domain), and joined with the enclosing query by these columns.
//
// Where every outer column is equal to an expression of the subquery's own, the domain is not
// needed: the subquery is computed for all values that occur on its side.

#include "plan/logical.h"

namespace tidemark {

// The columns of the enclosing scope that the plan reads, in order, each once.
std::vector<size_t> outer_columns(const PlanRef& plan, uint32_t scope);

// The subquery with its outer columns in front of its own: for each value in the domain its rows,
// for other values any. Without outer columns: the subquery itself.
struct Independent {
  PlanRef plan;
  std::vector<size_t> outer;  // columns of the enclosing plan; as many lead the plan's
};
Independent decorrelate(const PlanRef& subquery, uint32_t scope, const PlanRef& enclosing);

// A subquery as conditions over an independent plan, where filters and projections on its top are
// all that reads outer columns.
struct PulledUp {
  PlanRef plan;
  std::vector<ExprRef> outputs;     // the subquery's columns, over plan's; may read outer columns
  std::vector<ExprRef> conditions;  // over plan's columns and outer columns
};
std::optional<PulledUp> pull_up(const PlanRef& subquery, uint32_t scope);

// Outer columns of the scope replaced by the enclosing plan's columns, the expression's own columns
// moved behind them.
ExprRef over_joined(const ExprRef& expr, uint32_t scope, size_t enclosing_columns);

// The result of an aggregate whose group came out NULL because no row was there: 0 for counts.
ExprRef empty_group_value(const AggregateCall& call, const ExprRef& result);

}  // namespace tidemark
