#pragma once
// Dates, times and timestamps as numbers and as text. All counts start at 2000-01-01 as in Postgres
// (src/include/datatype/timestamp.h); text is Postgres's ISO style: "2020-01-31", "0044-03-15 BC",
// "2020-01-31 10:00:00.5", "infinity", "-infinity". The calendar is the proleptic Gregorian one.

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "base/status.h"

namespace tidemark {

inline constexpr int32_t kDateInfinity = std::numeric_limits<int32_t>::max();
inline constexpr int32_t kDateNegativeInfinity = std::numeric_limits<int32_t>::min();
inline constexpr int64_t kTimestampInfinity = std::numeric_limits<int64_t>::max();
inline constexpr int64_t kTimestampNegativeInfinity = std::numeric_limits<int64_t>::min();
inline constexpr int64_t kMicrosPerDay = 86'400'000'000;
// What Postgres's types hold besides (src/include/datatype/timestamp.h, PostgreSQL 15): from
// 4714-11-24 BC to 5874897-12-31, to the end of the year 294276, and a day.
constexpr bool is_date(int64_t days) {
  return (days >= -2451545 && days < 2145031949) || days == kDateInfinity ||
         days == kDateNegativeInfinity;
}
constexpr bool is_timestamp(int64_t us) {
  return (us >= -2451545 * kMicrosPerDay && us < 106751983 * kMicrosPerDay) ||
         us == kTimestampInfinity || us == kTimestampNegativeInfinity;
}
constexpr bool is_time(int64_t us) {
  return us >= 0 && us <= kMicrosPerDay;
}
// Days and microseconds from 1970-01-01 to 2000-01-01.
inline constexpr int32_t kUnixEpochDays = -10957;
inline constexpr int64_t kUnixEpochMicros = kUnixEpochDays * kMicrosPerDay;

struct CivilDate {
  int32_t year;  // astronomical: 0 is 1 BC
  int32_t month;
  int32_t day;
};
CivilDate civil_from_days(int32_t days);
int32_t days_from_civil(CivilDate date);
// Monday is 1.
int32_t iso_weekday(int32_t days);
// The first of January is 1.
int32_t day_of_year(int32_t days);
int32_t days_in_month(int32_t year, int32_t month);
// Day and time of day of a finite timestamp: floor division, so that the time is never negative.
int32_t day_of_timestamp(int64_t timestamp_us);
int64_t time_of_timestamp(int64_t timestamp_us);

void append_date(int32_t days, std::string& out);
// Fraction digits without trailing zeros, at most 6.
void append_time(int64_t time_us, std::string& out);
void append_timestamp(int64_t timestamp_us, std::string& out);
// An instant in the named zone, with its offset: "2020-01-31 10:00:00+01". "UTC" gives "+00".
void append_timestamp_ltz(int64_t timestamp_us, std::string_view zone, std::string& out);

Result<int32_t> parse_date(std::string_view text);
Result<int64_t> parse_time(std::string_view text);
Result<int64_t> parse_timestamp(std::string_view text);
// Text with an offset ("...+02", "...Z") is taken at its word; without one it is in `zone`.
Result<int64_t> parse_timestamp_ltz(std::string_view text, std::string_view zone);

// Between an instant and the wall clock of a zone. Skipped wall times take the offset before the
// gap, repeated ones the earlier instant.
Result<int64_t> timestamp_from_instant(int64_t instant_us, std::string_view zone);
Result<int64_t> instant_from_timestamp(int64_t timestamp_us, std::string_view zone);
bool is_time_zone(std::string_view zone);

// Rounds half up to p fraction digits (0..6).
int64_t round_micros(int64_t us, int precision);

// Interval text: months as "+1-02", microseconds as "+1 10:00:00.000".
void append_interval_months(int32_t months, std::string& out);
void append_interval_micros(int64_t us, std::string& out);

// Microseconds since 2000-01-01 by the system's clock.
int64_t now_us();

}  // namespace tidemark
