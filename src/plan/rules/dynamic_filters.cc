// A join without keys whose right side has at most one row, read for nothing but comparisons of one
// value of each side, becomes a dynamic filter: WHERE a > (SELECT AVG(a) FROM t). As a join it
// touches every row of the left side when the value of the right one changes.
//
// Where a value of the left side can fail, or the right one can be more than one row, it stays a
// join: there it is evaluated for those rows alone that ask for it. A scalar that is out of range
// is an error of the filter, whoever asks.

#include <fmt/core.h>

#include "plan/join_condition.h"
#include "plan/optimizer.h"
#include "plan/rewrite.h"

namespace tidemark {

namespace {

struct Bound {
  ExprRef value;  // over the left side's columns
  ExprRef bound;  // over the right side's
  BoundKind kind = BoundKind::kLess;
};

bool asks_for_single_row(const Expr& expr) {
  const auto* call = std::get_if<CallExpr>(&expr.node);
  bool asks = call != nullptr && call->function->name == "SINGLE_ROW";
  visit_parts(expr, [&](const Expr& part) { asks = asks || asks_for_single_row(part); });
  return asks;
}

std::optional<Bound> bound_of(const ExprRef& condition, size_t left_width, size_t right_width) {
  const auto* call = std::get_if<CallExpr>(&condition->node);
  std::optional<BoundKind> kind = call != nullptr ? find_bound(call->function->name) : std::nullopt;
  if (!kind || call->arguments.size() != 2 || !is_deterministic(*condition) ||
      asks_for_single_row(*condition)) {
    return std::nullopt;
  }
  ExprRef value = without_relabelling(call->arguments[0]);
  ExprRef bound = without_relabelling(call->arguments[1]);
  if (sides_read(*value, left_width).right) {
    std::swap(value, bound);
    kind = mirrored(*kind);
  }
  SidesRead of_value = sides_read(*value, left_width), of_bound = sides_read(*bound, left_width);
  if (!of_value.left || of_value.right || of_bound.left || !of_bound.right ||
      value->type.physical() != bound->type.physical() || can_fail(*value)) {
    return std::nullopt;
  }
  std::vector<size_t> unshift(left_width + right_width);
  for (size_t i = 0; i < right_width; ++i) {
    unshift[left_width + i] = i;
  }
  return Bound{value, remap_columns(bound, unshift), *kind};
}

// The left side with the values behind its columns, as far as they are not among them.
PlanRef with_values(const PlanRef& plan, const std::vector<Bound>& bounds,
                    std::vector<size_t>& places) {
  std::vector<ExprRef> columns = column_expressions(*plan);
  std::vector<std::string> names = plan->schema.names();
  for (const Bound& bound : bounds) {
    const auto* column = std::get_if<ColumnExpr>(&bound.value->node);
    places.push_back(column != nullptr ? column->index : columns.size());
    if (column == nullptr) {
      names.push_back(fmt::format("$v{}", columns.size()));
      columns.push_back(bound.value);
    }
  }
  return columns.size() == plan->schema.size()
             ? plan
             : make_project(plan, std::move(columns), std::move(names));
}

bool is_candidate(const JoinNode& join) {
  bool has_one_row = join.right->key && join.right->key->empty();
  bool is_left = join.type == JoinType::kLeft && join.residual == nullptr;
  return has_one_row && join.keys.empty() && (join.type == JoinType::kInner || is_left);
}

PlanRef as_dynamic_filter(PlanRef plan) {
  const auto* project = std::get_if<ProjectNode>(&plan->node);
  if (project == nullptr) {
    return plan;
  }
  const auto* filter = std::get_if<FilterNode>(&project->input->node);
  const auto* join =
      std::get_if<JoinNode>(&(filter != nullptr ? filter->input : project->input)->node);
  if (join == nullptr || !is_candidate(*join)) {
    return plan;
  }
  size_t left_width = join->left->schema.size(), right_width = join->right->schema.size();
  std::vector<ExprRef> conditions, rest;
  if (join->residual != nullptr) {
    split_and(join->residual, conditions);
  }
  if (filter != nullptr) {
    split_and(filter->predicate, conditions);
  }
  std::vector<Bound> bounds;
  bool reads_right = false;
  for (const ExprRef& condition : conditions) {
    if (std::optional<Bound> bound = bound_of(condition, left_width, right_width)) {
      bounds.push_back(*std::move(bound));
    } else {
      reads_right = reads_right || sides_read(*condition, left_width).right;
      rest.push_back(condition);
    }
  }
  for (const ExprRef& expression : project->expressions) {
    reads_right = reads_right || sides_read(*expression, left_width).right;
  }
  if (bounds.empty() || reads_right) {
    return plan;
  }
  std::vector<size_t> places;
  PlanRef filtered = with_values(join->left, bounds, places);
  for (size_t i = 0; i < bounds.size(); ++i) {
    PlanRef bound = make_project(join->right, {bounds[i].bound}, {"bound"});
    filtered = make_dynamic_filter({filtered, bound, places[i], bounds[i].kind});
  }
  if (!rest.empty()) {
    filtered = make_filter(filtered, make_and(std::move(rest)));
  }
  return make_project(filtered, project->expressions, plan->schema.names());
}

}  // namespace

PlanRef dynamic_filters(PlanRef plan) {
  return rewrite_bottom_up(plan, as_dynamic_filter);
}

}  // namespace tidemark
