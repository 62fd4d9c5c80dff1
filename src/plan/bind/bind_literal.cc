// The part of ExprBinder for numbers and for dates and times written in a query.

#include <charconv>

#include <fmt/core.h>

#include "plan/bind/bind_expr.h"
#include "types/datetime.h"
#include "types/decimal.h"

namespace tidemark {

Result<ExprRef> ExprBinder::bind_number(const sql::NumberLiteral& number, size_t position) {
  const std::string& text = number.text;
  if (number.kind == sql::NumberKind::kInteger) {
    int64_t value = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error == std::errc()) {
      bool fits_int = value <= std::numeric_limits<int32_t>::max();
      return fits_int ? make_literal(static_cast<int32_t>(value), Type::integer())
                      : make_literal(value, Type::bigint());
    }
  }
  if (number.kind == sql::NumberKind::kDouble) {
    double value = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc()) {
      return Status::invalid_argument(fmt::format("number out of range of DOUBLE: {}", text))
          .with_position(position);
    }
    return make_literal(value, Type::float64());
  }
  size_t point = text.find('.');
  int scale = point == std::string::npos ? 0 : static_cast<int>(text.size() - point - 1);
  size_t first = text.find_first_not_of("0.");
  int digits = first == std::string::npos
                   ? 1
                   : static_cast<int>(text.size() - first -
                                      (point != std::string::npos && point > first ? 1 : 0));
  int precision = std::max({digits, scale, 1});
  if (precision > kDecimalPrecisionMax) {
    return Status::invalid_argument(fmt::format("number has more than 38 digits: {}", text))
        .with_position(position);
  }
  Result<Int128> value = decimal_parse(text, precision, scale);
  if (!value.ok()) {
    return value.status().with_position(position);
  }
  return make_literal(*value, Type::decimal(precision, scale));
}

Result<ExprRef> ExprBinder::bind_datetime(const sql::DatetimeLiteral& literal, size_t position) {
  auto positioned = [&](Status status) { return std::move(status).with_position(position); };
  switch (literal.kind) {
    case sql::DatetimeKind::kDate: {
      Result<int32_t> value = parse_date(literal.text);
      return value.ok() ? Result<ExprRef>(make_literal(*value, Type::date()))
                        : positioned(value.status());
    }
    case sql::DatetimeKind::kTime: {
      Result<int64_t> value = parse_time(literal.text);
      return value.ok() ? Result<ExprRef>(make_literal(*value, Type::time(6)))
                        : positioned(value.status());
    }
    case sql::DatetimeKind::kTimestamp: {
      Result<int64_t> value = parse_timestamp(literal.text);
      return value.ok() ? Result<ExprRef>(make_literal(*value, Type::timestamp(6)))
                        : positioned(value.status());
    }
    case sql::DatetimeKind::kTimestampLtz: {
      Result<int64_t> value = parse_timestamp_ltz(literal.text, zone_);
      return value.ok() ? Result<ExprRef>(make_literal(*value, Type::timestamp_ltz(6)))
                        : positioned(value.status());
    }
  }
  CHECK(false);
}

}  // namespace tidemark
