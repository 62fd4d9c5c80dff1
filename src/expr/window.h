#pragma once
// Window functions: their names, and the frames that they look at.

#include <cstdint>
#include <optional>
#include <string_view>

#include "types/column.h"

namespace tidemark {

enum class WindowFunction : uint8_t {
  kAggregate,  // any aggregate, over the frame
  kFirstValue,
  kLastValue,
  kNthValue,
  // Those below do not look at the frame.
  kLag,
  kLead,
  kNtile,
  kCumeDist,
  kPercentRank,
  // The ranks up to the current row, without a bound (with one they are a RankNode of the plan): in
  // a frame of ROWS the first, of GROUPS the others.
  kRowNumber,
  kRank,
  kDenseRank,
};

inline constexpr std::string_view kWindowFunctionNames[] = {
    "",      "FIRST_VALUE", "LAST_VALUE",   "NTH_VALUE",  "LAG",  "LEAD",
    "NTILE", "CUME_DIST",   "PERCENT_RANK", "ROW_NUMBER", "RANK", "DENSE_RANK"};

// name: upper case.
inline std::optional<WindowFunction> find_window_function(std::string_view name) {
  for (uint8_t i = 1; i < std::size(kWindowFunctionNames); ++i) {
    if (name == kWindowFunctionNames[i]) {
      return static_cast<WindowFunction>(i);
    }
  }
  return std::nullopt;
}

// So few that where each begins can be kept for a partition (dataflow/operators/over_tiles.h).
inline bool are_few_tiles(int64_t tiles) {
  return tiles >= 1 && tiles <= 1024;
}

// Of LAG, LEAD, NTH_VALUE and NTILE: sums of it and positions fit.
inline constexpr int64_t kWindowOffsetMax = int64_t{1} << 40;

// One end of a frame. An offset below 0 is PRECEDING, above 0 FOLLOWING, 0 CURRENT ROW.
struct WindowBound {
  enum class Kind : uint8_t { kUnboundedPreceding, kOffset, kUnboundedFollowing };
  Kind kind = Kind::kOffset;
  // Rows or groups of peers; for RANGE the distance of the order's values, in units of the column
  // (of times microseconds, or months).
  Int128 whole = 0;
  double real = 0;  // RANGE over FLOAT and DOUBLE
  bool in_months = false;
  bool operator==(const WindowBound&) const = default;
  bool is_current_row() const { return kind == Kind::kOffset && whole == 0 && real == 0; }
};

// RANGE without an offset is GROUPS: CURRENT ROW means its peers.
enum class WindowUnit : uint8_t { kRows, kGroups, kRange };
enum class WindowExclude : uint8_t { kNothing, kCurrentRow, kGroup, kTies };

struct WindowFrame {
  WindowUnit unit = WindowUnit::kGroups;
  WindowBound start{WindowBound::Kind::kUnboundedPreceding};
  WindowBound end;
  WindowExclude exclude = WindowExclude::kNothing;
  bool operator==(const WindowFrame&) const = default;
};

// So many rows that they can be held beside a running aggregate
// (dataflow/operators/over_running.h): the distance of the row from the frame's end, or from its
// beginning.
inline std::optional<int64_t> running_distance(WindowUnit unit, const WindowBound& near_end) {
  constexpr int64_t kRowsMax = 1024;
  if (near_end.is_current_row() && unit != WindowUnit::kRange) {
    return 0;
  }
  bool is_held = unit == WindowUnit::kRows && near_end.kind == WindowBound::Kind::kOffset &&
                 near_end.whole >= -kRowsMax && near_end.whole <= kRowsMax;
  return is_held ? std::optional(static_cast<int64_t>(near_end.whole)) : std::nullopt;
}

// A function that ignores NULLs and goes from a row on in one direction, until it has met so many
// values: those in between are all that it depends on, however far the frame reaches.
struct NearestValues {
  bool is_before;
  int64_t count;
};
// offset: of LAG and LEAD, if it is the same for all rows.
std::optional<NearestValues> nearest_values(WindowFunction function, bool ignore_nulls,
                                            const WindowFrame& frame,
                                            std::optional<int64_t> offset);

}  // namespace tidemark
