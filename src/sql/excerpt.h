#pragma once
// An error shown in its source text:
//
//   line 2: expected FROM or ';', found t
//     SELECT a FORM t
//                   ^
//   hint: did you mean FROM in place of FORM?

#include <string>
#include <string_view>

#include "base/status.h"

namespace tidemark::sql {

// `text` is what was parsed. Without a position there are only message and hint. Lines end with
// '\n', but the last does not. Long lines are cut around the caret.
std::string excerpt(const Status& status, std::string_view text);

}  // namespace tidemark::sql
