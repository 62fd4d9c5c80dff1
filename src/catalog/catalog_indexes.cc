// The part of the catalog for CREATE INDEX and DROP INDEX.

#include <algorithm>

#include <fmt/core.h>

#include "base/nearest.h"
#include "catalog/catalog.h"

namespace tidemark {

ObjectRef Catalog::find_index(const Objects& objects, const std::string& name) {
  for (const auto& [object_name, object] : objects) {
    if (std::ranges::any_of(object->indexes(),
                            [&](const IndexDefinition& index) { return index.name == name; })) {
      return object;
    }
  }
  return nullptr;
}

Catalog::Objects* Catalog::find_objects(const ObjectName& name) {
  auto catalog = catalogs_.find(name.catalog);
  if (catalog == catalogs_.end()) {
    return nullptr;
  }
  auto database = catalog->second.databases.find(name.database);
  return database == catalog->second.databases.end() ? nullptr : &database->second;
}

Result<ObjectRef> Catalog::create_index(const ObjectName& view, IndexDefinition index) {
  std::lock_guard lock(mutex_);
  Objects* objects = find_objects(view);
  auto found = objects == nullptr ? Objects::iterator() : objects->find(view.object);
  if (objects == nullptr || found == objects->end() || !found->second->is_materialized_view()) {
    return Status::not_found(fmt::format("no such materialized view: {}", view.to_string()))
        .with_sqlstate("42P01");
  }
  bool is_key = std::ranges::any_of(*objects, [&](const auto& entry) {
    return !entry.second->primary_key.empty() && entry.first + "_pkey" == index.name;
  });
  if (is_key || objects->contains(index.name) || find_index(*objects, index.name) != nullptr) {
    return Status::already_exists(fmt::format("relation \"{}\" already exists", index.name))
        .with_sqlstate("42P07");
  }
  index.id = next_id_++;
  CatalogObject copy = *found->second;
  std::get<MaterializedViewDefinition>(copy.definition).indexes.push_back(std::move(index));
  ++version_;
  found->second = std::make_shared<const CatalogObject>(std::move(copy));
  return found->second;
}

Result<ObjectRef> Catalog::drop_index(const ObjectName& index) {
  std::lock_guard lock(mutex_);
  Objects* objects = find_objects(index);
  ObjectRef view = objects == nullptr ? nullptr : find_index(*objects, index.object);
  if (view == nullptr) {
    std::vector<std::string> names;
    if (objects != nullptr) {
      for (const auto& [name, object] : *objects) {
        for (const IndexDefinition& known : object->indexes()) {
          names.push_back(known.name);
        }
      }
    }
    auto nearest = nearest_name(index.object, names);
    Status status = Status::not_found(fmt::format("index \"{}\" does not exist", index.object))
                        .with_sqlstate("42704");
    return nearest
               ? std::move(status).with_hint(fmt::format("did you mean {}?", quote_name(*nearest)))
               : std::move(status);
  }
  CatalogObject copy = *view;
  std::erase_if(std::get<MaterializedViewDefinition>(copy.definition).indexes,
                [&](const IndexDefinition& known) { return known.name == index.object; });
  ++version_;
  ObjectRef& place = (*objects)[view->name.object];
  place = std::make_shared<const CatalogObject>(std::move(copy));
  return place;
}

}  // namespace tidemark
