#pragma once
// What of a query's conditions a source can be told, so that a snapshot leaves rows out that the
// query would take away again.

#include <optional>
#include <span>

#include "connectors/connector.h"
#include "expr/expr.h"

namespace tidemark {

// `condition` is over a table's columns, of which column columns[i] is column i of the reader.
// nullopt: it is more than comparisons of columns with constants, or reads another column.
std::optional<SourceCondition> source_condition(const Expr& condition,
                                                std::span<const size_t> columns);

}  // namespace tidemark
