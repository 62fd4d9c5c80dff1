#pragma once
// Z-sets: rows with integer weights. A change is a Z-set, a collection is the sum of its changes.

#include <cstdint>
#include <vector>

#include "types/column.h"

namespace tidemark {

struct ZBatch {
  RowBatch rows;
  std::vector<int64_t> weights;  // one a row; empty: all +1

  int64_t weight(size_t row) const { return weights.empty() ? 1 : weights[row]; }
};

// In memory; columns that are shared with other batches count in each.
size_t held_bytes(const ZBatch& batch);

// What one step changes in one stream: first `reset` (everything before is forgotten), then the sum
// of the batches. A reset costs nothing however large the collection was.
struct Delta {
  bool reset = false;
  std::vector<ZBatch> batches;

  bool empty() const { return !reset && batches.empty(); }
  void clear() {
    reset = false;
    batches.clear();
  }
};

}  // namespace tidemark
