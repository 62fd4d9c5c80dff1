#pragma once
// Errors of rows as a client gets them.

#include <string>

#include "base/status.h"

namespace tidemark {

// kDataError with the SQLSTATE that PostgreSQL gives its like. Operators keep errors as text, so it
// is told by that.
Status row_error(const std::string& text);

}  // namespace tidemark
