#pragma once
// The sum of Z-sets: each row once, with the sum of its weights, rows of weight 0 left out.

#include <span>

#include "zset/zset.h"

namespace tidemark {

// All batches as one, rows as they are. Columns are shared where there is only one batch.
ZBatch concatenate(std::span<const ZBatch> batches);
// Each different row once. Costs a hash of every row.
ZBatch consolidate(std::span<const ZBatch> batches);
// The same rows with opposite weights; columns are shared.
ZBatch negated(const ZBatch& batch);
// Whether some row is taken back: only then can rows of a delta cancel each other.
bool has_retractions(std::span<const ZBatch> batches);

}  // namespace tidemark
