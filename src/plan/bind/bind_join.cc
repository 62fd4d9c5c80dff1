// Joins: ON, USING, NATURAL, LATERAL.

#include <algorithm>

#include <fmt/core.h>

#include "expr/cast.h"
#include "plan/bind/query_binder.h"
#include "plan/decorrelate.h"
#include "plan/join_condition.h"
#include "plan/rewrite.h"

namespace tidemark {

PlanRef join_lateral(const PlanRef& left, uint32_t scope, const PlanRef& right, JoinType type,
                     const ExprRef& condition) {
  Independent inner = decorrelate(right, scope, left);
  if (inner.outer.empty()) {
    return make_join_on(left, right, type, condition);
  }
  // The values of the outer columns come between the two sides.
  size_t left_width = left->schema.size(), right_width = right->schema.size();
  size_t d = inner.outer.size();
  std::vector<ExprRef> conditions;
  for (size_t i = 0; i < d; ++i) {
    ExprRef own = make_column(inner.outer[i], left->schema[inner.outer[i]].type);
    ExprRef value = make_column(left_width + i, inner.plan->schema[i].type);
    conditions.push_back(make_call("IS NOT DISTINCT FROM", {own, value}));
  }
  std::vector<size_t> map(left_width + right_width);
  for (size_t i = 0; i < map.size(); ++i) {
    map[i] = i < left_width ? i : i + d;
  }
  if (condition != nullptr) {
    conditions.push_back(remap_columns(condition, map));
  }
  return select_columns(make_join_on(left, inner.plan, type, make_and(std::move(conditions))), map);
}

// left JOIN right ON the condition. What right reads of left's columns (LATERAL) joins them too.
Result<Relation> QueryBinder::combine(Relation left, Relation right, JoinType type,
                                      const sql::Expr* on, size_t position) {
  Relation result;
  result.scope.id = next_scope_id();
  result.scope.outer = outer_;
  result.scope.columns = left.scope.columns;
  for (const ScopeColumn& column : right.scope.columns) {
    if (!column.table.empty() && left.scope.has_table(column.table)) {
      return Status::invalid_argument(
                 fmt::format("table name stands twice in FROM: {}", column.table))
          .with_hint(fmt::format("give one an alias: {} AS other", column.table))
          .with_position(position);
    }
    result.scope.columns.push_back(column);
  }
  bool has_subquery = on != nullptr && contains_subquery(*on);
  ExprRef condition;
  if (on != nullptr && !has_subquery) {
    ExprBinder binder(result.scope, context_);
    binder.set_clause("ON");
    condition = TRY(binder.bind_boolean(*on, "ON"));
  }
  if (std::optional<Relation> direct = TRY(unnest_into(left, right, type, on))) {
    return std::move(*direct);
  }
  if (type == JoinType::kFull && !outer_columns(right.plan, left.scope.id).empty()) {
    return Status::invalid_argument("LATERAL cannot stand in a FULL or RIGHT JOIN")
        .with_position(position);
  }
  if (has_subquery && type != JoinType::kInner) {
    result.plan = TRY(outer_join_on(left, right, type, result.scope, *on));
  } else {
    result.plan = join_lateral(left.plan, left.scope.id, right.plan, type, condition);
  }
  for (size_t i = 0; i < result.scope.columns.size(); ++i) {
    result.scope.columns[i].type = result.plan->schema[i].type;
  }
  if (has_subquery && type == JoinType::kInner) {
    result.plan = TRY(filter(result.plan, result.scope, *on, "ON"));
  }
  return result;
}

namespace {

// The two sides' column of this name, by place in their scopes.
Result<std::pair<size_t, size_t>> find_both(const Scope& left, const Scope& right,
                                            const sql::Identifier& name) {
  sql::Name path{{name}};
  std::pair<size_t, size_t> found;
  for (const Scope* side : {&left, &right}) {
    std::optional<size_t> column = TRY(side->find(path));
    if (!column) {
      return Status::not_found(fmt::format("column of USING is missing on the {} side: {}",
                                           side == &left ? "left" : "right", name.text))
          .with_position(name.position);
    }
    (side == &left ? found.first : found.second) = *column;
  }
  return found;
}

std::vector<sql::Identifier> common_names(const Scope& left, const Scope& right, size_t position) {
  std::vector<sql::Identifier> names;
  for (const ScopeColumn& column : left.columns) {
    bool common = !column.merged && std::any_of(right.columns.begin(), right.columns.end(),
                                                [&](const ScopeColumn& other) {
                                                  return !other.merged && other.name == column.name;
                                                });
    if (common) {
      names.push_back({column.name, position});
    }
  }
  return names;
}

}  // namespace

// USING and NATURAL: the named columns are equal, and stand once, in front.
Result<Relation> QueryBinder::merge_columns(Relation left, Relation right, const sql::Join& join,
                                            std::vector<sql::Identifier> names, JoinType type,
                                            size_t position) {
  bool right_leads = join.kind == sql::JoinKind::kRight;
  size_t left_width = left.scope.columns.size();
  std::vector<std::pair<size_t, size_t>> places;
  std::vector<ExprRef> equalities;
  for (const sql::Identifier& name : names) {
    auto [l, r] = TRY(find_both(left.scope, right.scope, name));
    places.emplace_back(l, left_width + r);
    equalities.push_back(
        TRY(ExprBinder::call("=",
                             {make_column(l, left.scope.columns[l].type),
                              make_column(left_width + r, right.scope.columns[r].type)},
                             name.position)));
  }
  Scope left_scope = left.scope, right_scope = right.scope;
  Relation joined;
  joined = TRY(combine(std::move(left), std::move(right), JoinType::kInner, nullptr, position));
  const auto* cross = std::get_if<JoinNode>(&joined.plan->node);
  if (cross == nullptr) {
    return unsupported("USING or NATURAL with LATERAL", position);
  }
  PlanRef plan = make_join_on(cross->left, cross->right, type,
                              equalities.empty() ? nullptr : make_and(equalities));
  Relation result;
  result.scope.id = next_scope_id();
  result.scope.outer = outer_;
  std::vector<ExprRef> expressions;
  std::vector<std::string> plan_names;
  auto add = [&](ExprRef expression, ScopeColumn column) {
    column.type = expression->type;
    plan_names.push_back(column.name);
    expressions.push_back(std::move(expression));
    result.scope.columns.push_back(std::move(column));
  };
  std::vector<ExprRef> all = column_expressions(*plan);
  std::vector<bool> merged(all.size());
  for (size_t i = 0; i < places.size(); ++i) {
    auto [l, r] = places[i];
    merged[l] = merged[r] = true;
    ExprRef first = all[right_leads ? r : l], second = all[right_leads ? l : r];
    if (type == JoinType::kFull) {
      Type common = TRY(common_type(first->type, second->type));
      first = make_case({{make_call("IS NOT NULL", {first}), first}}, second, common);
    }
    add(first, {"", names[i].text, {}});
  }
  for (size_t i = 0; i < all.size(); ++i) {
    ScopeColumn column = joined.scope.columns[i];
    column.merged = column.merged || merged[i];
    add(all[i], std::move(column));
  }
  result.plan = make_project(plan, std::move(expressions), std::move(plan_names));
  return result;
}

namespace {

// These of its columns, in this order.
Relation with_columns(Relation relation, const std::vector<size_t>& order) {
  std::vector<ScopeColumn> columns;
  for (size_t from : order) {
    columns.push_back(relation.scope.columns[from]);
  }
  relation.plan = select_columns(relation.plan, order);
  relation.scope.columns = std::move(columns);
  return relation;
}

// The same columns with the second side in front.
Relation exchange_sides(Relation relation, size_t first_width) {
  size_t width = relation.scope.columns.size();
  std::vector<size_t> order;
  for (size_t i = 0; i < width; ++i) {
    order.push_back((i + first_width) % width);
  }
  return with_columns(std::move(relation), order);
}

}  // namespace

Result<Relation> QueryBinder::bind_join(const sql::Join& join, size_t position,
                                        const Scope* lateral) {
  Relation left = TRY(bind_table(*join.left, lateral));
  left.scope.outer = lateral != nullptr ? lateral : outer_;
  Relation right = TRY(bind_table(*join.right, &left.scope));
  JoinType type = join.kind == sql::JoinKind::kFull    ? JoinType::kFull
                  : join.kind == sql::JoinKind::kLeft  ? JoinType::kLeft
                  : join.kind == sql::JoinKind::kRight ? JoinType::kLeft
                                                       : JoinType::kInner;
  size_t at = join.right->position;
  bool exchanged = join.kind == sql::JoinKind::kRight;
  if (exchanged && !outer_columns(right.plan, left.scope.id).empty()) {
    return Status::invalid_argument("LATERAL cannot stand in a FULL or RIGHT JOIN")
        .with_position(position);
  }
  if (join.natural || !join.columns.empty()) {
    std::vector<sql::Identifier> names =
        join.natural ? common_names(left.scope, right.scope, at) : join.columns;
    size_t merged = names.size();
    if (!exchanged) {
      return merge_columns(std::move(left), std::move(right), join, std::move(names), type, at);
    }
    // a RIGHT JOIN b is b LEFT JOIN a; the merged columns, then a's, then b's.
    size_t right_width = right.scope.columns.size();
    sql::Join mirrored;
    Relation result =
        TRY(merge_columns(std::move(right), std::move(left), mirrored, std::move(names), type, at));
    size_t width = result.scope.columns.size();
    std::vector<size_t> order;
    for (size_t i = 0; i < width; ++i) {
      order.push_back(i < merged                ? i
                      : i < width - right_width ? i + right_width
                                                : i - (width - right_width) + merged);
    }
    return with_columns(std::move(result), order);
  }
  if (exchanged) {
    size_t right_width = right.scope.columns.size();
    return exchange_sides(TRY(combine(std::move(right), std::move(left), type, join.on.get(), at)),
                          right_width);
  }
  return combine(std::move(left), std::move(right), type, join.on.get(), at);
}

}  // namespace tidemark
