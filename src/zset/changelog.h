#pragma once
// The one place where weights become row kinds and row kinds become weights.

#include <optional>
#include <vector>

#include "types/change.h"
#include "zset/zset.h"

namespace tidemark {

// A Z-set in which no row both comes and goes, as changelog rows. With a key (an empty one: there
// is at most one row), a row that goes and a row that comes with the same key are an update: -U
// then +U, adjacent. Everything else is -D or +I; -D come first. A weight of n gives n equal
// changes.
ChangeBatch to_changelog(const ZBatch& delta, const std::optional<std::vector<size_t>>& key);

// +I and +U weigh 1, -U and -D weigh -1.
ZBatch from_changelog(const ChangeBatch& changes);

}  // namespace tidemark
