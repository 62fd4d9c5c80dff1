#pragma once
// Calls that expressions over one batch have in common, to be made once.

#include <vector>

#include "expr/expr.h"

namespace tidemark {

struct SharedCalls {
  std::vector<ExprRef> calls;        // over the columns that there were
  std::vector<ExprRef> expressions;  // in their place: column `width` is calls[0], and so on
};

// Calls and casts that occur at least twice in the expressions, at least once in the first `first`
// of them, that cannot fail (so that it does not matter for which rows they are made) and are
// deterministic. `width`: columns that there are. Null expressions stay.
SharedCalls share_calls(std::vector<ExprRef> expressions, size_t first, size_t width);

}  // namespace tidemark
