#include "dataflow/operators/over_rows.h"

#include <algorithm>
#include <cmath>

#include "types/datetime.h"
#include "types/decimal.h"

namespace tidemark {

namespace {

// The day is cut to the length of the month.
Int128 add_months(Int128 timestamp_us, Int128 months) {
  int64_t us = static_cast<int64_t>(timestamp_us);
  CivilDate date = civil_from_days(day_of_timestamp(us));
  int64_t total = int64_t{date.year} * 12 + date.month - 1 + static_cast<int64_t>(months);
  int64_t year = total >= 0 ? total / 12 : -((11 - total) / 12);
  int32_t month = static_cast<int32_t>(total - year * 12) + 1;
  int32_t day = std::min(date.day, days_in_month(static_cast<int32_t>(year), month));
  Int128 days = days_from_civil({static_cast<int32_t>(year), month, day});
  return days * kMicrosPerDay + time_of_timestamp(us);
}

bool less(double a, double b) {
  return std::isnan(b) ? !std::isnan(a) : a < b;  // NaN above all
}

}  // namespace

OrderNumber OrderScale::number_of(const Column& column, size_t row) const {
  return visit_physical(column.physical(), [&](auto tag) {
    using T = decltype(tag);
    OrderNumber number;
    if constexpr (std::is_floating_point_v<T>) {
      number.real = column.data<T>()[row];
    } else if constexpr (!std::is_same_v<T, StringRef>) {
      number.whole = column.data<T>()[row];
      number.whole *= kind_ == TypeKind::kDate ? kMicrosPerDay : 1;
    }
    return number;
  });
}

OrderNumber OrderScale::shifted(const OrderNumber& from, const WindowBound& bound) const {
  OrderNumber number = from;
  if (is_real_) {
    number.real += descending_ ? -bound.real : bound.real;
    return number;
  }
  bool is_endless = kind_ == TypeKind::kDecimal
                        ? decimal_is_special(from.whole)
                        : from.whole >= INT64_MAX || from.whole <= INT64_MIN;
  if (is_endless) {
    return number;
  }
  Int128 distance = descending_ ? -bound.whole : bound.whole;
  number.whole = bound.in_months ? add_months(from.whole, distance) : from.whole + distance;
  return number;
}

bool OrderScale::before(const OrderNumber& a, const OrderNumber& b) const {
  const OrderNumber& low = descending_ ? b : a;
  const OrderNumber& high = descending_ ? a : b;
  return is_real_ ? less(low.real, high.real) : low.whole < high.whole;
}

size_t OverRows::range_end(size_t position, const WindowBound& bound, bool is_start) const {
  if (!numbered.contains(position)) {  // NULLs are peers of each other alone
    Stretch nulls = peers(position);
    return is_start ? nulls.first : nulls.last;
  }
  OrderNumber edge = scale.shifted(numbers[position], bound);
  auto begin = numbers.begin();
  auto at = std::partition_point(
      begin + static_cast<ptrdiff_t>(numbered.first), begin + static_cast<ptrdiff_t>(numbered.last),
      [&](const OrderNumber& number) {
        return is_start ? scale.before(number, edge) : !scale.before(edge, number);
      });
  return static_cast<size_t>(at - begin);
}

Stretch OverRows::frame(size_t position, const WindowFrame& frame) const {
  auto end_of = [&](const WindowBound& bound, bool is_start) -> size_t {
    if (bound.kind != WindowBound::Kind::kOffset) {
      return bound.kind == WindowBound::Kind::kUnboundedPreceding ? 0 : size();
    }
    if (frame.unit == WindowUnit::kRange) {
      return range_end(position, bound, is_start);
    }
    bool by_row = frame.unit == WindowUnit::kRows;
    Int128 count = static_cast<Int128>(by_row ? size() : group_first.size() - 1);
    Int128 at =
        static_cast<Int128>(by_row ? position : group[position]) + bound.whole + (is_start ? 0 : 1);
    size_t place = static_cast<size_t>(std::clamp(at, Int128{0}, count));
    return by_row ? place : group_first[place];
  };
  Stretch result{end_of(frame.start, true), end_of(frame.end, false)};
  result.last = std::max(result.first, result.last);
  return result;
}

Stretch OverRows::excluded(size_t position, WindowExclude exclude, size_t& kept) const {
  kept = exclude == WindowExclude::kTies ? position : kNone;
  switch (exclude) {
    case WindowExclude::kNothing:
      return {};
    case WindowExclude::kCurrentRow:
      return {position, position + 1};
    case WindowExclude::kGroup:
    case WindowExclude::kTies:
      return peers(position);
  }
  CHECK(false);
}

}  // namespace tidemark
