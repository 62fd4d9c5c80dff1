// Subqueries in conditions and other expressions, joined to the plan (plan/bind/joined.h).

#include <numeric>

#include "plan/bind/joined.h"
#include "plan/bind/query_binder.h"
#include "plan/decorrelate.h"
#include "plan/rewrite.h"

namespace tidemark {

namespace {

// Outer columns of the scope by their place in the plan. Error: a column that groups do not have.
Result<PlanRef> over_plan(const PlanRef& subquery, const Scope& scope, uint32_t id,
                          std::span<const size_t> columns, size_t position) {
  for (size_t column : outer_columns(subquery, scope.id)) {
    if (column >= columns.size() || columns[column] == SIZE_MAX) {
      const std::string& name = scope.columns[column].name;
      return Status::invalid_argument(
                 fmt::format("column must be in GROUP BY to be read by this subquery: {}", name))
          .with_hint(fmt::format("add {} to GROUP BY", name))
          .with_position(position);
    }
  }
  return map_expressions(subquery, [&](const ExprRef& expr) {
    return substitute_outer(expr, [&](const OuterExpr& outer, const Type& type) -> ExprRef {
      return outer.scope == scope.id ? make_outer(id, columns[outer.index], type) : nullptr;
    });
  });
}

}  // namespace

ExprRef with_values(const ExprRef& expr, uint32_t level, const std::vector<ExprRef>& values) {
  return substitute_outer(expr, [&](const OuterExpr& outer, const Type&) -> ExprRef {
    return outer.scope == level ? values[outer.index] : nullptr;
  });
}

std::vector<ExprRef*> addresses(std::vector<ExprRef>& expressions) {
  std::vector<ExprRef*> result;
  for (ExprRef& expression : expressions) {
    result.push_back(&expression);
  }
  return result;
}

Result<BoundSelect> QueryBinder::bind_subquery(const sql::Query& query, const Scope& scope) {
  const Scope* enclosing = std::exchange(outer_, &scope);
  Result<BoundSelect> bound = bind(query);
  outer_ = enclosing;
  return bound;
}

Status QueryBinder::apply_subqueries(PlanRef& plan, const SubqueryLevel& level, const Scope& scope,
                                     std::span<const size_t> columns,
                                     std::span<ExprRef* const> expressions) {
  if (level.pending.empty()) {
    return {};
  }
  uint32_t id = next_scope_id();
  Joined joined(plan, id);
  std::vector<ExprRef> values;
  for (const PendingSubquery& pending : level.pending) {
    PendingSubquery subquery = pending;
    subquery.plan = TRY(over_plan(pending.plan, scope, id, columns, pending.position));
    for (ExprRef& operand : subquery.operands) {
      operand = with_values(operand, level.id, values);
    }
    switch (subquery.use) {
      case SubqueryUse::kScalar:
        values.push_back(joined.scalar(subquery.plan));
        break;
      case SubqueryUse::kExists:
        values.push_back(joined.exists(subquery.plan));
        break;
      case SubqueryUse::kIn:
        values.push_back(joined.in(subquery));
        break;
      case SubqueryUse::kQuantified:
        values.push_back(joined.quantified(subquery));
        break;
    }
  }
  plan = joined.plan();
  for (ExprRef* expression : expressions) {
    *expression = with_values(*expression, level.id, values);
  }
  return {};
}

// A condition that is an EXISTS or IN: a semi or anti join. Nothing if it is something else.
Result<std::optional<PlanRef>> QueryBinder::filter_by_subquery(const PlanRef& plan,
                                                               const Scope& scope,
                                                               const sql::Expr& condition,
                                                               bool negated,
                                                               std::string_view clause) {
  if (const auto* unary = std::get_if<sql::UnaryOp>(&condition.node);
      unary != nullptr && unary->op == sql::UnaryOperator::kNot) {
    return filter_by_subquery(plan, scope, *unary->operand, !negated, clause);
  }
  const auto* subquery = std::get_if<sql::Subquery>(&condition.node);
  const auto* in = std::get_if<sql::InQuery>(&condition.node);
  const auto* quantified = std::get_if<sql::Quantified>(&condition.node);
  if (quantified != nullptr && !std::holds_alternative<sql::QueryPtr>(quantified->right)) {
    quantified = nullptr;  // of an array
  }
  bool exists = subquery != nullptr && subquery->kind == sql::SubqueryKind::kExists;
  bool any =
      quantified != nullptr && quantified->op == sql::BinaryOperator::kEqual && !quantified->all;
  bool not_all =
      quantified != nullptr && quantified->op == sql::BinaryOperator::kNotEqual && quantified->all;
  if (!exists && in == nullptr && !any && !not_all) {
    return std::optional<PlanRef>();
  }
  SubqueryLevel level{next_scope_id(), {}};
  ExprBinder binder(scope, context_);
  binder.set_clause(std::string(clause));
  binder.use_subqueries(this, &level, nullptr);
  TRY(binder.bind(condition));
  PendingSubquery pending = std::move(level.pending.back());
  level.pending.pop_back();
  std::vector<size_t> columns(scope.columns.size());
  std::iota(columns.begin(), columns.end(), 0);
  PlanRef base = plan;
  std::vector<ExprRef*> operands;
  for (ExprRef& operand : pending.operands) {
    operands.push_back(&operand);
  }
  TRY(apply_subqueries(base, level, scope, columns, operands));
  bool keeps_missing = negated != ((in != nullptr && in->negated) || not_all);
  uint32_t id = next_scope_id();
  pending.plan = TRY(over_plan(pending.plan, scope, id, columns, condition.position));
  Joined joined(base, id);
  if (keeps_missing && !pending.operands.empty()) {
    if (ExprRef allowed = joined.no_null_in_the_way(pending)) {
      joined.filter(allowed);
    }
  }
  joined.keep(pending.plan, pending.operands, keeps_missing ? JoinType::kAnti : JoinType::kSemi);
  return std::optional<PlanRef>(joined.plan());
}

namespace {

void split_conditions(const sql::Expr& condition, std::vector<const sql::Expr*>& parts) {
  const auto* binary = std::get_if<sql::BinaryOp>(&condition.node);
  if (binary == nullptr || binary->op != sql::BinaryOperator::kAnd) {
    parts.push_back(&condition);
    return;
  }
  // A chain of thousands leans to the left.
  std::vector<const sql::Expr*> rights;
  const sql::Expr* at = &condition;
  while (binary != nullptr && binary->op == sql::BinaryOperator::kAnd) {
    rights.push_back(binary->right.get());
    at = binary->left.get();
    binary = std::get_if<sql::BinaryOp>(&at->node);
  }
  parts.push_back(at);
  for (auto right = rights.rbegin(); right != rights.rend(); ++right) {
    split_conditions(**right, parts);
  }
}

}  // namespace

// Plain conditions first, so that subqueries are joined to fewer rows; those that read an enclosing
// query last, so that decorrelation finds them on top.
Result<PlanRef> QueryBinder::filter(PlanRef plan, const Scope& scope, const sql::Expr& condition,
                                    std::string_view clause) {
  std::vector<const sql::Expr*> parts;
  split_conditions(condition, parts);
  ExprBinder binder(scope, context_);
  binder.set_clause(std::string(clause));
  std::vector<ExprRef> plain, correlated;
  for (const sql::Expr* part : parts) {
    if (!contains_subquery(*part)) {
      ExprRef bound = TRY(binder.bind_boolean(*part, parts.size() == 1 ? clause : "AND"));
      bool outer = false;
      for_each_outer(*bound, [&](const OuterExpr&) { outer = true; });
      (outer ? correlated : plain).push_back(std::move(bound));
    }
  }
  if (!plain.empty()) {
    plan = make_filter(plan, make_and(std::move(plain)));
  }
  size_t width = plan->schema.size();
  std::vector<size_t> columns(scope.columns.size());
  std::iota(columns.begin(), columns.end(), 0);
  for (const sql::Expr* part : parts) {
    if (!contains_subquery(*part)) {
      continue;
    }
    if (std::optional<PlanRef> joined =
            TRY(filter_by_subquery(plan, scope, *part, false, clause))) {
      plan = first_columns(*joined, width);
      continue;
    }
    SubqueryLevel level{next_scope_id(), {}};
    ExprBinder general(scope, context_);
    general.set_clause(std::string(clause));
    general.use_subqueries(this, &level, nullptr);
    ExprRef bound = TRY(general.bind_boolean(*part, parts.size() == 1 ? clause : "AND"));
    ExprRef* target = &bound;
    TRY(apply_subqueries(plan, level, scope, columns, std::span(&target, 1)));
    plan = first_columns(make_filter(plan, bound), width);
  }
  return correlated.empty() ? plan : make_filter(plan, make_and(std::move(correlated)));
}

}  // namespace tidemark
