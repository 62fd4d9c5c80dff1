#include "plan/bind/bind_query.h"

#include <algorithm>

#include <fmt/core.h>

#include "base/overloaded.h"
#include "expr/cast.h"
#include "expr/eval.h"
#include "plan/bind/bind_expr.h"
#include "sql/parser.h"

namespace tidemark {

namespace {

Status unsupported(std::string_view what, size_t position) {
  return Status::unsupported(fmt::format("{} is not supported yet", what)).with_position(position);
}

// A relation in FROM: its plan, and the names of its columns.
struct Relation {
  PlanRef plan;
  Scope scope;
};

struct BoundSelect {
  PlanRef plan;
  size_t hidden = 0;
  std::vector<SortKey> order;
};

class QueryBinder {
 public:
  QueryBinder(const BindContext& context, BoundQuery& result)
      : context_(context), result_(result) {}

  Result<BoundSelect> bind(const sql::Query& query);

 private:
  struct CommonTable {
    const sql::CommonTable* ast;
  };

  Result<BoundSelect> bind_select(const sql::Select& select, const sql::Query& query);
  Result<PlanRef> bind_values(const sql::Values& values, size_t position);
  Result<PlanRef> bind_set_operation(const sql::SetOperation& operation, size_t position);
  Result<Relation> bind_from(const sql::Select& select, size_t position);
  Result<Relation> bind_table(const sql::TableRef& table);
  Result<Relation> bind_named(const sql::NamedTable& table, size_t position);
  Result<PlanRef> expand_view(const CatalogObject& view, size_t position);
  Result<Relation> derived(PlanRef plan, const std::string& name);
  Status apply_alias(Relation& relation, const sql::TableAlias& alias);
  Result<std::vector<ExprRef>> bind_group(const sql::Select& select, const Scope& scope);
  Status check_supported(const sql::Select& select);
  Result<BoundSelect> order_and_limit(PlanRef plan, const sql::Query& query);
  Result<BoundSelect> limit(PlanRef plan, size_t hidden, std::vector<SortKey> order,
                            const sql::Query& query);
  Result<uint64_t> bind_count(const sql::Expr& expr, std::string_view clause);
  void remember(const ObjectRef& object);

  const BindContext& context_;
  BoundQuery& result_;
  std::vector<CommonTable> common_tables_;
  int depth_ = 0;
};

std::string item_name(const sql::SelectItem& item, size_t index) {
  if (item.alias) {
    return item.alias->text;
  }
  if (const auto* column = std::get_if<sql::ColumnRef>(&item.expr.node)) {
    return column->name.last();
  }
  return fmt::format("EXPR${}", index);
}

SortKey sort_key(const sql::OrderItem& item, size_t column) {
  // Without NULLS FIRST or LAST: Flink sorts NULL as the smallest value.
  bool nulls_first = item.nulls == sql::NullsOrder::kDefault
                         ? !item.descending
                         : item.nulls == sql::NullsOrder::kFirst;
  return {column, item.descending, nulls_first};
}

// 1 for the first output column, if the expression is a plain whole number.
Result<std::optional<size_t>> ordinal(const sql::Expr& expr, size_t columns,
                                      std::string_view clause) {
  const auto* number = std::get_if<sql::NumberLiteral>(&expr.node);
  if (number == nullptr || number->kind != sql::NumberKind::kInteger) {
    return std::optional<size_t>();
  }
  int64_t value = TRY(parse_int(number->text));
  if (value < 1 || static_cast<size_t>(value) > columns) {
    return Status::invalid_argument(fmt::format("{} {} is not a column of the result: it has {}",
                                                clause, value, columns))
        .with_position(expr.position);
  }
  return std::optional<size_t>(static_cast<size_t>(value) - 1);
}

void QueryBinder::remember(const ObjectRef& object) {
  for (const ObjectRef& known : result_.objects) {
    if (known->id == object->id) {
      return;
    }
  }
  result_.objects.push_back(object);
}

Result<Relation> QueryBinder::derived(PlanRef plan, const std::string& name) {
  Relation relation;
  for (const Field& field : plan->schema.fields) {
    relation.scope.columns.push_back({name, field.name, field.type});
  }
  relation.plan = std::move(plan);
  return relation;
}

Status QueryBinder::apply_alias(Relation& relation, const sql::TableAlias& alias) {
  if (alias.columns.size() > relation.scope.columns.size()) {
    return Status::invalid_argument(fmt::format("{} has {} columns, but {} names are given",
                                                alias.name.text, relation.scope.columns.size(),
                                                alias.columns.size()))
        .with_position(alias.name.position);
  }
  for (size_t i = 0; i < relation.scope.columns.size(); ++i) {
    relation.scope.columns[i].table = alias.name.text;
    if (i < alias.columns.size()) {
      relation.scope.columns[i].name = alias.columns[i].text;
    }
  }
  return {};
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

Result<Relation> QueryBinder::bind_named(const sql::NamedTable& table, size_t position) {
  if (table.system_time) {
    return unsupported("FOR SYSTEM_TIME AS OF", table.system_time->position);
  }
  if (table.as_of_mark) {
    return unsupported("AS OF MARK", position);
  }
  if (table.name.parts.size() == 1) {
    for (auto common = common_tables_.rbegin(); common != common_tables_.rend(); ++common) {
      if (common->ast->name.text == table.name.last()) {
        // Inlined; it sees only the common tables before it.
        std::vector<CommonTable> visible(
            common_tables_.begin(), common_tables_.end() - (common - common_tables_.rbegin()) - 1);
        std::swap(visible, common_tables_);
        const sql::CommonTable& ast =
            *common_tables_.emplace_back(CommonTable{visible[common_tables_.size()].ast}).ast;
        common_tables_.pop_back();
        Result<BoundSelect> bound = bind(*ast.query);
        std::swap(visible, common_tables_);
        BoundSelect inner = TRY(std::move(bound));
        Relation relation = TRY(derived(inner.plan, ast.name.text));
        relation.scope.columns.resize(relation.scope.columns.size() - inner.hidden);
        if (!ast.columns.empty()) {
          TRY(apply_alias(relation, sql::TableAlias{ast.name, ast.columns}));
        }
        return relation;
      }
    }
  }
  std::vector<std::string> parts;
  for (const sql::Identifier& part : table.name.parts) {
    parts.push_back(part.text);
  }
  Result<ObjectRef> found =
      context_.catalog.find(parts, context_.current_catalog, context_.current_database);
  if (!found.ok()) {
    return found.status().with_position(position);
  }
  ObjectRef object = *found;
  remember(object);
  for (const sql::Hint& hint : table.hints) {
    result_.notices.push_back(
        fmt::format("hint {} on {} has no effect here", hint.name.text, object->name.object));
  }
  if (object->is_view() || (context_.expand_materialized_views && object->is_materialized_view())) {
    return derived(TRY(expand_view(*object, position)), object->name.object);
  }
  std::vector<size_t> columns(object->schema.size());
  for (size_t i = 0; i < columns.size(); ++i) {
    columns[i] = i;
  }
  return derived(make_scan(object, std::move(columns)), object->name.object);
}

Result<Relation> QueryBinder::bind_table(const sql::TableRef& table) {
  Relation relation = TRY(std::visit(
      Overloaded{
          [&](const sql::NamedTable& named) { return bind_named(named, table.position); },
          [&](const sql::DerivedTable& inner) -> Result<Relation> {
            if (inner.lateral) {
              return unsupported("LATERAL", table.position);
            }
            BoundSelect bound = TRY(bind(*inner.query));
            Relation result = TRY(derived(bound.plan, ""));
            result.scope.columns.resize(result.scope.columns.size() - bound.hidden);
            return result;
          },
          [&](const sql::TableFunction& function) -> Result<Relation> {
            return unsupported(fmt::format("table function {}", function.call.name.last()),
                               table.position);
          },
          [&](const sql::Unnest&) -> Result<Relation> {
            return unsupported("UNNEST", table.position);
          },
          [&](const sql::Join&) -> Result<Relation> { return unsupported("JOIN", table.position); },
          [&](const sql::MatchRecognize&) -> Result<Relation> {
            return unsupported("MATCH_RECOGNIZE", table.position);
          },
      },
      table.node));
  if (table.alias) {
    TRY(apply_alias(relation, *table.alias));
  }
  return relation;
}

Result<Relation> QueryBinder::bind_from(const sql::Select& select, size_t) {
  if (select.from.empty()) {
    RowBatch one;
    one.rows = 1;
    Relation relation;
    relation.plan = make_values({}, std::move(one));
    return relation;
  }
  if (select.from.size() > 1) {
    return unsupported("a join (comma in FROM)", select.from[1].position);
  }
  return bind_table(select.from[0]);
}

Status QueryBinder::check_supported(const sql::Select& select) {
  for (const sql::Hint& hint : select.hints) {
    result_.notices.push_back(fmt::format("hint {} has no effect here", hint.name.text));
  }
  if (select.qualify) {
    return unsupported("QUALIFY", select.qualify->position);
  }
  if (!select.windows.empty()) {
    return unsupported("WINDOW", select.windows[0].name.position);
  }
  return {};
}

Result<std::vector<ExprRef>> QueryBinder::bind_group(const sql::Select& select,
                                                     const Scope& scope) {
  std::vector<ExprRef> group;
  ExprBinder binder(scope, context_.zone);
  binder.set_clause("GROUP BY");
  for (const sql::GroupingElement& element : select.group_by) {
    if (element.kind == sql::GroupingKind::kEmpty) {
      continue;
    }
    if (element.kind != sql::GroupingKind::kExpression) {
      return unsupported(element.kind == sql::GroupingKind::kRollup ? "ROLLUP"
                         : element.kind == sql::GroupingKind::kCube ? "CUBE"
                                                                    : "GROUPING SETS",
                         element.position);
    }
    std::vector<const sql::Expr*> expressions{element.expr.get()};
    if (const auto* row = std::get_if<sql::RowConstructor>(&element.expr->node)) {
      expressions.clear();
      for (const sql::Expr& field : row->fields) {
        expressions.push_back(&field);
      }
    }
    for (const sql::Expr* expression : expressions) {
      std::optional<size_t> place = TRY(ordinal(*expression, select.items.size(), "GROUP BY"));
      const sql::Expr* meant = place ? &select.items[*place].expr : expression;
      if (const auto* column = std::get_if<sql::ColumnRef>(&expression->node);
          column != nullptr && column->name.parts.size() == 1) {
        // A name that no input column has may be an output name (as in Postgres).
        if (!scope.resolve(column->name).ok()) {
          for (const sql::SelectItem& item : select.items) {
            meant = item.alias && item.alias->text == column->name.last() ? &item.expr : meant;
          }
        }
      }
      ExprRef bound = TRY(binder.bind(*meant));
      bool known = std::any_of(group.begin(), group.end(),
                               [&](const ExprRef& other) { return same_expr(*other, *bound); });
      if (!known) {
        group.push_back(std::move(bound));
      }
    }
  }
  return group;
}

Result<BoundSelect> QueryBinder::bind_select(const sql::Select& select, const sql::Query& query) {
  TRY(check_supported(select));
  Relation from = TRY(bind_from(select, query.position));
  PlanRef plan = from.plan;
  ExprBinder binder(from.scope, context_.zone);
  if (select.where) {
    binder.set_clause("WHERE");
    plan = make_filter(plan, TRY(binder.bind_boolean(*select.where, "WHERE")));
  }
  bool aggregated = !select.group_by.empty() || (select.having != nullptr);
  for (const sql::SelectItem& item : select.items) {
    aggregated = aggregated || contains_aggregate(item.expr);
  }
  for (const sql::OrderItem& item : query.order_by) {
    aggregated = aggregated || contains_aggregate(*item.expr);
  }
  AggregateBuilder builder(aggregated ? TRY(bind_group(select, from.scope))
                                      : std::vector<ExprRef>());
  if (aggregated) {
    binder.use_aggregates(&builder);
  }
  binder.set_clause("SELECT");
  std::vector<ExprRef> items;
  std::vector<std::string> names;
  for (const sql::SelectItem& item : select.items) {
    if (const auto* star = std::get_if<sql::Star>(&item.expr.node)) {
      if (select.from.empty()) {
        return Status::invalid_argument("SELECT * needs a FROM clause")
            .with_position(item.expr.position);
      }
      bool any = false;
      for (size_t i = 0; i < from.scope.columns.size(); ++i) {
        const ScopeColumn& column = from.scope.columns[i];
        if (star->qualifier.parts.empty() || star->qualifier.last() == column.table) {
          any = true;
          if (aggregated) {
            sql::Expr reference;
            reference.node = sql::ColumnRef{sql::Name{{{column.name, item.expr.position}}}};
            reference.position = item.expr.position;
            items.push_back(TRY(binder.bind(reference)));
          } else {
            items.push_back(make_column(i, column.type));
          }
          names.push_back(column.name);
        }
      }
      if (!any) {
        return Status::not_found(
                   fmt::format("no such table in this query: {}", star->qualifier.last()))
            .with_position(item.expr.position);
      }
      continue;
    }
    items.push_back(TRY(binder.bind(item.expr)));
    names.push_back(item_name(item, names.size()));
  }
  ExprRef having;
  if (select.having) {
    binder.set_clause("HAVING");
    having = TRY(binder.bind_boolean(*select.having, "HAVING"));
  }
  // ORDER BY: output names and places first, then expressions over the input.
  std::vector<SortKey> order;
  size_t visible = items.size();
  binder.set_clause("ORDER BY");
  for (const sql::OrderItem& item : query.order_by) {
    std::optional<size_t> place = TRY(ordinal(*item.expr, visible, "ORDER BY"));
    if (const auto* column = std::get_if<sql::ColumnRef>(&item.expr->node);
        !place && column != nullptr && column->name.parts.size() == 1) {
      for (size_t i = 0; i < visible && !place; ++i) {
        place = names[i] == column->name.last() ? std::optional<size_t>(i) : std::nullopt;
      }
    }
    if (!place) {
      ExprRef expression = TRY(binder.bind(*item.expr));
      for (size_t i = 0; i < items.size() && !place; ++i) {
        place = same_expr(*items[i], *expression) ? std::optional<size_t>(i) : std::nullopt;
      }
      if (!place) {
        if (select.distinct) {
          return Status::invalid_argument("with DISTINCT, ORDER BY can only name selected columns")
              .with_position(item.expr->position);
        }
        items.push_back(expression);
        names.push_back(fmt::format("$order{}", items.size() - visible));
        place = items.size() - 1;
      }
    }
    order.push_back(sort_key(item, *place));
  }
  if (aggregated) {
    std::vector<std::string> below_names;
    for (size_t i = 0; i < builder.below.size(); ++i) {
      const auto* column = std::get_if<ColumnExpr>(&builder.below[i]->node);
      below_names.push_back(column != nullptr ? from.scope.columns[column->index].name
                                              : fmt::format("$f{}", i));
    }
    size_t group_count = builder.group.size();
    plan = make_project(plan, builder.below, std::move(below_names));
    std::vector<size_t> group(group_count);
    for (size_t i = 0; i < group_count; ++i) {
      group[i] = i;
    }
    plan = make_aggregate(plan, std::move(group), builder.calls);
    if (having) {
      plan = make_filter(plan, having);
    }
  }
  plan = make_project(plan, items, names);
  if (select.distinct) {
    std::vector<size_t> all(items.size());
    for (size_t i = 0; i < all.size(); ++i) {
      all[i] = i;
    }
    plan = make_aggregate(plan, std::move(all), {});
  }
  return limit(plan, items.size() - visible, std::move(order), query);
}

Result<uint64_t> QueryBinder::bind_count(const sql::Expr& expr, std::string_view clause) {
  Scope none;
  ExprBinder binder(none, context_.zone);
  ExprRef bound = TRY(binder.bind(expr));
  EvalContext eval;
  Value value = TRY(evaluate_constant(*make_cast(bound, Type::bigint()), eval));
  const auto* count = std::get_if<int64_t>(&value);
  if (!bound->type.is_integer() || count == nullptr || *count < 0) {
    return Status::invalid_argument(fmt::format("{} takes a whole number, not negative", clause))
        .with_position(expr.position);
  }
  return static_cast<uint64_t>(*count);
}

Result<BoundSelect> QueryBinder::limit(PlanRef plan, size_t hidden, std::vector<SortKey> order,
                                       const sql::Query& query) {
  uint64_t offset = query.offset ? TRY(bind_count(*query.offset, "OFFSET")) : 0;
  std::optional<uint64_t> count;
  if (query.limit) {
    count = TRY(bind_count(*query.limit, "LIMIT"));
  }
  if (offset != 0 || count) {
    plan = make_top_n(plan, order, offset, count);
  }
  return BoundSelect{std::move(plan), hidden, std::move(order)};
}

Result<BoundSelect> QueryBinder::order_and_limit(PlanRef plan, const sql::Query& query) {
  Scope scope;
  for (const Field& field : plan->schema.fields) {
    scope.columns.push_back({"", field.name, field.type});
  }
  std::vector<SortKey> order;
  for (const sql::OrderItem& item : query.order_by) {
    std::optional<size_t> place = TRY(ordinal(*item.expr, scope.columns.size(), "ORDER BY"));
    if (!place) {
      const auto* column = std::get_if<sql::ColumnRef>(&item.expr->node);
      if (column == nullptr) {
        return unsupported("ORDER BY an expression over a set operation", item.expr->position);
      }
      place = TRY(scope.resolve(column->name));
    }
    order.push_back(sort_key(item, *place));
  }
  return limit(std::move(plan), 0, std::move(order), query);
}

// Brings rows or inputs of several queries to common types, column by column.
Result<std::vector<Type>> common_types(const std::vector<std::vector<Type>>& inputs,
                                       size_t position, std::string_view what) {
  std::vector<Type> types = inputs[0];
  for (const std::vector<Type>& input : inputs) {
    if (input.size() != types.size()) {
      return Status::invalid_argument(fmt::format("{} of different lengths: {} and {} columns",
                                                  what, types.size(), input.size()))
          .with_position(position);
    }
    for (size_t c = 0; c < types.size(); ++c) {
      Result<Type> common = common_type(types[c], input[c]);
      if (!common.ok()) {
        return common.status()
            .with_context(fmt::format("column {} of {}", c + 1, what))
            .with_position(position);
      }
      types[c] = *common;
    }
  }
  for (Type& type : types) {
    type = type.kind == TypeKind::kNull ? Type::string() : type;
  }
  return types;
}

Result<PlanRef> QueryBinder::bind_values(const sql::Values& values, size_t position) {
  Scope none;
  ExprBinder binder(none, context_.zone);
  binder.set_clause("VALUES");
  std::vector<std::vector<ExprRef>> rows;
  std::vector<std::vector<Type>> row_types;
  for (const std::vector<sql::Expr>& row : values.rows) {
    std::vector<ExprRef> bound;
    std::vector<Type> types;
    for (const sql::Expr& value : row) {
      bound.push_back(TRY(binder.bind(value)));
      types.push_back(bound.back()->type);
    }
    rows.push_back(std::move(bound));
    row_types.push_back(std::move(types));
  }
  std::vector<Type> types = TRY(common_types(row_types, position, "VALUES rows"));
  Schema schema;
  for (size_t c = 0; c < types.size(); ++c) {
    schema.fields.push_back({fmt::format("EXPR${}", c), types[c]});
  }
  std::vector<Column> columns = make_columns(schema);
  EvalContext eval;
  eval.zone = context_.zone;
  for (size_t r = 0; r < rows.size(); ++r) {
    for (size_t c = 0; c < types.size(); ++c) {
      ExprRef converted = TRY(ExprBinder::coerce(rows[r][c], types[c], values.rows[r][c].position));
      Result<Value> value = evaluate_constant(*converted, eval);
      if (!value.ok()) {
        return value.status().with_position(values.rows[r][c].position);
      }
      columns[c].append_value(*value);
    }
  }
  return make_values(std::move(schema), to_batch(std::move(columns)));
}

Result<PlanRef> QueryBinder::bind_set_operation(const sql::SetOperation& operation,
                                                size_t position) {
  if (operation.op != sql::SetOperator::kUnion) {
    return unsupported(operation.op == sql::SetOperator::kIntersect ? "INTERSECT" : "EXCEPT",
                       position);
  }
  std::vector<PlanRef> inputs;
  std::vector<std::vector<Type>> input_types;
  for (const sql::QueryPtr* side : {&operation.left, &operation.right}) {
    BoundSelect bound = TRY(bind(**side));
    PlanRef plan = bound.plan;
    std::vector<Type> types;
    for (size_t c = 0; c + bound.hidden < plan->schema.size(); ++c) {
      types.push_back(plan->schema[c].type);
    }
    inputs.push_back(std::move(plan));
    input_types.push_back(std::move(types));
  }
  std::vector<Type> types = TRY(common_types(input_types, position, "UNION inputs"));
  std::vector<std::string> names = inputs[0]->schema.names();
  names.resize(types.size());
  for (PlanRef& input : inputs) {
    std::vector<ExprRef> columns;
    for (size_t c = 0; c < types.size(); ++c) {
      columns.push_back(
          TRY(ExprBinder::coerce(make_column(c, input->schema[c].type), types[c], position)));
    }
    input = make_project(input, std::move(columns), names);
  }
  PlanRef plan = make_union(std::move(inputs));
  if (!operation.all) {
    std::vector<size_t> all(types.size());
    for (size_t i = 0; i < all.size(); ++i) {
      all[i] = i;
    }
    plan = make_aggregate(plan, std::move(all), {});
  }
  return plan;
}

Result<BoundSelect> QueryBinder::bind(const sql::Query& query) {
  constexpr int kDepthMax = 200;
  if (++depth_ > kDepthMax) {
    return Status::invalid_argument("the query is nested too deeply").with_position(query.position);
  }
  if (query.recursive) {
    return unsupported("WITH RECURSIVE", query.position);
  }
  size_t outer = common_tables_.size();
  for (const sql::CommonTable& common : query.with) {
    common_tables_.push_back({&common});
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
            std::vector<ExprRef> columns;
            std::vector<std::string> names;
            for (size_t i = 0; i + inner.hidden < inner.plan->schema.size(); ++i) {
              columns.push_back(make_column(i, inner.plan->schema[i].type));
              names.push_back(inner.plan->schema[i].name);
            }
            return order_and_limit(make_project(inner.plan, std::move(columns), std::move(names)),
                                   query);
          },
      },
      query.body);
  common_tables_.resize(outer);
  --depth_;
  return result;
}

}  // namespace

Result<BoundQuery> bind_query(const sql::Query& query, const BindContext& context) {
  BoundQuery result;
  QueryBinder binder(context, result);
  BoundSelect bound = TRY(binder.bind(query));
  result.plan = std::move(bound.plan);
  result.hidden = bound.hidden;
  result.order = std::move(bound.order);
  return result;
}

}  // namespace tidemark
