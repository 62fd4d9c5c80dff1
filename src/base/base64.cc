#include "base/base64.h"

#include <algorithm>
#include <cstdint>

namespace tidemark {

namespace {

constexpr std::string_view kBase64Digits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

}  // namespace

void append_base64(std::string_view bytes, std::string& out) {
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t word = 0;
    size_t have = std::min<size_t>(3, bytes.size() - i);
    for (size_t k = 0; k < 3; ++k) {
      word = (word << 8) | (k < have ? static_cast<uint8_t>(bytes[i + k]) : 0);
    }
    for (size_t k = 0; k < 4; ++k) {
      out += k <= have ? kBase64Digits[(word >> (18 - 6 * k)) & 63] : '=';
    }
  }
}

bool append_from_base64(std::string_view text, std::string& out) {
  uint32_t word = 0;
  size_t have = 0, padding = 0;
  for (char c : text) {
    if (c == '\n' || c == '\r') {
      continue;
    }
    size_t digit = kBase64Digits.find(c);
    if (c == '=') {
      ++padding;
      digit = 0;
    } else if (digit == std::string_view::npos || padding != 0) {
      return false;
    }
    word = (word << 6) | static_cast<uint32_t>(digit);
    if (++have % 4 == 0) {
      for (size_t k = 0; k + padding < 3; ++k) {
        out += static_cast<char>(word >> (16 - 8 * k));
      }
      word = 0;
    }
  }
  return have % 4 == 0 && padding <= 2;
}

}  // namespace tidemark
