// Functions of numbers; the operators are in math.cc.

#include <cmath>

#include "expr/cast_rules.h"
#include "expr/functions/families.h"
#include "expr/functions/shape.h"
#include "types/decimal.h"
#include "types/text.h"

namespace tidemark {

Kernel floor_to_unit_kernel(bool ceil);  // datetime.cc

namespace {

using Arguments = std::span<const Argument>;

template <double (*kFunction)(double)>
void real(const KernelFrame& frame, Arguments a) {
  double* out = frame.out.mutable_data<double>();
  for (size_t row = 0; row < frame.rows; ++row) {
    out[row] = kFunction(a[0].at<double>(row));
  }
}

template <double (*kFunction)(double, double)>
void real2(const KernelFrame& frame, Arguments a) {
  double* out = frame.out.mutable_data<double>();
  for (size_t row = 0; row < frame.rows; ++row) {
    out[row] = kFunction(a[0].at<double>(row), a[1].at<double>(row));
  }
}

double degrees(double x) {
  return x * 180.0 / M_PI;
}
double radians(double x) {
  return x * M_PI / 180.0;
}
double cotangent(double x) {
  return 1.0 / std::tan(x);
}
double log_base(double base, double x) {
  return std::log(x) / std::log(base);
}

template <double (*kFunction)()>
void constant(const KernelFrame& frame, Arguments) {
  std::fill_n(frame.out.mutable_data<double>(), frame.rows, kFunction());
}
double pi() {
  return M_PI;
}
double euler() {
  return M_E;
}

// ABS and SIGN keep the type of their argument.
template <bool kSign>
void magnitude(const KernelFrame& frame, Arguments a) {
  visit_physical(frame.result.physical(), [&](auto tag) {
    using T = decltype(tag);
    if constexpr (!std::is_same_v<T, StringRef> && !std::is_same_v<T, uint8_t>) {
      T one = 1;
      if constexpr (std::is_same_v<T, Int128>) {
        one = kSign ? power_of_ten(frame.result.scale) : Int128{1};
      }
      fill<T>(frame, [&](size_t row) -> T {
        T value = a[0].at<T>(row);
        if constexpr (kSign) {
          return value > 0 ? one : value < 0 ? -one : value;
        } else {
          if constexpr (std::is_floating_point_v<T>) {
            return std::abs(value);
          } else {
            bool fits = value != std::numeric_limits<T>::min();
            if constexpr (!std::is_same_v<T, Int128>) {
              fits = value != integer_range(frame.result.kind).first;
            }
            if (!fits) {
              frame.fail(row, fmt::format("ABS out of range of {}: {}",
                                          frame.result.to_string_without_null(),
                                          text_of(*a[0].column, row * a[0].stride)));
              return 0;
            }
            return value < 0 ? -value : value;
          }
        }
      });
    }
  });
}

template <bool kSign>
Result<BoundFunction> bind_magnitude(std::span<const Type> types) {
  if (types.size() != 1 || !(types[0].is_numeric() || types[0].kind == TypeKind::kNull)) {
    return Status::invalid_argument("takes one number");
  }
  Type type = types[0].kind == TypeKind::kNull ? Type::integer() : types[0].as_nullable();
  return BoundFunction{magnitude<kSign>, type, {type}, NullRule::kStrict, !kSign};
}

// FLOOR and CEIL of numbers: integers stay as they are, DECIMAL(p, s) gives DECIMAL(p, 0).
template <bool kCeil>
void whole(const KernelFrame& frame, Arguments a) {
  switch (frame.result.physical()) {
    case PhysicalKind::kDouble:
      fill<double>(frame, [&](size_t row) {
        return kCeil ? std::ceil(a[0].at<double>(row)) : std::floor(a[0].at<double>(row));
      });
      return;
    case PhysicalKind::kFloat:
      fill<float>(frame, [&](size_t row) {
        return kCeil ? std::ceil(a[0].at<float>(row)) : std::floor(a[0].at<float>(row));
      });
      return;
    case PhysicalKind::kInt128: {
      Int128 unit = power_of_ten(frame.argument_types[0].scale);
      fill<Int128>(frame, [&](size_t row) -> Int128 {
        Int128 value = a[0].at<Int128>(row);
        if (decimal_is_special(value)) {
          return value;
        }
        Int128 quotient = value / unit, rest = value % unit;
        return quotient + (kCeil ? (rest > 0 ? 1 : 0) : (rest < 0 ? -1 : 0));
      });
      return;
    }
    case PhysicalKind::kInt64:
      fill<int64_t>(frame, [&](size_t row) { return a[0].at<int64_t>(row); });
      return;
    default:
      fill<int32_t>(frame, [&](size_t row) { return a[0].at<int32_t>(row); });
  }
}

template <bool kCeil>
Result<BoundFunction> bind_whole(std::span<const Type> types) {
  if (types.size() == 2 && (types[0].is_temporal() || types[0].is_character()) &&
      types[1].is_character()) {
    Type type = types[0].is_character() ? Type::timestamp(6) : types[0].as_nullable();
    return BoundFunction{
        floor_to_unit_kernel(kCeil), type, {type, Type::string()}, NullRule::kStrict, true};
  }
  if (types.size() != 1 || !(types[0].is_numeric() || types[0].kind == TypeKind::kNull)) {
    return Status::invalid_argument("takes a number, or x TO unit with a date or timestamp");
  }
  Type type = types[0].kind == TypeKind::kNull ? Type::float64() : types[0].as_nullable();
  Type result = type.kind == TypeKind::kDecimal ? Type::decimal(type.precision, 0) : type;
  return BoundFunction{whole<kCeil>, result, {type}, NullRule::kStrict, false};
}

void fail_rounding(const KernelFrame& frame, const Argument& value, size_t row, int digits) {
  frame.fail(row, fmt::format("ROUND out of range of {}: ROUND({}, {})",
                              frame.result.to_string_without_null(),
                              text_of(*value.column, row * value.stride), digits));
}

// ROUND half away from zero, TRUNCATE toward zero, at n fraction digits.
template <bool kTruncate>
void round_digits(const KernelFrame& frame, Arguments a) {
  auto digits_at = [&](size_t row) {
    return a.size() > 1 ? std::clamp(a[1].at<int32_t>(row), -38, 38) : 0;
  };
  if (frame.result.physical() == PhysicalKind::kInt128) {
    int scale = frame.argument_types[0].scale;
    fill<Int128>(frame, [&](size_t row) -> Int128 {
      Int128 value = a[0].at<Int128>(row);
      int digits = digits_at(row);
      if (decimal_is_special(value) || digits >= scale) {
        return value;
      }
      int drop = std::min(scale - digits, 38);
      Int128 unit = power_of_ten(drop), rest = value % unit;
      Int128 down = value - rest;
      bool away = !kTruncate && (rest < 0 ? -rest : rest) >= unit - (rest < 0 ? -rest : rest);
      Int128 rounded = away ? down + (value < 0 ? -unit : unit) : down;
      if (!decimal_fits(rounded, frame.result.precision)) {
        fail_rounding(frame, a[0], row, digits);
        return 0;
      }
      return rounded;
    });
    return;
  }
  if (frame.result.physical() == PhysicalKind::kDouble) {
    fill<double>(frame, [&](size_t row) -> double {
      double value = a[0].at<double>(row);
      if (!std::isfinite(value)) {
        return value;
      }
      int digits = digits_at(row);
      // By way of the shortest decimal, so that 2.675 rounds as it is written.
      Result<Int128> exact = decimal_from_double(value, 38, 15);
      if (!exact.ok() || digits > 14 || digits < -18) {
        return value;
      }
      Int128 unit = power_of_ten(15 - digits), rest = *exact % unit;
      Int128 size = rest < 0 ? -rest : rest;
      Int128 rounded =
          *exact - rest +
          (!kTruncate && size >= unit - size ? (*exact < 0 ? -unit : unit) : Int128{0});
      return decimal_to_double(rounded, 15);
    });
    return;
  }
  bool wide = frame.result.physical() == PhysicalKind::kInt64;
  auto [low, high] = integer_range(frame.result.kind);
  for (size_t row = 0; row < frame.rows; ++row) {
    if (frame.out.is_null(row)) {
      continue;
    }
    Int128 value = wide ? a[0].at<int64_t>(row) : a[0].at<int32_t>(row);
    int digits = digits_at(row);
    if (digits < 0) {
      Int128 unit = power_of_ten(-digits), rest = value % unit, size = rest < 0 ? -rest : rest;
      value = value - rest + (!kTruncate && size >= unit - size ? (value < 0 ? -unit : unit) : 0);
    }
    if (value < low || value > high) {
      fail_rounding(frame, a[0], row, digits);
    } else if (wide) {
      frame.out.mutable_data<int64_t>()[row] = static_cast<int64_t>(value);
    } else {
      frame.out.mutable_data<int32_t>()[row] = static_cast<int32_t>(value);
    }
  }
}

template <bool kTruncate>
Result<BoundFunction> bind_round(std::span<const Type> types) {
  if (types.empty() || types.size() > 2 ||
      !(types[0].is_numeric() || types[0].kind == TypeKind::kNull) ||
      (types.size() == 2 && !types[1].is_integer())) {
    return Status::invalid_argument("takes a number and a number of digits");
  }
  Type type = types[0].is_approximate() || types[0].kind == TypeKind::kNull
                  ? Type::float64()
                  : types[0].as_nullable();
  BoundFunction bound{round_digits<kTruncate>, type, {type}, NullRule::kStrict, true};
  if (types.size() == 2) {
    bound.arguments.push_back(Type::integer());
  }
  return bound;
}

constexpr Function kNumericFunctions[] = {
    {"ABS", "math", "ABS(x)", "The magnitude.", "ABS(-2.5)", "2.5", bind_magnitude<false>},
    {"SIGN", "math", "SIGN(x)", "-1, 0 or 1, in the type of x.", "SIGN(-7)", "-1",
     bind_magnitude<true>},
    {"FLOOR", "math", "FLOOR(x), FLOOR(t TO unit)",
     "The largest whole number that is not greater; the start of a unit of time.", "FLOOR(-1.5)",
     "-2", bind_whole<false>},
    {"CEIL", "math", "CEIL(x), CEIL(t TO unit)",
     "The smallest whole number that is not less; the end of a unit of time.",
     "CEIL(TIMESTAMP '2020-02-29 13:00:00' TO DAY)", "2020-03-01 00:00:00", bind_whole<true>},
    {"CEILING", "math", "CEILING(x)", "As CEIL.", "CEILING(1.2)", "2", bind_whole<true>},
    {"ROUND", "math", "ROUND(x [, n])", "Rounded to n fraction digits, half away from zero.",
     "ROUND(2.675, 2)", "2.680", bind_round<false>},
    {"TRUNCATE", "math", "TRUNCATE(x [, n])", "Cut to n fraction digits.", "TRUNCATE(-2.679, 2)",
     "-2.670", bind_round<true>},
    {"SQRT", "math", "SQRT(x)", "The square root; NaN of a negative number.", "SQRT(16)", "4",
     bind_shape<"d", 'd', real<std::sqrt>>},
    {"EXP", "math", "EXP(x)", "e to the power of x.", "EXP(0)", "1",
     bind_shape<"d", 'd', real<std::exp>>},
    {"LN", "math", "LN(x)", "The natural logarithm.", "LN(1)", "0",
     bind_shape<"d", 'd', real<std::log>>},
    {"LOG10", "math", "LOG10(x)", "The logarithm to base 10.", "LOG10(1000)", "3",
     bind_shape<"d", 'd', real<std::log10>>},
    {"LOG2", "math", "LOG2(x)", "The logarithm to base 2.", "LOG2(8)", "3",
     bind_shape<"d", 'd', real<std::log2>>},
    {"LOG", "math", "LOG([base,] x)",
     "The logarithm to a base; without one, the natural logarithm.", "LOG(2, 8)", "3",
     [](std::span<const Type> types) {
       return types.size() == 1 ? bind_shape<"d", 'd', real<std::log>>(types)
                                : bind_shape<"dd", 'd', real2<log_base>>(types);
     }},
    {"POWER", "math", "POWER(x, y)", "x to the power of y.", "POWER(2, 10)", "1024",
     bind_shape<"dd", 'd', real2<std::pow>>},
    {"SIN", "math", "SIN(x)", "The sine of an angle in radians.", "SIN(0)", "0",
     bind_shape<"d", 'd', real<std::sin>>},
    {"COS", "math", "COS(x)", "The cosine.", "COS(0)", "1", bind_shape<"d", 'd', real<std::cos>>},
    {"TAN", "math", "TAN(x)", "The tangent.", "TAN(0)", "0", bind_shape<"d", 'd', real<std::tan>>},
    {"COT", "math", "COT(x)", "The cotangent.", "ROUND(COT(1), 3)", "0.642",
     bind_shape<"d", 'd', real<cotangent>>},
    {"SINH", "math", "SINH(x)", "The hyperbolic sine.", "SINH(0)", "0",
     bind_shape<"d", 'd', real<std::sinh>>},
    {"COSH", "math", "COSH(x)", "The hyperbolic cosine.", "COSH(0)", "1",
     bind_shape<"d", 'd', real<std::cosh>>},
    {"TANH", "math", "TANH(x)", "The hyperbolic tangent.", "TANH(0)", "0",
     bind_shape<"d", 'd', real<std::tanh>>},
    {"ASIN", "math", "ASIN(x)", "The angle whose sine is x.", "ASIN(0)", "0",
     bind_shape<"d", 'd', real<std::asin>>},
    {"ACOS", "math", "ACOS(x)", "The angle whose cosine is x.", "ACOS(1)", "0",
     bind_shape<"d", 'd', real<std::acos>>},
    {"ATAN", "math", "ATAN(x)", "The angle whose tangent is x.", "ATAN(0)", "0",
     bind_shape<"d", 'd', real<std::atan>>},
    {"ATAN2", "math", "ATAN2(y, x)", "The angle of the point (x, y).", "ATAN2(0, 1)", "0",
     bind_shape<"dd", 'd', real2<std::atan2>>},
    {"DEGREES", "math", "DEGREES(x)", "Radians to degrees.", "DEGREES(PI())", "180",
     bind_shape<"d", 'd', real<degrees>>},
    {"RADIANS", "math", "RADIANS(x)", "Degrees to radians.", "RADIANS(180) = PI()", "true",
     bind_shape<"d", 'd', real<radians>>},
    {"PI", "math", "PI()", "3.14159...", "PI()", "3.141592653589793",
     bind_shape<"", 'd', constant<pi>>},
    {"E", "math", "E()", "2.71828...", "E()", "2.718281828459045",
     bind_shape<"", 'd', constant<euler>>},
};

}  // namespace

std::span<const Function> numeric_functions() {
  return kNumericFunctions;
}

}  // namespace tidemark
