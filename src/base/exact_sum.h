#pragma once
// Exact sums of floating-point numbers: the result depends only on the multiset of what was added,
// whatever was taken away again in between and in which order, and is rounded once at the end.
//
// The usual case is a 128-bit fixed-point number in units of 2^-76: it holds every double of
// magnitude 6e-8 and above to its last bit, and sums up to 2.2e15. What does not fit (tiny or huge
// terms, a larger sum, NaN, infinities) goes to a WideSum beside it, which holds anything.

#include <cmath>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace tidemark {

// A two's complement fixed-point number that spans all doubles, with 76 bits to spare for carries
// (Kulisch accumulator), and counts of the values that are not numbers.
class WideSum {
 public:
  // Adds value * weight. NaN and infinities are counted, not added.
  void add(double value, int64_t weight);
  // Adds a multiple of 2^-76.
  void add_fixed(__int128 value);
  bool is_zero() const;
  // All of it, in bytes, and back.
  void append_to(std::string& out) const;
  void read_from(ByteReader& in);

  int64_t nans = 0;
  int64_t infinities = 0;
  int64_t negative_infinities = 0;

  // The sum rounded to the nearest double (ties to even); nullopt: finite terms whose sum is out of
  // range.
  std::optional<double> to_double() const;
  std::optional<float> to_float() const;
  // The sum divided by count > 0, rounded once; nullopt as above.
  std::optional<double> mean(int64_t count) const;

 private:
  static constexpr int kLimbs = 36;       // 2304 bits: 1074 below the point, 1024 above, carries
  static constexpr int kPointBit = 1088;  // bit of weight 2^0; a multiple of 64
  void add_shifted(unsigned __int128 magnitude, int bit, bool negative);
  // Sign, the top 64 bits with a sticky lowest bit, and the exponent of that lowest bit.
  struct Top {
    bool negative;
    uint64_t bits;
    int exponent;
  };
  Top top() const;

  uint64_t limbs_[kLimbs] = {};
};

// The fixed-width part, kept in accumulator memory.
struct ExactSum {
  __int128 fixed;  // units of 2^-76
  uint32_t wide;   // 1 + index into a WideSumPool; 0: none
  uint32_t unused;
  int64_t count;  // non-NULL terms
};

class WideSumPool {
 public:
  WideSum& of(ExactSum& sum);  // made at first use
  const WideSum* find(const ExactSum& sum) const {
    return sum.wide == 0 ? nullptr : &pool_[sum.wide - 1];
  }
  void release(ExactSum& sum);
  void clear() {
    pool_.clear();
    free_.clear();
  }
  size_t held_bytes() const { return pool_.capacity() * sizeof(WideSum); }

 private:
  std::vector<WideSum> pool_;
  std::vector<uint32_t> free_;
};

constexpr int kExactSumScale = 76;

// Adds value * weight to the sum (count is the caller's).
inline void exact_sum_add(ExactSum& sum, double value, int64_t weight, WideSumPool& pool) {
  uint64_t bits;
  std::memcpy(&bits, &value, 8);
  int exponent = static_cast<int>((bits >> 52) & 0x7FF);
  // shift = exponent of the last mantissa bit (exponent - 1075) in units of 2^-76
  int shift = exponent - 1075 + kExactSumScale;
  if (static_cast<unsigned>(shift) <= 62 && (weight == 1 || weight == -1)) [[likely]] {
    // Negated where it must be, and shifted, without a branch on the sign: mantissa * 2^shift.
    int64_t sign = (static_cast<int64_t>(bits) ^ weight) >> 63;  // -1 or 0
    int64_t mantissa = static_cast<int64_t>((bits & 0xFFFFFFFFFFFFF) | 0x10000000000000);
    mantissa = (mantissa ^ sign) - sign;
    __int128 total;
    if (!__builtin_add_overflow(sum.fixed, static_cast<__int128>(mantissa) * (int64_t{1} << shift),
                                &total)) [[likely]] {
      sum.fixed = total;
      return;
    }
  }
  if ((bits << 1) != 0 && weight != 0) {
    pool.of(sum).add(value, weight);
  }
}

// Rounded once; nullopt: out of range. An empty sum is 0.
std::optional<double> exact_sum_double(const ExactSum& sum, const WideSumPool& pool);
std::optional<float> exact_sum_float(const ExactSum& sum, const WideSumPool& pool);
// The sum divided by its count (not 0), rounded once.
std::optional<double> exact_sum_mean(const ExactSum& sum, const WideSumPool& pool);

}  // namespace tidemark
