#pragma once
// Upper and lower case by code point: the simple mapping of Unicode, that of the C.UTF-8 locale.

#include <array>
#include <bit>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "types/string_ref.h"

namespace tidemark {

void append_upper(std::string_view text, std::string& out);
void append_lower(std::string_view text, std::string& out);
bool is_alphanumeric(uint32_t point);

// The same of a text of ASCII that lies in its reference, eight bytes at a time. nullopt: it is
// another.
template <bool kUpper>
std::optional<StringRef> map_short(const StringRef& text) {
  constexpr uint64_t kOnes = 0x0101010101010101, kHigh = 0x80 * kOnes;
  constexpr uint64_t kFirst = kUpper ? 'a' : 'A', kLast = kUpper ? 'z' : 'Z';
  if (!text.is_inline() || ((text.head() >> 32 | text.tail()) & kHigh) != 0) {
    return std::nullopt;
  }
  auto mapped = [&](uint64_t word) {
    // The top bit of each byte: whether it is beyond the last letter, and from the first one on.
    uint64_t beyond = word + (0x7F - kLast) * kOnes, from = word + (0x80 - kFirst) * kOnes;
    return word ^ ((beyond ^ from) & kHigh) >> 2;
  };
  uint64_t head = (mapped(text.head() >> 32 << 32) & ~uint64_t{0xFFFFFFFF}) | text.size();
  return std::bit_cast<StringRef>(std::array<uint64_t, 2>{head, mapped(text.tail())});
}

}  // namespace tidemark
