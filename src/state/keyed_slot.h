#pragma once
// A slot of a keyed table's index: the upper half of the hash (the tag), and 1 + the row's id. The
// tag says where the slot has its place too, so that an index grows without looking at rows. For
// keyed_table*.cc only.

#include <algorithm>
#include <bit>
#include <cstdint>
#include <type_traits>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

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
// Small indexes are fast: at most half full, and they double. Large ones are small: up to seven
// eighths full, and they grow by half.
constexpr size_t kSlotsMin =
    64;  // few groups should not collide: probes that vary are mispredicted
constexpr size_t kSmallSlots = 1 << 17;
constexpr size_t kLineSlots = 8;  // in a line of the cache

// Where to look first, in an index of so many slots, for a hash or for a slot's own place. In a
// large one it is the begin of a line: what is not in the line is elsewhere only if that is full.
inline size_t home_of(uint64_t hash, size_t slots) {
  size_t place = static_cast<size_t>(((hash >> 32) * slots) >> 32);
  return slots > kSmallSlots ? place / kLineSlots * kLineSlots : place;
}
inline size_t slot_after(size_t slot, size_t slots) {
  return ++slot == slots ? 0 : slot;
}

inline bool is_too_full(size_t rows, size_t slots) {
  return slots <= kSmallSlots ? rows * 2 > slots : rows * 8 > slots * 7;
}
inline bool is_too_empty(size_t rows, size_t slots) {
  return slots > kSmallSlots && rows * 4 < slots;
}
inline size_t slots_for(size_t rows) {
  size_t slots = std::bit_ceil(std::max(rows * 2, kSlotsMin));
  slots = slots <= kSmallSlots ? slots : std::max(kSmallSlots + kLineSlots, rows / 7 * 12);
  return (slots + kLineSlots - 1) / kLineSlots * kLineSlots;
}

// The first slot of a line that is free or has the tag; kLineSlots: there is none. A loop would be
// mispredicted, since lines differ in how full they are.
inline size_t find_in_line(const uint64_t* line, uint64_t hash) {
#ifdef __SSE2__
  __m128i tag = _mm_set1_epi32(static_cast<int>(hash >> 32));
  auto wanted = [&](const uint64_t* four) {
    auto two = [](const uint64_t* slots) {
      return _mm_castsi128_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(slots)));
    };
    __m128 first = two(four), second = two(four + 2);
    __m128i tags = _mm_castps_si128(_mm_shuffle_ps(first, second, _MM_SHUFFLE(3, 1, 3, 1)));
    __m128i ids = _mm_castps_si128(_mm_shuffle_ps(first, second, _MM_SHUFFLE(2, 0, 2, 0)));
    __m128i found =
        _mm_or_si128(_mm_cmpeq_epi32(tags, tag), _mm_cmpeq_epi32(ids, _mm_setzero_si128()));
    return static_cast<unsigned>(_mm_movemask_ps(_mm_castsi128_ps(found)));
  };
  unsigned found = wanted(line) | wanted(line + 4) << 4;
  return found == 0 ? kLineSlots : static_cast<size_t>(std::countr_zero(found));
#else
  size_t at = 0;
  while (at < kLineSlots && line[at] != 0 && !tag_matches(line[at], hash)) {
    ++at;
  }
  return at;
#endif
}

// The first slot from the hash's place on that is free or has its tag.
inline size_t find_slot(const uint64_t* slots, size_t count, uint64_t hash) {
  size_t slot = home_of(hash, count);
  if (count <= kSmallSlots) {
    while (slots[slot] != 0 && !tag_matches(slots[slot], hash)) {
      slot = slot_after(slot, count);
    }
    return slot;
  }
  for (size_t at = find_in_line(slots + slot, hash);; at = find_in_line(slots + slot, hash)) {
    if (at != kLineSlots) {
      return slot + at;
    }
    slot = slot + kLineSlots == count ? 0 : slot + kLineSlots;
  }
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
