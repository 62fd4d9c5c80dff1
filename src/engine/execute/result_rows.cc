#include "engine/execute/result_rows.h"

#include <algorithm>
#include <numeric>

namespace tidemark {

RowBatch in_order(const RowBatch& rows, const std::vector<SortKey>& order, size_t visible) {
  if (order.empty()) {
    RowBatch result = rows;
    result.columns.resize(visible);
    return result;
  }
  std::vector<std::string> keys(rows.rows);
  for (size_t row = 0; row < rows.rows; ++row) {
    for (const SortKey& sort : order) {
      append_sort_key(*rows.columns[sort.column], row, sort.descending, sort.nulls_first,
                      keys[row]);
    }
  }
  std::vector<uint32_t> places(rows.rows);
  std::iota(places.begin(), places.end(), 0U);
  std::stable_sort(places.begin(), places.end(),
                   [&](uint32_t a, uint32_t b) { return keys[a] < keys[b]; });
  RowBatch result = rows.select(places);
  result.columns.resize(visible);
  return result;
}

Schema visible_schema(const BoundQuery& bound) {
  Schema schema = bound.plan->schema;
  schema.fields.resize(schema.size() - bound.hidden);
  return schema;
}

}  // namespace tidemark
