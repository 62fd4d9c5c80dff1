// Interval literals.

#include <charconv>
#include <cmath>

#include <fmt/core.h>

#include "plan/bind/bind_expr.h"

namespace tidemark {

namespace {

using sql::TimeUnit;

Status bad_interval(std::string_view text, size_t position) {
  return Status::invalid_argument(fmt::format("not an interval of these units: '{}'", text))
      .with_hint(
          "for example INTERVAL '5' MINUTE, INTERVAL '1 10:00' DAY TO MINUTE or INTERVAL '5 "
          "minutes'")
      .with_position(position);
}

constexpr int64_t kSecond = 1'000'000;

int64_t unit_us(TimeUnit unit) {
  switch (unit) {
    case TimeUnit::kWeek:
      return 7 * 86400 * kSecond;
    case TimeUnit::kDay:
      return 86400 * kSecond;
    case TimeUnit::kHour:
      return 3600 * kSecond;
    case TimeUnit::kMinute:
      return 60 * kSecond;
    default:
      return kSecond;
  }
}

int32_t unit_months(TimeUnit unit) {
  return unit == TimeUnit::kYear      ? 12
         : unit == TimeUnit::kQuarter ? 3
         : unit == TimeUnit::kMonth   ? 1
                                      : 0;
}

ExprRef months(int64_t value) {
  return make_literal(static_cast<int32_t>(value), Type::of(TypeKind::kIntervalMonth));
}
ExprRef micros(int64_t value) {
  return make_literal(value, Type::of(TypeKind::kIntervalDay));
}

// The numbers of the text and whether it starts with a minus: "1 10:00:05.5" gives 1, 10, 0, 5.5.
bool split_numbers(std::string_view text, bool& negative, std::vector<double>& numbers) {
  while (!text.empty() && (text.front() == '-' || text.front() == '+' || text.front() == ' ')) {
    negative = negative != (text.front() == '-');
    text.remove_prefix(1);
  }
  while (!text.empty()) {
    double value = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc()) {
      return false;
    }
    numbers.push_back(value);
    text.remove_prefix(static_cast<size_t>(end - text.data()));
    if (!text.empty()) {
      if (text.front() != ' ' && text.front() != ':' && text.front() != '-') {
        return false;
      }
      text.remove_prefix(1);
    }
  }
  return !numbers.empty();
}

// Postgres: "5 minutes", "1 day 02:00:00", "1 year 2 months".
Result<ExprRef> bind_postgres_interval(std::string_view text, size_t position) {
  static constexpr std::pair<std::string_view, TimeUnit> kNames[] = {
      {"year", TimeUnit::kYear},     {"mon", TimeUnit::kMonth},      {"month", TimeUnit::kMonth},
      {"week", TimeUnit::kWeek},     {"day", TimeUnit::kDay},        {"hour", TimeUnit::kHour},
      {"min", TimeUnit::kMinute},    {"minute", TimeUnit::kMinute},  {"sec", TimeUnit::kSecond},
      {"second", TimeUnit::kSecond}, {"quarter", TimeUnit::kQuarter}};
  int64_t total_months = 0, total_us = 0;
  std::string_view rest = text;
  bool any = false;
  while (true) {
    while (!rest.empty() && rest.front() == ' ') {
      rest.remove_prefix(1);
    }
    if (rest.empty()) {
      break;
    }
    double value = 0;
    auto [end, error] = std::from_chars(rest.data() + (rest.front() == '+' ? 1 : 0),
                                        rest.data() + rest.size(), value);
    if (error != std::errc()) {
      return bad_interval(text, position);
    }
    bool negative = rest.front() == '-';
    rest.remove_prefix(static_cast<size_t>(end - rest.data()));
    if (!rest.empty() && rest.front() == ':') {
      double parts[3] = {std::abs(value), 0, 0};
      for (int i = 1; i < 3 && !rest.empty() && rest.front() == ':'; ++i) {
        rest.remove_prefix(1);
        auto [next, failed] = std::from_chars(rest.data(), rest.data() + rest.size(), parts[i]);
        if (failed != std::errc()) {
          return bad_interval(text, position);
        }
        rest.remove_prefix(static_cast<size_t>(next - rest.data()));
      }
      double us = std::round((parts[0] * 3600 + parts[1] * 60 + parts[2]) * kSecond);
      total_us += static_cast<int64_t>(negative ? -us : us);
      any = true;
      continue;
    }
    while (!rest.empty() && rest.front() == ' ') {
      rest.remove_prefix(1);
    }
    size_t length = 0;
    std::string unit;
    while (length < rest.size() && std::isalpha(static_cast<unsigned char>(rest[length]))) {
      unit += static_cast<char>(std::tolower(static_cast<unsigned char>(rest[length++])));
    }
    rest.remove_prefix(length);
    if (unit.size() > 1 && unit.back() == 's') {
      unit.pop_back();
    }
    bool found = false;
    for (const auto& [name, which] : kNames) {
      if (name == unit) {
        found = true;
        if (int32_t factor = unit_months(which)) {
          total_months += static_cast<int64_t>(std::llround(value * factor));
        } else {
          total_us +=
              static_cast<int64_t>(std::llround(value * static_cast<double>(unit_us(which))));
        }
      }
    }
    if (!found) {
      return bad_interval(text, position);
    }
    any = true;
  }
  if (!any || (total_months != 0 && total_us != 0)) {
    return any ? Status::unsupported("an interval of both months and days is not supported yet")
                     .with_position(position)
               : bad_interval(text, position);
  }
  return total_months != 0 ? months(total_months) : micros(total_us);
}

}  // namespace

Result<ExprRef> bind_interval(const sql::IntervalLiteral& literal, size_t position) {
  if (!literal.units) {
    return bind_postgres_interval(literal.text, position);
  }
  TimeUnit first = literal.units->first;
  TimeUnit last = literal.units->last.value_or(first);
  bool negative = false;
  std::vector<double> numbers;
  if (!split_numbers(literal.text, negative, numbers)) {
    return bad_interval(literal.text, position);
  }
  double sign = negative ? -1 : 1;
  if (int32_t factor = unit_months(first)) {
    size_t wanted = first == TimeUnit::kYear && last == TimeUnit::kMonth ? 2 : 1;
    if (numbers.size() != wanted) {
      return bad_interval(literal.text, position);
    }
    double value = numbers[0] * factor + (wanted == 2 ? numbers[1] : 0);
    return months(static_cast<int64_t>(std::llround(sign * value)));
  }
  constexpr TimeUnit kOrder[] = {TimeUnit::kDay, TimeUnit::kHour, TimeUnit::kMinute,
                                 TimeUnit::kSecond};
  if (first == TimeUnit::kWeek) {
    return numbers.size() == 1
               ? Result<ExprRef>(
                     micros(std::llround(sign * numbers[0] * static_cast<double>(unit_us(first)))))
               : bad_interval(literal.text, position);
  }
  auto place = [&](TimeUnit unit) {
    return static_cast<size_t>(std::find(std::begin(kOrder), std::end(kOrder), unit) -
                               std::begin(kOrder));
  };
  size_t from = place(first), to = place(last);
  if (from > to || numbers.size() != to - from + 1) {
    return bad_interval(literal.text, position);
  }
  double us = 0;
  for (size_t i = 0; i < numbers.size(); ++i) {
    us += numbers[i] * static_cast<double>(unit_us(kOrder[from + i]));
  }
  return micros(std::llround(sign * us));
}

}  // namespace tidemark
