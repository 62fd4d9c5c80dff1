#pragma once
// What is known about a cast without looking at values: whether it can fail, and whether it changes
// anything at all.

#include <utility>

#include "types/type.h"

namespace tidemark {

// Digits an integer type can have, as Flink counts them when it becomes a DECIMAL.
int integer_digits(TypeKind kind);
// The smallest and the largest value of an integer type.
std::pair<int64_t, int64_t> integer_range(TypeKind kind);
// Every value of `from` has a value in `to`. False means: not known.
bool cast_never_fails(const Type& from, const Type& to);
// The bytes of every value stay as they are, and so do equality and order.
bool cast_keeps_bytes(const Type& from, const Type& to);

}  // namespace tidemark
