#pragma once
// Hashes of values, a column at a time. Values that compare_values calls equal hash alike (-0 and
// 0, all NaNs), and so do NULLs. Not stable across versions: never written to disk.

#include <cstdint>
#include <span>
#include <vector>

#include "types/column.h"

namespace tidemark {

// hashes[i] = hash of row i over all the columns, in order. No columns: all equal.
void hash_rows(std::span<const Column* const> columns, size_t rows, std::vector<uint64_t>& hashes);
// The same for rows [first, first + rows): hashes[i] is that of row first + i.
void hash_rows(std::span<const Column* const> columns, size_t first, size_t rows, uint64_t* hashes);

uint64_t hash_bytes(std::string_view bytes);

}  // namespace tidemark
