#pragma once
// Which parts of a query's graph are graphs of their own, for other queries to read too.

#include <cstdint>

namespace tidemark {

// A query keeps the choice that it was begun with, and its record has it: these are on disk.
enum class Sharing : uint8_t {
  kNone = 0,
  // The rows of tables by key, and what joins look up in slices of tables (plan/table_slice.h).
  kSlices = 1,
  // Besides, what joins look up in anything else that follows from tables, and aggregates over such
  // (plan/shareable.h).
  kResults = 2,
};

}  // namespace tidemark
