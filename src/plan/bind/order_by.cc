#include "plan/bind/order_by.h"

#include <fmt/core.h>

#include "base/options.h"

namespace tidemark {

SortKey sort_key(const sql::OrderItem& item, size_t column) {
  // Without NULLS FIRST or LAST: Flink sorts NULL as the smallest value.
  bool nulls_first = item.nulls == sql::NullsOrder::kDefault
                         ? !item.descending
                         : item.nulls == sql::NullsOrder::kFirst;
  return {column, item.descending, nulls_first};
}

// 1 for the first output column, if the expression is a plain whole number.
Result<std::optional<size_t>> ordinal(const sql::Expr& expr, size_t columns,
                                      std::string_view clause) {
  const auto* number = std::get_if<sql::NumberLiteral>(&expr.node);
  if (number == nullptr || number->kind != sql::NumberKind::kInteger) {
    return std::optional<size_t>();
  }
  int64_t value = TRY(parse_int(number->text));
  if (value < 1 || static_cast<size_t>(value) > columns) {
    return Status::invalid_argument(fmt::format("{} {} is not a column of the result: it has {}",
                                                clause, value, columns))
        .with_position(expr.position);
  }
  return std::optional<size_t>(static_cast<size_t>(value) - 1);
}

}  // namespace tidemark
