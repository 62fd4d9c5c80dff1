// Groups that a join compares with the key of a filtered relation are made of that relation's rows
// alone: with
//
//   l JOIN (SELECT k, AVG(v) FROM r GROUP BY k) ON l.k = k
//
// where l.k is from d, a filtered relation with the key d.k (l is joined with d, or is d), no group
// has a partner but those of d.k. So r is joined with d below the grouping, as deep as k's origin.
// Correlated subqueries come to the optimizer in this form. A part of the plan that is then there
// twice is computed once (share_subplans).

#include <algorithm>

#include "plan/filtered.h"
#include "plan/optimizer.h"
#include "plan/rewrite.h"

namespace tidemark {

namespace {

class Restricter {
 public:
  explicit Restricter(const PlanRef& root) : readers_(root) {}

  // If the plan's node is a join: with the groups of one side restricted, where that can be.
  PlanRef restrict_side(const PlanRef& plan) const;

 private:
  // The plan with the groups below it restricted, where they are grouped by its column; null: they
  // are not.
  PlanRef restrict_groups(const PlanRef& plan, size_t column, const ColumnOrigin& to) const;
  // The rows of the plan whose value in the column is one of the relation's keys.
  PlanRef restrict_rows(const PlanRef& plan, size_t column, const ColumnOrigin& to) const;

  PlanReaders readers_;
};

PlanRef Restricter::restrict_side(const PlanRef& plan) const {
  if (!std::holds_alternative<JoinNode>(plan->node)) {
    return plan;
  }
  const auto& join = std::get<JoinNode>(plan->node);
  for (const JoinKey& key : join.keys) {
    if (join.type != JoinType::kFull) {
      std::optional<ColumnOrigin> origin = filtered_origin(join.left, key.left);
      PlanRef right = origin ? restrict_groups(join.right, key.right, *origin) : nullptr;
      if (right != nullptr) {
        return with_inputs(plan, {join.left, right});
      }
    }
    if (join.type == JoinType::kInner || join.type == JoinType::kSemi) {
      std::optional<ColumnOrigin> origin = filtered_origin(join.right, key.right);
      PlanRef left = origin ? restrict_groups(join.left, key.left, *origin) : nullptr;
      if (left != nullptr) {
        return with_inputs(plan, {left, join.right});
      }
    }
  }
  return plan;
}

PlanRef Restricter::restrict_groups(const PlanRef& plan, size_t column,
                                    const ColumnOrigin& to) const {
  if (readers_.is_shared(plan)) {
    return nullptr;
  }
  if (const auto* filter = std::get_if<FilterNode>(&plan->node)) {
    PlanRef input = restrict_groups(filter->input, column, to);
    return input != nullptr ? make_filter(input, filter->predicate) : nullptr;
  }
  if (const auto* project = std::get_if<ProjectNode>(&plan->node)) {
    std::optional<size_t> below = plain_column(*project->expressions[column]);
    PlanRef input = below ? restrict_groups(project->input, *below, to) : nullptr;
    return input != nullptr ? make_project(input, project->expressions, plan->schema.names())
                            : nullptr;
  }
  const auto* aggregate = std::get_if<AggregateNode>(&plan->node);
  if (aggregate == nullptr || column >= aggregate->group.size() ||
      to.relation->schema[to.column].type.nullable) {  // else no NULL has a partner
    return nullptr;
  }
  size_t group = aggregate->group[column];
  if (filtered_origin(aggregate->input, group)) {
    return nullptr;  // it is restricted already
  }
  return make_aggregate(restrict_rows(aggregate->input, group, to), aggregate->group,
                        aggregate->calls);
}

PlanRef Restricter::restrict_rows(const PlanRef& plan, size_t column,
                                  const ColumnOrigin& to) const {
  if (const auto* project = std::get_if<ProjectNode>(&plan->node);
      project != nullptr && !readers_.is_shared(plan)) {
    if (std::optional<size_t> below = plain_column(*project->expressions[column])) {
      return make_project(restrict_rows(project->input, *below, to), project->expressions,
                          plan->schema.names());
    }
  }
  const auto* join = std::get_if<JoinNode>(&plan->node);
  if (join != nullptr && !readers_.is_shared(plan) && join->type != JoinType::kFull) {
    size_t left_width = join->left->schema.size();
    bool of_left = column < left_width;
    if (of_left || join->type == JoinType::kInner) {
      JoinNode copy = *join;
      PlanRef& side = of_left ? copy.left : copy.right;
      side = restrict_rows(side, of_left ? column : column - left_width, to);
      return make_join(std::move(copy));
    }
  }
  PlanRef joined = make_join(
      {plan, to.relation, JoinType::kInner, {JoinKey{column, to.column, false}}, nullptr});
  return first_columns(joined, plan->schema.size());
}

}  // namespace

PlanRef restrict_groups(PlanRef plan) {
  Restricter restricter(plan);
  return rewrite_top_down(plan,
                          [&](const PlanRef& node) { return restricter.restrict_side(node); });
}

}  // namespace tidemark
