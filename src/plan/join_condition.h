#pragma once
// Join conditions: equalities between the sides become keys, the rest stays as the residual.

#include "plan/logical.h"

namespace tidemark {

// left JOIN right ON condition (over left's columns, then right's; null: TRUE). Key expressions
// that are not plain columns are computed below the join. The result has the join's columns.
PlanRef make_join_on(PlanRef left, PlanRef right, JoinType type, const ExprRef& condition);

// The whole condition of a join as one expression; null: TRUE.
ExprRef condition_of(const JoinNode& join);

// Which side's columns an expression reads.
struct SidesRead {
  bool left = false;
  bool right = false;
};
SidesRead sides_read(const Expr& expr, size_t left_columns);

}  // namespace tidemark
