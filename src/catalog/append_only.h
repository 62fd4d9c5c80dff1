#pragma once
// 'append-only' = 'true' on a table: its user says that rows only come. What reads it may then keep
// less (plan/insert_only.h), and ends with an error where a row is changed or deleted all the same.
// TRUNCATE is no such change: it is a reset.

#include "base/options.h"
#include "catalog/catalog.h"

namespace tidemark {

inline constexpr std::string_view kAppendOnlyOption = "append-only";

inline bool is_append_only(const CatalogObject& object) {
  const auto* table = std::get_if<TableDefinition>(&object.definition);
  if (table == nullptr || table->is_sink) {
    return false;
  }
  auto option = table->with.find(std::string(kAppendOnlyOption));
  if (option == table->with.end()) {
    return false;
  }
  Result<bool> is_set = parse_bool(option->second);  // its form was checked with the declaration
  return is_set.ok() && *is_set;
}

}  // namespace tidemark
