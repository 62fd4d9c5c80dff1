#pragma once
// CAST: which conversions exist (Flink 2.0, "Data Types", casting table) and their kernels. A value
// that does not fit is an error of its row, never wrapped or silently NULL; TRY_CAST makes it NULL.

#include "expr/function.h"

namespace tidemark {

// Whether an implicit conversion exists: numeric widening, text lengths, NULL to anything.
bool is_implicitly_castable(const Type& from, const Type& to);
// Whether CAST(x AS to) is allowed for x of type `from`.
bool is_castable(const Type& from, const Type& to);
// The type both sides of a comparison, CASE, UNION or VALUES are brought to. Error: none exists.
Result<Type> common_type(const Type& a, const Type& b);

// Converts input (is_castable) into frame.out; rows that fail are reported through frame.fail, or
// set NULL with is_try. NULLs of the input are already set in frame.out.
void cast_column(const KernelFrame& frame, const Argument& input, const Type& from, bool is_try);

}  // namespace tidemark
