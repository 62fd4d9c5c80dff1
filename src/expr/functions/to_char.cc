// TO_CHAR of dates, times, timestamps and numbers by Postgres's templates (PostgreSQL 15 manual,
// 9.8 "Data Type Formatting Functions").

#include <array>
#include <cctype>

#include "base/ascii.h"
#include "expr/functions/families.h"
#include "expr/functions/shape.h"
#include "types/datetime.h"
#include "types/decimal.h"
#include "types/text.h"

namespace tidemark {

namespace {

using Arguments = std::span<const Argument>;

constexpr std::array<std::string_view, 12> kMonths = {
    "January", "February", "March",     "April",   "May",      "June",
    "July",    "August",   "September", "October", "November", "December"};
constexpr std::array<std::string_view, 7> kDays = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                                   "Friday", "Saturday", "Sunday"};
constexpr size_t kNameWidth = 9;  // of the longest name: others are filled up

// Longest first where one begins another. Upper case; names also count in other cases.
constexpr std::string_view kTimePatterns[] = {
    "HH24", "HH12", "HH",   "MI",    "SSSSS", "SSSS", "SS", "MS",  "US",   "A.M.",
    "P.M.", "AM",   "PM",   "Y,YYY", "YYYY",  "YYY",  "YY", "Y",   "IYYY", "IYY",
    "IY",   "IW",   "IDDD", "ID",    "MONTH", "MON",  "MM", "DAY", "DDD",  "DD",
    "DY",   "D",    "WW",   "W",     "CC",    "J",    "Q",  "BC",  "AD",   "TZ"};

struct Moment {
  CivilDate date;
  int32_t days;
  int64_t time_us;
  std::string_view zone;
};

std::string in_case_of(std::string_view pattern, std::string_view name) {
  bool first_upper = std::isupper(static_cast<unsigned char>(pattern[0])) != 0;
  bool second_upper = std::isupper(static_cast<unsigned char>(pattern[1])) != 0;
  return first_upper ? (second_upper ? ascii_upper(name) : std::string(name)) : ascii_lower(name);
}

std::string padded_name(std::string name, bool fill) {
  name.resize(fill ? std::max(name.size(), kNameWidth) : name.size(), ' ');
  return name;
}

std::string digits_of(int64_t value, size_t width, bool fill) {
  return fmt::format("{:0{}}", value, fill ? width : 1);
}

int32_t iso_year_of(int32_t days) {
  return civil_from_days(days - iso_weekday(days) + 4).year;
}

// The text of one pattern, as it is written in the template.
std::string time_part(std::string_view written, std::string_view pattern, const Moment& at,
                      bool fill) {
  int64_t hour = at.time_us / 3'600'000'000;
  int32_t year = at.date.year > 0 ? at.date.year : 1 - at.date.year;
  auto number = [&](int64_t value, size_t width) { return digits_of(value, width, fill); };
  auto last_digits = [&](int64_t value, size_t count) {
    int64_t unit = count == 1 ? 10 : count == 2 ? 100 : 1000;
    return number(value % unit, count);
  };
  int32_t iso_first = days_from_civil({iso_year_of(at.days), 1, 4});
  int32_t iso_start = iso_first - iso_weekday(iso_first) + 1;  // Monday of the first ISO week
  if (pattern == "HH24") {
    return number(hour, 2);
  }
  if (pattern == "HH" || pattern == "HH12") {
    return number(hour % 12 == 0 ? 12 : hour % 12, 2);
  }
  if (pattern == "MI") {
    return number(at.time_us / 60'000'000 % 60, 2);
  }
  if (pattern == "SS") {
    return number(at.time_us / 1'000'000 % 60, 2);
  }
  if (pattern == "SSSS" || pattern == "SSSSS") {
    return number(at.time_us / 1'000'000, 1);
  }
  if (pattern == "MS") {
    return number(at.time_us / 1000 % 1000, 3);
  }
  if (pattern == "US") {
    return number(at.time_us % 1'000'000, 6);
  }
  if (pattern == "AM" || pattern == "PM" || pattern == "A.M." || pattern == "P.M.") {
    std::string half = hour < 12 ? "AM" : "PM";
    half = pattern.size() == 4 ? half.substr(0, 1) + "." + half.substr(1) + "." : half;
    return std::islower(static_cast<unsigned char>(written[0])) ? ascii_lower(half) : half;
  }
  if (pattern == "BC" || pattern == "AD") {
    std::string era = at.date.year > 0 ? "AD" : "BC";
    return std::islower(static_cast<unsigned char>(written[0])) ? ascii_lower(era) : era;
  }
  if (pattern == "Y,YYY") {
    return fmt::format("{},{:03}", year / 1000, year % 1000);
  }
  if (pattern == "YYYY") {
    return number(year, 4);
  }
  if (pattern[0] == 'Y') {
    return last_digits(year, pattern.size());
  }
  if (pattern == "IYYY") {
    return number(iso_year_of(at.days), 4);
  }
  if (pattern == "IYY" || pattern == "IY") {
    return last_digits(iso_year_of(at.days), pattern.size());
  }
  if (pattern == "IW") {
    return number((at.days - iso_start) / 7 + 1, 2);
  }
  if (pattern == "IDDD") {
    return number(at.days - iso_start + 1, 3);
  }
  if (pattern == "ID") {
    return number(iso_weekday(at.days), 1);
  }
  if (pattern == "MONTH") {
    return padded_name(in_case_of(written, kMonths[static_cast<size_t>(at.date.month - 1)]), fill);
  }
  if (pattern == "MON") {
    return in_case_of(written, kMonths[static_cast<size_t>(at.date.month - 1)].substr(0, 3));
  }
  if (pattern == "MM") {
    return number(at.date.month, 2);
  }
  std::string_view day = kDays[static_cast<size_t>(iso_weekday(at.days) - 1)];
  if (pattern == "DAY") {
    return padded_name(in_case_of(written, day), fill);
  }
  if (pattern == "DY") {
    return in_case_of(written, day.substr(0, 3));
  }
  if (pattern == "DDD") {
    return number(day_of_year(at.days), 3);
  }
  if (pattern == "DD") {
    return number(at.date.day, 2);
  }
  if (pattern == "D") {
    return number(iso_weekday(at.days) % 7 + 1, 1);
  }
  if (pattern == "WW") {
    return number((day_of_year(at.days) - 1) / 7 + 1, 2);
  }
  if (pattern == "W") {
    return number((at.date.day - 1) / 7 + 1, 1);
  }
  if (pattern == "CC") {
    return number((year + 99) / 100, 2);
  }
  if (pattern == "J") {
    return number(at.days + 2451545, 1);
  }
  if (pattern == "Q") {
    return number((at.date.month + 2) / 3, 1);
  }
  return std::islower(static_cast<unsigned char>(written[0])) ? ascii_lower(at.zone)
                                                              : std::string(at.zone);
}

std::string_view ordinal_suffix(std::string_view number) {
  char last = number.back();
  bool teen = number.size() > 1 && number[number.size() - 2] == '1';
  return teen || last > '3' || last == '0' ? "th" : last == '1' ? "st" : last == '2' ? "nd" : "rd";
}

void append_time_by_template(const Moment& at, std::string_view text, std::string& out) {
  bool fill = true;
  while (!text.empty()) {
    if (text[0] == '"') {
      size_t end = std::min(text.find('"', 1), text.size());
      out += text.substr(1, end - 1);
      text.remove_prefix(std::min(end + 1, text.size()));
      continue;
    }
    std::string upper = ascii_upper(text.substr(0, 5));
    if (upper.starts_with("FM")) {
      fill = false;
      text.remove_prefix(2);
      continue;
    }
    const auto* found = std::find_if(std::begin(kTimePatterns), std::end(kTimePatterns),
                                     [&](std::string_view p) { return upper.starts_with(p); });
    if (found == std::end(kTimePatterns)) {
      out += text[0];
      text.remove_prefix(1);
      continue;
    }
    std::string part = time_part(text.substr(0, found->size()), *found, at, fill);
    text.remove_prefix(found->size());
    out += part;
    if (text.size() >= 2 && ascii_upper(text.substr(0, 2)) == "TH" &&
        std::isdigit(static_cast<unsigned char>(part.back()))) {
      std::string suffix(ordinal_suffix(part));
      out += text[0] == 'T' ? ascii_upper(suffix) : suffix;
      text.remove_prefix(2);
    }
    fill = true;
  }
}

void to_char_of_time(const KernelFrame& frame, Arguments a) {
  TypeKind kind = frame.argument_types[0].kind;
  fill_text(frame, [&](size_t row, std::string& out) {
    int64_t us = a[0].at<int64_t>(row);
    std::string_view zone = "";
    if (us == kTimestampInfinity || us == kTimestampNegativeInfinity) {
      return true;  // as in Postgres: empty
    }
    if (kind == TypeKind::kTimestampLtz) {
      zone = frame.context.zone;
      Result<int64_t> local = timestamp_from_instant(us, zone);
      us = local.ok() ? *local : us;
    }
    int32_t days = kind == TypeKind::kTime ? 0 : day_of_timestamp(us);
    append_time_by_template({civil_from_days(days), days, time_of_timestamp(us), zone},
                            a[1].string_at(row), out);
    return true;
  });
}

// What a template for numbers says.
struct NumberTemplate {
  std::string whole;     // 9, 0 and commas, left of the point
  std::string fraction;  // 9 and 0, right of it
  bool has_point = false, fill = true, brackets = false;
  enum class Sign { kBlank, kFront, kBack, kMinusBack, kMinusFront } sign = Sign::kBlank;
};

// nullopt: it has something that is not known here.
std::optional<NumberTemplate> read_number_template(std::string_view text) {
  NumberTemplate result;
  std::string upper = ascii_upper(text);
  using Sign = NumberTemplate::Sign;
  for (size_t i = 0; i < upper.size(); ++i) {
    char c = upper[i];
    bool digits_before = !result.whole.empty() || result.has_point;
    if (c == '9' || c == '0') {
      (result.has_point ? result.fraction : result.whole) += c;
    } else if ((c == ',' || c == 'G') && !result.has_point) {
      result.whole += ',';
    } else if ((c == '.' || c == 'D') && !result.has_point) {
      result.has_point = true;
    } else if (c == 'S') {
      result.sign = digits_before ? Sign::kBack : Sign::kFront;
    } else if (upper.compare(i, 2, "FM") == 0) {
      result.fill = false;
      ++i;
    } else if (upper.compare(i, 2, "MI") == 0) {
      result.sign = digits_before ? Sign::kMinusBack : Sign::kMinusFront;
      ++i;
    } else if (upper.compare(i, 2, "PR") == 0) {
      result.brackets = true;
      ++i;
    } else {
      return std::nullopt;
    }
  }
  return result;
}

// The whole part in its places, right to left: blanks in front, or zeros from the first 0 on.
std::string place_whole(const NumberTemplate& format, std::string digits) {
  size_t zero_from = format.whole.find('0');
  std::string out;
  for (size_t i = format.whole.size(); i-- > 0;) {
    bool zero = zero_from != std::string::npos && i >= zero_from;
    if (format.whole[i] == ',') {
      out += digits.empty() && !zero ? ' ' : ',';
    } else if (!digits.empty()) {
      out += digits.back();
      digits.pop_back();
    } else {
      out += zero ? '0' : ' ';
    }
  }
  std::reverse(out.begin(), out.end());
  return out;
}

std::string by_number_template(const NumberTemplate& format, bool negative, std::string digits) {
  using Sign = NumberTemplate::Sign;
  std::string fraction;
  if (size_t point = digits.find('.'); point != std::string::npos) {
    fraction = digits.substr(point + 1);
    digits.resize(point);
  }
  size_t places = format.whole.size() -
                  static_cast<size_t>(std::count(format.whole.begin(), format.whole.end(), ','));
  bool overflow = digits.size() > places;
  bool zero = digits == "0" && fraction.find_first_not_of('0') == std::string::npos;
  if (digits == "0" && format.whole.find('0') == std::string::npos && !format.fraction.empty() &&
      (format.fill || !zero)) {
    digits.clear();  // .5, not 0.5; but FM shows 0 as 0.
  }
  std::string body;
  if (overflow) {
    for (char c : format.whole) {
      body += c == ',' ? ',' : '#';
    }
    fraction.assign(format.fraction.size(), '#');
  } else {
    body = place_whole(format, std::move(digits));
  }
  if (!format.fill && !overflow) {  // trailing digits that are only allowed go
    while (!fraction.empty() && fraction.back() == '0' &&
           format.fraction[fraction.size() - 1] == '9') {
      fraction.pop_back();
    }
  }
  if (format.has_point) {
    body += "." + fraction;
  }
  size_t blanks = std::min(body.find_first_not_of(' '), body.size());
  std::string front = body.substr(0, blanks), number = body.substr(blanks);
  std::string text;
  if (format.brackets) {
    text = front + (negative ? "<" : " ") + number + (negative ? ">" : " ");
  } else {
    switch (format.sign) {
      case Sign::kBlank:
        text = front + (negative ? "-" : " ") + number;
        break;
      case Sign::kFront:
        text = front + (negative ? "-" : "+") + number;
        break;
      case Sign::kBack:
        text = front + number + (negative ? "-" : "+");
        break;
      case Sign::kMinusBack:
        text = front + number + (negative ? "-" : " ");
        break;
      case Sign::kMinusFront:
        text = (negative ? "-" : " ") + front + number;
        break;
    }
  }
  if (!format.fill) {
    std::erase(text, ' ');
  }
  return text;
}

void to_char_of_number(const KernelFrame& frame, Arguments a) {
  const Type& type = frame.argument_types[0];
  fill_text(frame, [&](size_t row, std::string& out) {
    std::optional<NumberTemplate> format = read_number_template(a[1].string_at(row));
    if (!format) {
      frame.fail(row, fmt::format("TO_CHAR knows 9 0 . , D G S MI PR FM in a template: '{}'",
                                  a[1].string_at(row)));
      return true;
    }
    int places = static_cast<int>(format->fraction.size());
    std::string digits;
    if (type.kind == TypeKind::kDecimal) {
      Result<Int128> value =
          decimal_rescale(a[0].at<Int128>(row), type.scale, places, kDecimalPrecisionMax);
      if (!value.ok() || decimal_is_special(*value)) {
        frame.fail(row, "TO_CHAR of a number that has no such digits");
        return true;
      }
      decimal_append(*value, places, digits);
    } else {
      double value = a[0].at<double>(row);
      if (!(std::abs(value) < 1e300)) {
        frame.fail(row, "TO_CHAR of a number that has no such digits");
        return true;
      }
      digits = fmt::format("{:.{}f}", value, places);
    }
    bool negative = digits[0] == '-';
    out = by_number_template(*format, negative, digits.substr(negative ? 1 : 0));
    return true;
  });
}

Result<BoundFunction> bind_to_char(std::span<const Type> types) {
  if (types.size() != 2) {
    return Status::invalid_argument("takes a value and a template");
  }
  Type type = types[0].as_nullable();
  if (type.is_integer()) {
    type = Type::decimal(19, 0);
  } else if (type.kind == TypeKind::kFloat) {
    type = Type::float64();
  } else if (type.kind == TypeKind::kDate || type.is_character() || type.kind == TypeKind::kNull) {
    type = Type::timestamp(6);
  }
  if (!type.is_numeric() && !type.is_temporal()) {
    return Status::invalid_argument(fmt::format(
        "expected a number, date, time or timestamp, not {}", types[0].to_string_without_null()));
  }
  Kernel kernel = type.is_numeric() ? to_char_of_number : to_char_of_time;
  return BoundFunction{kernel, Type::string(), {type, Type::string()}, NullRule::kStrict, true};
}

constexpr Function kToCharFunctions[] = {
    {"TO_CHAR", "datetime", "TO_CHAR(x, template)",
     "Text of a date, time, timestamp or number by a template of Postgres (of numbers: 9 0 . , D G "
     "S MI PR FM).",
     "TO_CHAR(TIMESTAMP '2020-02-09 13:04:05', 'Dy DDth FMMonth YYYY, HH12:MI PM')",
     "Sun 09th February 2020, 01:04 PM", bind_to_char},
};

}  // namespace

std::span<const Function> to_char_functions() {
  return kToCharFunctions;
}

}  // namespace tidemark
