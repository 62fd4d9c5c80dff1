#pragma once
// Many rows from column to column at once, long strings copied: for columns that are kept, where
// sharing the source's heaps would keep all of its strings alive; and how such columns grow.

#include <cstdint>
#include <span>

#include "types/column.h"

namespace tidemark {

// Appends rows[i] of source for each i.
void append_copies(Column& to, const Column& source, std::span<const uint32_t> rows);
// Appends all rows of source.
void append_copies(Column& to, const Column& source);

// Where the source has a heap of some size and its rows want nearly all of it: makes `to` keep that
// heap, and says true. References of the source's rows may then be taken over as they are.
bool keep_heap(Column& to, const Column& source);
// Appends all rows of source, copying long strings only if its heap cannot be kept.
void append_kept(Column& to, const Column& source);

// For how many rows a column that is to have `rows` gets room: it doubles up to 65,536, and grows
// by quarters of a power of two beyond.
size_t room_for(size_t rows);

}  // namespace tidemark
