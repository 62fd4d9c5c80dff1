#pragma once
// Which parts of a plan have fewer rows than their tables. There are no statistics: a condition is
// taken to leave few rows, and a relation that refers to the key of another to have more rows.

#include "plan/logical.h"

namespace tidemark {

// Whether a condition, or the partners that a join asks for, has taken rows away.
bool is_filtered(const LogicalPlan& plan);

// The column that gives the values of a plan's column, in a relation below (or the plan itself).
struct ColumnOrigin {
  PlanRef relation;
  size_t column = 0;
};
// A filtered relation below the plan whose unique key is one column, and gives the values of this
// one: no row of the plan has another value there. nullopt: none is found.
std::optional<ColumnOrigin> filtered_origin(const PlanRef& plan, size_t column);

// The column itself, if the expression is nothing else.
std::optional<size_t> plain_column(const Expr& expr);

}  // namespace tidemark
