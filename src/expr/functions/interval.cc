// Making dates and times of parts, and the time between them.

#include <cmath>

#include "expr/functions/calendar.h"
#include "expr/functions/families.h"
#include "expr/functions/shape.h"
#include "types/text.h"

namespace tidemark {

namespace {

using Arguments = std::span<const Argument>;

std::optional<int32_t> days_of(int64_t year, int64_t month, int64_t day) {
  if (year < kYearMin || year > kYearMax || month < 1 || month > 12 || day < 1 ||
      day > days_in_month(static_cast<int32_t>(year), static_cast<int32_t>(month))) {
    return std::nullopt;
  }
  return days_from_civil(
      {static_cast<int32_t>(year), static_cast<int32_t>(month), static_cast<int32_t>(day)});
}

std::optional<int64_t> time_of(int64_t hour, int64_t minute, double second) {
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || !(second >= 0 && second < 60)) {
    return std::nullopt;
  }
  return (hour * 60 + minute) * 60'000'000 + std::llround(second * 1e6);
}

void make_date(const KernelFrame& frame, Arguments a) {
  fill<int32_t>(frame, [&](size_t row) {
    int32_t year = a[0].at<int32_t>(row), month = a[1].at<int32_t>(row),
            day = a[2].at<int32_t>(row);
    std::optional<int32_t> days = days_of(year, month, day);
    if (!days) {
      frame.fail(row, fmt::format("no such date: year {}, month {}, day {}", year, month, day));
    }
    return days.value_or(0);
  });
}

void make_time(const KernelFrame& frame, Arguments a) {
  fill<int64_t>(frame, [&](size_t row) {
    int32_t hour = a[0].at<int32_t>(row), minute = a[1].at<int32_t>(row);
    double second = a[2].at<double>(row);
    std::optional<int64_t> time = time_of(hour, minute, second);
    if (!time) {
      frame.fail(row,
                 fmt::format("no such time: hour {}, minute {}, second {}", hour, minute, second));
    }
    return time.value_or(0);
  });
}

void make_timestamp(const KernelFrame& frame, Arguments a) {
  fill<int64_t>(frame, [&](size_t row) {
    auto part = [&](size_t i) { return a[i].at<int32_t>(row); };
    std::optional<int32_t> days = days_of(part(0), part(1), part(2));
    std::optional<int64_t> time = time_of(part(3), part(4), a[5].at<double>(row));
    if (!days || !time) {
      frame.fail(row,
                 fmt::format("no such timestamp: year {}, month {}, day {}, hour {}, minute "
                             "{}, second {}",
                             part(0), part(1), part(2), part(3), part(4), a[5].at<double>(row)));
    }
    return int64_t{days.value_or(0)} * kMicrosPerDay + time.value_or(0);
  });
}

void append_unit(int64_t n, std::string_view one, std::string& out) {
  if (n != 0) {
    fmt::format_to(std::back_inserter(out), "{}{} {}{}", out.empty() ? "" : " ", n, one,
                   n == 1 ? "" : "s");
  }
}

// Postgres, timestamp_age: years, months and days by the calendar, then the time of day. Text,
// because no interval of Flink's holds both months and days.
void age(const KernelFrame& frame, Arguments a) {
  fill_text(frame, [&](size_t row, std::string& out) {
    int64_t to = a[0].at<int64_t>(row), from = a[1].at<int64_t>(row);
    if (is_infinite_timestamp(to) || is_infinite_timestamp(from)) {
      frame.fail(row, "AGE of an infinite timestamp");
      return true;
    }
    bool negative = to < from;
    CivilDate x = civil_from_days(day_of_timestamp(to)),
              y = civil_from_days(day_of_timestamp(from));
    int64_t time = time_of_timestamp(to) - time_of_timestamp(from), days = x.day - y.day,
            months = x.month - y.month, years = int64_t{x.year} - y.year;
    if (negative) {
      time = -time, days = -days, months = -months, years = -years;
    }
    if (time < 0) {
      time += kMicrosPerDay;
      --days;
    }
    while (days < 0) {
      days += negative ? days_in_month(x.year, x.month) : days_in_month(y.year, y.month);
      --months;
    }
    if (months < 0) {
      months += 12;
      --years;
    }
    int64_t sign = negative ? -1 : 1;
    append_unit(sign * years, "year", out);
    append_unit(sign * months, "mon", out);
    append_unit(sign * days, "day", out);
    if (time != 0 || out.empty()) {
      out += out.empty() ? "" : " ";
      out += negative && time != 0 ? "-" : "";
      append_time(time, out);
    }
    return true;
  });
}

// (a, b) OVERLAPS (c, d) of two periods given by their ends, in either order; ends do not belong to
// them, but a period without length is its moment.
void overlaps(const KernelFrame& frame, Arguments a) {
  fill<uint8_t>(frame, [&](size_t row) {
    auto [from, to] = std::minmax({a[0].at<int64_t>(row), a[1].at<int64_t>(row)});
    auto [other_from, other_to] = std::minmax({a[2].at<int64_t>(row), a[3].at<int64_t>(row)});
    return from == other_from || (from < other_from ? to > other_from : other_to > from);
  });
}

constexpr Function kIntervalFunctions[] = {
    {"MAKE_DATE", "datetime", "MAKE_DATE(year, month, day)", "The date of its parts (Postgres).",
     "MAKE_DATE(2020, 2, 29)", "2020-02-29", bind_shape<"iii", 'D', make_date, true>},
    {"MAKE_TIME", "datetime", "MAKE_TIME(hour, minute, second)",
     "The time of day of its parts (Postgres).", "MAKE_TIME(13, 4, 5.5)", "13:04:05.5",
     bind_shape<"iid", 't', make_time, true>},
    {"MAKE_TIMESTAMP", "datetime", "MAKE_TIMESTAMP(year, month, day, hour, minute, second)",
     "The timestamp of its parts (Postgres).", "MAKE_TIMESTAMP(2020, 2, 29, 13, 4, 5)",
     "2020-02-29 13:04:05", bind_shape<"iiiiid", 'T', make_timestamp, true>},
    {"AGE", "datetime", "AGE(to, from)",
     "The time between by the calendar, as Postgres's text of it.",
     "AGE(TIMESTAMP '2021-03-01 00:00:00', TIMESTAMP '2020-01-31 12:00:00')",
     "1 year 1 mon 12:00:00", bind_shape<"TT", 's', age, true>},
    {"OVERLAPS", "datetime", "(a, b) OVERLAPS (c, d)",
     "Whether two periods overlap; b and d may be lengths.",
     "(TIME '09:00:00', TIME '10:30:00') OVERLAPS (TIME '10:00:00', INTERVAL '3' HOUR)", "true",
     [](std::span<const Type> types) -> Result<BoundFunction> {
       if (types.size() != 4) {
         return Status::invalid_argument("compares two pairs");
       }
       Type common = Type::null();
       for (const Type& type : types) {
         common = TRY(common_type(common, type));
       }
       if (common.physical() != PhysicalKind::kInt64) {
         common = Type::timestamp(6);
       }
       return BoundFunction{overlaps, Type::boolean(), std::vector<Type>(4, common),
                            NullRule::kStrict, false};
     }},
};

}  // namespace

std::span<const Function> interval_functions() {
  return kIntervalFunctions;
}

}  // namespace tidemark
