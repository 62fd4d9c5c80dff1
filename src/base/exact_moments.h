#pragma once
// Count, sum and sum of squares of numbers, exact whatever is added and taken away in which order:
// what variances are computed from, rounded once.
//
// Floating-point numbers: the usual case is two fixed-point numbers, the sum in units of 2^-76 and
// the squares in units of 2^-152. What does not fit (tiny or huge terms, NaN, infinities) goes to
// WideMoments beside them, which hold anything. Whole numbers (and DECIMAL's unscaled values) fit
// always.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/big_integer.h"
#include "base/bytes.h"

namespace tidemark {

// Of terms of up to 127 bits.
struct WholeMoments {
  uint64_t sum[4];
  uint64_t squares[6];
  int64_t count;  // numbers; NaN and infinities are not in it
  int64_t specials;

  void add(BigInt128 value, int64_t weight);
};
static_assert(sizeof(WholeMoments) == 96);

struct WideMoments {
  static constexpr int kSumPoint = 1088;     // bit of weight 2^0 in sum
  static constexpr int kSquarePoint = 2176;  // in squares
  uint64_t sum[36];                          // 1074 bits below the point, 1024 above, carries
  uint64_t squares[72];
  int64_t specials;  // NaN and infinities

  bool is_zero() const;
  void append_to(std::string& out) const;
  void read_from(ByteReader& in);
};

class WideMomentsPool;

struct FloatMoments {
  BigInt128 sum;        // units of 2^-76
  uint64_t squares[4];  // units of 2^-152
  uint32_t wide;        // 1 + index into a pool; 0: none
  uint32_t unused;
  int64_t count;  // terms, NaN and infinities too

  void add(double value, int64_t weight, WideMomentsPool& pool);
};
static_assert(sizeof(FloatMoments) == 64);

class WideMomentsPool {
 public:
  WideMoments& of(FloatMoments& moments);  // made at first use
  const WideMoments* find(const FloatMoments& moments) const {
    return moments.wide == 0 ? nullptr : &pool_[moments.wide - 1];
  }
  void release(FloatMoments& moments);
  void clear() {
    pool_.clear();
    free_.clear();
  }

 private:
  std::vector<WideMoments> pool_;
  std::vector<uint32_t> free_;
};

// A variance as a fraction numerator / denominator * 2^exponent, all exact.
struct VarianceFraction {
  BigInteger numerator;    // not negative
  BigInteger denominator;  // positive
  int exponent = 0;
};

// The divisor is the count, less one if `sample`. The count is more than that. The terms must be
// free of NaN and infinities.
VarianceFraction variance_of(const WholeMoments& moments, bool sample);
VarianceFraction variance_of(const FloatMoments& moments, const WideMoments* wide, bool sample);

// Rounded once, to the nearest; infinity if it is out of range.
double fraction_to_double(const VarianceFraction& fraction);
double fraction_root_to_double(const VarianceFraction& fraction);
// Times 10^scale (a scale may be negative), cut toward zero or rounded half away from it. For
// fractions without exponent.
enum class Rounding : uint8_t { kCut, kHalfAway };
BigInteger fraction_to_whole(const VarianceFraction& fraction, int scale, Rounding rounding);
// The same of the root; its square is taken times 10^(scale_of_square).
BigInteger fraction_root_to_whole(const VarianceFraction& fraction, int scale_of_square,
                                  Rounding rounding);

}  // namespace tidemark
