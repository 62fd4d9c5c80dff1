#pragma once
// A SELECT of single rows of one materialized view, bound once and run often: it needs neither the
// binder nor the step thread, only the view's published content (engine/published_views.h).
//
// Immutable; it belongs to the session that has prepared it.

#include <memory>
#include <string>
#include <vector>

#include "engine/point_read.h"
#include "plan/bind/bind_query.h"

namespace tidemark {

struct PreparedRead {
  // What it was bound against: another catalog or session setting may give it another meaning.
  uint64_t catalog_version = 0;
  std::string catalog;
  std::string database;
  std::string zone;

  PointRead point;
  // Values have to be put into the plan: it has open parameters beside those looked up.
  bool has_open_parts = false;
  Schema schema;  // visible columns
  std::vector<SortKey> order;
};

// Null: the query is not of that kind. `bound` with its parameters open.
std::shared_ptr<const PreparedRead> prepare_read(const BoundQuery& bound,
                                                 const BindContext& context,
                                                 uint64_t catalog_version);

}  // namespace tidemark
