#include "plan/join_condition.h"

#include <fmt/core.h>

#include "plan/rewrite.h"

namespace tidemark {

namespace {

// A side of the join with the columns that keys need computed behind its own.
struct KeyedSide {
  PlanRef plan;
  std::vector<ExprRef> added;

  size_t width() const { return plan->schema.size(); }
  size_t column(const ExprRef& expr) {
    if (const auto* column = std::get_if<ColumnExpr>(&expr->node)) {
      return column->index;
    }
    for (size_t i = 0; i < added.size(); ++i) {
      if (same_expr(*added[i], *expr)) {
        return width() + i;
      }
    }
    added.push_back(expr);
    return width() + added.size() - 1;
  }
  PlanRef finish() const {
    if (added.empty()) {
      return plan;
    }
    std::vector<ExprRef> columns = column_expressions(*plan);
    std::vector<std::string> names = plan->schema.names();
    for (size_t i = 0; i < added.size(); ++i) {
      columns.push_back(added[i]);
      names.push_back(fmt::format("$k{}", i));
    }
    return make_project(plan, std::move(columns), std::move(names));
  }
};

bool may_be_key(const Expr& expr) {
  bool outer = false;
  for_each_outer(expr, [&](const OuterExpr&) { outer = true; });
  return !outer && !can_fail(expr) && is_deterministic(expr);
}

// An equality between the sides as a key; false if the condition is something else.
bool add_key(const ExprRef& condition, KeyedSide& left, KeyedSide& right,
             std::vector<JoinKey>& keys) {
  const auto* call = std::get_if<CallExpr>(&condition->node);
  if (call == nullptr || call->arguments.size() != 2 ||
      (call->function->name != "=" && call->function->name != "IS NOT DISTINCT FROM")) {
    return false;
  }
  ExprRef a = without_relabelling(call->arguments[0]);
  ExprRef b = without_relabelling(call->arguments[1]);
  SidesRead of_a = sides_read(*a, left.width());
  SidesRead of_b = sides_read(*b, left.width());
  if (of_a.right && !of_a.left) {
    std::swap(a, b);
    std::swap(of_a, of_b);
  }
  if (!of_a.left || of_a.right || of_b.left || !of_b.right || !may_be_key(*a) || !may_be_key(*b)) {
    return false;
  }
  std::vector<size_t> unshift(left.width() + right.width());
  for (size_t i = 0; i < right.width(); ++i) {
    unshift[left.width() + i] = i;
  }
  bool null_safe = call->function->name != "=";
  JoinKey key{left.column(a), right.column(remap_columns(b, unshift)), null_safe};
  if (std::find(keys.begin(), keys.end(), key) == keys.end()) {
    keys.push_back(key);
  }
  return true;
}

}  // namespace

SidesRead sides_read(const Expr& expr, size_t left_columns) {
  std::vector<bool> used;
  collect_columns(expr, used);
  SidesRead read;
  for (size_t i = 0; i < used.size(); ++i) {
    (i < left_columns ? read.left : read.right) |= used[i];
  }
  return read;
}

PlanRef make_join_on(PlanRef left, PlanRef right, JoinType type, const ExprRef& condition) {
  size_t left_width = left->schema.size();
  size_t right_width = right->schema.size();
  KeyedSide left_side{left, {}}, right_side{right, {}};
  JoinNode join;
  join.type = type;
  std::vector<ExprRef> conditions, rest;
  if (condition != nullptr) {
    split_and(condition, conditions);
  }
  for (const ExprRef& part : conditions) {
    const auto* literal = std::get_if<LiteralExpr>(&part->node);
    bool is_true = literal != nullptr && literal->value == Value(true);
    if (!is_true && !add_key(part, left_side, right_side, join.keys)) {
      rest.push_back(part);
    }
  }
  join.left = left_side.finish();
  join.right = right_side.finish();
  size_t shift = join.left->schema.size() - left_width;
  std::vector<size_t> map(left_width + right_width);
  for (size_t i = 0; i < map.size(); ++i) {
    map[i] = i < left_width ? i : i + shift;
  }
  if (!rest.empty()) {
    join.residual = remap_columns(make_and(std::move(rest)), map);
  }
  PlanRef result = make_join(std::move(join));
  bool left_only = type == JoinType::kSemi || type == JoinType::kAnti;
  map.resize(left_only ? left_width : left_width + right_width);
  return select_columns(result, map);
}

ExprRef condition_of(const JoinNode& join) {
  std::vector<ExprRef> conditions;
  size_t width = join.left->schema.size();
  for (const JoinKey& key : join.keys) {
    ExprRef left = make_column(key.left, join.left->schema[key.left].type);
    ExprRef right = make_column(width + key.right, join.right->schema[key.right].type);
    conditions.push_back(make_call(key.null_safe ? "IS NOT DISTINCT FROM" : "=", {left, right}));
  }
  if (join.residual != nullptr) {
    split_and(join.residual, conditions);
  }
  return conditions.empty() ? nullptr : make_and(std::move(conditions));
}

}  // namespace tidemark
