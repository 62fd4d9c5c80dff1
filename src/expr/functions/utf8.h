#pragma once
// UTF-8 by code point. Text in columns is valid UTF-8.

#include <cstdint>
#include <string>
#include <string_view>

namespace tidemark {

inline bool is_continuation(char c) {
  return (static_cast<uint8_t>(c) & 0xC0) == 0x80;
}

inline size_t code_points(std::string_view text) {
  size_t n = 0;
  for (char c : text) {
    n += is_continuation(c) ? 0 : 1;
  }
  return n;
}

// Byte offset of the n-th code point (0-based), or the text's size.
inline size_t byte_offset(std::string_view text, size_t n) {
  size_t i = 0;
  while (i < text.size() && n > 0) {
    ++i;
    while (i < text.size() && is_continuation(text[i])) {
      ++i;
    }
    --n;
  }
  return i;
}

inline std::string_view sub_points(std::string_view text, size_t first, size_t count) {
  size_t from = byte_offset(text, first);
  return text.substr(from, byte_offset(text.substr(from), count));
}

// Takes the code point at the front of the text.
inline uint32_t take_point(std::string_view& text) {
  uint8_t first = static_cast<uint8_t>(text[0]);
  size_t length = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  length = length > text.size() ? text.size() : length;
  uint32_t point = length == 1 ? first : first & (0x7Fu >> length);
  for (size_t i = 1; i < length; ++i) {
    point = (point << 6) | (static_cast<uint8_t>(text[i]) & 0x3F);
  }
  text.remove_prefix(length);
  return point;
}

inline void append_point(uint32_t point, std::string& out) {
  if (point < 0x80) {
    out += static_cast<char>(point);
  } else if (point < 0x800) {
    out += static_cast<char>(0xC0 | (point >> 6));
    out += static_cast<char>(0x80 | (point & 0x3F));
  } else if (point < 0x10000) {
    out += static_cast<char>(0xE0 | (point >> 12));
    out += static_cast<char>(0x80 | ((point >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (point & 0x3F));
  } else {
    out += static_cast<char>(0xF0 | (point >> 18));
    out += static_cast<char>(0x80 | ((point >> 12) & 0x3F));
    out += static_cast<char>(0x80 | ((point >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (point & 0x3F));
  }
}

// Whether bytes are UTF-8 without overlong forms and surrogates: what may become text.
inline bool is_valid_utf8(std::string_view bytes) {
  while (!bytes.empty()) {
    uint8_t first = static_cast<uint8_t>(bytes[0]);
    size_t length = first < 0x80 ? 1 : first < 0xC2 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    if (length == 0 || first > 0xF4 || length > bytes.size()) {
      return false;
    }
    for (size_t i = 1; i < length; ++i) {
      if (!is_continuation(bytes[i])) {
        return false;
      }
    }
    uint32_t point = take_point(bytes);
    bool too_short = (length == 3 && point < 0x800) || (length == 4 && point < 0x10000);
    if (too_short || (point >= 0xD800 && point < 0xE000) || point > 0x10FFFF) {
      return false;
    }
  }
  return true;
}

}  // namespace tidemark
