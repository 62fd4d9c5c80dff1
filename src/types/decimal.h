#pragma once
// DECIMAL(p, s): a 128-bit unscaled value and the scale of its type. Three values above and below
// every number of 38 digits stand for Postgres's NaN and infinities; they order as Postgres orders
// them (-Infinity < numbers < Infinity < NaN) by plain comparison.

#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"
#include "types/column.h"

namespace tidemark {

inline constexpr Int128 kInt128Max = static_cast<Int128>(~UInt128{0} >> 1);
inline constexpr Int128 kDecimalNan = kInt128Max;
inline constexpr Int128 kDecimalInfinity = kInt128Max - 1;
inline constexpr Int128 kDecimalNegativeInfinity = -kInt128Max - 1;

inline bool decimal_is_special(Int128 value) {
  return value >= kDecimalInfinity || value == kDecimalNegativeInfinity;
}

// 10^exponent, 0 <= exponent <= 38.
Int128 power_of_ten(int exponent);

// Whether the unscaled value has at most `precision` digits. Specials fit every precision.
bool decimal_fits(Int128 value, int precision);

// The value at another scale, rounded half away from zero. Error: it does not fit `precision`.
Result<Int128> decimal_rescale(Int128 value, int scale_from, int scale_to, int precision);

// "123.45", "-0.001", "1e3", "NaN", "Infinity". Error: not a number, or it does not fit. With
// `exact`, digits lost to rounding are an error too.
Result<Int128> decimal_parse(std::string_view text, int precision, int scale, bool exact = false);
void decimal_append(Int128 value, int scale, std::string& out);

// a/10^sa OP b/10^sb, the result at `scale`, rounded half away from zero; the caller chooses
// precision and scale by Flink's rules. Specials follow Postgres: NaN wins, Infinity - Infinity is
// NaN.
Result<Int128> decimal_add(Int128 a, int scale_a, Int128 b, int scale_b, int precision, int scale);
Result<Int128> decimal_subtract(Int128 a, int scale_a, Int128 b, int scale_b, int precision,
                                int scale);
Result<Int128> decimal_multiply(Int128 a, int scale_a, Int128 b, int scale_b, int precision,
                                int scale);
Result<Int128> decimal_divide(Int128 a, int scale_a, Int128 b, int scale_b, int precision,
                              int scale);
Result<Int128> decimal_modulo(Int128 a, int scale_a, Int128 b, int scale_b, int precision,
                              int scale);

double decimal_to_double(Int128 value, int scale);
// Error: it does not fit.
Result<Int128> decimal_from_double(double value, int precision, int scale);

}  // namespace tidemark
