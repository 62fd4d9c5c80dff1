#pragma once
// A slot of a keyed table's index: the upper half of the hash, and 1 + the row's id. For
// keyed_table*.cc only.

#include <cstdint>
#include <type_traits>

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

// Equality of keys: NaN equals NaN.
template <typename T>
bool equal_physical(const T& a, const T& b) {
  if constexpr (std::is_floating_point_v<T>) {
    return a == b || (a != a && b != b);
  } else {
    return a == b;
  }
}

}  // namespace tidemark
