// What stands in FROM: tables, derived tables, joins.

#include <algorithm>

#include <fmt/core.h>

#include "base/overloaded.h"
#include "expr/cast.h"
#include "plan/bind/query_binder.h"
#include "plan/decorrelate.h"
#include "plan/join_condition.h"
#include "plan/rewrite.h"
#include "sql/name_parts.h"

namespace tidemark {

PlanRef BoundSelect::visible() const {
  return first_columns(plan, plan->schema.size() - hidden);
}

Result<Lsn> parse_mark(const std::string& text) {
  std::optional<Lsn> mark = Lsn::parse(text);
  if (!mark || !mark->valid()) {
    return Status::invalid_argument(fmt::format("not a mark: '{}'", text))
        .with_hint("a mark looks like '0/306EE20'; it is the first column of SUBSCRIBE's rows");
  }
  return *mark;
}

Relation QueryBinder::derived(PlanRef plan, const std::string& name) {
  Relation relation;
  relation.scope.id = next_scope_id();
  relation.scope.outer = outer_;
  for (const Field& field : plan->schema.fields) {
    relation.scope.columns.push_back({name, field.name, field.type});
  }
  relation.plan = std::move(plan);
  return relation;
}

Status QueryBinder::apply_alias(Relation& relation, const sql::TableAlias& alias) {
  // (a JOIN b USING (x)) AS j has x once.
  std::vector<size_t> shown;
  for (size_t i = 0; i < relation.scope.columns.size(); ++i) {
    if (!relation.scope.columns[i].merged) {
      shown.push_back(i);
    }
  }
  if (shown.size() != relation.scope.columns.size()) {
    relation.plan = select_columns(relation.plan, shown);
    std::erase_if(relation.scope.columns, [](const ScopeColumn& column) { return column.merged; });
  }
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

Result<Relation> QueryBinder::bind_named(const sql::NamedTable& table, size_t position) {
  if (table.system_time) {
    return unsupported("FOR SYSTEM_TIME AS OF", table.system_time->position);
  }
  std::optional<Lsn> as_of;
  if (table.as_of_mark) {
    Result<Lsn> mark = parse_mark(*table.as_of_mark);
    if (!mark.ok()) {
      return mark.status().with_position(position);
    }
    as_of = *mark;
  }
  if (table.name.parts.size() == 1 && !as_of) {
    for (size_t i = common_tables_.size(); i-- > 0;) {
      const sql::CommonTable& ast = *common_tables_[i].ast;
      if (ast.name.text == table.name.last()) {
        Relation relation = derived(TRY(bind_common_table(i)), ast.name.text);
        if (!ast.columns.empty()) {
          TRY(apply_alias(relation, sql::TableAlias{ast.name, ast.columns}));
        }
        return relation;
      }
    }
  }
  Result<ObjectRef> found = context_.catalog.find(
      sql::parts_of(table.name), context_.current_catalog, context_.current_database);
  if (!found.ok()) {
    return found.status().with_position(position);
  }
  bool is_replaced = context_.instead != nullptr && context_.instead->id == (*found)->id;
  ObjectRef object = is_replaced ? context_.instead : *found;
  remember(object);
  for (const sql::Hint& hint : table.hints) {
    result_.notices.push_back(
        fmt::format("hint {} on {} has no effect here", hint.name.text, object->name.object));
  }
  if (object->is_sink()) {
    return Status::invalid_argument(
               fmt::format("{} is a sink: it is written, and not read", object->name.object))
        .with_sqlstate("42809")
        .with_hint("read what the INSERT reads, or the files that it has written")
        .with_position(position);
  }
  if (as_of && (!object->is_materialized_view() || context_.expand_materialized_views)) {
    return Status::unsupported(fmt::format("AS OF MARK needs a materialized view, which keeps its "
                                           "changes; {} is none",
                                           object->name.object))
        .with_hint("CREATE MATERIALIZED VIEW v AS ...; SELECT ... FROM v AS OF MARK '...'")
        .with_position(position);
  }
  if (object->is_view() || (context_.expand_materialized_views && object->is_materialized_view())) {
    return derived(TRY(expand_view(*object, position)), object->name.object);
  }
  std::vector<size_t> columns(object->schema.size());
  for (size_t i = 0; i < columns.size(); ++i) {
    columns[i] = i;
  }
  return derived(make_scan(object, std::move(columns), as_of), object->name.object);
}

Result<Relation> QueryBinder::bind_derived(const sql::DerivedTable& table, const Scope* lateral) {
  const Scope* enclosing = std::exchange(outer_, table.lateral && lateral ? lateral : outer_);
  Result<BoundSelect> bound = bind(*table.query);
  outer_ = enclosing;
  BoundSelect select = TRY(std::move(bound));
  return derived(select.visible(), "");
}

Result<Relation> QueryBinder::bind_table(const sql::TableRef& table, const Scope* lateral) {
  Relation relation = TRY(std::visit(
      Overloaded{
          [&](const sql::NamedTable& named) { return bind_named(named, table.position); },
          [&](const sql::DerivedTable& inner) { return bind_derived(inner, lateral); },
          [&](const sql::TableFunction& function) {
            return bind_table_function(function, lateral, table.position);
          },
          [&](const sql::Unnest& unnest) { return bind_unnest(unnest, lateral, table.position); },
          [&](const sql::Join& join) { return bind_join(join, table.position, lateral); },
          [&](const sql::MatchRecognize&) -> Result<Relation> {
            return unsupported("MATCH_RECOGNIZE", table.position);
          },
      },
      table.node));
  if (table.alias) {
    TRY(apply_alias(relation, *table.alias));
    // A single column of elements has the table's name, if it is given no other (as in Postgres).
    if (!relation.collections.empty() && table.alias->columns.empty() &&
        relation.scope.columns.size() == (relation.with_ordinality ? 2 : 1)) {
      relation.scope.columns[0].name = table.alias->name.text;
    }
  }
  return relation;
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
  bool filtered = on != nullptr && contains_subquery(*on);
  if (filtered && type != JoinType::kInner) {
    return unsupported("a subquery in the ON of an outer join", on->position);
  }
  ExprRef condition;
  if (on != nullptr && !filtered) {
    ExprBinder binder(result.scope, context_);
    binder.set_clause("ON");
    condition = TRY(binder.bind_boolean(*on, "ON"));
  }
  if (std::optional<Relation> direct = TRY(unnest_into(left, right, type, on))) {
    return std::move(*direct);
  }
  size_t left_width = left.plan->schema.size(), right_width = right.plan->schema.size();
  Independent inner = decorrelate(right.plan, left.scope.id, left.plan);
  if (inner.outer.empty()) {
    result.plan = make_join_on(left.plan, right.plan, type, condition);
  } else if (type == JoinType::kFull) {
    return Status::invalid_argument("LATERAL cannot stand in a FULL or RIGHT JOIN")
        .with_position(position);
  } else {
    // The values of the outer columns come between the two sides.
    size_t d = inner.outer.size();
    std::vector<ExprRef> conditions;
    for (size_t i = 0; i < d; ++i) {
      ExprRef own = make_column(inner.outer[i], left.plan->schema[inner.outer[i]].type);
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
    result.plan = select_columns(
        make_join_on(left.plan, inner.plan, type, make_and(std::move(conditions))), map);
  }
  for (size_t i = 0; i < result.scope.columns.size(); ++i) {
    result.scope.columns[i].type = result.plan->schema[i].type;
  }
  if (filtered) {
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

// The same columns with the second side in front.
Relation exchange_sides(Relation relation, size_t first_width) {
  size_t width = relation.scope.columns.size();
  std::vector<size_t> order;
  for (size_t i = 0; i < width; ++i) {
    order.push_back((i + first_width) % width);
  }
  std::vector<ScopeColumn> columns;
  for (size_t from : order) {
    columns.push_back(relation.scope.columns[from]);
  }
  relation.plan = select_columns(relation.plan, order);
  relation.scope.columns = std::move(columns);
  return relation;
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
    std::vector<ScopeColumn> columns;
    for (size_t from : order) {
      columns.push_back(result.scope.columns[from]);
    }
    result.plan = select_columns(result.plan, order);
    result.scope.columns = std::move(columns);
    return result;
  }
  if (exchanged) {
    size_t right_width = right.scope.columns.size();
    return exchange_sides(TRY(combine(std::move(right), std::move(left), type, join.on.get(), at)),
                          right_width);
  }
  return combine(std::move(left), std::move(right), type, join.on.get(), at);
}

Result<Relation> QueryBinder::bind_from(const sql::Select& select) {
  if (select.from.empty()) {
    RowBatch one;
    one.rows = 1;
    Relation relation;
    relation.scope.id = next_scope_id();
    relation.scope.outer = outer_;
    relation.plan = make_values({}, std::move(one));
    return relation;
  }
  Relation all = TRY(bind_table(select.from[0], nullptr));
  for (size_t i = 1; i < select.from.size(); ++i) {
    all.scope.outer = outer_;
    Relation next = TRY(bind_table(select.from[i], &all.scope));
    all = TRY(combine(std::move(all), std::move(next), JoinType::kInner, nullptr,
                      select.from[i].position));
  }
  return all;
}

}  // namespace tidemark
