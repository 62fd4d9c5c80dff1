#pragma once
// How a subquery's answer comes to the rows that ask for it: each kind is a join.
//
//   EXISTS, IN as a condition        semi join
//   NOT EXISTS, NOT IN as one        anti join; NOT IN besides looks for NULLs
//   anywhere else                    an outer join that brings the value as a column
//
// Columns that a subquery reads of the enclosing query are taken out by plan/decorrelate.h.

#include "plan/bind/bind_expr.h"
#include "plan/decorrelate.h"

namespace tidemark {

// The enclosing plan, to which subqueries are joined one by one: its columns stay in front.
class Joined {
 public:
  Joined(PlanRef plan, uint32_t scope) : plan_(std::move(plan)), scope_(scope) {}

  const PlanRef& plan() const { return plan_; }
  void filter(const ExprRef& condition) { plan_ = make_filter(plan_, condition); }

  // Keeps the rows that have (semi) or lack (anti) a partner in the subquery with operands equal to
  // its columns.
  void keep(const PlanRef& subquery, const std::vector<ExprRef>& operands, JoinType type);
  ExprRef exists(const PlanRef& subquery);
  ExprRef scalar(const PlanRef& subquery);
  ExprRef in(const PendingSubquery& subquery);
  ExprRef quantified(const PendingSubquery& subquery);
  // NOT IN is TRUE for rows without an equal partner where no NULL is in the way; null: there are
  // no NULLs.
  ExprRef no_null_in_the_way(const PendingSubquery& subquery);

 private:
  // Left-joins columns [outer, width) of an independent plan; gives the first one's place. `keys`:
  // further equalities between a value of the enclosing plan and a column of the joined one.
  size_t join(const Independent& inner, const std::vector<std::pair<ExprRef, size_t>>& keys = {});
  // Whether the subquery has a row. `asking`: the plan as it was before other subqueries were
  // joined, or its rows for which it can have one.
  ExprRef exists(const PlanRef& subquery, const PlanRef& asking);
  // Whether the subquery has a row that is equal to the operands.
  ExprRef found(const Independent& inner, const std::vector<ExprRef>& operands);
  ExprRef may_be_in(const PendingSubquery& subquery);
  ExprRef quantified_rows(const PendingSubquery& subquery);
  // The operands as columns of the plan, for subqueries to read.
  std::vector<ExprRef> outer_operands(const PendingSubquery& subquery);
  ExprRef column(size_t index) const { return make_column(index, plan_->schema[index].type); }
  size_t join_statistics(const Independent& inner, std::vector<AggregateCall> more);
  std::optional<ExprRef> scalar_aggregate(const PlanRef& subquery);

  PlanRef plan_;
  uint32_t scope_;
};

}  // namespace tidemark
