#include "plan/filtered.h"

#include <algorithm>

namespace tidemark {

std::optional<size_t> plain_column(const Expr& expr) {
  const auto* column = std::get_if<ColumnExpr>(&expr.node);
  return column != nullptr ? std::optional(column->index) : std::nullopt;
}

bool is_filtered(const LogicalPlan& plan) {
  if (const auto* project = std::get_if<ProjectNode>(&plan.node)) {
    return is_filtered(*project->input);
  }
  if (const auto* join = std::get_if<JoinNode>(&plan.node)) {
    bool takes_away = join->type == JoinType::kSemi || join->type == JoinType::kAnti;
    return takes_away || is_filtered(*join->left) ||
           (join->type == JoinType::kInner && is_filtered(*join->right));
  }
  return std::holds_alternative<FilterNode>(plan.node);
}

namespace {

std::optional<ColumnOrigin> origin_in_join(const JoinNode& join, size_t column) {
  size_t left_width = join.left->schema.size();
  bool inner = join.type == JoinType::kInner;
  bool partners_count = inner || join.type == JoinType::kSemi;
  bool of_left = column < left_width;
  if (join.type == JoinType::kFull || (!of_left && !inner)) {
    return std::nullopt;
  }
  size_t own = of_left ? column : column - left_width;
  if (auto origin = filtered_origin(of_left ? join.left : join.right, own)) {
    return origin;
  }
  for (const JoinKey& key : join.keys) {
    if (partners_count && (of_left ? key.left : key.right) == own) {
      const PlanRef& other = of_left ? join.right : join.left;
      if (auto origin = filtered_origin(other, of_left ? key.right : key.left)) {
        return origin;
      }
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<ColumnOrigin> filtered_origin(const PlanRef& plan, size_t column) {
  if (const auto* filter = std::get_if<FilterNode>(&plan->node)) {
    if (plan->key == std::vector{column}) {
      return ColumnOrigin{plan, column};
    }
    return filtered_origin(filter->input, column);
  }
  if (const auto* project = std::get_if<ProjectNode>(&plan->node)) {
    std::optional<size_t> below = plain_column(*project->expressions[column]);
    return below ? filtered_origin(project->input, *below) : std::nullopt;
  }
  if (const auto* join = std::get_if<JoinNode>(&plan->node)) {
    return origin_in_join(*join, column);
  }
  return std::nullopt;
}

}  // namespace tidemark
