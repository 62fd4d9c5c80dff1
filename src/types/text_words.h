#pragma once
// The bytes of a text for loops over many: short and long ones in the same way, since a branch on
// which of both a text is would be mispredicted where they are mixed. A long text is its own bytes,
// a short one the 16 bytes of its reference, which have its size too: at least 13 bytes each.

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "types/string_ref.h"

namespace tidemark {

struct TextWords {
  const char* data;
  size_t size;

  // Valid as long as the reference stays where it is.
  explicit TextWords(const StringRef& text) {
    uint64_t is_short = text.is_inline() ? ~uint64_t{0} : 0;
    uint64_t here = reinterpret_cast<uint64_t>(&text);
    data = reinterpret_cast<const char*>((here & is_short) | (text.tail() & ~is_short));
    size = (sizeof(StringRef) & is_short) | (text.size() & ~is_short);
  }
  // `at` is at most size - 8.
  uint64_t word(size_t at) const {
    uint64_t word;
    std::memcpy(&word, data + at, sizeof word);
    return word;
  }
};

// As a == b, for texts that mostly are equal. Up to 28 bytes it is three words beside the head.
inline bool same_text(const StringRef& a, const StringRef& b) {
  if (a.head() != b.head()) {
    return false;
  }
  TextWords x(a), y(b);
  size_t last = x.size - 8;
  size_t middle = std::min<size_t>(last, 12);
  uint64_t differs =
      (x.word(4) ^ y.word(4)) | (x.word(middle) ^ y.word(middle)) | (x.word(last) ^ y.word(last));
  for (size_t i = 20; i < last && differs == 0; i += 8) {
    differs = x.word(i) ^ y.word(i);
  }
  return differs == 0;
}

}  // namespace tidemark
