// What stands in FROM: tables and derived tables.

#include <algorithm>

#include <fmt/core.h>

#include "base/overloaded.h"
#include "plan/bind/query_binder.h"
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
    if (relation.is_unnested && table.alias->columns.empty() &&
        relation.scope.columns.size() == (relation.with_ordinality ? 2 : 1)) {
      relation.scope.columns[0].name = table.alias->name.text;
    }
  }
  return relation;
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
