#include "zset/zset.h"

namespace tidemark {

size_t held_bytes(const ZBatch& batch) {
  size_t bytes = batch.weights.size() * sizeof(int64_t);
  for (const ColumnRef& column : batch.rows.columns) {
    bytes += column != nullptr ? column->held_bytes() : 0;
  }
  return bytes;
}

}  // namespace tidemark
