#pragma once
// A materialized view's query, bound to the plan that its dataflow runs.

#include <string>
#include <vector>

#include "catalog/catalog.h"
#include "plan/bind/bind_query.h"

namespace tidemark {

// The plan with exactly these column names (empty: the query's own), without what only ORDER BY
// needed; optimized. An error if there are more or fewer names than columns.
Result<BoundQuery> bind_materialized_view(const sql::Query& query,
                                          const std::vector<std::string>& names,
                                          const BindContext& context);
// The same for a view that is in the catalog.
Result<BoundQuery> bind_materialized_view(BindContext context, const CatalogObject& view);

}  // namespace tidemark
