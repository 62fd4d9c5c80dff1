#pragma once
// Case of ASCII letters, whatever the locale; other bytes stay as they are.

#include <string>
#include <string_view>

namespace tidemark {

inline std::string ascii_upper(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  }
  return result;
}

inline std::string ascii_lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  }
  return result;
}

}  // namespace tidemark
