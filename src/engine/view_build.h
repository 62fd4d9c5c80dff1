#pragma once
// A new version of a materialized view, on its way to the view's place: CREATE OR REPLACE
// MATERIALIZED VIEW, ALTER MATERIALIZED VIEW ... AS.
//
// Thread rule: make_build from any thread; what it leaves in the dataflow runs on the step thread.

#include <string>

#include "catalog/catalog.h"
#include "engine/dataflow.h"

namespace tidemark {

class Engine;

// Of its dataflow, in SHOW JOBS.
std::string new_version_name(const std::string& view);

// Makes the dataflow of `definition` a build of the view. When it is complete and in the view's
// place, the catalog and the store get the definition.
void make_build(Engine& engine, const CatalogObject& view, CatalogObject definition,
                Dataflow& dataflow);

}  // namespace tidemark
