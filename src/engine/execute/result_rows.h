#pragma once
// The rows of an answer, as a client gets them.

#include <string>
#include <vector>

#include "plan/bind/bind_query.h"
#include "types/column.h"
#include "types/key_codec.h"

namespace tidemark {

// The rows in the wanted order, without what only the order needs.
RowBatch in_order(const RowBatch& rows, const std::vector<SortKey>& order, size_t visible);
// The columns that the query shows.
Schema visible_schema(const BoundQuery& bound);

}  // namespace tidemark
