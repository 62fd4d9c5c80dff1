// DATE, TIME, TIMESTAMP and INTERVAL literals.

#include <array>

#include "sql/parse.h"

namespace tidemark::sql {

namespace {

struct UnitRow {
  std::string_view word;
  TimeUnit unit;
};
constexpr std::array<UnitRow, 16> kUnits = {{{"YEAR", TimeUnit::kYear},
                                             {"QUARTER", TimeUnit::kQuarter},
                                             {"MONTH", TimeUnit::kMonth},
                                             {"WEEK", TimeUnit::kWeek},
                                             {"DAY", TimeUnit::kDay},
                                             {"HOUR", TimeUnit::kHour},
                                             {"MINUTE", TimeUnit::kMinute},
                                             {"SECOND", TimeUnit::kSecond},
                                             {"YEARS", TimeUnit::kYear},
                                             {"QUARTERS", TimeUnit::kQuarter},
                                             {"MONTHS", TimeUnit::kMonth},
                                             {"WEEKS", TimeUnit::kWeek},
                                             {"DAYS", TimeUnit::kDay},
                                             {"HOURS", TimeUnit::kHour},
                                             {"MINUTES", TimeUnit::kMinute},
                                             {"SECONDS", TimeUnit::kSecond}}};

const UnitRow* find_unit(const TokenStream& in, size_t ahead) {
  for (const UnitRow& row : kUnits) {
    if (in.at(row.word, ahead)) {
      return &row;
    }
  }
  return nullptr;
}

Result<Expr> read_interval(TokenStream& in) {
  size_t position = in.position();
  in.take();
  std::string text = in.at("-") ? "-" : "";
  if (in.at("-") || in.at("+")) {
    in.take();
  }
  text += in.take().text;  // the caller saw a string or a number
  IntervalLiteral literal{std::move(text), std::nullopt};
  if (at_time_unit(in)) {
    literal.units = TRY(read_interval_units(in));
  }
  return Expr{std::move(literal), position};
}

}  // namespace

bool at_time_unit(const TokenStream& in, size_t ahead) {
  return find_unit(in, ahead) != nullptr;
}

// YEAR, DAY(3) TO SECOND(6)
Result<IntervalUnits> read_interval_units(TokenStream& in) {
  IntervalUnits units;
  const UnitRow* first = find_unit(in, 0);
  if (first == nullptr) {
    return in.unexpected("a unit of time such as DAY");
  }
  in.take();
  units.first = first->unit;
  if (in.accept_quietly("(")) {
    units.first_precision = TRY(in.number("a precision"));
    if (units.first == TimeUnit::kSecond && in.accept(",")) {
      units.last_precision = TRY(in.number("a precision"));
    }
    TRY(in.expect(")"));
  }
  if (in.at("TO") && at_time_unit(in, 1)) {
    in.take();
    units.last = find_unit(in, 0)->unit;
    in.take();
    if (in.accept_quietly("(")) {
      units.last_precision = TRY(in.number("a precision"));
      TRY(in.expect(")"));
    }
  }
  return units;
}

Result<std::optional<Expr>> read_datetime_literal(TokenStream& in) {
  struct Row {
    std::string_view words;
    DatetimeKind kind;
  };
  static constexpr std::array<Row, 6> kKinds = {
      {{"DATE", DatetimeKind::kDate},
       {"TIME", DatetimeKind::kTime},
       {"TIMESTAMP", DatetimeKind::kTimestamp},
       {"TIMESTAMP_LTZ", DatetimeKind::kTimestampLtz},
       {"TIMESTAMPTZ", DatetimeKind::kTimestampLtz},
       {"TIMESTAMP WITH LOCAL TIME ZONE", DatetimeKind::kTimestampLtz}}};
  if (in.at("INTERVAL")) {
    size_t value = in.at("-", 1) || in.at("+", 1) ? 2 : 1;
    if (in.at_kind(TokenKind::kString, value) || in.at_kind(TokenKind::kInteger, value)) {
      return std::optional<Expr>(TRY(read_interval(in)));
    }
    return std::optional<Expr>();
  }
  size_t position = in.position();
  for (const Row& row : kKinds) {
    size_t words = row.words.find(' ') == std::string_view::npos ? 1 : 5;
    if (in.at(row.words) && in.at_kind(TokenKind::kString, words)) {
      in.accept_quietly(row.words);
      DatetimeLiteral literal{row.kind, in.take().text};
      return std::optional<Expr>(Expr{std::move(literal), position});
    }
  }
  return std::optional<Expr>();
}

}  // namespace tidemark::sql
