#include "expr/functions/java_pattern.h"

#include <algorithm>

#include <fmt/core.h>

#include "types/datetime.h"

namespace tidemark {

void append_formatted(int64_t us, std::string_view pattern, std::string& out) {
  CivilDate date = civil_from_days(day_of_timestamp(us));
  int64_t time = time_of_timestamp(us);
  static constexpr const char* kMonths[] = {"January",   "February", "March",    "April",
                                            "May",       "June",     "July",     "August",
                                            "September", "October",  "November", "December"};
  static constexpr const char* kDays[] = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                          "Friday", "Saturday", "Sunday"};
  auto number = [&](int64_t value, size_t width) {
    if (value < 0 || value > 9999 || width > 4) {
      out += fmt::format("{:0{}}", value, width);
      return;
    }
    char digits[4];
    for (size_t i = 4; i-- > 0; value /= 10) {
      digits[i] = static_cast<char>('0' + value % 10);
    }
    size_t first = 0;
    while (4 - first > std::max<size_t>(width, 1) && digits[first] == '0') {
      ++first;
    }
    out.append(digits + first, 4 - first);
  };
  for (size_t i = 0; i < pattern.size();) {
    char c = pattern[i];
    if (c == '\'') {
      size_t end = pattern.find('\'', i + 1);
      out += end == i + 1 ? "'" : std::string(pattern.substr(i + 1, end - i - 1));
      i = end == std::string_view::npos ? pattern.size() : end + 1;
      continue;
    }
    size_t n = 1;
    while (i + n < pattern.size() && pattern[i + n] == c) {
      ++n;
    }
    int64_t hour = time / 3'600'000'000;
    switch (c) {
      case 'y':
      case 'u':
        n == 2 ? number(date.year % 100, 2) : number(date.year, n);
        break;
      case 'M':
      case 'L':
        n == 3  ? void(out.append(kMonths[date.month - 1], 3))
        : n > 3 ? void(out += kMonths[date.month - 1])
                : number(date.month, n);
        break;
      case 'd':
        number(date.day, n);
        break;
      case 'D':
        number(day_of_year(day_of_timestamp(us)), n);
        break;
      case 'E': {
        const char* name = kDays[iso_weekday(day_of_timestamp(us)) - 1];
        n > 3 ? void(out += name) : void(out.append(name, 3));
        break;
      }
      case 'H':
        number(hour, n);
        break;
      case 'h':
        number(hour % 12 == 0 ? 12 : hour % 12, n);
        break;
      case 'm':
        number(time / 60'000'000 % 60, n);
        break;
      case 's':
        number(time / 1'000'000 % 60, n);
        break;
      case 'S':
        out += (fmt::format("{:06}", time % 1'000'000) + "000").substr(0, n);
        break;
      case 'a':
        out += hour < 12 ? "AM" : "PM";
        break;
      default:
        out.append(n, c);
    }
    i += n;
  }
}

int64_t formatted_unit_us(std::string_view pattern) {
  constexpr int64_t kSecond = 1'000'000, kMinute = 60 * kSecond, kHour = 60 * kMinute;
  int64_t unit = kMicrosPerDay;
  for (char c : pattern) {
    int64_t of_letter = c == 'S'                           ? 1
                        : c == 's'                         ? kSecond
                        : c == 'm'                         ? kMinute
                        : c == 'H' || c == 'h' || c == 'a' ? kHour
                                                           : unit;
    unit = std::min(unit, of_letter);
  }
  return unit;
}

std::optional<int64_t> parse_by_pattern(std::string_view text, std::string_view pattern) {
  CivilDate date{1970, 1, 1};
  int64_t hour = 0, minute = 0, second = 0, micros = 0;
  size_t t = 0;
  for (size_t i = 0; i < pattern.size();) {
    char c = pattern[i];
    size_t n = 1;
    while (i + n < pattern.size() && pattern[i + n] == c) {
      ++n;
    }
    i += n;
    if (std::string_view("yuMdHmsS").find(c) == std::string_view::npos) {
      for (size_t k = 0; k < n; ++k) {
        if (c == '\'') {
          continue;
        }
        if (t >= text.size() || text[t++] != c) {
          return std::nullopt;
        }
      }
      continue;
    }
    int64_t value = 0;
    size_t digits = 0;
    size_t digits_max = n == 1 ? 9 : n;
    while (digits < digits_max && t < text.size() && text[t] >= '0' && text[t] <= '9') {
      value = value * 10 + (text[t++] - '0');
      ++digits;
    }
    if (digits == 0 || (n > 1 && digits < n)) {
      return std::nullopt;
    }
    switch (c) {
      case 'y':
      case 'u':
        date.year = static_cast<int32_t>(n == 2 ? 2000 + value : value);
        break;
      case 'M':
        date.month = static_cast<int32_t>(value);
        break;
      case 'd':
        date.day = static_cast<int32_t>(value);
        break;
      case 'H':
        hour = value;
        break;
      case 'm':
        minute = value;
        break;
      case 's':
        second = value;
        break;
      default:
        for (size_t k = digits; k < 6; ++k) {
          value *= 10;
        }
        for (size_t k = digits; k > 6; --k) {
          value /= 10;
        }
        micros = value;
    }
  }
  bool valid = t == text.size() && date.month >= 1 && date.month <= 12 && date.day >= 1 &&
               date.day <= days_in_month(date.year, date.month) && hour < 24 && minute < 60 &&
               second < 60;
  return valid ? std::optional<int64_t>(int64_t{days_from_civil(date)} * kMicrosPerDay +
                                        ((hour * 60 + minute) * 60 + second) * 1'000'000 + micros)
               : std::nullopt;
}

}  // namespace tidemark
