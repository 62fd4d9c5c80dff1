// The frame of a query: WITH, views, ORDER BY and LIMIT over any body.

#include "plan/bind/bind_query.h"

#include "base/overloaded.h"
#include "expr/eval.h"
#include "plan/bind/order_by.h"
#include "plan/bind/query_binder.h"
#include "plan/bind/sql_functions.h"
#include "plan/rewrite.h"
#include "sql/parser.h"

namespace tidemark {

void QueryBinder::remember(const ObjectRef& object) {
  for (const ObjectRef& known : result_.objects) {
    if (known->id == object->id) {
      return;
    }
  }
  result_.objects.push_back(object);
}

Result<PlanRef> QueryBinder::expand_view(const CatalogObject& view, size_t position) {
  constexpr int kDepthMax = 64;
  if (++depth_ > kDepthMax) {
    return Status::invalid_argument("views are nested too deeply").with_position(position);
  }
  const auto* plain = std::get_if<ViewDefinition>(&view.definition);
  sql::QueryPtr query = TRY(sql::parse_query(
      plain != nullptr ? plain->query
                       : std::get<MaterializedViewDefinition>(view.definition).query));
  BindContext inner = context_;
  inner.current_catalog = view.context_catalog;
  inner.current_database = view.context_database;
  QueryBinder binder(inner, result_);
  binder.depth_ = depth_;
  Result<BoundSelect> bound = binder.bind(*query);
  if (!bound.ok()) {
    Status status = bound.status();
    return Status(status.code(), fmt::format("view {}: {}", view.name.object, status.message()))
        .with_hint(status.hint())
        .with_position(position);
  }
  --depth_;
  // The view's own column names, without what only its ORDER BY needed.
  std::vector<ExprRef> columns;
  std::vector<std::string> names;
  for (size_t i = 0; i < view.schema.size(); ++i) {
    columns.push_back(make_column(i, bound->plan->schema[i].type));
    names.push_back(view.schema[i].name);
  }
  return make_project(bound->plan, std::move(columns), std::move(names));
}

// Each common table sees those before it, and the scopes where it was written.
Result<PlanRef> QueryBinder::bind_common_table(size_t index) {
  CommonTable& table = common_tables_[index];
  if (table.plan != nullptr) {
    return table.plan;
  }
  if (table.may_recur) {
    if (std::optional<PlanRef> recursive = TRY(bind_recursive(index))) {
      common_tables_[index].plan = *recursive;
      return *recursive;
    }
  }
  std::vector<CommonTable> visible(common_tables_.begin(),
                                   common_tables_.begin() + static_cast<ptrdiff_t>(index));
  const sql::CommonTable& ast = *table.ast;
  std::swap(visible, common_tables_);
  const Scope* enclosing = std::exchange(outer_, visible[index].outer);
  Result<BoundSelect> bound = bind(*ast.query);
  std::swap(visible, common_tables_);
  // What was bound on the way is kept for other uses.
  for (size_t i = 0; i < index; ++i) {
    common_tables_[i].plan = visible[i].plan;
  }
  outer_ = enclosing;
  BoundSelect select = TRY(std::move(bound));
  common_tables_[index].plan = select.visible();
  return common_tables_[index].plan;
}

namespace {

bool is_null_literal(const Expr& expr) {
  const auto* literal = std::get_if<LiteralExpr>(&expr.node);
  return literal != nullptr && std::holds_alternative<std::monostate>(literal->value);
}

}  // namespace

// UINT64_MAX: NULL.
Result<uint64_t> QueryBinder::bind_count(const sql::Expr& expr, std::string_view clause) {
  Scope none;
  ExprBinder binder(none, context_);
  ExprRef bound = TRY(binder.bind_as(expr, Type::bigint()));
  if (bound->type.kind == TypeKind::kBigint && is_null_literal(*bound)) {
    return UINT64_MAX;  // LIMIT NULL is no limit; a parameter without a value yet
  }
  if (!bound->type.is_integer()) {
    return Status::invalid_argument(fmt::format("{} takes a whole number, not negative", clause))
        .with_position(expr.position);
  }
  EvalContext eval;
  Value value = TRY(evaluate_constant(*make_cast(bound, Type::bigint()), eval));
  const auto* count = std::get_if<int64_t>(&value);
  if (count == nullptr || *count < 0) {
    return Status::invalid_argument(fmt::format("{} takes a whole number, not negative", clause))
        .with_position(expr.position);
  }
  return static_cast<uint64_t>(*count);
}

Result<BoundSelect> QueryBinder::limit(PlanRef plan, size_t hidden, std::vector<SortKey> order,
                                       const sql::Query& query) {
  uint64_t offset = query.offset ? TRY(bind_count(*query.offset, "OFFSET")) : 0;
  offset = offset == UINT64_MAX ? 0 : offset;
  std::optional<uint64_t> count;
  if (query.limit) {
    count = TRY(bind_count(*query.limit, "LIMIT"));
    count = *count == UINT64_MAX ? std::nullopt : count;
  }
  if (offset != 0 || count) {
    plan = make_top_n({plan, order, offset, count, {}});
  }
  return BoundSelect{std::move(plan), hidden, std::move(order)};
}

Result<BoundSelect> QueryBinder::order_and_limit(PlanRef plan, const sql::Query& query) {
  Scope scope;
  scope.id = next_scope_id();
  for (const Field& field : plan->schema.fields) {
    scope.columns.push_back({"", field.name, field.type});
  }
  ExprBinder binder(scope, context_);
  binder.set_clause("ORDER BY");
  size_t visible = scope.columns.size();
  std::vector<ExprRef> columns = column_expressions(*plan);
  std::vector<std::string> names = plan->schema.names();
  std::vector<SortKey> order;
  for (const sql::OrderItem& item : query.order_by) {
    std::optional<size_t> place = TRY(ordinal(*item.expr, visible, "ORDER BY"));
    if (!place) {
      ExprRef expression = TRY(binder.bind(*item.expr));
      if (const auto* column = std::get_if<ColumnExpr>(&expression->node)) {
        place = column->index;
      } else {
        place = columns.size();
        columns.push_back(std::move(expression));
        names.push_back(fmt::format("$order{}", columns.size() - visible));
      }
    }
    order.push_back(sort_key(item, *place));
  }
  size_t hidden = columns.size() - visible;
  if (hidden != 0) {
    plan = make_project(plan, std::move(columns), std::move(names));
  }
  return limit(std::move(plan), hidden, std::move(order), query);
}

Result<BoundSelect> QueryBinder::bind(const sql::Query& query) {
  constexpr int kDepthMax = 200;
  if (++depth_ > kDepthMax) {
    return Status::invalid_argument("the query is nested too deeply").with_position(query.position);
  }
  size_t outer = common_tables_.size();
  for (const sql::CommonTable& common : query.with) {
    common_tables_.push_back({&common, outer_, nullptr, query.recursive});
  }
  Result<BoundSelect> result = std::visit(
      Overloaded{
          [&](const sql::Select& select) { return bind_select(select, query); },
          [&](const sql::Values& values) -> Result<BoundSelect> {
            return order_and_limit(TRY(bind_values(values, query.position)), query);
          },
          [&](const sql::SetOperation& operation) -> Result<BoundSelect> {
            return order_and_limit(TRY(bind_set_operation(operation, query.position)), query);
          },
          [&](const sql::NestedQuery& nested) -> Result<BoundSelect> {
            BoundSelect inner = TRY(bind(*nested.query));
            if (query.order_by.empty() && !query.limit && !query.offset) {
              return inner;
            }
            // What only the inner ORDER BY needed goes before the outer one sees it.
            return order_and_limit(inner.visible(), query);
          },
      },
      query.body);
  common_tables_.resize(outer);
  --depth_;
  return result;
}

Result<BoundQuery> bind_query(const sql::Query& query, const BindContext& context) {
  BoundQuery result;
  SqlFunctions functions;
  BindContext inner = context;
  inner.functions = &functions;
  QueryBinder binder(inner, result);
  BoundSelect bound = TRY(binder.bind(query));
  result.functions = std::move(functions.used);
  result.plan = std::move(bound.plan);
  result.hidden = bound.hidden;
  result.order = std::move(bound.order);
  return result;
}

}  // namespace tidemark
