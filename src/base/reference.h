#pragma once
// Option values that stand elsewhere, so that secrets need not be in statements or data
// directories:
//
//   ${NAME}         the environment variable
//   ${file:/path}   the file's content, without a final line end
//
// anywhere in a value. `$${` is a plain `${`.

#include "base/options.h"
#include "base/status.h"

namespace tidemark {

// kNotFound names the option and the reference, never a value.
Result<Options> resolve_references(const Options& options);

}  // namespace tidemark
