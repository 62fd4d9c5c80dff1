// Dates and times; the clock is in clock.cc.

#include "types/datetime.h"

#include <cmath>

#include "base/ascii.h"
#include "expr/functions/calendar.h"
#include "expr/functions/families.h"
#include "expr/functions/java_pattern.h"
#include "expr/functions/shape.h"
#include "types/text.h"

namespace tidemark {

namespace {

using Arguments = std::span<const Argument>;

// ISO 8601 week and its year; Monday is day 1.
struct IsoWeek {
  int32_t year;
  int32_t week;
  int32_t weekday;
};

IsoWeek iso_week(int32_t days) {
  int32_t weekday = iso_weekday(days);
  int32_t thursday = days - weekday + 4;
  int32_t year = civil_from_days(thursday).year;
  return {year, (thursday - days_from_civil({year, 1, 1})) / 7 + 1, weekday};
}

// One field of a timestamp; nullopt for a unit that does not exist.
std::optional<int64_t> field_of(std::string_view unit, int64_t us) {
  int32_t days = day_of_timestamp(us);
  int64_t time = time_of_timestamp(us);
  CivilDate date = civil_from_days(days);
  if (unit == "YEAR") {
    return date.year;
  }
  if (unit == "QUARTER") {
    return (date.month + 2) / 3;
  }
  if (unit == "MONTH") {
    return date.month;
  }
  if (unit == "WEEK") {
    return iso_week(days).week;
  }
  if (unit == "DAY" || unit == "DAYOFMONTH") {
    return date.day;
  }
  if (unit == "DOY" || unit == "DAYOFYEAR") {
    return day_of_year(days);
  }
  if (unit == "DOW" || unit == "DAYOFWEEK") {
    return iso_weekday(days) % 7 + 1;  // Sunday is 1, as in Flink
  }
  if (unit == "ISODOW") {
    return iso_weekday(days);
  }
  if (unit == "ISOYEAR") {
    return iso_week(days).year;
  }
  if (unit == "HOUR") {
    return time / 3'600'000'000;
  }
  if (unit == "MINUTE") {
    return time / 60'000'000 % 60;
  }
  if (unit == "SECOND") {
    return time / 1'000'000 % 60;
  }
  if (unit == "MILLISECOND") {
    return time / 1000 % 60'000;
  }
  if (unit == "MICROSECOND") {
    return time % 60'000'000;
  }
  if (unit == "CENTURY") {
    return date.year > 0 ? (date.year + 99) / 100 : -((99 - (date.year - 1)) / 100);
  }
  if (unit == "DECADE") {
    return floor_divide(date.year, 10);
  }
  if (unit == "MILLENNIUM") {
    return date.year > 0 ? (date.year + 999) / 1000 : -((999 - (date.year - 1)) / 1000);
  }
  if (unit == "EPOCH") {
    return floor_divide(us - kUnixEpochMicros, 1'000'000);
  }
  return std::nullopt;
}

// Any date, time or timestamp argument as a timestamp, in the session's zone for an instant.
int64_t wall_clock(const KernelFrame& frame, const Argument& argument, const Type& type,
                   size_t row) {
  switch (type.kind) {
    case TypeKind::kDate: {
      int32_t days = argument.at<int32_t>(row);
      return days == kDateInfinity           ? kTimestampInfinity
             : days == kDateNegativeInfinity ? kTimestampNegativeInfinity
                                             : int64_t{days} * kMicrosPerDay;
    }
    case TypeKind::kTimestampLtz: {
      Result<int64_t> local = timestamp_from_instant(argument.at<int64_t>(row), frame.context.zone);
      return local.ok() ? *local : argument.at<int64_t>(row);
    }
    default:
      return argument.at<int64_t>(row);
  }
}

Result<Type> temporal_argument(const Type& type) {
  if (type.kind == TypeKind::kNull || type.is_character()) {
    return Type::timestamp(6);
  }
  if (type.is_temporal()) {
    return type.as_nullable();
  }
  return Status::invalid_argument(
      fmt::format("expected a date, time or timestamp, not {}", type.to_string_without_null()));
}

void extract(const KernelFrame& frame, Arguments a) {
  for (size_t row = 0; row < frame.rows; ++row) {
    if (frame.out.is_null(row)) {
      continue;
    }
    int64_t us = wall_clock(frame, a[1], frame.argument_types[1], row);
    if (is_infinite_timestamp(us)) {
      frame.out.set_null(row);
      continue;
    }
    std::optional<int64_t> value = field_of(ascii_upper(a[0].string_at(row)), us);
    if (!value) {
      frame.fail(row, fmt::format("EXTRACT has no unit {}", a[0].string_at(row)));
      continue;
    }
    frame.out.mutable_data<int64_t>()[row] = *value;
  }
}

// A field of an interval of days: its days, hours, ... with the sign of the whole, as in Postgres.
std::optional<int64_t> field_of_micros(std::string_view unit, int64_t us) {
  int64_t time = us % kMicrosPerDay;
  return unit == "DAY"           ? std::optional<int64_t>(us / kMicrosPerDay)
         : unit == "HOUR"        ? std::optional<int64_t>(time / 3'600'000'000)
         : unit == "MINUTE"      ? std::optional<int64_t>(time / 60'000'000 % 60)
         : unit == "SECOND"      ? std::optional<int64_t>(time / 1'000'000 % 60)
         : unit == "MILLISECOND" ? std::optional<int64_t>(time / 1000 % 60'000)
         : unit == "MICROSECOND" ? std::optional<int64_t>(time % 60'000'000)
         : unit == "EPOCH"       ? std::optional<int64_t>(us / 1'000'000)
                                 : std::nullopt;
}
std::optional<int64_t> field_of_months(std::string_view unit, int32_t months) {
  return unit == "YEAR"      ? std::optional<int64_t>(months / 12)
         : unit == "QUARTER" ? std::optional<int64_t>(months % 12 / 3 + 1)
         : unit == "MONTH"   ? std::optional<int64_t>(months % 12)
                             : std::nullopt;
}

void extract_from_interval(const KernelFrame& frame, Arguments a) {
  bool months = frame.argument_types[1].kind == TypeKind::kIntervalMonth;
  fill<int64_t>(frame, [&](size_t row) {
    std::string unit = ascii_upper(a[0].string_at(row));
    std::optional<int64_t> value = months ? field_of_months(unit, a[1].at<int32_t>(row))
                                          : field_of_micros(unit, a[1].at<int64_t>(row));
    if (!value) {
      frame.fail(
          row, fmt::format("{} has no {}", frame.argument_types[1].to_string_without_null(), unit));
    }
    return value.value_or(0);
  });
}

Result<BoundFunction> bind_extract(std::span<const Type> types) {
  if (types.size() != 2) {
    return Status::invalid_argument("takes a unit and a value");
  }
  if (types[1].is_interval()) {
    return BoundFunction{extract_from_interval,
                         Type::bigint(),
                         {Type::string(), types[1].as_nullable()},
                         NullRule::kStrict,
                         true};
  }
  Type temporal = TRY(temporal_argument(types[1]));
  return BoundFunction{
      extract, Type::bigint(), {Type::string(), std::move(temporal)}, NullRule::kStrict, true};
}

template <FixedString kUnit>
void one_field(const KernelFrame& frame, Arguments a) {
  for (size_t row = 0; row < frame.rows; ++row) {
    int64_t us = wall_clock(frame, a[0], frame.argument_types[0], row);
    if (is_infinite_timestamp(us)) {
      frame.out.set_null(row);
    } else {
      frame.out.mutable_data<int64_t>()[row] = field_of(kUnit.view(), us).value_or(0);
    }
  }
}

template <FixedString kUnit>
Result<BoundFunction> bind_field(std::span<const Type> types) {
  if (types.size() != 1) {
    return Status::invalid_argument("takes one argument");
  }
  return BoundFunction{one_field<kUnit>,
                       Type::bigint(),
                       {TRY(temporal_argument(types[0]))},
                       NullRule::kStrict,
                       false};
}

// Start of the unit that holds the timestamp.
std::optional<int64_t> truncate(std::string_view unit, int64_t us) {
  int32_t days = day_of_timestamp(us);
  CivilDate date = civil_from_days(days);
  auto at = [](CivilDate start) { return int64_t{days_from_civil(start)} * kMicrosPerDay; };
  if (unit == "MILLENNIUM") {
    return at({(date.year - 1) / 1000 * 1000 + 1, 1, 1});
  }
  if (unit == "CENTURY") {
    return at({(date.year - 1) / 100 * 100 + 1, 1, 1});
  }
  if (unit == "DECADE") {
    return at({static_cast<int32_t>(floor_divide(date.year, 10)) * 10, 1, 1});
  }
  if (unit == "YEAR") {
    return at({date.year, 1, 1});
  }
  if (unit == "QUARTER") {
    return at({date.year, (date.month - 1) / 3 * 3 + 1, 1});
  }
  if (unit == "MONTH") {
    return at({date.year, date.month, 1});
  }
  if (unit == "WEEK") {
    return int64_t{days - (iso_weekday(days) - 1)} * kMicrosPerDay;
  }
  if (unit == "DAY") {
    return int64_t{days} * kMicrosPerDay;
  }
  int64_t size = unit == "HOUR"                                    ? 3'600'000'000
                 : unit == "MINUTE"                                ? 60'000'000
                 : unit == "SECOND"                                ? 1'000'000
                 : unit == "MILLISECOND" || unit == "MILLISECONDS" ? 1000
                                                                   : 0;
  return size == 0 ? std::nullopt : std::optional<int64_t>(floor_divide(us, size) * size);
}

int64_t next_unit(std::string_view unit, int64_t start) {
  // The start of the following unit: truncate a time safely inside it.
  int64_t step = unit == "MILLENNIUM" ? 365'400
                 : unit == "CENTURY"  ? 36'600
                 : unit == "DECADE"   ? 3'700
                 : unit == "YEAR"     ? 370
                 : unit == "QUARTER"  ? 93
                 : unit == "MONTH"    ? 32
                 : unit == "WEEK"     ? 7
                 : unit == "DAY"      ? 1
                                      : 0;
  int64_t inside = step != 0 ? start + step * kMicrosPerDay
                             : start + (unit == "HOUR"     ? 3'600'000'000
                                        : unit == "MINUTE" ? 60'000'000
                                        : unit == "SECOND" ? 1'000'000
                                                           : 1000);
  return truncate(unit, inside).value_or(start);
}

template <bool kCeil>
void round_to_unit(const KernelFrame& frame, const Argument& value, const Argument& unit_argument,
                   const Type& type) {
  for (size_t row = 0; row < frame.rows; ++row) {
    if (frame.out.is_null(row)) {
      continue;
    }
    int64_t us = wall_clock(frame, value, type, row);
    std::string unit = ascii_upper(unit_argument.string_at(row));
    std::optional<int64_t> start =
        is_infinite_timestamp(us) ? std::optional<int64_t>(us) : truncate(unit, us);
    if (!start) {
      frame.fail(row, fmt::format("no such unit of time: {}", unit));
      continue;
    }
    int64_t result = kCeil && *start != us ? next_unit(unit, *start) : *start;
    if (frame.result.kind == TypeKind::kDate) {
      frame.out.mutable_data<int32_t>()[row] =
          is_infinite_timestamp(us) ? value.at<int32_t>(row) : day_of_timestamp(result);
    } else if (frame.result.kind == TypeKind::kTimestampLtz) {
      Result<int64_t> instant = instant_from_timestamp(result, frame.context.zone);
      frame.out.mutable_data<int64_t>()[row] = instant.ok() ? *instant : result;
    } else {
      frame.out.mutable_data<int64_t>()[row] = result;
    }
  }
}

void date_trunc(const KernelFrame& frame, Arguments a) {
  round_to_unit<false>(frame, a[1], a[0], frame.argument_types[1]);
}

Result<BoundFunction> bind_date_trunc(std::span<const Type> types) {
  if (types.size() != 2) {
    return Status::invalid_argument("takes a unit and a value");
  }
  Type type = TRY(temporal_argument(types[1]));
  return BoundFunction{date_trunc, type, {Type::string(), type}, NullRule::kStrict, true};
}

template <bool kCeil>
void floor_to(const KernelFrame& frame, Arguments a) {
  round_to_unit<kCeil>(frame, a[0], a[1], frame.argument_types[0]);
}

int64_t unit_micros(std::string_view unit) {
  return unit == "WEEK"          ? 7 * kMicrosPerDay
         : unit == "DAY"         ? kMicrosPerDay
         : unit == "HOUR"        ? 3'600'000'000
         : unit == "MINUTE"      ? 60'000'000
         : unit == "SECOND"      ? 1'000'000
         : unit == "MILLISECOND" ? 1000
                                 : 0;
}
int64_t unit_months(std::string_view unit) {
  return unit == "YEAR" ? 12 : unit == "QUARTER" ? 3 : unit == "MONTH" ? 1 : 0;
}

std::string singular(std::string unit) {
  if (unit.starts_with("SQL_TSI_")) {
    unit = unit.substr(8);
  }
  if (unit.size() > 1 && unit.back() == 'S') {
    unit.pop_back();
  }
  return unit;
}

void timestamp_add(const KernelFrame& frame, Arguments a) {
  fill<int64_t>(frame, [&](size_t row) -> int64_t {
    std::string unit = singular(ascii_upper(a[0].string_at(row)));
    int64_t n = a[1].at<int64_t>(row), us = a[2].at<int64_t>(row);
    if (is_infinite_timestamp(us)) {
      return us;
    }
    int64_t months = unit_months(unit), micros = unit_micros(unit), amount = 0;
    if (months == 0 && micros == 0) {
      frame.fail(row, fmt::format("TIMESTAMPADD has no unit {}", unit));
      return 0;
    }
    std::optional<int64_t> moved;
    if (!__builtin_mul_overflow(n, months + micros, &amount)) {
      moved = months != 0 ? add_months_to_timestamp(us, amount) : add_micros(us, amount);
    }
    if (!moved) {
      frame.fail(row, fmt::format("TIMESTAMPADD out of range of TIMESTAMP: {} {}", n, unit));
    }
    return moved.value_or(0);
  });
}

// Whole units between, cut toward zero.
void timestamp_diff(const KernelFrame& frame, Arguments a) {
  fill<int32_t>(frame, [&](size_t row) -> int64_t {
    std::string unit = singular(ascii_upper(a[0].string_at(row)));
    int64_t from = a[1].at<int64_t>(row), to = a[2].at<int64_t>(row);
    int64_t result = 0;
    if (is_infinite_timestamp(from) || is_infinite_timestamp(to)) {
      frame.fail(row, "TIMESTAMPDIFF of an infinite timestamp");
      return 0;
    }
    if (int64_t months = unit_months(unit)) {
      CivilDate x = civil_from_days(day_of_timestamp(from)),
                y = civil_from_days(day_of_timestamp(to));
      int64_t total = (int64_t{y.year} - x.year) * 12 + y.month - x.month;
      int64_t reached = add_months_to_timestamp(from, total).value_or(to);
      total -= total > 0 && reached > to ? 1 : 0;
      total += total < 0 && reached < to ? 1 : 0;
      result = total / months;
    } else if (int64_t micros = unit_micros(unit)) {
      result = static_cast<int64_t>((Int128{to} - from) / micros);
    } else {
      frame.fail(row, fmt::format("TIMESTAMPDIFF has no unit {}", unit));
    }
    if (result > std::numeric_limits<int32_t>::max() ||
        result < std::numeric_limits<int32_t>::min()) {
      frame.fail(row, fmt::format("TIMESTAMPDIFF out of range of INT: {}", result));
      return 0;
    }
    return result;
  });
}

// Times in order often have the text of the one before, by days or by minutes.
void date_format(const KernelFrame& frame, Arguments a) {
  std::string text;
  std::string_view last_pattern;
  int64_t unit = 0, from = 0, to = 0;  // times in [from, to) have the text `last`
  StringRef last;
  for (size_t row = 0; row < frame.rows; ++row) {
    if (frame.out.is_null(row)) {
      continue;
    }
    int64_t us = wall_clock(frame, a[0], frame.argument_types[0], row);
    std::string_view pattern = a[1].string_at(row);
    if (us < from || us >= to || pattern != last_pattern) {
      text.clear();
      bool is_endless = is_infinite_timestamp(us);
      is_endless ? append_timestamp(us, text) : append_formatted(us, pattern, text);
      unit = pattern == last_pattern && unit != 0 ? unit : formatted_unit_us(pattern);
      last_pattern = pattern;
      int64_t rest = us % unit;
      from = is_endless ? 0 : us - rest - (rest < 0 ? unit : 0);
      to = is_endless ? 0 : from + unit;
      last = frame.out.intern(text);
    }
    frame.out.mutable_data<StringRef>()[row] = last;
  }
}

Result<BoundFunction> bind_date_format(std::span<const Type> types) {
  if (types.size() != 2) {
    return Status::invalid_argument("takes a value and a pattern");
  }
  return BoundFunction{date_format,
                       Type::string(),
                       {TRY(temporal_argument(types[0])), Type::string()},
                       NullRule::kStrict,
                       false};
}

void to_timestamp(const KernelFrame& frame, Arguments a) {
  for (size_t row = 0; row < frame.rows; ++row) {
    if (frame.out.is_null(row)) {
      continue;
    }
    std::optional<int64_t> value;
    if (a.size() > 1) {
      value = parse_by_pattern(a[0].string_at(row), a[1].string_at(row));
    } else if (Result<int64_t> parsed = parse_timestamp(a[0].string_at(row)); parsed.ok()) {
      value = *parsed;
    }
    // As in Flink, a text that is not a timestamp gives NULL; CAST gives an error.
    if (!value) {
      frame.out.set_null(row);
    } else if (frame.result.kind == TypeKind::kDate) {
      frame.out.mutable_data<int32_t>()[row] = day_of_timestamp(*value);
    } else {
      frame.out.mutable_data<int64_t>()[row] = round_micros(*value, 3);
    }
  }
}

// Units of so many microseconds since 1970 as an instant.
std::optional<int64_t> from_epoch(int64_t value, int64_t unit_us) {
  int64_t us = 0;
  return __builtin_mul_overflow(value, unit_us, &us) ? std::nullopt
                                                     : add_micros(kUnixEpochMicros, us);
}

void to_timestamp_ltz(const KernelFrame& frame, Arguments a) {
  fill<int64_t>(frame, [&](size_t row) -> int64_t {
    int64_t value = a[0].at<int64_t>(row);
    int64_t precision = a.size() > 1 ? a[1].at<int32_t>(row) : 3;
    if (precision != 0 && precision != 3) {
      frame.fail(row, fmt::format("TO_TIMESTAMP_LTZ takes 0 (seconds) or 3 (milliseconds): {}",
                                  precision));
      return 0;
    }
    std::optional<int64_t> instant = from_epoch(value, precision == 0 ? 1'000'000 : 1000);
    if (!instant) {
      frame.fail(row, fmt::format("TO_TIMESTAMP_LTZ out of range of TIMESTAMP_LTZ: {}", value));
    }
    return instant.value_or(0);
  });
}

void from_unixtime(const KernelFrame& frame, Arguments a) {
  fill_text(frame, [&](size_t row, std::string& out) {
    std::optional<int64_t> instant = from_epoch(a[0].at<int64_t>(row), 1'000'000);
    if (!instant) {
      frame.fail(row,
                 fmt::format("FROM_UNIXTIME out of range of TIMESTAMP: {}", a[0].at<int64_t>(row)));
      return true;
    }
    Result<int64_t> local = timestamp_from_instant(*instant, frame.context.zone);
    append_formatted(local.ok() ? *local : *instant,
                     a.size() > 1 ? a[1].string_at(row) : "yyyy-MM-dd HH:mm:ss", out);
    return true;
  });
}

void unix_timestamp(const KernelFrame& frame, Arguments a) {
  fill<int64_t>(frame, [&](size_t row) -> int64_t {
    if (a.empty()) {
      return floor_divide(frame.context.now_us - kUnixEpochMicros, 1'000'000);
    }
    std::optional<int64_t> local = parse_by_pattern(
        a[0].string_at(row), a.size() > 1 ? a[1].string_at(row) : "yyyy-MM-dd HH:mm:ss");
    if (!local) {
      return std::numeric_limits<int64_t>::min();  // as Flink answers
    }
    Result<int64_t> instant = instant_from_timestamp(*local, frame.context.zone);
    return floor_divide((instant.ok() ? *instant : *local) - kUnixEpochMicros, 1'000'000);
  });
}

constexpr Function kDatetimeFunctions[] = {
    {"EXTRACT", "datetime", "EXTRACT(unit FROM x)",
     "A field of a date, time, timestamp or interval as BIGINT: YEAR, QUARTER, MONTH, WEEK, DAY, "
     "DOY, DOW "
     "(Sunday is 1), HOUR, MINUTE, SECOND, EPOCH.",
     "EXTRACT(DOW FROM DATE '2020-02-29')", "7", bind_extract},
    {"DATE_PART", "datetime", "DATE_PART('unit', x)", "As EXTRACT (Postgres).",
     "DATE_PART('year', DATE '2020-02-29')", "2020", bind_extract},
    {"YEAR", "datetime", "YEAR(d)", "The year.", "YEAR(DATE '2020-02-29')", "2020",
     bind_field<"YEAR">},
    {"QUARTER", "datetime", "QUARTER(d)", "The quarter, 1 to 4.", "QUARTER(DATE '2020-05-01')", "2",
     bind_field<"QUARTER">},
    {"MONTH", "datetime", "MONTH(d)", "The month, 1 to 12.", "MONTH(DATE '2020-02-29')", "2",
     bind_field<"MONTH">},
    {"WEEK", "datetime", "WEEK(d)", "The ISO week, 1 to 53.", "WEEK(DATE '2021-01-03')", "53",
     bind_field<"WEEK">},
    {"DAYOFYEAR", "datetime", "DAYOFYEAR(d)", "The day of the year, 1 to 366.",
     "DAYOFYEAR(DATE '2020-12-31')", "366", bind_field<"DOY">},
    {"DAYOFMONTH", "datetime", "DAYOFMONTH(d)", "The day of the month.",
     "DAYOFMONTH(DATE '2020-02-29')", "29", bind_field<"DAY">},
    {"DAYOFWEEK", "datetime", "DAYOFWEEK(d)", "The day of the week; Sunday is 1.",
     "DAYOFWEEK(DATE '2020-03-01')", "1", bind_field<"DOW">},
    {"HOUR", "datetime", "HOUR(t)", "The hour, 0 to 23.", "HOUR(TIMESTAMP '2020-01-01 13:14:15')",
     "13", bind_field<"HOUR">},
    {"MINUTE", "datetime", "MINUTE(t)", "The minute.", "MINUTE(TIMESTAMP '2020-01-01 13:14:15')",
     "14", bind_field<"MINUTE">},
    {"SECOND", "datetime", "SECOND(t)", "The second.", "SECOND(TIMESTAMP '2020-01-01 13:14:15')",
     "15", bind_field<"SECOND">},
    {"DATE_TRUNC", "datetime", "DATE_TRUNC('unit', x)",
     "The start of the unit that holds x (Postgres).",
     "DATE_TRUNC('month', TIMESTAMP '2020-02-29 13:00:00')", "2020-02-01 00:00:00",
     bind_date_trunc},
    {"TIMESTAMPADD", "datetime", "TIMESTAMPADD(unit, n, t)",
     "t moved by n units; a day past the month's end becomes its last.",
     "TIMESTAMPADD(MONTH, 1, TIMESTAMP '2020-01-31 00:00:00')", "2020-02-29 00:00:00",
     bind_shape<"slT", 'T', timestamp_add, true>},
    {"TIMESTAMPDIFF", "datetime", "TIMESTAMPDIFF(unit, from, to)",
     "Whole units between two timestamps.",
     "TIMESTAMPDIFF(DAY, TIMESTAMP '2020-01-01 10:00:00', TIMESTAMP '2020-01-03 09:00:00')", "1",
     bind_shape<"sTT", 'i', timestamp_diff, true>},
    {"DATE_FORMAT", "datetime", "DATE_FORMAT(t, pattern)", "Text by a Java pattern.",
     "DATE_FORMAT(TIMESTAMP '2020-02-29 13:04:05', 'dd.MM.yyyy HH:mm')", "29.02.2020 13:04",
     bind_date_format},
    {"TO_TIMESTAMP", "datetime", "TO_TIMESTAMP(s [, pattern])",
     "TIMESTAMP(3) from text; NULL if it is not one.", "TO_TIMESTAMP('29.02.2020', 'dd.MM.yyyy')",
     "2020-02-29 00:00:00",
     [](std::span<const Type> types) -> Result<BoundFunction> {
       BoundFunction bound = TRY((bind_shape<"s?s", 'T', to_timestamp>(types)));
       bound.result = Type::timestamp(3);
       return bound;
     }},
    {"TO_DATE", "datetime", "TO_DATE(s [, pattern])", "DATE from text; NULL if it is not one.",
     "TO_DATE('2020-02-29')", "2020-02-29", bind_shape<"s?s", 'D', to_timestamp>},
    {"TO_TIMESTAMP_LTZ", "datetime", "TO_TIMESTAMP_LTZ(n [, precision])",
     "An instant from seconds (precision 0) or milliseconds (3) since 1970.",
     "TO_TIMESTAMP_LTZ(0, 0)", "1970-01-01 00:00:00+00",
     bind_shape<"l?i", 'L', to_timestamp_ltz, true>},
    {"FROM_UNIXTIME", "datetime", "FROM_UNIXTIME(n [, pattern])",
     "Seconds since 1970 as text in the session's zone.", "FROM_UNIXTIME(0)", "1970-01-01 00:00:00",
     bind_shape<"l?s", 's', from_unixtime, true>},
    {"UNIX_TIMESTAMP", "datetime", "UNIX_TIMESTAMP([s [, pattern]])",
     "Seconds since 1970 of a text in the session's zone, or of the query's start.",
     "UNIX_TIMESTAMP('1970-01-02 00:00:00')", "86400", bind_shape<"?ss", 'l', unix_timestamp>},
};

}  // namespace

std::span<const Function> datetime_functions() {
  return kDatetimeFunctions;
}

// FLOOR(x TO unit) and CEIL(x TO unit) share their names with the numeric ones (math_functions.cc).
Kernel floor_to_unit_kernel(bool ceil) {
  return ceil ? floor_to<true> : floor_to<false>;
}

}  // namespace tidemark
