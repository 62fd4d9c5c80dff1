// Arithmetic. Integers do not wrap: a result out of range is an error of its row. DECIMAL follows
// Flink's (SQL Server's) precision rules, capped at 38 digits.

#include <algorithm>
#include <cmath>
#include <functional>

#include <fmt/core.h>

#include "expr/cast.h"
#include "expr/cast_rules.h"
#include "expr/functions/calendar.h"
#include "expr/functions/families.h"
#include "types/decimal.h"
#include "types/text.h"

namespace tidemark {

namespace {

enum class Op { kAdd, kSubtract, kMultiply, kDivide, kModulo };

constexpr const char* sign(Op op) {
  constexpr const char* kSigns[] = {"+", "-", "*", "/", "%"};
  return kSigns[static_cast<int>(op)];
}

template <Op kOp, typename T>
void integer_kernel(const KernelFrame& frame, std::span<const Argument> arguments) {
  T* out = frame.out.mutable_data<T>();
  TypeKind kind = frame.result.kind;
  for (size_t i = 0; i < frame.rows; ++i) {
    T a = arguments[0].at<T>(i), b = arguments[1].at<T>(i), value = 0;
    bool overflow = false;
    if constexpr (kOp == Op::kAdd) {
      overflow = __builtin_add_overflow(a, b, &value);
    } else if constexpr (kOp == Op::kSubtract) {
      overflow = __builtin_sub_overflow(a, b, &value);
    } else if constexpr (kOp == Op::kMultiply) {
      overflow = __builtin_mul_overflow(a, b, &value);
    } else {
      if (b == 0) {
        if (!frame.out.is_null(i)) {
          frame.fail(i, fmt::format("division by zero: {} {} 0", a, sign(kOp)));
        }
        continue;
      }
      if (b == -1) {
        overflow = kOp == Op::kDivide && a == std::numeric_limits<T>::min();
        value = kOp == Op::kDivide && !overflow ? -a : 0;
      } else {
        value = kOp == Op::kDivide ? a / b : a % b;
      }
    }
    if (kind == TypeKind::kTinyint || kind == TypeKind::kSmallint) {
      overflow = overflow || (kind == TypeKind::kTinyint ? value != static_cast<int8_t>(value)
                                                         : value != static_cast<int16_t>(value));
    }
    if (overflow) [[unlikely]] {
      frame.fail(i, fmt::format("result out of range of {}: {} {} {}",
                                frame.result.to_string_without_null(), a, sign(kOp), b));
      continue;
    }
    out[i] = value;
  }
}

template <Op kOp, typename T>
void floating_kernel(const KernelFrame& frame, std::span<const Argument> arguments) {
  T* out = frame.out.mutable_data<T>();
  for (size_t i = 0; i < frame.rows; ++i) {
    T a = arguments[0].at<T>(i), b = arguments[1].at<T>(i);
    if constexpr (kOp == Op::kAdd) {
      out[i] = a + b;
    } else if constexpr (kOp == Op::kSubtract) {
      out[i] = a - b;
    } else if constexpr (kOp == Op::kMultiply) {
      out[i] = a * b;
    } else if constexpr (kOp == Op::kDivide) {
      out[i] = a / b;  // by zero: infinity or NaN, as Flink and IEEE 754 have it
    } else {
      out[i] = std::fmod(a, b);
    }
  }
}

// How an operation is done where nothing is to be rounded: both values in the result's digits (a
// sum or difference: times a power of ten), and the first number with too many digits.
struct SmallDecimals {
  bool is_exact;
  int64_t times_a, times_b;
  Int128 limit;
};

SmallDecimals small_decimals(Op op, int scale_a, int scale_b, int precision, int scale) {
  constexpr int kPowerMax = 18;  // of ten, in 64 bits
  SmallDecimals small{scale == scale_a + scale_b, 1, 1, power_of_ten(precision)};
  if (op != Op::kMultiply) {
    small.is_exact = scale == std::max(scale_a, scale_b) && scale - scale_a <= kPowerMax &&
                     scale - scale_b <= kPowerMax;
    small.times_a = small.is_exact ? static_cast<int64_t>(power_of_ten(scale - scale_a)) : 1;
    small.times_b = small.is_exact ? static_cast<int64_t>(power_of_ten(scale - scale_b)) : 1;
  }
  return small;
}

// The result where nothing is to be rounded and both values have at most 64 bits. False: the long
// way.
template <Op kOp>
bool decimal_of_small(Int128 a, Int128 b, const SmallDecimals& small, Int128& out) {
  if constexpr (kOp != Op::kAdd && kOp != Op::kSubtract && kOp != Op::kMultiply) {
    return false;
  }
  if (!small.is_exact || a != static_cast<int64_t>(a) || b != static_cast<int64_t>(b)) {
    return false;
  }
  Int128 x = Int128{static_cast<int64_t>(a)} * small.times_a;
  Int128 y = Int128{static_cast<int64_t>(b)} * small.times_b;
  Int128 value = kOp == Op::kAdd ? x + y : (kOp == Op::kSubtract ? x - y : a * b);
  if (value >= small.limit || value <= -small.limit) {
    return false;
  }
  out = value;
  return true;
}

template <Op kOp>
void decimal_kernel(const KernelFrame& frame, std::span<const Argument> arguments) {
  Int128* out = frame.out.mutable_data<Int128>();
  int scale_a = frame.argument_types[0].scale, scale_b = frame.argument_types[1].scale;
  int precision = frame.result.precision, scale = frame.result.scale;
  constexpr auto kApply = kOp == Op::kAdd        ? decimal_add
                          : kOp == Op::kSubtract ? decimal_subtract
                          : kOp == Op::kMultiply ? decimal_multiply
                          : kOp == Op::kDivide   ? decimal_divide
                                                 : decimal_modulo;
  SmallDecimals small = small_decimals(kOp, scale_a, scale_b, precision, scale);
  for (size_t i = 0; i < frame.rows; ++i) {
    if (frame.out.is_null(i)) {
      continue;
    }
    Int128 a = arguments[0].at<Int128>(i), b = arguments[1].at<Int128>(i);
    if (decimal_of_small<kOp>(a, b, small, out[i])) {
      continue;
    }
    Result<Int128> value = kApply(a, scale_a, b, scale_b, precision, scale);
    if (!value.ok()) {
      std::string text_a, text_b;
      decimal_append(a, scale_a, text_a);
      decimal_append(b, scale_b, text_b);
      frame.fail(i,
                 fmt::format("{}: {} {} {}", value.status().message(), text_a, sign(kOp), text_b));
      continue;
    }
    out[i] = *value;
  }
}

Type as_decimal(const Type& type) {
  switch (type.kind) {
    case TypeKind::kTinyint:
      return Type::decimal(3, 0);
    case TypeKind::kSmallint:
      return Type::decimal(5, 0);
    case TypeKind::kInt:
      return Type::decimal(10, 0);
    case TypeKind::kBigint:
      return Type::decimal(19, 0);
    default:
      return type;
  }
}

// Flink, LogicalTypeMerging: the result of decimal arithmetic, scale cut to at least 6 past 38
// digits.
Type decimal_result(Op op, const Type& a, const Type& b) {
  int p1 = a.precision, s1 = a.scale, p2 = b.precision, s2 = b.scale;
  int precision = 0, scale = 0;
  switch (op) {
    case Op::kAdd:
    case Op::kSubtract:
      scale = std::max(s1, s2);
      precision = std::max(p1 - s1, p2 - s2) + scale + 1;
      break;
    case Op::kMultiply:
      scale = s1 + s2;
      precision = p1 + p2;
      break;
    case Op::kDivide:
      scale = std::max(6, s1 + p2 + 1);
      precision = p1 - s1 + s2 + scale;
      break;
    case Op::kModulo:
      scale = std::max(s1, s2);
      precision = std::min(p1 - s1, p2 - s2) + scale;
      break;
  }
  if (precision > kDecimalPrecisionMax) {
    int whole = precision - scale;
    scale = std::max(kDecimalPrecisionMax - whole, std::min(scale, 6));
    precision = kDecimalPrecisionMax;
  }
  return Type::decimal(std::max(precision, 1), scale);
}

// DATE, TIME or TIMESTAMP shifted by an interval, or DATE by a number of days.
template <bool kSubtract>
void shift_kernel(const KernelFrame& frame, std::span<const Argument> arguments) {
  const Type& unit = frame.argument_types[1];
  const Type& type = frame.argument_types[0];
  bool months = unit.kind == TypeKind::kIntervalMonth, days_given = unit.is_integer();
  auto shifted = [&](size_t row, int64_t amount) -> std::optional<int64_t> {
    if (type.kind == TypeKind::kDate) {
      int32_t days = arguments[0].at<int32_t>(row);
      if (days == kDateInfinity || days == kDateNegativeInfinity) {
        return days;
      }
      if (months) {
        return add_months_to_days(days, amount);
      }
      std::optional<int64_t> at;
      int64_t whole = days_given ? amount : amount / kMicrosPerDay, us = 0;
      if (!__builtin_mul_overflow(whole, kMicrosPerDay, &us)) {
        at = add_micros(int64_t{days} * kMicrosPerDay, us);
      }
      return at ? std::optional<int64_t>(day_of_timestamp(*at)) : std::nullopt;
    }
    int64_t us = arguments[0].at<int64_t>(row);
    if (is_infinite_timestamp(us)) {
      return us;
    }
    if (type.kind == TypeKind::kTime) {
      return months ? us : time_of_timestamp(us + amount % kMicrosPerDay);
    }
    return months ? add_months_to_timestamp(us, amount) : add_micros(us, amount);
  };
  for (size_t row = 0; row < frame.rows; ++row) {
    if (frame.out.is_null(row)) {
      continue;
    }
    int64_t amount = unit.physical() == PhysicalKind::kInt32 ? arguments[1].at<int32_t>(row)
                                                             : arguments[1].at<int64_t>(row);
    bool fits = !kSubtract || amount != std::numeric_limits<int64_t>::min();
    std::optional<int64_t> value = fits ? shifted(row, kSubtract ? -amount : amount) : std::nullopt;
    if (!value) {
      frame.fail(row, fmt::format("result out of range of {}: {} {} {}",
                                  frame.result.to_string_without_null(),
                                  text_of(*arguments[0].column, row * arguments[0].stride),
                                  kSubtract ? "-" : "+",
                                  text_of(*arguments[1].column, row * arguments[1].stride)));
    } else if (type.kind == TypeKind::kDate) {
      frame.out.mutable_data<int32_t>()[row] = static_cast<int32_t>(*value);
    } else {
      frame.out.mutable_data<int64_t>()[row] = *value;
    }
  }
}

template <bool kSubtract>
void shifted_by_kernel(const KernelFrame& frame, std::span<const Argument> arguments) {
  std::vector<Type> types{frame.argument_types[1], frame.argument_types[0]};
  Argument swapped[] = {arguments[1], arguments[0]};
  shift_kernel<kSubtract>(KernelFrame{frame.context, frame.rows, frame.result, types, frame.out},
                          swapped);
}

// INTERVAL * n and INTERVAL / n.
template <Op kOp>
void scale_interval_kernel(const KernelFrame& frame, std::span<const Argument> arguments) {
  bool months = frame.result.kind == TypeKind::kIntervalMonth;
  for (size_t i = 0; i < frame.rows; ++i) {
    double factor = arguments[1].at<double>(i);
    if (kOp == Op::kDivide && factor == 0) {
      frame.fail(i, "division of an interval by zero");
      continue;
    }
    double value =
        months ? arguments[0].at<int32_t>(i) : static_cast<double>(arguments[0].at<int64_t>(i));
    value = std::round(kOp == Op::kMultiply ? value * factor : value / factor);
    if (!(std::abs(value) < (months ? 2147483648.0 : 9223372036854775808.0))) {
      frame.fail(
          i,
          fmt::format("result out of range of {}: {} {} {}", frame.result.to_string_without_null(),
                      text_of(*arguments[0].column, i * arguments[0].stride), sign(kOp), factor));
      continue;
    }
    if (months) {
      frame.out.mutable_data<int32_t>()[i] = static_cast<int32_t>(value);
    } else {
      frame.out.mutable_data<int64_t>()[i] = static_cast<int64_t>(value);
    }
  }
}

// Both sides as one type: dates give days, times and timestamps the time between.
template <typename T>
void between_kernel(const KernelFrame& frame, std::span<const Argument> arguments) {
  for (size_t row = 0; row < frame.rows; ++row) {
    if (frame.out.is_null(row)) {
      continue;
    }
    T a = arguments[0].at<T>(row), b = arguments[1].at<T>(row), value = 0;
    bool infinite = a == std::numeric_limits<T>::max() || a == std::numeric_limits<T>::min() ||
                    b == std::numeric_limits<T>::max() || b == std::numeric_limits<T>::min();
    if (infinite || __builtin_sub_overflow(a, b, &value)) {
      frame.fail(row, fmt::format("result out of range of {}: {} - {}",
                                  frame.result.to_string_without_null(),
                                  text_of(*arguments[0].column, row * arguments[0].stride),
                                  text_of(*arguments[1].column, row * arguments[1].stride)));
      continue;
    }
    frame.out.mutable_data<T>()[row] = value;
  }
}

Result<BoundFunction> bind_between(const Type& a, const Type& b) {
  if (a.kind == TypeKind::kDate && b.kind == TypeKind::kDate) {
    return BoundFunction{between_kernel<int32_t>, Type::integer(), {a, b}, NullRule::kStrict, true};
  }
  Type common = TRY(common_type(a, b));
  return BoundFunction{between_kernel<int64_t>,
                       Type::of(TypeKind::kIntervalDay),
                       {common, common},
                       NullRule::kStrict,
                       true};
}

Status no_operator(Op op, const Type& a, const Type& b) {
  return Status::invalid_argument(fmt::format("no operator {} for {} and {}", sign(op),
                                              a.to_string_without_null(),
                                              b.to_string_without_null()))
      .with_hint("convert one side with CAST");
}

template <Op kOp>
Result<BoundFunction> bind_temporal(const Type& a, const Type& b) {
  if constexpr (kOp == Op::kAdd || kOp == Op::kSubtract) {
    constexpr bool kSubtract = kOp == Op::kSubtract;
    if (a.is_temporal() && b.is_interval()) {
      return BoundFunction{
          shift_kernel<kSubtract>, a.as_nullable(), {a, b}, NullRule::kStrict, true};
    }
    if (a.is_interval() && b.is_temporal() && !kSubtract) {
      return BoundFunction{
          shifted_by_kernel<kSubtract>, b.as_nullable(), {a, b}, NullRule::kStrict, true};
    }
    // Postgres: DATE and a number of days; the days, or the time, between two.
    if (a.kind == TypeKind::kDate && b.is_integer()) {
      return BoundFunction{
          shift_kernel<kSubtract>, a.as_nullable(), {a, b}, NullRule::kStrict, true};
    }
    if (a.is_integer() && b.kind == TypeKind::kDate && !kSubtract) {
      return BoundFunction{
          shifted_by_kernel<kSubtract>, b.as_nullable(), {a, b}, NullRule::kStrict, true};
    }
    if (kSubtract && a.is_temporal() && b.is_temporal()) {
      return bind_between(a, b);
    }
    if (a.is_interval() && a.kind == b.kind) {
      Kernel kernel = a.kind == TypeKind::kIntervalMonth ? integer_kernel<kOp, int32_t>
                                                         : integer_kernel<kOp, int64_t>;
      return BoundFunction{kernel, a.as_nullable(), {a, a}, NullRule::kStrict, true};
    }
  }
  if constexpr (kOp == Op::kMultiply || kOp == Op::kDivide) {
    if (a.is_interval() && b.is_numeric()) {
      return BoundFunction{scale_interval_kernel<kOp>,
                           a.as_nullable(),
                           {a, Type::float64()},
                           NullRule::kStrict,
                           true};
    }
  }
  return no_operator(kOp, a, b);
}

template <Op kOp>
Result<BoundFunction> bind_arithmetic(std::span<const Type> arguments) {
  if (arguments.size() != 2) {
    return Status::invalid_argument("takes two values");
  }
  Type a = arguments[0].kind == TypeKind::kNull ? arguments[1] : arguments[0];
  Type b = arguments[1].kind == TypeKind::kNull ? arguments[0] : arguments[1];
  if (a.kind == TypeKind::kNull) {
    a = b = Type::integer();
  }
  if (!a.is_numeric() || !b.is_numeric()) {
    return bind_temporal<kOp>(a, b);
  }
  if (a.is_approximate() || b.is_approximate()) {
    bool both_float = a.kind == TypeKind::kFloat && b.kind == TypeKind::kFloat;
    Type type = both_float ? Type::float32() : Type::float64();
    Kernel kernel = both_float ? floating_kernel<kOp, float> : floating_kernel<kOp, double>;
    return BoundFunction{kernel, type, {type, type}, NullRule::kStrict, false};
  }
  if (a.kind == TypeKind::kDecimal || b.kind == TypeKind::kDecimal) {
    a = as_decimal(a).as_nullable();
    b = as_decimal(b).as_nullable();
    return BoundFunction{
        decimal_kernel<kOp>, decimal_result(kOp, a, b), {a, b}, NullRule::kStrict, true};
  }
  Type type = Type::of(std::max(a.kind, b.kind));
  Kernel kernel =
      type.kind == TypeKind::kBigint ? integer_kernel<kOp, int64_t> : integer_kernel<kOp, int32_t>;
  return BoundFunction{kernel, type, {type, type}, NullRule::kStrict, true};
}

template <typename T>
void negate_kernel(const KernelFrame& frame, std::span<const Argument> arguments) {
  for (size_t i = 0; i < frame.rows; ++i) {
    T value = arguments[0].at<T>(i);
    if constexpr (std::is_same_v<T, Int128>) {
      value = value == kDecimalNan                ? value
              : value == kDecimalInfinity         ? kDecimalNegativeInfinity
              : value == kDecimalNegativeInfinity ? kDecimalInfinity
                                                  : -value;
    } else if constexpr (std::is_integral_v<T>) {
      bool whole = frame.result.is_integer();
      if (value == (whole ? integer_range(frame.result.kind).first
                          : int64_t{std::numeric_limits<T>::min()})) {
        frame.fail(i, fmt::format("result out of range of {}: -({})",
                                  frame.result.to_string_without_null(), value));
        continue;
      }
      value = -value;
    } else {
      value = -value;
    }
    frame.out.mutable_data<T>()[i] = value;
  }
}

Result<BoundFunction> bind_negate(std::span<const Type> arguments) {
  const Type& type = arguments[0];
  if (arguments.size() != 1 || (!type.is_numeric() && !type.is_interval())) {
    return Status::invalid_argument("unary - expects a number or an interval");
  }
  BoundFunction bound{nullptr, type, {type}, NullRule::kStrict, true};
  switch (type.physical()) {
    case PhysicalKind::kInt32:
      bound.kernel = negate_kernel<int32_t>;
      break;
    case PhysicalKind::kInt64:
      bound.kernel = negate_kernel<int64_t>;
      break;
    case PhysicalKind::kFloat:
      bound.kernel = negate_kernel<float>;
      break;
    case PhysicalKind::kDouble:
      bound.kernel = negate_kernel<double>;
      break;
    default:
      bound.kernel = negate_kernel<Int128>;
  }
  return bound;
}

template <typename F, typename T>
void bits_kernel(const KernelFrame& frame, std::span<const Argument> arguments) {
  T* out = frame.out.mutable_data<T>();
  for (size_t i = 0; i < frame.rows; ++i) {
    out[i] = static_cast<T>(F()(arguments[0].at<T>(i), arguments[1].at<T>(i)));
  }
}

template <typename F>
Result<BoundFunction> bind_bits(std::span<const Type> types) {
  bool is_big = false;
  for (const Type& type : types) {
    if (types.size() != 2 || (!type.is_integer() && type.kind != TypeKind::kNull)) {
      return Status::invalid_argument("takes two whole numbers");
    }
    is_big = is_big || type.kind == TypeKind::kBigint;
  }
  Type value = is_big ? Type::bigint() : Type::integer();
  return BoundFunction{
      is_big ? bits_kernel<F, int64_t> : bits_kernel<F, int32_t>, value, {value, value}};
}

constexpr Function kMathFunctions[] = {
    {"+", "math", "a + b", "Sum; also DATE, TIME or TIMESTAMP plus INTERVAL.", "1 + 2.5", "3.5",
     bind_arithmetic<Op::kAdd>},
    {"-", "math", "a - b", "Difference; also DATE, TIME or TIMESTAMP minus INTERVAL.", "1 - 2",
     "-1", bind_arithmetic<Op::kSubtract>},
    {"*", "math", "a * b", "Product.", "1.5 * 2.0", "3.00", bind_arithmetic<Op::kMultiply>},
    {"/", "math", "a / b",
     "Quotient; of integers, cut toward zero. Integer and DECIMAL division by zero is an error.",
     "7 / 2", "3", bind_arithmetic<Op::kDivide>},
    {"%", "math", "a % b", "Remainder, with the sign of a; also MOD(a, b).", "-7 % 2", "-1",
     bind_arithmetic<Op::kModulo>},
    {"MOD", "math", "MOD(a, b)", "Remainder, with the sign of a.", "MOD(7, 4)", "3",
     bind_arithmetic<Op::kModulo>},
    {"&", "math", "a & b", "The bits that both whole numbers have.", "12 & 10", "8",
     bind_bits<std::bit_and<>>},
    {"|", "math", "a | b", "The bits that one of two whole numbers has.", "12 | 10", "14",
     bind_bits<std::bit_or<>>},
    {"NEGATE", "math", "-a", "The number with the other sign.", "-(1.5)", "-1.5", bind_negate},
};

}  // namespace

std::span<const Function> math_functions() {
  return kMathFunctions;
}

}  // namespace tidemark
