#include "engine/view_build.h"

#include "engine/durability.h"
#include "engine/engine.h"
#include "engine/view_options.h"

namespace tidemark {

std::string new_version_name(const std::string& view) {
  return view + " (new version)";
}

void make_build(Engine& engine, const CatalogObject& view, CatalogObject definition,
                Dataflow& dataflow) {
  definition.id = view.id;
  definition.name = view.name;
  dataflow.object = view.id;
  dataflow.is_build = true;
  dataflow.name = new_version_name(view.name.object);
  dataflow.definition = std::make_shared<const CatalogObject>(std::move(definition));
  dataflow.when_placed = [&engine](Dataflow& placed) {
    Result<ObjectRef> object = engine.catalog().replace(*placed.definition);
    if (!object.ok()) {
      return;  // dropped: the dataflow goes with the rest of the DROP
    }
    placed.revision = (*object)->revision;
    placed.name = (*object)->name.object;
    if (Result<int64_t> retention = retention_us(**object); retention.ok()) {
      placed.log.configure(*retention);
    }
    if (Durability* durability = engine.durability()) {
      // If the disk is full the dataflow's record goes on saying it, also to the next start.
      static_cast<void>(durability->put_placed(placed.id, **object).ok());
    }
  };
}

}  // namespace tidemark
