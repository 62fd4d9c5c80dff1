#pragma once
// Parts of texts between separators.

#include <bit>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

namespace tidemark {

// The places of a character in a text, one after the other. Eight bytes at a time: an all-zero byte
// of word ^ pattern is where the character is.
class Places {
 public:
  Places(std::string_view text, char wanted)
      : text_(text), pattern_(uint64_t{0x0101010101010101} * static_cast<uint8_t>(wanted)) {}

  // npos: there are no more.
  size_t next() {
    constexpr uint64_t kLow = 0x7F7F7F7F7F7F7F7F;
    for (; found_ == 0; end_ += 8) {
      if (end_ >= text_.size()) {
        return std::string_view::npos;
      }
      uint64_t word = ~pattern_;  // for what is behind the text
      size_t left = text_.size() - end_;
      if (left >= 8) {
        std::memcpy(&word, text_.data() + end_, 8);
      } else {
        std::memcpy(&word, text_.data() + end_, left);
      }
      uint64_t differs = word ^ pattern_;
      found_ = ~(((differs & kLow) + kLow) | differs | kLow);  // the top bits of these bytes
    }
    size_t place = end_ - 8 + static_cast<size_t>(std::countr_zero(found_)) / 8;
    found_ &= found_ - 1;
    return place;
  }

 private:
  std::string_view text_;
  uint64_t pattern_;
  uint64_t found_ = 0;  // of the eight bytes before end_
  size_t end_ = 0;
};

// The n-th part from 0 on; next() gives the place of a separator, or npos. nullopt: there are
// fewer.
template <typename Next>
std::optional<std::string_view> nth_part(std::string_view text, size_t separator_bytes, size_t n,
                                         Next&& next) {
  size_t start = 0;
  for (; n > 0; --n) {
    size_t place = next();
    if (place == std::string_view::npos) {
      return std::nullopt;
    }
    start = place + separator_bytes;
  }
  return text.substr(start, next() - start);  // npos - start is beyond the end
}

// The separator is not empty; its places do not overlap.
inline std::optional<std::string_view> nth_part(std::string_view text, std::string_view separator,
                                                size_t n) {
  if (separator.size() == 1) {
    Places places(text, separator[0]);
    return nth_part(text, 1, n, [&] { return places.next(); });
  }
  size_t from = 0;
  return nth_part(text, separator.size(), n, [&] {
    size_t place = text.find(separator, from);
    from = place + separator.size();
    return place;
  });
}

}  // namespace tidemark
