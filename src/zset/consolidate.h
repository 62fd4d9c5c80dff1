#pragma once
// The sum of Z-sets: each row once, with the sum of its weights, rows of weight 0 left out.

#include <span>

#include "zset/zset.h"

namespace tidemark {

// All batches as one, rows as they are. Columns are shared where there is only one batch.
ZBatch concatenate(std::span<const ZBatch> batches);
// Each different row once. Costs a hash of every row.
ZBatch consolidate(std::span<const ZBatch> batches);
// The same, with the hashes of the rows that are left (types/hash.h, over all columns).
ZBatch consolidate(std::span<const ZBatch> batches, std::vector<uint64_t>& hashes);
// The same rows in columns of their own: what is kept for long should not keep alive the strings of
// all that it was chosen from.
ZBatch owned(const ZBatch& batch);
// The same rows with opposite weights; columns are shared.
ZBatch negated(const ZBatch& batch);
// Whether some row is taken back (a weight below 1): only then can rows of a delta cancel each
// other.
bool has_retractions(std::span<const ZBatch> batches);

}  // namespace tidemark
