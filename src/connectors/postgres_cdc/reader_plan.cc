#include "connectors/postgres_cdc/reader_plan.h"

#include <algorithm>

#include <fmt/core.h>

#include "base/nearest.h"

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

Result<ReaderPlan> make_reader_plan(TableInfo table, const ReaderSpec& spec) {
  ReaderPlan plan;
  for (const Field& field : spec.columns) {
    std::optional<size_t> found = table.find(field.name);
    if (!found) {
      return Status::not_found(
          fmt::format("table {} has no column {}", table.display_name(), field.name));
    }
    const TableColumn& column = table.columns[*found];
    Result<PgDecoder> decoder = PgDecoder::make(column.type, field.type);
    if (!decoder.ok()) {
      return std::move(decoder).status().with_context(
          fmt::format("column {} of {}", field.name, table.display_name()));
    }
    plan.columns.push_back(ReaderPlan::Column{.name = field.name,
                                              .decoder = std::move(*decoder),
                                              .declared_oid = column.declared_oid,
                                              .in_key = column.in_key});
  }
  plan.old_rows = table.identity_is_full() ? OldRows::kFull : OldRows::kKeyOnly;
  plan.table = std::move(table);
  return plan;
}

Result<RelationMap> map_relation(const ReaderPlan& plan, const PgRelation& relation) {
  RelationMap map;
  for (const ReaderPlan::Column& column : plan.columns) {
    auto found = std::ranges::find(relation.columns, column.name, &PgRelation::Column::name);
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
