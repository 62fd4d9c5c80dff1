#include "expr/cast_rules.h"

#include <limits>

namespace tidemark {

int integer_digits(TypeKind kind) {
  switch (kind) {
    case TypeKind::kTinyint:
      return 3;
    case TypeKind::kSmallint:
      return 5;
    case TypeKind::kInt:
      return 10;
    default:
      return 19;
  }
}

std::pair<int64_t, int64_t> integer_range(TypeKind kind) {
  int bits = kind == TypeKind::kTinyint    ? 8
             : kind == TypeKind::kSmallint ? 16
             : kind == TypeKind::kInt      ? 32
                                           : 64;
  if (bits == 64) {
    return {std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max()};
  }
  return {-(int64_t{1} << (bits - 1)), (int64_t{1} << (bits - 1)) - 1};
}

bool cast_keeps_bytes(const Type& from, const Type& to) {
  if (from.same_as(to)) {
    return true;
  }
  if (from.is_integer() && to.is_integer()) {
    return from.kind <= to.kind && from.physical() == to.physical();
  }
  if (from.kind != to.kind) {
    return false;
  }
  switch (from.kind) {
    case TypeKind::kVarchar:
    case TypeKind::kVarbinary:
      return from.length <= to.length;
    case TypeKind::kDecimal:
      return from.scale == to.scale && from.precision <= to.precision;
    case TypeKind::kTime:
    case TypeKind::kTimestamp:
    case TypeKind::kTimestampLtz:
      return from.precision <= to.precision;
    default:
      return false;
  }
}

bool cast_never_fails(const Type& from, const Type& to) {
  if (cast_keeps_bytes(from, to)) {
    return true;
  }
  if (from.is_integer()) {
    return (to.is_integer() && from.kind <= to.kind) || to.is_approximate() ||
           (to.kind == TypeKind::kDecimal && to.precision - to.scale >= integer_digits(from.kind));
  }
  if (from.kind == TypeKind::kDecimal) {
    return to.is_approximate() || (to.kind == TypeKind::kDecimal && to.scale >= from.scale &&
                                   to.precision - to.scale >= from.precision - from.scale);
  }
  return from.kind == TypeKind::kFloat && to.kind == TypeKind::kDouble;
}

}  // namespace tidemark
