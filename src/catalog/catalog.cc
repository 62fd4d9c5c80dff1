#include "catalog/catalog.h"

#include <algorithm>

#include <fmt/core.h>

#include "base/ascii.h"
#include "base/nearest.h"

namespace tidemark {

std::string quote_name(std::string_view name) {
  bool plain = !name.empty() && !(name[0] >= '0' && name[0] <= '9');
  for (char c : name) {
    plain = plain && (std::isalnum(static_cast<unsigned char>(c)) || c == '_' ||
                      (static_cast<uint8_t>(c) & 0x80));
  }
  if (plain) {
    return std::string(name);
  }
  std::string quoted = "`";
  for (char c : name) {
    quoted += c;
    if (c == '`') {
      quoted += c;
    }
  }
  return quoted + "`";
}

std::string ObjectName::to_string() const {
  return quote_name(catalog) + "." + quote_name(database) + "." + quote_name(object);
}

std::string_view CatalogObject::kind_text() const {
  constexpr std::string_view kKinds[] = {"table",        "view", "materialized view",
                                         "system table", "job",  "function"};
  return kKinds[definition.index()];
}

const std::vector<IndexDefinition>& CatalogObject::indexes() const {
  static const std::vector<IndexDefinition> kNone;
  const auto* view = std::get_if<MaterializedViewDefinition>(&definition);
  return view != nullptr ? view->indexes : kNone;
}

namespace {

std::string key_of(const CatalogObject& object) {
  return object.is_function() ? ascii_lower(object.name.object) : object.name.object;
}

}  // namespace

Catalog::Objects& Catalog::objects_beside(Entry& entry, const CatalogObject& object) {
  auto& databases = object.is_function() ? entry.functions : entry.databases;
  return databases[object.name.database];
}

Catalog::Catalog() {
  Entry entry;
  entry.info = {std::string(kDefaultCatalog), "generic_in_memory", {}, {}};
  entry.databases[std::string(kDefaultDatabase)];
  catalogs_.emplace(kDefaultCatalog, std::move(entry));
}

Status Catalog::create_catalog(CatalogInfo info, std::shared_ptr<ExternalCatalog> external,
                               bool if_not_exists) {
  std::lock_guard lock(mutex_);
  if (catalogs_.contains(info.name)) {
    return if_not_exists
               ? Status()
               : Status::already_exists(fmt::format("catalog exists already: {}", info.name));
  }
  Entry entry;
  entry.external = std::move(external);
  if (!entry.external) {
    entry.databases["default"];
  }
  ++version_;
  std::string name = info.name;
  entry.info = std::move(info);
  catalogs_.emplace(std::move(name), std::move(entry));
  return {};
}

Status Catalog::replace_catalog(CatalogInfo info, std::shared_ptr<ExternalCatalog> external) {
  std::lock_guard lock(mutex_);
  auto found = catalogs_.find(info.name);
  if (found == catalogs_.end()) {
    return Status::not_found(fmt::format("no such catalog: {}", info.name));
  }
  ++version_;
  found->second.info = std::move(info);
  found->second.external = std::move(external);
  return {};
}

Status Catalog::drop_catalog(const std::string& name, bool if_exists) {
  std::lock_guard lock(mutex_);
  auto found = catalogs_.find(name);
  if (found == catalogs_.end()) {
    return if_exists ? Status() : Status::not_found(fmt::format("no such catalog: {}", name));
  }
  if (name == kDefaultCatalog) {
    return Status::invalid_argument("the default catalog cannot be dropped");
  }
  ++version_;
  catalogs_.erase(found);
  return {};
}

Status Catalog::create_database(const std::string& catalog, const std::string& database,
                                bool if_not_exists) {
  std::lock_guard lock(mutex_);
  auto found = catalogs_.find(catalog);
  if (found == catalogs_.end()) {
    return Status::not_found(fmt::format("no such catalog: {}", catalog));
  }
  if (found->second.external) {
    return Status::invalid_argument(
        fmt::format("catalog {} shows a source database and is read-only", catalog));
  }
  ++version_;
  auto [entry, inserted] = found->second.databases.try_emplace(database);
  return inserted || if_not_exists
             ? Status()
             : Status::already_exists(fmt::format("database exists already: {}", database));
}

Status Catalog::drop_database(const std::string& catalog, const std::string& database,
                              bool if_exists, bool cascade) {
  std::lock_guard lock(mutex_);
  auto found = catalogs_.find(catalog);
  if (found == catalogs_.end() || !found->second.databases.contains(database)) {
    return if_exists ? Status()
                     : Status::not_found(fmt::format("no such database: {}.{}", catalog, database));
  }
  if (!found->second.databases[database].empty() || !found->second.functions[database].empty()) {
    return Status::invalid_argument(fmt::format("database is not empty: {}{}", database,
                                                cascade ? ": drop its objects first" : ""));
  }
  ++version_;
  found->second.databases.erase(database);
  return {};
}

std::vector<CatalogInfo> Catalog::catalogs() const {
  std::lock_guard lock(mutex_);
  std::vector<CatalogInfo> result;
  for (const auto& [name, entry] : catalogs_) {
    result.push_back(entry.info);
  }
  return result;
}

Result<CatalogInfo> Catalog::find_catalog(const std::string& name) const {
  std::lock_guard lock(mutex_);
  auto found = catalogs_.find(name);
  if (found == catalogs_.end()) {
    std::vector<std::string> names;
    for (const auto& [candidate, entry] : catalogs_) {
      names.push_back(candidate);
    }
    auto nearest = nearest_name(name, names);
    return Status::not_found(fmt::format("no such catalog: {}", name))
        .with_hint(nearest ? fmt::format("did you mean {}?", *nearest)
                           : "SHOW CATALOGS lists them");
  }
  return found->second.info;
}

Result<std::vector<std::string>> Catalog::databases(const std::string& catalog) const {
  std::shared_ptr<ExternalCatalog> external;
  std::vector<std::string> result;
  {
    std::lock_guard lock(mutex_);
    auto found = catalogs_.find(catalog);
    if (found == catalogs_.end()) {
      return Status::not_found(fmt::format("no such catalog: {}", catalog));
    }
    external = found->second.external;
    for (const auto& [name, objects] : found->second.databases) {
      result.push_back(name);
    }
  }
  if (external) {
    for (const auto& [schema, table] : TRY(external->list())) {
      if (std::find(result.begin(), result.end(), schema) == result.end()) {
        result.push_back(schema);
      }
    }
  }
  return result;
}

Status Catalog::check_database(const std::string& catalog, const std::string& database) const {
  std::vector<std::string> names = TRY(databases(catalog));
  if (std::find(names.begin(), names.end(), database) == names.end()) {
    auto nearest = nearest_name(database, names);
    return Status::not_found(fmt::format("no such database in catalog {}: {}", catalog, database))
        .with_hint(nearest ? fmt::format("did you mean {}?", *nearest)
                           : "SHOW DATABASES lists them");
  }
  return {};
}

Result<ObjectRef> Catalog::create(CatalogObject object) {
  std::lock_guard lock(mutex_);
  auto found = catalogs_.find(object.name.catalog);
  if (found == catalogs_.end()) {
    return Status::not_found(fmt::format("no such catalog: {}", object.name.catalog));
  }
  if (found->second.external == nullptr &&
      !found->second.databases.contains(object.name.database)) {
    return Status::not_found(fmt::format("no such database in catalog {}: {}", object.name.catalog,
                                         object.name.database));
  }
  Objects& objects = objects_beside(found->second, object);
  TRY(check_free(objects, key_of(object)));
  ++version_;
  object.id = next_id_++;
  auto ref = std::make_shared<const CatalogObject>(std::move(object));
  objects.emplace(key_of(*ref), ref);
  return ref;
}

Status Catalog::restore(CatalogObject object) {
  std::lock_guard lock(mutex_);
  auto found = catalogs_.find(object.name.catalog);
  if (found == catalogs_.end()) {
    return Status::corruption(fmt::format("the catalog of {} is missing", object.name.to_string()));
  }
  next_id_ = std::max(next_id_, object.id + 1);
  for (const IndexDefinition& index : object.indexes()) {
    next_id_ = std::max(next_id_, index.id + 1);
  }
  ++version_;
  auto ref = std::make_shared<const CatalogObject>(std::move(object));
  objects_beside(found->second, *ref)[key_of(*ref)] = ref;
  return {};
}

Status Catalog::check_free(const Objects& objects, const std::string& name) {
  if (auto taken = objects.find(name); taken != objects.end()) {
    return Status::already_exists(
               fmt::format("{} exists already: {}", taken->second->kind_text(), name))
        .with_sqlstate("42P07")
        .with_hint("drop it first, or write IF NOT EXISTS");
  }
  if (find_index(objects, name) != nullptr) {
    return Status::already_exists(fmt::format("index exists already: {}", name))
        .with_sqlstate("42P07");
  }
  return {};
}

ObjectRef* Catalog::find_place(ObjectId id) {
  for (auto& [catalog_name, entry] : catalogs_) {
    for (auto* databases : {&entry.databases, &entry.functions}) {
      for (auto& [database_name, objects] : *databases) {
        for (auto& [object_name, object] : objects) {
          if (object->id == id) {
            return &object;
          }
        }
      }
    }
  }
  return nullptr;
}

ObjectRef Catalog::find_by_id(ObjectId id) const {
  std::lock_guard lock(mutex_);
  const ObjectRef* place = const_cast<Catalog*>(this)->find_place(id);
  return place == nullptr ? nullptr : *place;
}

Status Catalog::check_unused(const CatalogObject& object, std::string_view doing) const {
  for (const auto& [catalog_name, entry] : catalogs_) {
    for (const auto* databases : {&entry.databases, &entry.functions}) {
      for (const auto& [database_name, objects] : *databases) {
        for (const auto& [object_name, other] : objects) {
          if (std::ranges::find(other->depends_on, object.id) != other->depends_on.end()) {
            return Status::invalid_argument(fmt::format("cannot {} {} {}: {} {} depends on it",
                                                        doing, object.kind_text(),
                                                        object.name.object, other->kind_text(),
                                                        other->name.object))
                .with_hint(other->is_job() ? fmt::format("STOP JOB '{}' first", object_name) : "");
          }
        }
      }
    }
  }
  return {};
}

Result<ObjectRef> Catalog::drop(const CatalogObject& object) {
  std::lock_guard lock(mutex_);
  ObjectRef* place = find_place(object.id);
  if (place == nullptr) {
    return Status::not_found(
        fmt::format("no such {}: {}", object.kind_text(), object.name.to_string()));
  }
  ObjectRef found = *place;
  if (Status used = check_unused(*found, "drop"); !used.ok()) {
    std::string hint = used.hint().empty() ? "drop what depends on it first, or write CASCADE"
                                           : std::string(used.hint());
    return std::move(used).with_sqlstate("2BP01").with_hint(hint);
  }
  ++version_;
  objects_beside(catalogs_.at(found->name.catalog), *found).erase(key_of(*found));
  return found;
}

Status Catalog::not_found(const ObjectName& name, const Entry* entry) {
  std::vector<std::string> candidates;
  if (entry != nullptr) {
    auto database = entry->databases.find(name.database);
    if (database != entry->databases.end()) {
      for (const auto& [candidate, object] : database->second) {
        if (!object->is_job()) {
          candidates.push_back(candidate);
        }
      }
    }
  }
  auto nearest = nearest_name(name.object, candidates);
  return Status::not_found(fmt::format("no such table or view: {}", name.to_string()))
      .with_sqlstate("42P01")
      .with_hint(nearest ? fmt::format("did you mean {}?", quote_name(*nearest))
                         : "SHOW TABLES lists them");
}

Result<ObjectRef> Catalog::find(const ObjectName& name) {
  std::shared_ptr<ExternalCatalog> external;
  {
    std::lock_guard lock(mutex_);
    auto found = catalogs_.find(name.catalog);
    if (found == catalogs_.end()) {
      return Status::not_found(fmt::format("no such catalog: {}", name.catalog));
    }
    auto database = found->second.databases.find(name.database);
    if (database != found->second.databases.end()) {
      auto object = database->second.find(name.object);
      if (object != database->second.end() && !object->second->is_job()) {
        return object->second;
      }
    }
    external = found->second.external;
    if (!external) {
      return not_found(name, &found->second);
    }
  }
  CatalogObject resolved = TRY(external->resolve(name));
  resolved.name = name;
  std::lock_guard lock(mutex_);
  auto& objects = catalogs_[name.catalog].databases[name.database];
  auto existing = objects.find(name.object);
  if (existing != objects.end()) {
    return existing->second;  // another session was faster
  }
  resolved.id = next_id_++;
  auto ref = std::make_shared<const CatalogObject>(std::move(resolved));
  objects.emplace(name.object, ref);
  return ref;
}

Result<ObjectName> Catalog::full_name(const std::vector<std::string>& parts,
                                      const std::string& catalog,
                                      const std::string& database) const {
  if (parts.empty() || parts.size() > 3) {
    return Status::invalid_argument("a name has one to three parts: catalog.database.object");
  }
  ObjectName name;
  name.object = parts.back();
  name.database = parts.size() >= 2 ? parts[parts.size() - 2] : database;
  name.catalog = parts.size() == 3 ? parts[0] : catalog;
  // As PostgreSQL's clients name them.
  std::lock_guard lock(mutex_);
  if (name.catalog == kDatabaseName && !catalogs_.contains(name.catalog)) {
    name.catalog = kDefaultCatalog;
  }
  auto found = catalogs_.find(name.catalog);
  bool is_public = name.database == "public" && name.catalog == kDefaultCatalog &&
                   found != catalogs_.end() && !found->second.databases.contains("public");
  if (is_public) {
    name.database = kDefaultDatabase;
  }
  return name;
}

ObjectRef Catalog::find_system(const std::string& schema, const std::string& name) const {
  std::lock_guard lock(mutex_);
  auto tables = system_.find(schema);
  if (tables == system_.end()) {
    return nullptr;
  }
  auto table = tables->second.find(name);
  return table == tables->second.end() ? nullptr : table->second;
}

Result<ObjectRef> Catalog::find(const std::vector<std::string>& parts, const std::string& catalog,
                                const std::string& database) {
  bool is_bare = parts.size() == 1;
  if (ObjectRef system =
          parts.empty()
              ? nullptr
              : find_system(is_bare ? "pg_catalog" : parts[parts.size() - 2], parts.back());
      system != nullptr && (!is_bare || parts[0].starts_with("pg_"))) {
    return system;
  }
  ObjectName name = TRY(full_name(parts, catalog, database));
  std::shared_ptr<ExternalCatalog> external;
  {
    std::lock_guard lock(mutex_);
    auto found = catalogs_.find(name.catalog);
    if (found != catalogs_.end()) {
      external = found->second.external;
    }
  }
  if (external) {
    // Flink's JDBC catalog writes `schema.table` as one quoted name.
    size_t dot = name.object.find('.');
    if (dot != std::string::npos) {
      name.database = name.object.substr(0, dot);
      name.object = name.object.substr(dot + 1);
    }
  }
  Result<ObjectRef> found = find(name);
  if (found.ok() || found.status().code() != StatusCode::kNotFound) {
    return found;
  }
  if (external && parts.size() == 1) {
    // A bare name that exists in just one schema of the source is that table.
    std::vector<std::string> schemas;
    std::vector<std::string> names;
    for (const auto& [schema, table] : TRY(external->list())) {
      names.push_back(table);
      if (table == name.object) {
        schemas.push_back(schema);
      }
    }
    if (schemas.size() == 1) {
      name.database = schemas[0];
      return find(name);
    }
    if (schemas.size() > 1) {
      return Status::invalid_argument(
                 fmt::format("more than one schema has a table {}", name.object))
          .with_hint(fmt::format("write {}.{} or {}.{}", schemas[0], name.object, schemas[1],
                                 name.object));
    }
    if (auto nearest = nearest_name(name.object, names)) {
      return std::move(found).status().with_hint(
          fmt::format("did you mean {}?", quote_name(*nearest)));
    }
  }
  if (parts.size() == 2) {
    // The first part may have been meant as a catalog.
    std::lock_guard lock(mutex_);
    if (!catalogs_.contains(name.catalog) ||
        (!catalogs_[name.catalog].external &&
         !catalogs_[name.catalog].databases.contains(name.database))) {
      return Status::not_found(fmt::format("no such database: {}.{}", name.catalog, name.database))
          .with_hint("SHOW DATABASES lists them");
    }
  }
  return found;
}

Result<std::vector<std::pair<std::string, std::string>>> Catalog::list(
    const std::string& catalog, const std::string& database) {
  std::shared_ptr<ExternalCatalog> external;
  std::map<std::string, std::string> names;
  {
    std::lock_guard lock(mutex_);
    auto found = catalogs_.find(catalog);
    if (found == catalogs_.end()) {
      return Status::not_found(fmt::format("no such catalog: {}", catalog));
    }
    external = found->second.external;
    auto objects = found->second.databases.find(database);
    if (objects != found->second.databases.end()) {
      for (const auto& [name, object] : objects->second) {
        if (!object->is_job()) {
          names.emplace(name, object->kind_text());
        }
      }
    } else if (!external) {
      return Status::not_found(
          fmt::format("no such database in catalog {}: {}", catalog, database));
    }
  }
  if (external) {
    for (const auto& [schema, table] : TRY(external->list())) {
      if (schema == database) {
        names.emplace(table, "table");
      }
    }
  }
  return std::vector<std::pair<std::string, std::string>>(names.begin(), names.end());
}

std::vector<ObjectRef> Catalog::objects() const {
  std::lock_guard lock(mutex_);
  std::vector<ObjectRef> result;
  for (const auto& [name, entry] : catalogs_) {
    for (const auto& [database, objects] : entry.databases) {
      for (const auto& [object_name, object] : objects) {
        result.push_back(object);
      }
    }
  }
  return result;
}

}  // namespace tidemark
