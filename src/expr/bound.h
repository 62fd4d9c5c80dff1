#pragma once
// How a value compares with a bound that changes: what a dynamic filter keeps.

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace tidemark {

enum class BoundKind : uint8_t { kLess, kLessEqual, kEqual, kGreaterEqual, kGreater };

inline constexpr std::array<std::string_view, 5> kBoundNames = {"<", "<=", "=", ">=", ">"};

inline std::optional<BoundKind> find_bound(std::string_view name) {
  for (uint8_t i = 0; i < kBoundNames.size(); ++i) {
    if (name == kBoundNames[i]) {
      return static_cast<BoundKind>(i);
    }
  }
  return std::nullopt;
}

// The same comparison with its sides exchanged.
inline BoundKind mirrored(BoundKind kind) {
  return static_cast<BoundKind>(kBoundNames.size() - 1 - static_cast<size_t>(kind));
}

}  // namespace tidemark
