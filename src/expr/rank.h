#pragma once
// The functions that number the rows of a window partition.

#include <cstdint>
#include <optional>
#include <string_view>

namespace tidemark {

enum class RankFunction : uint8_t { kRowNumber, kRank, kDenseRank };

inline constexpr std::string_view kRankFunctionNames[] = {"ROW_NUMBER", "RANK", "DENSE_RANK"};

// name: upper case.
inline std::optional<RankFunction> find_rank_function(std::string_view name) {
  for (uint8_t i = 0; i < 3; ++i) {
    if (name == kRankFunctionNames[i]) {
      return static_cast<RankFunction>(i);
    }
  }
  return std::nullopt;
}

}  // namespace tidemark
