// The part of the catalog for objects that get another definition or name.

#include <algorithm>

#include <fmt/core.h>

#include "catalog/catalog.h"

namespace tidemark {

std::vector<IndexDefinition> kept_indexes(const CatalogObject& view, const Schema& schema) {
  std::vector<IndexDefinition> kept;
  for (IndexDefinition index : view.indexes()) {
    bool is_kept = true;
    for (size_t& column : index.columns) {
      std::optional<size_t> place = schema.find(view.schema[column].name);
      is_kept = is_kept && place;
      column = place.value_or(0);
    }
    if (is_kept) {
      kept.push_back(std::move(index));
    }
  }
  return kept;
}

Result<ObjectRef> Catalog::replace(CatalogObject object) {
  std::lock_guard lock(mutex_);
  ObjectRef* place = find_place(object.id);
  if (place == nullptr) {
    return Status::not_found(fmt::format("it was dropped: {}", object.name.to_string()));
  }
  const CatalogObject& old = **place;
  object.name = old.name;
  object.revision = old.revision + 1;
  if (auto* view = std::get_if<MaterializedViewDefinition>(&object.definition)) {
    view->indexes = kept_indexes(old, object.schema);
  }
  ++version_;
  *place = std::make_shared<const CatalogObject>(std::move(object));
  return *place;
}

Result<ObjectRef> Catalog::rename(const ObjectName& name, const std::string& to) {
  std::lock_guard lock(mutex_);
  Objects* objects = find_objects(name);
  auto found = objects == nullptr ? Objects::iterator() : objects->find(name.object);
  if (objects == nullptr || found == objects->end()) {
    return Status::not_found(fmt::format("no such table or view: {}", name.to_string()))
        .with_sqlstate("42P01");
  }
  if (Status used = check_unused(*found->second, "rename"); !used.ok()) {
    return std::move(used).with_hint("its definition has the old name: drop it first");
  }
  TRY(check_free(*objects, to));
  CatalogObject copy = *found->second;
  copy.name.object = to;
  ++version_;
  objects->erase(found);
  auto renamed = std::make_shared<const CatalogObject>(std::move(copy));
  objects->emplace(to, renamed);
  return renamed;
}

}  // namespace tidemark
