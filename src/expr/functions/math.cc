// Arithmetic. Integers do not wrap: a result out of range is an error of its row. DECIMAL follows
// Flink's (SQL Server's) precision rules, capped at 38 digits.

#include <cmath>

#include <fmt/core.h>

#include "expr/cast.h"
#include "expr/function.h"
#include "types/datetime.h"
#include "types/decimal.h"

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
  for (size_t i = 0; i < frame.rows; ++i) {
    if (frame.out.is_null(i)) {
      continue;
    }
    Int128 a = arguments[0].at<Int128>(i), b = arguments[1].at<Int128>(i);
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

// DATE or TIMESTAMP shifted by months, the day cut to the month's length.
int32_t add_months(int32_t days, int64_t months) {
  CivilDate date = civil_from_days(days);
  int64_t total = int64_t{date.year} * 12 + date.month - 1 + months;
  int64_t year = total >= 0 ? total / 12 : -((-total + 11) / 12);
  int32_t month = static_cast<int32_t>(total - year * 12) + 1;
  int32_t day = std::min(date.day, days_in_month(static_cast<int32_t>(year), month));
  return days_from_civil({static_cast<int32_t>(year), month, day});
}

template <bool kSubtract>
void shift_kernel(const KernelFrame& frame, std::span<const Argument> arguments) {
  bool months = frame.argument_types[1].kind == TypeKind::kIntervalMonth;
  bool is_date = frame.argument_types[0].kind == TypeKind::kDate;
  bool is_time = frame.argument_types[0].kind == TypeKind::kTime;
  for (size_t i = 0; i < frame.rows; ++i) {
    int64_t amount = months ? arguments[1].at<int32_t>(i) : arguments[1].at<int64_t>(i);
    amount = kSubtract ? -amount : amount;
    if (is_date) {
      int32_t days = arguments[0].at<int32_t>(i);
      bool infinite = days == kDateInfinity || days == kDateNegativeInfinity;
      frame.out.mutable_data<int32_t>()[i] =
          infinite ? days
          : months ? add_months(days, amount)
                   : days + static_cast<int32_t>(amount / kMicrosPerDay);
      continue;
    }
    int64_t us = arguments[0].at<int64_t>(i);
    if (us == kTimestampInfinity || us == kTimestampNegativeInfinity) {
      frame.out.mutable_data<int64_t>()[i] = us;
    } else if (is_time) {
      frame.out.mutable_data<int64_t>()[i] = time_of_timestamp(us + amount);
    } else {
      frame.out.mutable_data<int64_t>()[i] =
          months ? int64_t{add_months(day_of_timestamp(us), amount)} * kMicrosPerDay +
                       time_of_timestamp(us)
                 : us + amount;
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
    if (months) {
      frame.out.mutable_data<int32_t>()[i] = static_cast<int32_t>(value);
    } else {
      frame.out.mutable_data<int64_t>()[i] = static_cast<int64_t>(value);
    }
  }
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
          shift_kernel<kSubtract>, a.as_nullable(), {a, b}, NullRule::kStrict, false};
    }
    if (a.is_interval() && b.is_temporal() && !kSubtract) {
      return BoundFunction{
          shifted_by_kernel<kSubtract>, b.as_nullable(), {a, b}, NullRule::kStrict, false};
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
      if (value == std::numeric_limits<T>::min()) {
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

constexpr Function kFunctions[] = {
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
    {"NEGATE", "math", "-a", "The number with the other sign.", "-(1.5)", "-1.5", bind_negate},
};

}  // namespace

std::span<const Function> math_functions() {
  return kFunctions;
}

}  // namespace tidemark
