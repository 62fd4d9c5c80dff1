#pragma once
// What WITH of CREATE MATERIALIZED VIEW takes.

#include <string>
#include <vector>

#include "base/options.h"
#include "catalog/catalog.h"

namespace tidemark {

// Returns notices; an unknown option, or a value that cannot be read, is an error.
Result<std::vector<std::string>> check_view_options(const Options& options);

// 'retention': how long the changes of a view are kept for readers who come back.
Result<int64_t> retention_us(const CatalogObject& view);

}  // namespace tidemark
