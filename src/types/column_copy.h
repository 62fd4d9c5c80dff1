#pragma once
// Many rows from column to column at once, long strings copied: for columns that are kept, where
// sharing the source's heaps would keep all of its strings alive.

#include <cstdint>
#include <span>

#include "types/column.h"

namespace tidemark {

// Appends rows[i] of source for each i.
void append_copies(Column& to, const Column& source, std::span<const uint32_t> rows);
// Appends all rows of source.
void append_copies(Column& to, const Column& source);

}  // namespace tidemark
