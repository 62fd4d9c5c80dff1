// The ON of an outer join that has subqueries.
//
// A subquery that reads the columns of one side brings its value to that side, below the join; the
// condition then reads it like any column. What needs the columns of both sides can only be decided
// for pairs of rows: then the outer join is the inner join, and besides the rows of the outer sides
// that stand in no pair, with NULLs.

#include <algorithm>

#include "plan/bind/query_binder.h"
#include "plan/decorrelate.h"
#include "plan/join_condition.h"
#include "plan/rewrite.h"

namespace tidemark {

namespace {

// earlier: the sides of the level's subqueries before this one, whose values it may compare with.
SidesRead sides_of(const PendingSubquery& subquery, uint32_t level, const Scope& scope,
                   size_t left_width, const std::vector<SidesRead>& earlier) {
  SidesRead read;
  auto add = [&](SidesRead more) {
    read.left |= more.left;
    read.right |= more.right;
  };
  for (size_t column : outer_columns(subquery.plan, scope.id)) {
    add({column < left_width, column >= left_width});
  }
  for (const ExprRef& operand : subquery.operands) {
    add(sides_read(*operand, left_width));
    for_each_outer(*operand, [&](const OuterExpr& outer) {
      if (outer.scope == level) {
        add(earlier[outer.index]);
      }
    });
  }
  return read;
}

// Subqueries that are joined to the same rows, and their values.
struct JoinedLevel {
  SubqueryLevel level;
  std::vector<ExprRef> values;

  // The subquery's value, until the subqueries are joined.
  ExprRef add(PendingSubquery subquery) {
    values.push_back(make_outer(level.id, level.pending.size(), subquery.type));
    level.pending.push_back(std::move(subquery));
    return values.back();
  }
};

// The side's rows that stand in no pair; `first`: where the side's columns stand there.
PlanRef without_pair(const PlanRef& side, const PlanRef& pairs, size_t first) {
  JoinNode anti{side, pairs, JoinType::kAnti, {}, nullptr};
  auto add = [&](size_t column) { anti.keys.push_back({column, first + column, true}); };
  if (side->key) {
    std::for_each(side->key->begin(), side->key->end(), add);
  } else {
    for (size_t column = 0; column < side->schema.size(); ++column) {
      add(column);
    }
  }
  PlanRef rows = make_join(std::move(anti));
  std::vector<ExprRef> columns;
  for (size_t i = 0; i < pairs->schema.size(); ++i) {
    bool own = first <= i && i < first + side->schema.size();
    columns.push_back(own ? make_column(i - first, side->schema[i - first].type)
                          : make_literal(std::monostate{}, pairs->schema[i].type));
  }
  return make_project(rows, std::move(columns), pairs->schema.names());
}

}  // namespace

Result<PlanRef> QueryBinder::outer_join_on(const Relation& left, const Relation& right,
                                           JoinType type, const Scope& scope, const sql::Expr& on) {
  SubqueryLevel all{next_scope_id(), {}};
  ExprBinder binder(scope, context_);
  binder.set_clause("ON");
  binder.use_subqueries(this, &all, nullptr);
  ExprRef condition = TRY(binder.bind_boolean(on, "ON"));

  size_t left_width = left.plan->schema.size(), width = scope.columns.size();
  std::vector<size_t> in_left(width, SIZE_MAX), in_right(width, SIZE_MAX);
  for (size_t i = 0; i < width; ++i) {
    (i < left_width ? in_left[i] : in_right[i]) = i < left_width ? i : i - left_width;
  }
  JoinedLevel of_left{{next_scope_id(), {}}, {}}, of_right{{next_scope_id(), {}}, {}},
      of_pairs{{next_scope_id(), {}}, {}};
  std::vector<SidesRead> sides;
  std::vector<ExprRef> values;  // of all
  for (PendingSubquery& subquery : all.pending) {
    SidesRead read = sides_of(subquery, all.id, scope, left_width, sides);
    read.right |= !read.left;
    JoinedLevel& level = !read.right ? of_left : !read.left ? of_right : of_pairs;
    for (ExprRef& operand : subquery.operands) {
      operand = read.left ? operand : remap_columns(operand, in_right);
      operand = with_values(operand, all.id, values);
    }
    values.push_back(level.add(std::move(subquery)));
    sides.push_back(read);
  }
  PlanRef left_plan = left.plan, right_plan = right.plan;
  TRY(apply_subqueries(left_plan, of_left.level, scope, in_left, addresses(of_left.values)));
  TRY(apply_subqueries(right_plan, of_right.level, scope, in_right, addresses(of_right.values)));

  // From here on over both sides with what was brought to them.
  std::vector<size_t> places(width);
  for (size_t i = 0; i < width; ++i) {
    places[i] = i < left_width ? i : i - left_width + left_plan->schema.size();
  }
  for (ExprRef& value : of_right.values) {
    value = shift_columns(value, left_plan->schema.size());
  }
  auto over_both = [&](const ExprRef& expr) {
    ExprRef placed = with_values(remap_columns(expr, places), all.id, values);
    placed = with_values(placed, of_left.level.id, of_left.values);
    return with_values(placed, of_right.level.id, of_right.values);
  };
  std::vector<ExprRef> conditions, plain, of_both;
  split_and(over_both(condition), conditions);
  for (ExprRef& part : conditions) {
    (has_outer(*part, of_pairs.level.id) ? of_both : plain).push_back(std::move(part));
  }
  auto join = [&](JoinType join_type) {
    return join_lateral(left_plan, left.scope.id, right_plan, join_type,
                        make_and(std::move(plain)));
  };
  if (of_both.empty()) {
    return select_columns(join(type), places);
  }
  PlanRef pairs = join(JoinType::kInner);
  for (PendingSubquery& subquery : of_pairs.level.pending) {
    for (ExprRef& operand : subquery.operands) {
      operand = over_both(operand);
    }
  }
  TRY(apply_subqueries(pairs, of_pairs.level, scope, places, addresses(of_both)));
  pairs = select_columns(make_filter(pairs, make_and(std::move(of_both))), places);
  std::vector<PlanRef> rows{pairs, without_pair(left.plan, pairs, 0)};
  if (type == JoinType::kFull) {
    rows.push_back(without_pair(right.plan, pairs, left_width));
  }
  return make_union(std::move(rows));
}

}  // namespace tidemark
