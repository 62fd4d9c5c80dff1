#include "plan/bind/joined.h"

#include <algorithm>
#include <numeric>

#include <fmt/core.h>

#include "expr/single_row.h"
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

}  // namespace

void Joined::keep(const PlanRef& subquery, const std::vector<ExprRef>& operands, JoinType type) {
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
  for (size_t i = 0; i < operands.size(); ++i) {
    conditions.push_back(make_call("=", {operands[i], values[i]}));
  }
  plan_ = make_join_on(plan_, partners, type, make_and(std::move(conditions)));
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
  return exists(subquery, plan_);
}

ExprRef Joined::exists(const PlanRef& subquery, const PlanRef& asking) {
  Independent inner = decorrelate(subquery, scope_, asking);
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
  const Type& type = inner.plan->schema[d].type;
  AggregateKind any = type.is_nested() ? AggregateKind::kFirstValue : AggregateKind::kMin;
  inner.plan =
      make_aggregate(inner.plan, std::move(group), {count_star(), aggregate_call(any, d, type)});
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
  if (subquery.operands.size() > 1) {
    ExprRef unknown = may_be_in(subquery);
    return unknown == nullptr ? nullptr : make_call("NOT", {unknown});
  }
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

// The different rows, with a mark that shows in the outer join.
ExprRef Joined::found(const Independent& inner, const std::vector<ExprRef>& operands) {
  size_t d = inner.outer.size();
  PlanRef values = make_distinct(inner.plan);
  std::vector<ExprRef> columns = column_expressions(*values);
  std::vector<std::string> names = values->schema.names();
  columns.push_back(boolean(true));
  names.push_back("found");
  PlanRef marked = make_project(values, std::move(columns), std::move(names));
  std::vector<std::pair<ExprRef, size_t>> keys;
  for (const ExprRef& operand : operands) {
    keys.emplace_back(operand, d + keys.size());
  }
  return make_call("IS NOT NULL", {column(join({marked, inner.outer}, keys) + keys.size())});
}

std::vector<ExprRef> Joined::outer_operands(const PendingSubquery& subquery) {
  std::vector<ExprRef> columns = column_expressions(*plan_), result;
  std::vector<std::string> names = plan_->schema.names();
  for (const ExprRef& operand : subquery.operands) {
    const auto* plain = std::get_if<ColumnExpr>(&operand->node);
    result.push_back(
        make_outer(scope_, plain != nullptr ? plain->index : columns.size(), operand->type));
    if (plain == nullptr) {
      columns.push_back(operand);
      names.push_back(fmt::format("$o{}", columns.size()));
    }
  }
  if (columns.size() != plan_->schema.size()) {
    plan_ = make_project(plan_, std::move(columns), std::move(names));
  }
  return result;
}

// Whether the operands, several, would be equal to a row of the subquery if what is NULL had the
// right values; null: there are no NULLs. Only pairs with a NULL on one side are looked at: equal
// ones are found without.
ExprRef Joined::may_be_in(const PendingSubquery& subquery) {
  std::vector<ExprRef> operands = outer_operands(subquery), conditions, null_here, null_there;
  for (size_t i = 0; i < operands.size(); ++i) {
    ExprRef value = make_column(i, subquery.plan->schema[i].type);
    std::vector<ExprRef> any{make_call("=", {operands[i], value})};
    if (operands[i]->type.nullable) {
      any.push_back(make_call("IS NULL", {operands[i]}));
      null_here.push_back(
          make_call("IS NULL", {column(std::get<OuterExpr>(operands[i]->node).index)}));
    }
    if (value->type.nullable) {
      any.push_back(make_call("IS NULL", {value}));
      null_there.push_back(any.back());
    }
    conditions.push_back(make_or(std::move(any)));
  }
  ExprRef may_be_equal = make_and(std::move(conditions));
  PlanRef asking = plan_;
  std::vector<ExprRef> found;
  if (!null_there.empty()) {
    PlanRef with_null = make_filter(subquery.plan, make_or(std::move(null_there)));
    found.push_back(exists(make_filter(with_null, may_be_equal), asking));
  }
  if (!null_here.empty()) {
    found.push_back(exists(make_filter(subquery.plan, may_be_equal),
                           make_filter(asking, make_or(std::move(null_here)))));
  }
  return found.empty() ? nullptr : make_or(std::move(found));
}

ExprRef Joined::in(const PendingSubquery& subquery) {
  Independent inner = decorrelate(subquery.plan, scope_, plan_);
  if (subquery.operands.size() > 1) {
    ExprRef unknown = may_be_in(subquery);
    ExprRef equal = found(inner, subquery.operands);
    return unknown == nullptr ? equal
                              : make_case({{equal, boolean(true)}, {unknown, null_boolean()}},
                                          boolean(false), Type::boolean());
  }
  const ExprRef& operand = subquery.operands[0];
  size_t statistics = join_statistics(inner, {});
  return make_case(
      {{found(inner, subquery.operands), boolean(true)},
       {make_call("IS NOT TRUE", {column(statistics)}), boolean(false)},
       {make_or({make_call("IS NULL", {operand}), column(statistics + 1)}), null_boolean()}},
      boolean(false), Type::boolean());
}

// Comparisons of row values with ANY and ALL: whether one is TRUE (of ALL: FALSE), whether one is
// NULL.
ExprRef Joined::quantified_rows(const PendingSubquery& subquery) {
  std::vector<ExprRef> operands = outer_operands(subquery);
  std::vector<std::pair<ExprRef, ExprRef>> pairs;
  for (size_t i = 0; i < operands.size(); ++i) {
    pairs.emplace_back(operands[i], make_column(i, subquery.plan->schema[i].type));
  }
  Result<ExprRef> comparison = ExprBinder::compare_fields(subquery.op, pairs, subquery.position);
  CHECK(comparison.ok());  // the binder has compared them
  PlanRef asking = plan_;
  auto is_for_one = [&](std::string_view test) {
    return exists(make_filter(subquery.plan, make_call(test, {*comparison})), asking);
  };
  ExprRef decided = is_for_one(subquery.all ? "IS FALSE" : "IS TRUE");
  return make_case({{decided, boolean(!subquery.all)}, {is_for_one("IS NULL"), null_boolean()}},
                   boolean(subquery.all), Type::boolean());
}

// Comparisons with ANY and ALL by the smallest and the largest value.
ExprRef Joined::quantified(const PendingSubquery& subquery) {
  if (subquery.operands.size() > 1 || subquery.operands[0]->type.is_nested()) {
    return quantified_rows(subquery);  // without a smallest value
  }
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

}  // namespace tidemark
