// GROUP BY with ROLLUP, CUBE and GROUPING SETS, and the functions that tell the groupings apart.

#include <algorithm>
#include <numeric>

#include "plan/bind/order_by.h"
#include "plan/bind/query_binder.h"
#include "plan/rewrite.h"

namespace tidemark {

namespace {

using Sets = std::vector<std::vector<size_t>>;

constexpr size_t kSetsMax = 64;  // each is an aggregation of its own

void add_new(std::vector<size_t>& to, const std::vector<size_t>& from) {
  for (size_t column : from) {
    if (std::find(to.begin(), to.end(), column) == to.end()) {
      to.push_back(column);
    }
  }
}

// Each set of the one with each of the other.
Sets product(const Sets& left, const Sets& right) {
  Sets result;
  for (const std::vector<size_t>& first : left) {
    for (const std::vector<size_t>& second : right) {
      result.push_back(first);
      add_new(result.back(), second);
    }
  }
  return result;
}

Status too_many(size_t position) {
  return Status::unsupported(fmt::format("more than {} grouping sets", kSetsMax))
      .with_position(position);
}

// An expression of GROUP BY, which may be the place or the name of an output column.
Result<const sql::Expr*> meant_by(const sql::Expr& expression, const sql::Select& select,
                                  const Scope& scope) {
  std::optional<size_t> place = TRY(ordinal(expression, select.items.size(), "GROUP BY"));
  const sql::Expr* meant = place ? &select.items[*place].expr : &expression;
  if (const auto* column = std::get_if<sql::ColumnRef>(&expression.node);
      column != nullptr && column->name.parts.size() == 1) {
    // A name that no input column has may be an output name (as in Postgres).
    Result<std::optional<size_t>> found = scope.find(column->name);
    if (found.ok() && !found->has_value()) {
      for (const sql::SelectItem& item : select.items) {
        meant = item.alias && item.alias->text == column->name.last() ? &item.expr : meant;
      }
    }
  }
  return meant;
}

}  // namespace

Result<Sets> QueryBinder::grouping_sets(const sql::GroupingElement& element,
                                        const sql::Select& select, const Scope& scope,
                                        ExprBinder& binder, AggregateBuilder& builder) {
  if (element.kind == sql::GroupingKind::kEmpty) {
    return Sets{{}};
  }
  if (element.kind == sql::GroupingKind::kExpression) {
    std::vector<const sql::Expr*> expressions{element.expr.get()};
    if (const auto* row = std::get_if<sql::RowConstructor>(&element.expr->node)) {
      expressions.clear();
      for (const sql::Expr& field : row->fields) {
        expressions.push_back(&field);
      }
    }
    std::vector<size_t> columns;
    for (const sql::Expr* expression : expressions) {
      ExprRef bound = TRY(binder.bind(*TRY(meant_by(*expression, select, scope))));
      auto known = std::find_if(builder.group.begin(), builder.group.end(),
                                [&](const ExprRef& other) { return same_expr(*other, *bound); });
      size_t column = static_cast<size_t>(known - builder.group.begin());
      if (known == builder.group.end()) {
        builder.add_group(std::move(bound));
      }
      add_new(columns, {column});
    }
    return Sets{std::move(columns)};
  }
  std::vector<Sets> parts;
  for (const sql::GroupingElement& each : element.elements) {
    parts.push_back(TRY(grouping_sets(each, select, scope, binder, builder)));
  }
  Sets result;
  if (element.kind == sql::GroupingKind::kSets) {
    for (const Sets& part : parts) {
      result.insert(result.end(), part.begin(), part.end());
    }
  } else if (element.kind == sql::GroupingKind::kRollup) {
    for (size_t taken = parts.size() + 1; taken-- > 0;) {
      result.emplace_back();
      for (size_t i = 0; i < taken; ++i) {
        add_new(result.back(), parts[i][0]);
      }
    }
  } else {
    if (parts.size() > 6) {
      return too_many(element.position);
    }
    for (size_t left_out = 0; left_out < size_t{1} << parts.size(); ++left_out) {
      result.emplace_back();
      for (size_t i = 0; i < parts.size(); ++i) {
        if ((left_out >> (parts.size() - 1 - i) & 1) == 0) {
          add_new(result.back(), parts[i][0]);
        }
      }
    }
  }
  return result.size() > kSetsMax ? Result<Sets>(too_many(element.position))
                                  : Result<Sets>(std::move(result));
}

Result<AggregateBuilder> QueryBinder::bind_group(const sql::Select& select, const Scope& scope,
                                                 SubqueryLevel& level) {
  AggregateBuilder builder;
  ExprBinder binder(scope, context_);
  binder.refuse_sets("GROUP BY");
  binder.set_clause("GROUP BY");
  binder.use_subqueries(this, &level, nullptr);
  Sets sets{{}};
  bool several = false;
  for (const sql::GroupingElement& element : select.group_by) {
    Sets these = TRY(grouping_sets(element, select, scope, binder, builder));
    several = several || (element.kind != sql::GroupingKind::kExpression &&
                          element.kind != sql::GroupingKind::kEmpty);
    if (sets.size() * these.size() > kSetsMax) {
      return too_many(element.position);
    }
    sets = product(sets, these);
  }
  if (several) {
    builder.sets = std::move(sets);
    builder.add_group(make_outer(next_scope_id(), 0, Type::integer().not_null()));
  }
  return builder;
}

PlanRef aggregate_groups(const PlanRef& below, const AggregateBuilder& builder) {
  if (builder.sets.empty()) {
    std::vector<size_t> group(builder.group.size());
    std::iota(group.begin(), group.end(), 0);
    return make_aggregate(below, std::move(group), builder.calls);
  }
  std::vector<PlanRef> inputs;
  for (size_t number = 0; number < builder.sets.size(); ++number) {
    const std::vector<size_t>& set = builder.sets[number];
    PlanRef grouped = make_aggregate(below, set, builder.calls);
    std::vector<ExprRef> expressions;
    std::vector<std::string> names;
    for (size_t i = 0; i + 1 < builder.group.size(); ++i) {
      Type type = below->schema[i].type.as_nullable();
      auto at = std::find(set.begin(), set.end(), i);
      expressions.push_back(at == set.end()
                                ? make_literal(std::monostate{}, type)
                                : make_column(static_cast<size_t>(at - set.begin()), type));
      names.push_back(below->schema[i].name);
    }
    expressions.push_back(make_literal(static_cast<int32_t>(number), Type::integer().not_null()));
    names.push_back("$grouping");
    for (size_t c = set.size(); c < grouped->schema.size(); ++c) {
      expressions.push_back(make_column(c, grouped->schema[c].type));
      names.push_back(grouped->schema[c].name);
    }
    inputs.push_back(make_project(std::move(grouped), std::move(expressions), std::move(names)));
  }
  return inputs.size() == 1 ? inputs[0] : make_union(std::move(inputs));
}

Result<ExprRef> ExprBinder::bind_grouping(const std::string& name,
                                          const sql::FunctionCall& call_ast, size_t position) {
  if (aggregates_ == nullptr) {
    return Status::invalid_argument(fmt::format("{} cannot stand in {}", name, clause_))
        .with_position(position);
  }
  if (call_ast.args.empty() != (name == "GROUP_ID") || call_ast.args.size() > 31) {
    return Status::invalid_argument(fmt::format("{} got {} arguments", name, call_ast.args.size()))
        .with_hint("usage: GROUPING(a, ...), GROUPING_ID(a, ...), GROUP_ID()")
        .with_position(position);
  }
  AggregateBuilder* builder = std::exchange(aggregates_, nullptr);
  Result<std::vector<ExprRef>> bound = bind_all(call_ast.args);
  aggregates_ = builder;
  std::vector<size_t> columns;
  for (const ExprRef& argument : TRY(std::move(bound))) {
    ExprRef column = builder->find_group(*argument);
    if (column == nullptr) {
      return Status::invalid_argument(fmt::format("the arguments of {} must be in GROUP BY", name))
          .with_position(position);
    }
    columns.push_back(std::get<ColumnExpr>(column->node).index);
  }
  const Sets& sets = builder->sets;
  Type type = Type::bigint().not_null();
  if (sets.empty()) {
    return make_literal(int64_t{0}, type);
  }
  // By the number of the grouping: which of the arguments it leaves out, the first one highest; or
  // how many groupings like it came before.
  ExprRef number = make_column(builder->group.size() - 1, builder->group.back()->type);
  std::vector<std::pair<ExprRef, ExprRef>> branches;
  for (size_t i = 0; i < sets.size(); ++i) {
    int64_t value = columns.empty()
                        ? std::count_if(sets.begin(), sets.begin() + static_cast<long>(i),
                                        [&](std::vector<size_t> other) {
                                          return std::ranges::is_permutation(other, sets[i]);
                                        })
                        : 0;
    for (size_t column : columns) {
      bool left_out = std::find(sets[i].begin(), sets[i].end(), column) == sets[i].end();
      value = value * 2 + (left_out ? 1 : 0);
    }
    ExprRef is_this =
        make_call("=", {number, make_literal(static_cast<int32_t>(i), Type::integer().not_null())});
    branches.emplace_back(std::move(is_this), make_literal(value, type));
  }
  ExprRef last = branches.back().second;
  branches.pop_back();
  return branches.empty() ? last : make_case(std::move(branches), last, type);
}

}  // namespace tidemark
