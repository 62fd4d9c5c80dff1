// The part of the catalog for what is beside its tables and views: functions, system tables, and
// who depends on whom.

#include <algorithm>

#include "base/ascii.h"
#include "catalog/catalog.h"

namespace tidemark {

ObjectRef Catalog::find_function(const std::vector<std::string>& parts, const std::string& catalog,
                                 const std::string& database) const {
  Result<ObjectName> name = full_name(parts, catalog, database);
  if (!name.ok()) {
    return nullptr;
  }
  std::lock_guard lock(mutex_);
  auto entry = catalogs_.find(name->catalog);
  if (entry == catalogs_.end()) {
    return nullptr;
  }
  auto functions = entry->second.functions.find(name->database);
  if (functions == entry->second.functions.end()) {
    return nullptr;
  }
  auto found = functions->second.find(ascii_lower(name->object));
  return found == functions->second.end() ? nullptr : found->second;
}

std::vector<ObjectRef> Catalog::functions() const {
  std::lock_guard lock(mutex_);
  std::vector<ObjectRef> result;
  for (const auto& [catalog_name, entry] : catalogs_) {
    for (const auto& [database, functions] : entry.functions) {
      for (const auto& [name, function] : functions) {
        result.push_back(function);
      }
    }
  }
  return result;
}

void Catalog::set_system_tables(std::span<const ObjectRef> tables) {
  std::lock_guard lock(mutex_);
  for (const ObjectRef& table : tables) {
    system_[table->name.database][table->name.object] = table;
  }
}

std::vector<ObjectRef> Catalog::system_tables() const {
  std::lock_guard lock(mutex_);
  std::vector<ObjectRef> list;
  for (const auto& [schema, tables] : system_) {
    for (const auto& [name, table] : tables) {
      list.push_back(table);
    }
  }
  return list;
}

std::vector<ObjectRef> Catalog::dependents(ObjectId id) const {
  std::vector<ObjectRef> result;
  for (const std::vector<ObjectRef>& list : {objects(), functions()}) {
    for (const ObjectRef& object : list) {
      if (std::ranges::find(object->depends_on, id) != object->depends_on.end()) {
        result.push_back(object);
      }
    }
  }
  return result;
}

}  // namespace tidemark
