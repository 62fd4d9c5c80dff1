// Subqueries in expressions: how each kind is joined to the rows that ask for it.
//
//   EXISTS, IN as a condition        semi join
//   NOT EXISTS, NOT IN as one        anti join; NOT IN besides looks for NULLs
//   anywhere else                    an outer join that brings the value as a column
//
// Columns that a subquery reads of the enclosing query are taken out by plan/decorrelate.h.

#include <algorithm>
#include <numeric>

#include "base/overloaded.h"
#include "expr/single_row.h"
#include "plan/bind/query_binder.h"
#include "plan/decorrelate.h"
#include "plan/join_condition.h"
#include "plan/rewrite.h"

namespace tidemark {

namespace {

ExprRef boolean(bool value) {
  return make_literal(value, Type::boolean());
}
ExprRef null_boolean() {
  return make_literal(std::monostate{}, Type::boolean());
}

// The enclosing plan, to which subqueries are joined one by one: its columns stay in front.
class Joined {
 public:
  Joined(PlanRef plan, uint32_t scope) : plan_(std::move(plan)), scope_(scope) {}

  const PlanRef& plan() const { return plan_; }
  void filter(const ExprRef& condition) { plan_ = make_filter(plan_, condition); }

  // Keeps the rows that have (semi) or lack (anti) a partner in the subquery with operands equal to
  // its columns. `unknown`: a comparison that is unknown counts as equal.
  struct Keep {
    JoinType type = JoinType::kSemi;
    bool unknown = false;
  };
  void keep(const PlanRef& subquery, const std::vector<ExprRef>& operands, Keep keep);
  ExprRef exists(const PlanRef& subquery);
  ExprRef scalar(const PlanRef& subquery);
  ExprRef in(const PendingSubquery& subquery);
  ExprRef quantified(const PendingSubquery& subquery);
  // NOT IN is TRUE for rows without an equal partner where no NULL is in the way.
  ExprRef no_null_in_the_way(const PendingSubquery& subquery);

 private:
  // Left-joins columns [outer, width) of an independent plan; gives the first one's place. `keys`:
  // further equalities between a value of the enclosing plan and a column of the joined one.
  size_t join(const Independent& inner, const std::vector<std::pair<ExprRef, size_t>>& keys = {});
  ExprRef column(size_t index) const { return make_column(index, plan_->schema[index].type); }
  size_t join_statistics(const Independent& inner, std::vector<AggregateCall> more);
  std::optional<ExprRef> scalar_aggregate(const PlanRef& subquery);

  PlanRef plan_;
  uint32_t scope_;
};

void Joined::keep(const PlanRef& subquery, const std::vector<ExprRef>& operands, Keep keep) {
  size_t width = plan_->schema.size();
  std::vector<ExprRef> conditions, values;
  PlanRef partners;
  if (std::optional<PulledUp> up = pull_up(subquery, scope_)) {
    partners = up->plan;
    for (const ExprRef& condition : up->conditions) {
      conditions.push_back(over_joined(condition, scope_, width));
    }
    for (const ExprRef& output : up->outputs) {
      values.push_back(over_joined(output, scope_, width));
    }
  } else {
    Independent inner = decorrelate(subquery, scope_, plan_);
    partners = inner.plan;
    for (size_t i = 0; i < inner.plan->schema.size(); ++i) {
      ExprRef value = make_column(width + i, inner.plan->schema[i].type);
      if (i < inner.outer.size()) {
        conditions.push_back(make_call("IS NOT DISTINCT FROM", {column(inner.outer[i]), value}));
      } else {
        values.push_back(value);
      }
    }
  }
  std::vector<ExprRef> equalities;
  for (size_t i = 0; i < operands.size(); ++i) {
    equalities.push_back(make_call("=", {operands[i], values[i]}));
  }
  if (keep.unknown && !equalities.empty()) {
    equalities = {make_call("IS NOT FALSE", {make_and(std::move(equalities))})};
  }
  conditions.insert(conditions.end(), equalities.begin(), equalities.end());
  plan_ = make_join_on(plan_, partners, keep.type, make_and(std::move(conditions)));
}

size_t Joined::join(const Independent& inner, const std::vector<std::pair<ExprRef, size_t>>& keys) {
  size_t width = plan_->schema.size();
  std::vector<ExprRef> conditions;
  for (size_t i = 0; i < inner.outer.size(); ++i) {
    conditions.push_back(
        make_call("IS NOT DISTINCT FROM",
                  {column(inner.outer[i]), make_column(width + i, inner.plan->schema[i].type)}));
  }
  for (const auto& [value, at] : keys) {
    conditions.push_back(
        make_call("=", {value, make_column(width + at, inner.plan->schema[at].type)}));
  }
  plan_ = make_join_on(plan_, inner.plan, JoinType::kLeft,
                       conditions.empty() ? nullptr : make_and(std::move(conditions)));
  return width + inner.outer.size();
}

ExprRef Joined::exists(const PlanRef& subquery) {
  Independent inner = decorrelate(subquery, scope_, plan_);
  size_t d = inner.outer.size();
  if (d == 0) {
    PlanRef counted = make_aggregate(first_columns(inner.plan, 0), {}, {count_star()});
    ExprRef any = make_call(
        ">", {make_column(0, counted->schema[0].type), make_literal(int64_t{0}, Type::bigint())});
    inner.plan = make_project(counted, {any}, {"exists"});
    return column(join(inner));
  }
  PlanRef values = make_distinct(first_columns(inner.plan, d));
  std::vector<ExprRef> columns = column_expressions(*values);
  std::vector<std::string> names = values->schema.names();
  columns.push_back(boolean(true));
  names.push_back("exists");
  inner.plan = make_project(values, std::move(columns), std::move(names));
  return make_call("IS NOT NULL", {column(join(inner))});
}

// Projections and a HAVING over an aggregation without GROUP BY: the aggregation alone is joined,
// grouped by the outer columns; the rest is computed above, where missing groups show as NULL.
std::optional<ExprRef> Joined::scalar_aggregate(const PlanRef& subquery) {
  PlanRef at = subquery;
  ExprRef value = make_column(0, subquery->schema[0].type);
  ExprRef having;
  while (true) {
    if (const auto* project = std::get_if<ProjectNode>(&at->node)) {
      value = substitute(value, project->expressions);
      having = having != nullptr ? substitute(having, project->expressions) : having;
      at = PlanRef(project->input);
    } else if (const auto* filter = std::get_if<FilterNode>(&at->node)) {
      having = having != nullptr ? make_and({filter->predicate, having}) : filter->predicate;
      at = PlanRef(filter->input);
    } else {
      break;
    }
  }
  const auto* aggregate = std::get_if<AggregateNode>(&at->node);
  if (aggregate == nullptr || !aggregate->group.empty() || aggregate->calls.empty()) {
    return std::nullopt;
  }
  Independent input = decorrelate(aggregate->input, scope_, plan_);
  size_t d = input.outer.size();
  std::vector<AggregateCall> calls = aggregate->calls;
  for (AggregateCall& call : calls) {
    for_each_input(call, [&](size_t& column) { column += d; });
  }
  std::vector<size_t> group(d);
  std::iota(group.begin(), group.end(), 0);
  size_t first = join({make_aggregate(input.plan, std::move(group), calls), input.outer});
  std::vector<ExprRef> results;
  for (size_t i = 0; i < calls.size(); ++i) {
    results.push_back(empty_group_value(calls[i], column(first + i)));
  }
  auto above = [&](const ExprRef& expr) {
    return substitute_outer(substitute(expr, results),
                            [&](const OuterExpr& outer, const Type&) -> ExprRef {
                              return outer.scope == scope_ ? column(outer.index) : nullptr;
                            });
  };
  ExprRef result = above(value);
  if (having == nullptr) {
    return result;
  }
  return make_case({{above(having), result}}, make_literal(std::monostate{}, result->type),
                   result->type);
}

ExprRef Joined::scalar(const PlanRef& subquery) {
  if (std::optional<ExprRef> value = scalar_aggregate(subquery)) {
    return *value;
  }
  Independent inner = decorrelate(subquery, scope_, plan_);
  size_t d = inner.outer.size();
  const auto& key = inner.plan->key;
  bool at_most_one =
      key && std::all_of(key->begin(), key->end(), [&](size_t part) { return part < d; });
  if (at_most_one) {
    return column(join(inner));
  }
  std::vector<size_t> group(d);
  std::iota(group.begin(), group.end(), 0);
  inner.plan = make_aggregate(
      inner.plan, std::move(group),
      {count_star(), aggregate_call(AggregateKind::kMin, d, inner.plan->schema[d].type)});
  size_t first = join(inner);
  return make_single_row(column(first), column(first + 1));
}

// COUNT(*) and COUNT(v) by the outer columns as two booleans that seldom change, then `more`.
size_t Joined::join_statistics(const Independent& inner, std::vector<AggregateCall> more) {
  size_t d = inner.outer.size();
  std::vector<size_t> group(d);
  std::iota(group.begin(), group.end(), 0);
  std::vector<AggregateCall> calls{
      count_star(), aggregate_call(AggregateKind::kCount, d, inner.plan->schema[d].type)};
  calls.insert(calls.end(), more.begin(), more.end());
  PlanRef counted = make_aggregate(inner.plan, std::move(group), std::move(calls));
  std::vector<ExprRef> columns = column_expressions(*counted);
  std::vector<std::string> names = counted->schema.names();
  ExprRef rows = columns[d], values = columns[d + 1];
  columns[d] = make_call(">", {rows, make_literal(int64_t{0}, Type::bigint())});
  columns[d + 1] = make_call("<", {values, rows});
  names[d] = "has_rows";
  names[d + 1] = "has_null";
  return join({make_project(counted, std::move(columns), std::move(names)), inner.outer});
}

ExprRef Joined::no_null_in_the_way(const PendingSubquery& subquery) {
  Independent inner = decorrelate(subquery.plan, scope_, plan_);
  bool may_be_null = inner.plan->schema[inner.outer.size()].type.nullable;
  const ExprRef& operand = subquery.operands[0];
  if (!may_be_null && !operand->type.nullable) {
    return nullptr;
  }
  size_t statistics = join_statistics(inner, {});
  return make_or({make_call("IS NOT TRUE", {column(statistics)}),
                  make_and({make_call("IS NOT NULL", {operand}),
                            make_call("IS NOT TRUE", {column(statistics + 1)})})});
}

ExprRef Joined::in(const PendingSubquery& subquery) {
  Independent inner = decorrelate(subquery.plan, scope_, plan_);
  size_t d = inner.outer.size();
  const ExprRef& operand = subquery.operands[0];
  size_t statistics = join_statistics(inner, {});
  // The different values, with a mark that shows in the outer join.
  PlanRef values = make_distinct(first_columns(inner.plan, d + 1));
  std::vector<ExprRef> columns = column_expressions(*values);
  std::vector<std::string> names = values->schema.names();
  columns.push_back(boolean(true));
  names.push_back("found");
  PlanRef marked = make_project(values, std::move(columns), std::move(names));
  size_t found = join({marked, inner.outer}, {{operand, d}}) + 1;
  return make_case(
      {{make_call("IS NOT NULL", {column(found)}), boolean(true)},
       {make_call("IS NOT TRUE", {column(statistics)}), boolean(false)},
       {make_or({make_call("IS NULL", {operand}), column(statistics + 1)}), null_boolean()}},
      boolean(false), Type::boolean());
}

// Comparisons with ANY and ALL by the smallest and the largest value.
ExprRef Joined::quantified(const PendingSubquery& subquery) {
  using enum sql::BinaryOperator;
  Independent inner = decorrelate(subquery.plan, scope_, plan_);
  size_t d = inner.outer.size();
  const ExprRef& operand = subquery.operands[0];
  const Type& type = inner.plan->schema[d].type;
  size_t statistics = join_statistics(inner, {aggregate_call(AggregateKind::kMin, d, type),
                                              aggregate_call(AggregateKind::kMax, d, type)});
  ExprRef low = column(statistics + 2), high = column(statistics + 3);
  auto test = [&](std::string_view op, const ExprRef& bound) {
    return make_call(op, {operand, bound});
  };
  // Whether some value makes the comparison TRUE, whether some makes it FALSE. NULL if there are no
  // values.
  ExprRef some, some_not;
  switch (subquery.op) {
    case kNotEqual:
      some = make_or({test("<>", low), test("<>", high)});
      some_not = nullptr;  // `<> ALL` is NOT IN
      break;
    case kEqual:
      some = nullptr;  // `= ANY` is IN
      some_not = make_or({test("<>", low), test("<>", high)});
      break;
    case kLess:
      some = test("<", high);
      some_not = test(">=", low);
      break;
    case kLessEqual:
      some = test("<=", high);
      some_not = test(">", low);
      break;
    case kGreater:
      some = test(">", low);
      some_not = test("<=", high);
      break;
    default:
      some = test(">=", low);
      some_not = test("<", high);
      break;
  }
  const ExprRef& decisive = subquery.all ? some_not : some;
  CHECK(decisive != nullptr);
  return make_case(
      {{make_call("IS NOT TRUE", {column(statistics)}), boolean(subquery.all)},
       {decisive, boolean(!subquery.all)},
       {make_or({make_call("IS NULL", {operand}), column(statistics + 1)}), null_boolean()}},
      boolean(subquery.all), Type::boolean());
}

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

ExprRef with_values(const ExprRef& expr, uint32_t level, const std::vector<ExprRef>& values) {
  return substitute_outer(expr, [&](const OuterExpr& outer, const Type&) -> ExprRef {
    return outer.scope == level ? values[outer.index] : nullptr;
  });
}

}  // namespace

Result<PlanRef> QueryBinder::bind_subquery(const sql::Query& query, const Scope& scope) {
  const Scope* enclosing = std::exchange(outer_, &scope);
  Result<BoundSelect> bound = bind(query);
  outer_ = enclosing;
  BoundSelect select = TRY(std::move(bound));
  return select.visible();
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
        if (subquery.operands.size() != 1) {
          return unsupported("IN (query) of row values in this place", pending.position);
        }
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
  bool row_value = pending.operands.size() > 1;
  if (keeps_missing && pending.operands.size() == 1) {
    if (ExprRef allowed = joined.no_null_in_the_way(pending)) {
      joined.filter(allowed);
    }
  }
  joined.keep(pending.plan, pending.operands,
              {keeps_missing ? JoinType::kAnti : JoinType::kSemi, keeps_missing && row_value});
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
