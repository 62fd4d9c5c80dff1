#include "plan/bind/scope.h"

#include <fmt/core.h>

#include "base/nearest.h"

namespace tidemark {

namespace {

std::string dotted(const sql::Name& name) {
  std::string text;
  for (const sql::Identifier& part : name.parts) {
    text += (text.empty() ? "" : ".") + part.text;
  }
  return text;
}

}  // namespace

Result<size_t> Scope::resolve(const sql::Name& name) const {
  const std::string& wanted = name.last();
  const std::string* table =
      name.parts.size() > 1 ? &name.parts[name.parts.size() - 2].text : nullptr;
  std::vector<size_t> matches;
  bool table_exists = table == nullptr;
  for (size_t i = 0; i < columns.size(); ++i) {
    bool table_matches = table == nullptr || columns[i].table == *table;
    table_exists = table_exists || table_matches;
    if (table_matches && columns[i].name == wanted) {
      matches.push_back(i);
    }
  }
  if (matches.size() == 1) {
    return matches[0];
  }
  if (matches.size() > 1) {
    return Status::invalid_argument(fmt::format("column is ambiguous: {}", dotted(name)))
        .with_hint(fmt::format("write {}.{} or {}.{}", columns[matches[0]].table, wanted,
                               columns[matches[1]].table, wanted))
        .with_position(name.position());
  }
  std::vector<std::string> candidates;
  std::string list;
  for (const ScopeColumn& column : columns) {
    candidates.push_back(column.name);
    list += (list.empty() ? "" : ", ") + column.name;
  }
  if (!table_exists) {
    std::vector<std::string> tables;
    for (const ScopeColumn& column : columns) {
      tables.push_back(column.table);
    }
    auto nearest = nearest_name(*table, tables);
    return Status::not_found(fmt::format("no such table in this query: {}", *table))
        .with_hint(nearest ? fmt::format("did you mean {}?", *nearest) : "columns here: " + list)
        .with_position(name.position());
  }
  auto nearest = nearest_name(wanted, candidates);
  std::string hint = nearest        ? fmt::format("did you mean {}?", *nearest)
                     : list.empty() ? "there is no FROM clause"
                                    : "columns here: " + list;
  return Status::not_found(fmt::format("no such column: {}", dotted(name)))
      .with_hint(std::move(hint))
      .with_position(name.position());
}

}  // namespace tidemark
