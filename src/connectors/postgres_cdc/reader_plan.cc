#include "connectors/postgres_cdc/reader_plan.h"

#include <algorithm>

#include <fmt/core.h>

#include "base/nearest.h"
#include "connectors/postgres_cdc/condition_sql.h"

namespace tidemark {

Schema ReaderPlan::schema() const {
  Schema schema;
  for (const Column& column : columns) {
    schema.fields.push_back(Field{.name = column.name, .type = column.decoder.target()});
  }
  return schema;
}

bool ReaderPlan::needs_text() const {
  // Types without a send function come as text even in a binary stream.
  return std::ranges::any_of(columns, [](const Column& column) {
    return !column.decoder.has_binary() && column.decoder.source().has_binary;
  });
}

namespace {

std::optional<size_t> find_column(const TableInfo& table, const std::string& name,
                                  const TableShape* known) {
  const TableShape::Column* column =
      known == nullptr || known->oid != table.oid ? nullptr : known->find(name);
  if (column != nullptr) {
    auto same = std::ranges::find(table.columns, column->number, &TableColumn::number);
    if (same != table.columns.end()) {
      return static_cast<size_t>(same - table.columns.begin());
    }
  }
  return table.find(name);
}

// Old rows are taken as the reader knows them, whatever more the table's identity gives by now.
Status take_row_key(const std::vector<size_t>& row_key, const TableInfo& table, ReaderPlan& plan) {
  if (row_key.empty()) {
    return table.identity_is_full() ? Status() : identity_is_not_full(table);
  }
  for (size_t i = 0; i < plan.columns.size(); ++i) {
    bool in_key = std::ranges::find(row_key, i) != row_key.end();
    if (!table.identity_is_full() && plan.columns[i].in_key != in_key) {
      return Status::invalid_argument(
                 fmt::format("the key of {} is another one now", table.display_name()))
          .with_hint("declare the table again");
    }
    plan.columns[i].in_key = in_key;
  }
  plan.old_rows = OldRows::kKeyOnly;
  return {};
}

}  // namespace

Status identity_is_not_full(const TableInfo& table) {
  return Status::invalid_argument(
             fmt::format("the replica identity of {} is no longer FULL", table.display_name()))
      .with_hint(fmt::format("ALTER TABLE {} REPLICA IDENTITY FULL; or declare the table again",
                             table.qualified_name()));
}

Result<ReaderPlan> make_reader_plan(TableInfo table, const ReaderSpec& spec,
                                    const TableShape* known) {
  ReaderPlan plan;
  std::vector<std::string> names;
  std::vector<size_t> indexes;
  for (const Field& field : spec.columns) {
    std::optional<size_t> found = find_column(table, field.name, known);
    if (!found) {
      return Status::not_found(
          fmt::format("table {} has no column {}", table.display_name(), field.name));
    }
    names.push_back(field.name);
    indexes.push_back(*found);
    const TableColumn& column = table.columns[*found];
    Result<PgDecoder> decoder = PgDecoder::make(column.type, field.type);
    if (!decoder.ok()) {
      return std::move(decoder).status().with_context(
          fmt::format("column {} of {}", field.name, table.display_name()));
    }
    plan.columns.push_back(ReaderPlan::Column{.name = field.name,
                                              .source_name = column.name,
                                              .decoder = std::move(*decoder),
                                              .declared_oid = column.declared_oid,
                                              .in_key = column.in_key});
  }
  plan.shape = shape_of(table, names, indexes);
  plan.old_rows = table.identity_is_full() ? OldRows::kFull : OldRows::kKeyOnly;
  for (const SourceCondition& condition : spec.conditions) {
    if (std::optional<std::string> sql = condition_sql(condition, plan.columns)) {
      plan.condition += (plan.condition.empty() ? "" : " AND ") + *sql;
    }
  }
  if (spec.row_key) {
    TRY(take_row_key(*spec.row_key, table, plan));
  }
  plan.table = std::move(table);
  return plan;
}

Result<RelationMap> map_relation(const ReaderPlan& plan, const PgRelation& relation) {
  RelationMap map;
  for (const ReaderPlan::Column& column : plan.columns) {
    auto found = std::ranges::find(relation.columns, column.source_name, &PgRelation::Column::name);
    if (found == relation.columns.end()) {
      // Of the time before it was renamed.
      found = std::ranges::find(relation.columns, column.name, &PgRelation::Column::name);
    }
    if (found == relation.columns.end()) {
      return Status::not_found(fmt::format("column {} of {} was dropped or renamed at the source",
                                           column.name, plan.table.display_name()));
    }
    size_t index = static_cast<size_t>(found - relation.columns.begin());
    if (found->type_oid == column.declared_oid) {
      map.columns.push_back({.index = index, .decoder = column.decoder});
      continue;
    }
    PgType type = pg_builtin(found->type_oid, found->modifier);
    Result<PgDecoder> decoder = type.kind == PgKind::kUnknown
                                    ? Result<PgDecoder>(Status::invalid_argument("unknown type"))
                                    : PgDecoder::make(type, column.decoder.target());
    if (!decoder.ok()) {
      return Status::invalid_argument(
                 fmt::format("column {} of {} changed its type at the source, from {} to {}",
                             column.name, plan.table.display_name(), column.decoder.source().name,
                             type.name.empty() ? fmt::format("type {}", type.oid) : type.name))
          .with_hint("declare the table again");
    }
    map.columns.push_back({.index = index, .decoder = std::move(*decoder)});
  }
  return map;
}

std::string describe_row(const ReaderPlan& plan, const PgRelation& relation, const PgRow& row) {
  std::string names, values;
  for (size_t i = 0; i < std::min(row.size(), relation.columns.size()); ++i) {
    std::optional<size_t> found = plan.table.find(relation.columns[i].name);
    bool in_key = found && (plan.table.columns[*found].in_key ||
                            std::ranges::find(plan.table.primary_key, *found) !=
                                plan.table.primary_key.end());
    if (!in_key || row[i].bytes.empty()) {
      continue;
    }
    std::string text;
    if (row[i].kind == 't') {
      text = row[i].bytes;
    } else if (!append_pg_text(plan.table.columns[*found].type, row[i].bytes, text).ok()) {
      continue;
    }
    names += (names.empty() ? "" : ", ") + relation.columns[i].name;
    values += (values.empty() ? "" : ", ") + text;
  }
  return names.empty() ? plan.table.display_name()
                       : fmt::format("{}, row ({})=({})", plan.table.display_name(), names, values);
}

}  // namespace tidemark
