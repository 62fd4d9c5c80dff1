#pragma once
// The value of a subquery that must have one row at most.

#include "expr/expr.h"

namespace tidemark {

// `value`, or a row error where `count` (BIGINT, NULL counts as 0) is above 1.
ExprRef make_single_row(ExprRef count, ExprRef value);

}  // namespace tidemark
