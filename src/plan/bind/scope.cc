#include "plan/bind/scope.h"

#include <algorithm>

#include <fmt/core.h>

#include "base/ascii.h"
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

const std::string* table_of(const sql::Name& name) {
  return name.parts.size() > 1 ? &name.parts[name.parts.size() - 2].text : nullptr;
}

Status no_such_column(const Scope& scope, const sql::Name& name) {
  std::vector<std::string> tables, candidates;
  std::string list;
  for (const Scope* at = &scope; at != nullptr; at = at->outer) {
    for (const ScopeColumn& column : at->columns) {
      tables.push_back(column.table);
      if (!column.merged) {
        candidates.push_back(column.name);
        list += (list.empty() ? "" : ", ") + column.name;
      }
    }
  }
  const std::string* table = table_of(name);
  if (table != nullptr && std::find(tables.begin(), tables.end(), *table) == tables.end()) {
    auto nearest = nearest_name(*table, tables);
    return Status::not_found(fmt::format("no such table in this query: {}", *table))
        .with_sqlstate("42P01")
        .with_hint(nearest ? fmt::format("did you mean {}?", *nearest) : "columns here: " + list)
        .with_position(name.position());
  }
  auto nearest = nearest_name(name.last(), candidates);
  std::string hint = nearest        ? fmt::format("did you mean {}?", *nearest)
                     : list.empty() ? "there is no FROM clause"
                                    : "columns here: " + list;
  return Status::not_found(fmt::format("no such column: {}", dotted(name)))
      .with_sqlstate("42703")
      .with_hint(std::move(hint))
      .with_position(name.position());
}

}  // namespace

bool Scope::has_table(const std::string& name) const {
  return std::any_of(columns.begin(), columns.end(),
                     [&](const ScopeColumn& column) { return column.table == name; });
}

Result<std::optional<size_t>> Scope::find(const sql::Name& name) const {
  const std::string* table = table_of(name);
  std::vector<size_t> matches;
  for (size_t i = 0; i < columns.size(); ++i) {
    bool table_matches = table == nullptr ? !columns[i].merged : columns[i].table == *table;
    if (table_matches && columns[i].name == name.last()) {
      matches.push_back(i);
    }
  }
  if (matches.size() > 1) {
    return Status::invalid_argument(fmt::format("column is ambiguous: {}", dotted(name)))
        .with_sqlstate("42702")
        .with_hint(fmt::format("write {}.{} or {}.{}", columns[matches[0]].table, name.last(),
                               columns[matches[1]].table, name.last()))
        .with_position(name.position());
  }
  return matches.empty() ? std::optional<size_t>() : std::optional<size_t>(matches[0]);
}

Result<ExprRef> Scope::resolve(const sql::Name& name) const {
  for (const Scope* at = this; at != nullptr; at = at->outer) {
    if (std::optional<size_t> column = TRY(at->find(name))) {
      const Type& type = at->columns[*column].type;
      return at == this ? make_column(*column, type) : make_outer(at->id, *column, type);
    }
  }
  for (const Scope* at = this; at != nullptr; at = at->outer) {
    if (std::optional<size_t> column = at->find_folded(name)) {
      const Type& type = at->columns[*column].type;
      return at == this ? make_column(*column, type) : make_outer(at->id, *column, type);
    }
  }
  return no_such_column(*this, name);
}

std::optional<size_t> Scope::find_folded(const sql::Name& name) const {
  const std::string* table = table_of(name);
  std::string folded = ascii_lower(name.last());
  std::optional<size_t> found;
  for (size_t i = 0; i < columns.size(); ++i) {
    bool table_matches = table == nullptr ? !columns[i].merged
                                          : ascii_lower(columns[i].table) == ascii_lower(*table);
    if (table_matches && ascii_lower(columns[i].name) == folded) {
      if (found) {
        return std::nullopt;
      }
      found = i;
    }
  }
  return found;
}

}  // namespace tidemark
