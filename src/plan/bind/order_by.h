#pragma once
// Items of ORDER BY and GROUP BY that are the same in every place.

#include <optional>

#include "base/status.h"
#include "sql/ast_query.h"
#include "types/key_codec.h"

namespace tidemark {

SortKey sort_key(const sql::OrderItem& item, size_t column);
// 1 for the first output column, if the expression is a plain whole number.
Result<std::optional<size_t>> ordinal(const sql::Expr& expr, size_t columns,
                                      std::string_view clause);

}  // namespace tidemark
