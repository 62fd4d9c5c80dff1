#pragma once
// Moving along the calendar. What leaves the years that a timestamp can have (4713 BC to 294276, as
// in Postgres) is nullopt, never wrapped.

#include <algorithm>
#include <cstdint>
#include <optional>

#include "types/datetime.h"

namespace tidemark {

inline constexpr int32_t kYearMin = -4712;
inline constexpr int32_t kYearMax = 294276;

inline int64_t floor_divide(int64_t a, int64_t b) {
  return a / b - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0);
}

inline bool is_infinite_timestamp(int64_t us) {
  return us == kTimestampInfinity || us == kTimestampNegativeInfinity;
}

// The day shifted by months, cut to the month's length.
inline std::optional<int32_t> add_months_to_days(int32_t days, int64_t months) {
  if (months > int64_t{kYearMax} * 24 || months < -int64_t{kYearMax} * 24) {
    return std::nullopt;
  }
  CivilDate date = civil_from_days(days);
  int64_t total = int64_t{date.year} * 12 + date.month - 1 + months;
  int64_t year = floor_divide(total, 12);
  if (year < kYearMin || year > kYearMax) {
    return std::nullopt;
  }
  int32_t month = static_cast<int32_t>(total - year * 12) + 1;
  int32_t day = std::min(date.day, days_in_month(static_cast<int32_t>(year), month));
  return days_from_civil({static_cast<int32_t>(year), month, day});
}

// A finite timestamp shifted by months.
inline std::optional<int64_t> add_months_to_timestamp(int64_t us, int64_t months) {
  std::optional<int32_t> days = add_months_to_days(day_of_timestamp(us), months);
  return days ? std::optional<int64_t>(int64_t{*days} * kMicrosPerDay + time_of_timestamp(us))
              : std::nullopt;
}

// A finite timestamp shifted by microseconds.
inline std::optional<int64_t> add_micros(int64_t us, int64_t amount) {
  int64_t sum = 0;
  if (__builtin_add_overflow(us, amount, &sum) || is_infinite_timestamp(sum)) {
    return std::nullopt;
  }
  int32_t year = civil_from_days(day_of_timestamp(sum)).year;
  return year < kYearMin || year > kYearMax ? std::nullopt : std::optional<int64_t>(sum);
}

}  // namespace tidemark
