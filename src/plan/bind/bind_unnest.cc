// UNNEST and functions in FROM. LATERAL TABLE(f(..)) is the elements of what f gives, as in Flink;
// f(..) alone only if f gives rows, and else one row of its value, as in PostgreSQL.

#include <numeric>

#include "base/ascii.h"
#include "plan/bind/query_binder.h"
#include "plan/rewrite.h"
#include "sql/name_parts.h"
#include "types/nested.h"

namespace tidemark {

namespace {

// `below`'s columns, then those of the elements of the collections over them.
PlanRef unnest_over(const PlanRef& below, const std::vector<ExprRef>& collections,
                    bool with_ordinality, bool keeps_empty) {
  std::vector<ExprRef> expressions = column_expressions(*below);
  std::vector<std::string> names = below->schema.names();
  UnnestNode node;
  for (const ExprRef& collection : collections) {
    node.collections.push_back(expressions.size());
    names.push_back(fmt::format("$u{}", expressions.size()));
    expressions.push_back(collection);
  }
  size_t width = below->schema.size(), computed = expressions.size();
  node.input = make_project(below, std::move(expressions), std::move(names));
  node.with_ordinality = with_ordinality;
  node.keeps_empty = keeps_empty;
  PlanRef plan = make_unnest(std::move(node));
  std::vector<size_t> shown;
  for (size_t i = 0; i < plan->schema.size(); ++i) {
    if (i < width || i >= computed) {
      shown.push_back(i);
    }
  }
  return select_columns(plan, shown);
}

// A ROW of the plan's columns from `first` on.
ExprRef row_of_columns(const LogicalPlan& plan, size_t first, const Type& type) {
  const Function* function = find_function("ROW");
  CallExpr row{function, {}, {}};
  std::vector<Type> types;
  for (size_t i = 0; i < type.children.size(); ++i) {
    types.push_back(plan.schema[first + i].type);
    row.arguments.push_back(make_column(first + i, types.back()));
  }
  row.bound = function->bind(types).value();
  row.bound.result = type;
  return std::make_shared<const Expr>(Expr{type, std::move(row)});
}

}  // namespace

PlanRef apply_sets(PlanRef plan, const SetLevel& level, std::span<ExprRef* const> expressions) {
  if (level.collections.empty()) {
    return plan;
  }
  size_t next = plan->schema.size();
  plan = unnest_over(plan, level.collections, false, false);
  std::vector<ExprRef> values;
  for (const ExprRef& collection : level.collections) {
    const Type& element = collection->type.children[0];
    bool is_row = element.kind == TypeKind::kRow;
    values.push_back(is_row ? row_of_columns(*plan, next, element.as_nullable())
                            : make_column(next, plan->schema[next].type));
    next += unnested_fields(collection->type).size();
  }
  for (ExprRef* expression : expressions) {
    *expression = with_values(*expression, level.id, values);
  }
  return plan;
}

// subqueries: those that the collections ask for the values of, over `scope`.
Result<Relation> QueryBinder::unnested(std::vector<ExprRef> collections,
                                       const SubqueryLevel& subqueries, const Scope& scope,
                                       bool with_ordinality, const std::string& name,
                                       size_t position) {
  for (const ExprRef& collection : collections) {
    TypeKind kind = collection->type.kind;
    bool empty_type = collection->type.is_nested() && kind != TypeKind::kRow &&
                      collection->type.children[0].kind == TypeKind::kNull;
    if (!collection->type.is_nested() || kind == TypeKind::kRow || empty_type) {
      return Status::invalid_argument(
                 fmt::format("{} in FROM needs an ARRAY, MULTISET or MAP, not {}", name,
                             collection->type.to_string_without_null()))
          .with_position(position);
    }
  }
  RowBatch one;
  one.rows = 1;
  PlanRef below = make_values({}, std::move(one));
  TRY(apply_subqueries(below, subqueries, scope, {}, addresses(collections)));
  PlanRef elements = unnest_over(below, collections, with_ordinality, false);
  std::vector<size_t> shown(elements->schema.size() - below->schema.size());
  std::iota(shown.begin(), shown.end(), below->schema.size());
  Relation relation = derived(select_columns(elements, shown), "");
  relation.is_unnested = true;
  relation.with_ordinality = with_ordinality;
  if (subqueries.pending.empty()) {
    relation.collections = std::move(collections);
  }
  return relation;
}

Result<Relation> QueryBinder::bind_unnest(const sql::Unnest& unnest, const Scope* lateral,
                                          size_t position) {
  Scope none;
  none.outer = lateral != nullptr ? lateral : outer_;
  ExprBinder binder(none, context_);
  binder.set_clause("UNNEST");
  SubqueryLevel subqueries{next_scope_id(), {}};
  binder.use_subqueries(this, &subqueries, nullptr);
  std::vector<ExprRef> collections;
  for (const sql::Expr& collection : unnest.collections) {
    collections.push_back(TRY(binder.bind(collection)));
  }
  return unnested(std::move(collections), subqueries, none, unnest.with_ordinality, "UNNEST",
                  position);
}

// pg_get_keywords() and its like are tables of the system; null: it is none.
ObjectRef QueryBinder::find_system_rows(const sql::FunctionCall& call) const {
  if (!call.args.empty() || find_function(call.name.last()) != nullptr) {
    return nullptr;
  }
  Result<ObjectRef> found = context_.catalog.find(
      sql::parts_of(call.name), context_.current_catalog, context_.current_database);
  return found.ok() && (*found)->is_system_table() ? *found : nullptr;
}

Result<Relation> QueryBinder::bind_table_function(const sql::TableFunction& function,
                                                  const Scope* lateral, size_t position) {
  std::string name = ascii_upper(function.call.name.last());
  if (name == "TUMBLE" || name == "HOP" || name == "CUMULATE" || name == "SESSION") {
    return unsupported(fmt::format("table function {}", name), position);
  }
  if (ObjectRef table = find_system_rows(function.call)) {
    sql::NamedTable named;
    named.name = function.call.name;
    return bind_named(named, position);
  }
  Scope none;
  none.outer = lateral != nullptr ? lateral : outer_;
  ExprBinder binder(none, context_);
  binder.set_clause("FROM");
  SubqueryLevel subqueries{next_scope_id(), {}};
  binder.use_subqueries(this, &subqueries, nullptr);
  ExprRef collection = TRY(binder.bind_call(function.call, position));
  const Function* found = find_function(name);
  bool gives_rows = function.lateral || (found != nullptr && found->gives_rows);
  if (!gives_rows) {
    collection = TRY(ExprBinder::call("ARRAY[]", {std::move(collection)}, position));
  }
  Relation relation =
      TRY(unnested({std::move(collection)}, subqueries, none, false, name, position));
  if (relation.scope.columns.size() == 1) {
    relation.scope.columns[0].name = ascii_lower(name);
  }
  return relation;
}

Result<std::optional<Relation>> QueryBinder::unnest_into(const Relation& left,
                                                         const Relation& right, JoinType type,
                                                         const sql::Expr* on) {
  const auto* condition = on == nullptr ? nullptr : std::get_if<sql::BooleanLiteral>(&on->node);
  bool always = on == nullptr || (condition != nullptr && condition->value);
  bool possible =
      !right.collections.empty() && always && (type == JoinType::kInner || type == JoinType::kLeft);
  if (!possible) {
    return std::optional<Relation>();
  }
  std::vector<ExprRef> collections;
  for (const ExprRef& collection : right.collections) {
    collections.push_back(
        substitute_outer(collection, [&](const OuterExpr& outer, const Type& of) -> ExprRef {
          return outer.scope == left.scope.id ? make_column(outer.index, of) : nullptr;
        }));
  }
  Relation result;
  result.scope.id = next_scope_id();
  result.scope.outer = outer_;
  result.scope.columns = left.scope.columns;
  result.scope.columns.insert(result.scope.columns.end(), right.scope.columns.begin(),
                              right.scope.columns.end());
  result.plan = unnest_over(left.plan, collections, right.with_ordinality, type == JoinType::kLeft);
  for (size_t i = 0; i < result.scope.columns.size(); ++i) {
    result.scope.columns[i].type = result.plan->schema[i].type;
  }
  return std::optional<Relation>(std::move(result));
}

}  // namespace tidemark
