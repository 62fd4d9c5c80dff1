#pragma once
// A slot of a keyed table's index: the upper half of the hash (the tag), and 1 + the row's id. The
// tag says where the slot has its place too, so that an index grows without looking at rows. For
// keyed_table*.cc only.

#include <algorithm>
#include <bit>
#include <cstdint>
#include <type_traits>

#include "types/text_words.h"

namespace tidemark {

inline uint64_t slot_of(uint64_t hash, uint32_t id) {
  return (hash & 0xFFFFFFFF00000000u) | (uint64_t{id} + 1);
}
inline bool tag_matches(uint64_t slot, uint64_t hash) {
  return ((slot ^ hash) >> 32) == 0;
}
inline uint32_t id_of(uint64_t slot) {
  return static_cast<uint32_t>(slot) - 1;
}
// Where to look first, in an index of so many slots, for a hash or for a slot's own place.
inline size_t home_of(uint64_t hash, size_t slots) {
  return static_cast<size_t>(((hash >> 32) * slots) >> 32);
}
inline size_t slot_after(size_t slot, size_t slots) {
  return ++slot == slots ? 0 : slot;
}

// Small indexes are fast: at most half full, and they double. Large ones are small: up to three
// quarters full, and they grow by a quarter.
constexpr size_t kSlotsMin =
    64;  // few groups should not collide: probes that vary are mispredicted
constexpr size_t kSmallSlots = 1 << 17;

inline bool is_too_full(size_t rows, size_t slots) {
  return slots <= kSmallSlots ? rows * 2 > slots : rows * 4 > slots * 3;
}
inline bool is_too_empty(size_t rows, size_t slots) {
  return slots > kSmallSlots && rows * 4 < slots;
}
inline size_t slots_for(size_t rows) {
  size_t slots = std::bit_ceil(std::max(rows * 2, kSlotsMin));
  return slots <= kSmallSlots ? slots : std::max(kSmallSlots + 1, rows / 3 * 5);
}

// Equality of keys: NaN equals NaN.
template <typename T>
bool equal_physical(const T& a, const T& b) {
  if constexpr (std::is_floating_point_v<T>) {
    return a == b || (a != a && b != b);
  } else if constexpr (std::is_same_v<T, StringRef>) {
    return same_text(a, b);
  } else {
    return a == b;
  }
}

}  // namespace tidemark
