#include "types/datetime.h"

#include <charconv>
#include <chrono>

#include <cctz/civil_time.h>
#include <cctz/time_zone.h>
#include <fmt/core.h>

#include "base/clock.h"
#include "types/column.h"

namespace tidemark {

namespace {

// Days before 2000-01-01 of the algorithm's own epoch, 0000-03-01.
constexpr int64_t kEpochShift = 730425;
// Of dates, astronomical; what is read is not counted in days before it is known to be near them.
constexpr int32_t kYearMin = -4713;
constexpr int32_t kYearMax = 5874897;

struct Cursor {
  std::string_view rest;

  bool at_end() const { return rest.empty(); }
  void skip_blanks() {
    while (!rest.empty() && rest.front() == ' ') {
      rest.remove_prefix(1);
    }
  }
  bool take(char c) {
    if (rest.empty() || rest.front() != c) {
      return false;
    }
    rest.remove_prefix(1);
    return true;
  }
  std::optional<int64_t> number(size_t digits_min, size_t digits_max) {
    size_t n = 0;
    int64_t value = 0;
    while (n < rest.size() && n < digits_max && rest[n] >= '0' && rest[n] <= '9') {
      value = value * 10 + (rest[n] - '0');
      ++n;
    }
    if (n < digits_min) {
      return std::nullopt;
    }
    rest.remove_prefix(n);
    return value;
  }
};

std::string_view trim_spaces(std::string_view text) {
  while (!text.empty() && text.front() == ' ') {
    text.remove_prefix(1);
  }
  while (!text.empty() && text.back() == ' ') {
    text.remove_suffix(1);
  }
  return text;
}

bool equals_ignoring_case(std::string_view text, std::string_view lower) {
  return text.size() == lower.size() && std::equal(text.begin(), text.end(), lower.begin(),
                                                   [](char a, char b) { return (a | 0x20) == b; });
}

// -1, 0 or +1 for "-infinity", neither, "infinity".
int infinity_sign(std::string_view text) {
  if (equals_ignoring_case(text, "infinity") || equals_ignoring_case(text, "inf")) {
    return 1;
  }
  if (text.starts_with('-') && infinity_sign(text.substr(1)) == 1) {
    return -1;
  }
  return 0;
}

bool take_bc(std::string_view& text) {
  if (text.size() > 3 && equals_ignoring_case(text.substr(text.size() - 2), "bc")) {
    text = trim_spaces(text.substr(0, text.size() - 2));
    return true;
  }
  return false;
}

std::optional<CivilDate> read_date(Cursor& cursor) {
  auto year = cursor.number(1, 7);
  if (!year || !cursor.take('-')) {
    return std::nullopt;
  }
  auto month = cursor.number(1, 2);
  if (!month || !cursor.take('-')) {
    return std::nullopt;
  }
  auto day = cursor.number(1, 2);
  if (!day || *month < 1 || *month > 12 || *day < 1) {
    return std::nullopt;
  }
  return CivilDate{static_cast<int32_t>(*year), static_cast<int32_t>(*month),
                   static_cast<int32_t>(*day)};
}

std::optional<int64_t> read_time(Cursor& cursor) {
  auto hour = cursor.number(1, 2);
  if (!hour || !cursor.take(':')) {
    return std::nullopt;
  }
  auto minute = cursor.number(1, 2);
  if (!minute) {
    return std::nullopt;
  }
  int64_t second = 0, micros = 0;
  if (cursor.take(':')) {
    auto seconds = cursor.number(1, 2);
    if (!seconds) {
      return std::nullopt;
    }
    second = *seconds;
    if (cursor.take('.')) {
      int64_t factor = 100000;
      bool first_dropped = true;
      while (!cursor.rest.empty() && cursor.rest.front() >= '0' && cursor.rest.front() <= '9') {
        int digit = cursor.rest.front() - '0';
        if (factor == 0 && first_dropped) {
          micros += digit >= 5 ? 1 : 0;
          first_dropped = false;
        }
        micros += digit * factor;
        factor /= 10;
        cursor.rest.remove_prefix(1);
      }
    }
  }
  if (*hour > 24 || *minute > 59 || second > 60 ||
      (*hour == 24 && (*minute > 0 || second > 0 || micros > 0))) {
    return std::nullopt;
  }
  return ((*hour * 60 + *minute) * 60 + second) * 1'000'000 + micros;
}

Status bad(std::string_view what, std::string_view text) {
  return Status::data_error(fmt::format("not a {}: '{}'", what, text));
}

struct Zoned {
  int32_t days;
  std::optional<int64_t> local_us;   // absent: a date beyond the range of timestamps
  std::optional<int64_t> offset_us;  // as written in the text
};

Result<Zoned> read_timestamp(std::string_view whole, bool allow_offset) {
  std::string_view text = trim_spaces(whole);
  bool bc = take_bc(text);
  Cursor cursor{text};
  auto date = read_date(cursor);
  if (!date) {
    return bad("timestamp", whole);
  }
  if (bc) {
    date->year = 1 - date->year;
  }
  if (date->day > days_in_month(date->year, date->month)) {
    return bad("timestamp", whole);
  }
  int64_t time = 0;
  std::optional<int64_t> offset;
  if (!cursor.at_end()) {
    if (!cursor.take('T') && !cursor.take('t')) {
      cursor.skip_blanks();
    }
    auto parsed = read_time(cursor);
    if (!parsed) {
      return bad("timestamp", whole);
    }
    time = *parsed;
    cursor.skip_blanks();
    if (cursor.take('Z') || cursor.take('z')) {
      offset = 0;
    } else if (!cursor.at_end() && (cursor.rest.front() == '+' || cursor.rest.front() == '-')) {
      int64_t sign = cursor.rest.front() == '-' ? -1 : 1;
      cursor.rest.remove_prefix(1);
      auto hours = cursor.number(1, 2);
      if (!hours) {
        return bad("timestamp", whole);
      }
      int64_t seconds = *hours * 3600;
      cursor.take(':');
      if (auto minutes = cursor.number(2, 2)) {
        seconds += *minutes * 60;
        if (cursor.take(':')) {
          seconds += cursor.number(2, 2).value_or(0);
        }
      }
      offset = sign * seconds * 1'000'000;
    }
  }
  if (!cursor.at_end() || (offset && !allow_offset)) {
    return bad("timestamp", whole);
  }
  if (date->year < kYearMin || date->year > kYearMax || !is_date(days_from_civil(*date))) {
    return bad("timestamp", whole);
  }
  Zoned zoned{.days = days_from_civil(*date), .local_us = std::nullopt, .offset_us = offset};
  int64_t local = 0;
  if (!__builtin_mul_overflow(int64_t{zoned.days}, kMicrosPerDay, &local) &&
      !__builtin_add_overflow(local, time, &local) && is_timestamp(local)) {
    zoned.local_us = local;
  }
  return zoned;
}

Result<cctz::time_zone> load_zone(std::string_view name) {
  cctz::time_zone zone;
  if (name == "UTC" || name == "Z") {
    return cctz::utc_time_zone();
  }
  if (name.size() >= 4 && (name.starts_with("UTC") || name.starts_with("GMT"))) {
    name.remove_prefix(3);
  }
  if (!name.empty() && (name.front() == '+' || name.front() == '-')) {
    Cursor cursor{name.substr(1)};
    auto hours = cursor.number(1, 2);
    cursor.take(':');
    auto minutes = cursor.at_end() ? std::optional<int64_t>(0) : cursor.number(2, 2);
    if (hours && minutes && cursor.at_end() && *hours <= 18) {
      int64_t seconds = *hours * 3600 + *minutes * 60;
      return cctz::fixed_time_zone(cctz::seconds(name.front() == '-' ? -seconds : seconds));
    }
  }
  if (!cctz::load_time_zone(std::string(name), &zone)) {
    return Status::invalid_argument(fmt::format("unknown time zone: '{}'", name))
        .with_hint("use a name such as 'UTC', 'Europe/Berlin' or '+02:00'");
  }
  return zone;
}

int64_t floor_div(int64_t a, int64_t b) {
  return a / b - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0);
}

cctz::civil_second civil_of(int64_t timestamp_us) {
  CivilDate date = civil_from_days(day_of_timestamp(timestamp_us));
  int64_t seconds = time_of_timestamp(timestamp_us) / 1'000'000;
  return cctz::civil_second(date.year, date.month, date.day, seconds / 3600, seconds / 60 % 60,
                            seconds % 60);
}

cctz::time_point<cctz::seconds> point_of(int64_t instant_us) {
  return cctz::time_point<cctz::seconds>(
      cctz::seconds(floor_div(instant_us - kUnixEpochMicros, 1'000'000)));
}

int64_t offset_seconds(int64_t instant_us, const cctz::time_zone& zone) {
  return zone.lookup(point_of(instant_us)).offset;
}

bool is_infinite(int64_t timestamp_us) {
  return timestamp_us == kTimestampInfinity || timestamp_us == kTimestampNegativeInfinity;
}

void append_year_first_date(CivilDate date, std::string& out) {
  int32_t year = date.year > 0 ? date.year : 1 - date.year;
  fmt::format_to(std::back_inserter(out), "{:04}-{:02}-{:02}", year, date.month, date.day);
}

}  // namespace

// Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms": civil_from_days.
CivilDate civil_from_days(int32_t days) {
  int64_t z = int64_t{days} + kEpochShift;
  int64_t era = floor_div(z, 146097);
  int64_t doe = z - era * 146097;
  int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
  int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
  int64_t mp = (5 * doy + 2) / 153;
  int64_t month = mp < 10 ? mp + 3 : mp - 9;
  return {static_cast<int32_t>(yoe + era * 400 + (month <= 2 ? 1 : 0)), static_cast<int32_t>(month),
          static_cast<int32_t>(doy - (153 * mp + 2) / 5 + 1)};
}

int32_t days_from_civil(CivilDate date) {
  int64_t year = date.year - (date.month <= 2 ? 1 : 0);
  int64_t era = floor_div(year, 400);
  int64_t yoe = year - era * 400;
  int64_t doy = (153 * (date.month + (date.month > 2 ? -3 : 9)) + 2) / 5 + date.day - 1;
  int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
  return static_cast<int32_t>(era * 146097 + doe - kEpochShift);
}

int32_t days_in_month(int32_t year, int32_t month) {
  constexpr int32_t kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  return month == 2 && leap ? 29 : kDays[month - 1];
}

int32_t day_of_timestamp(int64_t timestamp_us) {
  return static_cast<int32_t>(floor_div(timestamp_us, kMicrosPerDay));
}

int64_t time_of_timestamp(int64_t timestamp_us) {
  return timestamp_us - floor_div(timestamp_us, kMicrosPerDay) * kMicrosPerDay;
}

void append_date(int32_t days, std::string& out) {
  if (days == kDateInfinity || days == kDateNegativeInfinity) {
    out += days > 0 ? "infinity" : "-infinity";
    return;
  }
  CivilDate date = civil_from_days(days);
  append_year_first_date(date, out);
  if (date.year <= 0) {
    out += " BC";
  }
}

void append_time(int64_t time_us, std::string& out) {
  int64_t seconds = time_us / 1'000'000;
  int64_t micros = time_us % 1'000'000;
  fmt::format_to(std::back_inserter(out), "{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60,
                 seconds % 60);
  if (micros != 0) {
    fmt::format_to(std::back_inserter(out), ".{:06}", micros);
    while (out.back() == '0') {
      out.pop_back();
    }
  }
}

namespace {

void append_local(int64_t timestamp_us, std::string_view suffix, std::string& out) {
  CivilDate date = civil_from_days(day_of_timestamp(timestamp_us));
  append_year_first_date(date, out);
  out += ' ';
  append_time(time_of_timestamp(timestamp_us), out);
  out += suffix;
  if (date.year <= 0) {
    out += " BC";
  }
}

}  // namespace

void append_timestamp(int64_t timestamp_us, std::string& out) {
  if (is_infinite(timestamp_us)) {
    out += timestamp_us > 0 ? "infinity" : "-infinity";
    return;
  }
  append_local(timestamp_us, "", out);
}

void append_timestamp_ltz(int64_t timestamp_us, std::string_view zone, std::string& out) {
  if (is_infinite(timestamp_us)) {
    append_timestamp(timestamp_us, out);
    return;
  }
  auto loaded = load_zone(zone);
  int64_t offset = loaded.ok() ? offset_seconds(timestamp_us, *loaded) : 0;
  int64_t magnitude = offset < 0 ? -offset : offset;
  std::string suffix = fmt::format("{}{:02}", offset < 0 ? '-' : '+', magnitude / 3600);
  if (magnitude % 3600 != 0) {
    suffix += fmt::format(":{:02}", magnitude / 60 % 60);
  }
  if (magnitude % 60 != 0) {
    suffix += fmt::format(":{:02}", magnitude % 60);
  }
  append_local(timestamp_us + offset * 1'000'000, suffix, out);
}

Result<int32_t> parse_date(std::string_view text) {
  std::string_view trimmed = trim_spaces(text);
  if (int sign = infinity_sign(trimmed)) {
    return sign > 0 ? kDateInfinity : kDateNegativeInfinity;
  }
  Zoned parsed = TRY([&]() -> Result<Zoned> {
    auto result = read_timestamp(trimmed, true);
    return result.ok() ? std::move(result) : Result<Zoned>(bad("date", text));
  }());
  return parsed.days;
}

Result<int64_t> parse_time(std::string_view text) {
  Cursor cursor{trim_spaces(text)};
  auto time = read_time(cursor);
  if (!time || !cursor.at_end() || !is_time(*time)) {  // 23:59:60.5 is of the next day
    return bad("time", text);
  }
  return *time;
}

Result<int64_t> parse_timestamp(std::string_view text) {
  if (int sign = infinity_sign(trim_spaces(text))) {
    return sign > 0 ? kTimestampInfinity : kTimestampNegativeInfinity;
  }
  Zoned parsed = TRY(read_timestamp(text, false));
  if (!parsed.local_us) {
    return bad("timestamp", text);
  }
  return *parsed.local_us;
}

Result<int64_t> parse_timestamp_ltz(std::string_view text, std::string_view zone) {
  if (int sign = infinity_sign(trim_spaces(text))) {
    return sign > 0 ? kTimestampInfinity : kTimestampNegativeInfinity;
  }
  Zoned parsed = TRY(read_timestamp(text, true));
  if (!parsed.local_us) {
    return bad("timestamp", text);
  }
  if (parsed.offset_us) {
    int64_t instant_us = *parsed.local_us - *parsed.offset_us;
    return is_timestamp(instant_us) ? instant_us : Result<int64_t>(bad("timestamp", text));
  }
  return instant_from_timestamp(*parsed.local_us, zone);
}

Result<int64_t> timestamp_from_instant(int64_t instant_us, std::string_view zone) {
  if (is_infinite(instant_us) || zone == "UTC") {
    return instant_us;
  }
  return instant_us + offset_seconds(instant_us, TRY(load_zone(zone))) * 1'000'000;
}

Result<int64_t> instant_from_timestamp(int64_t timestamp_us, std::string_view zone) {
  if (is_infinite(timestamp_us) || zone == "UTC") {
    return timestamp_us;
  }
  cctz::time_zone loaded = TRY(load_zone(zone));
  auto lookup = loaded.lookup(civil_of(timestamp_us));
  int64_t seconds = lookup.pre.time_since_epoch().count();
  int64_t fraction = timestamp_us - floor_div(timestamp_us, 1'000'000) * 1'000'000;
  return seconds * 1'000'000 + kUnixEpochMicros + fraction;
}

bool is_time_zone(std::string_view zone) {
  return load_zone(zone).ok();
}

int64_t round_micros(int64_t us, int precision) {
  if (precision >= 6 || is_infinite(us)) {
    return us;
  }
  int64_t unit = 1;
  for (int i = precision; i < 6; ++i) {
    unit *= 10;
  }
  return floor_div(us + unit / 2, unit) * unit;
}

void append_interval_months(int32_t months, std::string& out) {
  int64_t magnitude = months < 0 ? -int64_t{months} : months;
  fmt::format_to(std::back_inserter(out), "{}{}-{:02}", months < 0 ? '-' : '+', magnitude / 12,
                 magnitude % 12);
}

void append_interval_micros(int64_t us, std::string& out) {
  uint64_t magnitude = us < 0 ? ~static_cast<uint64_t>(us) + 1 : static_cast<uint64_t>(us);
  uint64_t day = static_cast<uint64_t>(kMicrosPerDay);
  fmt::format_to(std::back_inserter(out), "{}{} ", us < 0 ? '-' : '+', magnitude / day);
  append_time(static_cast<int64_t>(magnitude % day), out);
}

int64_t now_us() {
  return system_clock().wall_us();
}

int32_t iso_weekday(int32_t days) {
  int32_t shifted = (days + 5) % 7;  // 2000-01-01 was a Saturday
  return (shifted < 0 ? shifted + 7 : shifted) + 1;
}

int32_t day_of_year(int32_t days) {
  return static_cast<int32_t>(days - days_from_civil({civil_from_days(days).year, 1, 1}) + 1);
}

}  // namespace tidemark
