// SELECT: its clauses in the order in which they take effect.

#include <algorithm>
#include <numeric>

#include "plan/bind/order_by.h"
#include "plan/bind/query_binder.h"
#include "plan/rewrite.h"

namespace tidemark {

namespace {

std::string item_name(const sql::SelectItem& item, size_t index) {
  if (item.alias) {
    return item.alias->text;
  }
  if (const auto* column = std::get_if<sql::ColumnRef>(&item.expr.node)) {
    return column->name.last();
  }
  return fmt::format("EXPR${}", index);
}

// In the select list, ORDER BY or QUALIFY.
bool any_contains(const sql::Select& select, const sql::Query& query,
                  bool (*contains)(const sql::Expr&)) {
  return std::any_of(select.items.begin(), select.items.end(),
                     [&](const sql::SelectItem& item) { return contains(item.expr); }) ||
         std::any_of(query.order_by.begin(), query.order_by.end(),
                     [&](const sql::OrderItem& item) { return contains(*item.expr); }) ||
         (select.qualify != nullptr && contains(*select.qualify));
}

bool is_aggregated(const sql::Select& select, const sql::Query& query) {
  return !select.group_by.empty() || select.having != nullptr ||
         any_contains(select, query, contains_aggregate);
}

}  // namespace

namespace {

void add_addresses(std::vector<ExprRef>& expressions, std::vector<ExprRef*>& to) {
  for (ExprRef& expression : expressions) {
    to.push_back(&expression);
  }
}

}  // namespace

struct QueryBinder::SelectState {
  Relation from;
  ExprBinder binder;
  bool aggregated = false;
  AggregateBuilder builder;
  // Subqueries over the input's rows, and over groups: of HAVING, and of what comes after it. Where
  // there are windows, those outside of them are over the windows' rows: of QUALIFY, and of the
  // select list.
  SubqueryLevel rows, having_groups, groups, qualified, windowed;
  std::vector<size_t> columns;  // of the scope: where they are in the plan now, SIZE_MAX: nowhere
  std::vector<ExprRef> items;   // with what only ORDER BY needs at the end
  std::vector<std::string> names;
  size_t visible = 0;
  ExprRef having, qualify;
  WindowLevel windows;
  SetLevel sets;
  std::vector<SortKey> order;

  SelectState(Relation relation, const BindContext& context)
      : from(std::move(relation)), binder(from.scope, context) {}
  SelectState(const SelectState&) = delete;  // the binder refers to `from`

  // What is computed over the rows that are left after QUALIFY.
  std::vector<ExprRef*> expressions() {
    std::vector<ExprRef*> result;
    add_addresses(items, result);
    add_addresses(sets.collections, result);
    return result;
  }
  // Over those that are left after HAVING.
  std::vector<ExprRef*> before_windows() {
    std::vector<ExprRef*> result = expressions();
    if (qualify != nullptr) {
      result.push_back(&qualify);
    }
    for (PendingWindow& window : windows.pending) {
      add_addresses(window.inputs, result);
      add_addresses(window.partition, result);
      for (PendingWindow::Order& order : window.order) {
        result.push_back(&order.expr);
      }
    }
    for (SubqueryLevel* level : {&qualified, &windowed}) {
      for (PendingSubquery& subquery : level->pending) {
        add_addresses(subquery.operands, result);
      }
    }
    return result;
  }
};

Status QueryBinder::check_supported(const sql::Select& select) {
  for (const sql::Hint& hint : select.hints) {
    result_.notices.push_back(fmt::format("hint {} has no effect here", hint.name.text));
  }
  return {};
}

namespace {

// The columns that * stands for.
Result<std::vector<size_t>> star_columns(const sql::Star& star, const Scope& scope,
                                         size_t position) {
  bool all = star.qualifier.parts.empty();
  std::vector<size_t> columns;
  for (size_t i = 0; i < scope.columns.size(); ++i) {
    const ScopeColumn& column = scope.columns[i];
    if (all ? !column.merged : star.qualifier.last() == column.table) {
      columns.push_back(i);
    }
  }
  if (columns.empty() && all) {
    return Status::invalid_argument("SELECT * needs a FROM clause").with_position(position);
  }
  if (columns.empty()) {
    return Status::not_found(fmt::format("no such table in this query: {}", star.qualifier.last()))
        .with_position(position);
  }
  return columns;
}

}  // namespace

// r.* of a column of type ROW: its fields. False: there is no such column.
Result<bool> QueryBinder::bind_fields(const sql::Star& star, size_t position, SelectState& state) {
  if (star.qualifier.parts.empty()) {
    return false;
  }
  sql::Expr row{.node = sql::ColumnRef{star.qualifier}, .position = position};
  Result<ExprRef> bound = state.binder.bind(row);
  if (!bound.ok() || (*bound)->type.kind != TypeKind::kRow) {
    return false;
  }
  for (const std::string& name : (*bound)->type.field_names) {
    sql::Name field = star.qualifier;
    field.parts.push_back({name, position});
    state.items.push_back(TRY(state.binder.bind(
        sql::Expr{.node = sql::ColumnRef{std::move(field)}, .position = position})));
    state.names.push_back(name);
  }
  return true;
}

Status QueryBinder::bind_items(const sql::Select& select, SelectState& state) {
  state.binder.set_clause("SELECT");
  for (const sql::SelectItem& item : select.items) {
    const auto* star = std::get_if<sql::Star>(&item.expr.node);
    if (star == nullptr) {
      state.items.push_back(TRY(state.binder.bind(item.expr)));
      state.names.push_back(item_name(item, state.names.size()));
      continue;
    }
    Result<std::vector<size_t>> columns = star_columns(*star, state.from.scope, item.expr.position);
    if (!columns.ok() && TRY(bind_fields(*star, item.expr.position, state))) {
      continue;
    }
    for (size_t i : TRY(std::move(columns))) {
      const ScopeColumn& column = state.from.scope.columns[i];
      ExprRef expression = make_column(i, column.type);
      if (state.aggregated) {
        expression = TRY(state.binder.over_groups(expression, column.name, item.expr.position));
      }
      state.items.push_back(std::move(expression));
      state.names.push_back(column.name);
    }
  }
  state.visible = state.items.size();
  return {};
}

// Output names and places first, then expressions over the input.
Status QueryBinder::bind_order(const sql::Select& select, const sql::Query& query,
                               SelectState& state) {
  state.binder.set_clause("ORDER BY");
  for (const sql::OrderItem& item : query.order_by) {
    std::optional<size_t> place = TRY(ordinal(*item.expr, state.visible, "ORDER BY"));
    if (const auto* column = std::get_if<sql::ColumnRef>(&item.expr->node);
        !place && column != nullptr && column->name.parts.size() == 1) {
      for (size_t i = 0; i < state.visible && !place; ++i) {
        place = state.names[i] == column->name.last() ? std::optional<size_t>(i) : std::nullopt;
      }
    }
    if (!place) {
      ExprRef expression = TRY(state.binder.bind(*item.expr));
      for (size_t i = 0; i < state.items.size() && !place; ++i) {
        place = same_expr(*state.items[i], *expression) ? std::optional<size_t>(i) : std::nullopt;
      }
      if (!place) {
        if (select.distinct) {
          return Status::invalid_argument("with DISTINCT, ORDER BY can only name selected columns")
              .with_position(item.expr->position);
        }
        state.items.push_back(expression);
        state.names.push_back(fmt::format("$order{}", state.items.size() - state.visible));
        place = state.items.size() - 1;
      }
    }
    state.order.push_back(sort_key(item, *place));
  }
  return {};
}

// The plan over groups, HAVING done; from here on columns are the group's and the calls'.
Status QueryBinder::aggregate(SelectState& state) {
  const Scope& scope = state.from.scope;
  AggregateBuilder& builder = state.builder;
  PlanRef& plan = state.from.plan;
  TRY(apply_subqueries(plan, state.rows, scope, state.columns, addresses(builder.below)));
  if (!builder.sets.empty()) {
    builder.below[builder.group.size() - 1] =
        make_literal(int32_t{0}, builder.group.back()->type);  // not read
  }
  std::vector<std::string> names;
  std::fill(state.columns.begin(), state.columns.end(), SIZE_MAX);
  for (size_t i = 0; i < builder.below.size(); ++i) {
    const auto* column = std::get_if<ColumnExpr>(&builder.below[i]->node);
    bool named = column != nullptr && column->index < scope.columns.size();
    names.push_back(named ? scope.columns[column->index].name : fmt::format("$f{}", i));
    if (named && i < builder.group.size()) {
      state.columns[column->index] = i;
    }
  }
  plan = make_project(plan, builder.below, std::move(names));
  plan = aggregate_groups(plan, builder);
  if (state.having != nullptr) {
    ExprRef* having = &state.having;
    TRY(apply_subqueries(plan, state.having_groups, scope, state.columns, std::span(&having, 1)));
    plan = make_filter(plan, state.having);
  }
  return apply_subqueries(plan, state.groups, scope, state.columns, state.before_windows());
}

// Conditions without subqueries first, so that these are joined to fewer rows.
Status QueryBinder::qualify(SelectState& state) {
  PlanRef& plan = state.from.plan;
  std::vector<ExprRef> conditions, plain, with_subqueries;
  split_and(state.qualify, conditions);
  for (ExprRef& condition : conditions) {
    (has_outer(*condition, state.qualified.id) ? with_subqueries : plain)
        .push_back(std::move(condition));
  }
  if (!plain.empty()) {
    plan = make_filter(plan, make_and(std::move(plain)));
  }
  if (!with_subqueries.empty()) {
    TRY(apply_subqueries(plan, state.qualified, state.from.scope, state.columns,
                         addresses(with_subqueries)));
    plan = make_filter(plan, make_and(std::move(with_subqueries)));
  }
  return {};
}

Result<BoundSelect> QueryBinder::bind_select(const sql::Select& select, const sql::Query& query) {
  TRY(check_supported(select));
  Relation from = TRY(bind_from(select));
  from.scope.outer = outer_;
  if (select.where) {
    from.plan = TRY(filter(from.plan, from.scope, *select.where, "WHERE"));
  }
  SelectState state(std::move(from), context_);
  for (SubqueryLevel* level :
       {&state.rows, &state.having_groups, &state.groups, &state.qualified, &state.windowed}) {
    level->id = next_scope_id();
  }
  state.columns.resize(state.from.scope.columns.size());
  std::iota(state.columns.begin(), state.columns.end(), 0);
  state.aggregated = is_aggregated(select, query);
  if (state.aggregated) {
    state.builder = TRY(bind_group(select, state.from.scope, state.rows));
    state.binder.use_aggregates(&state.builder);
  }
  state.binder.use_subqueries(this, &state.rows, &state.groups);
  state.windows.id = next_scope_id();
  state.windows.named = &select.windows;
  bool has_windows = any_contains(select, query, contains_window);
  state.windows.subqueries = has_windows ? &state.windowed : nullptr;
  state.binder.use_windows(&state.windows);
  state.sets.id = next_scope_id();
  state.binder.use_sets(&state.sets);
  TRY(bind_items(select, state));
  TRY(bind_order(select, query, state));
  state.binder.use_sets(nullptr);
  if (select.qualify) {
    state.windows.subqueries = &state.qualified;
    state.binder.set_clause("QUALIFY");
    state.qualify = TRY(state.binder.bind_boolean(*select.qualify, "QUALIFY"));
  }
  state.binder.use_windows(nullptr);
  if (select.having) {
    state.binder.set_clause("HAVING");
    state.binder.use_subqueries(this, &state.rows, &state.having_groups);
    state.having = TRY(state.binder.bind_boolean(*select.having, "HAVING"));
  }
  if (state.aggregated) {
    TRY(aggregate(state));
  } else {
    TRY(apply_subqueries(state.from.plan, state.rows, state.from.scope, state.columns,
                         state.before_windows()));
  }
  state.from.plan = apply_windows(state.from.plan, state.windows, state.before_windows());
  if (state.qualify != nullptr) {
    TRY(qualify(state));
  }
  TRY(apply_subqueries(state.from.plan, state.windowed, state.from.scope, state.columns,
                       state.expressions()));
  PlanRef plan = apply_sets(state.from.plan, state.sets, addresses(state.items));
  plan = make_project(plan, state.items, state.names);
  if (select.distinct) {
    plan = make_distinct(plan);
  }
  return limit(plan, state.items.size() - state.visible, std::move(state.order), query);
}

}  // namespace tidemark
