#include "base/exact_moments.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

namespace tidemark {

namespace {

using UInt128 = unsigned __int128;

// limbs += or -= term, both two's complement; the term is not negative.
template <size_t kTerm>
void add_term(std::span<uint64_t> limbs, const std::array<uint64_t, kTerm>& term, size_t from,
              bool subtract) {
  uint64_t carry = 0;
  for (size_t i = from; i < limbs.size(); ++i) {
    uint64_t other = i - from < kTerm ? term[i - from] : 0;
    if (i - from >= kTerm && carry == 0) {
      return;
    }
    UInt128 sum = subtract ? static_cast<UInt128>(limbs[i]) - other - carry
                           : static_cast<UInt128>(limbs[i]) + other + carry;
    limbs[i] = static_cast<uint64_t>(sum);
    carry = static_cast<uint64_t>(sum >> 64) & 1;
  }
}

// A product of up to four limbs.
std::array<uint64_t, 4> multiply(UInt128 a, UInt128 b) {
  uint64_t x[2] = {static_cast<uint64_t>(a), static_cast<uint64_t>(a >> 64)};
  uint64_t y[2] = {static_cast<uint64_t>(b), static_cast<uint64_t>(b >> 64)};
  std::array<uint64_t, 4> out{};
  for (int i = 0; i < 2; ++i) {
    uint64_t carry = 0;
    for (int j = 0; j < 2; ++j) {
      UInt128 term = static_cast<UInt128>(x[i]) * y[j] + out[i + j] + carry;
      out[i + j] = static_cast<uint64_t>(term);
      carry = static_cast<uint64_t>(term >> 64);
    }
    out[i + 2] = carry;
  }
  return out;
}

template <size_t kSize>
std::array<uint64_t, kSize + 1> times(const std::array<uint64_t, kSize>& a, uint64_t factor) {
  std::array<uint64_t, kSize + 1> out{};
  uint64_t carry = 0;
  for (size_t i = 0; i < kSize; ++i) {
    UInt128 term = static_cast<UInt128>(a[i]) * factor + carry;
    out[i] = static_cast<uint64_t>(term);
    carry = static_cast<uint64_t>(term >> 64);
  }
  out[kSize] = carry;
  return out;
}

// 0 <= bits < 64.
template <size_t kSize>
std::array<uint64_t, kSize + 1> shift_left(const std::array<uint64_t, kSize>& a, int bits) {
  std::array<uint64_t, kSize + 1> out{};
  for (size_t i = 0; i < kSize; ++i) {
    UInt128 term = static_cast<UInt128>(a[i]) << bits;
    out[i] |= static_cast<uint64_t>(term);
    out[i + 1] |= static_cast<uint64_t>(term >> 64);
  }
  return out;
}

UInt128 magnitude_of(BigInt128 value) {
  return value < 0 ? ~static_cast<UInt128>(value) + 1 : static_cast<UInt128>(value);
}

uint64_t magnitude_of_weight(int64_t weight) {
  return weight < 0 ? ~static_cast<uint64_t>(weight) + 1 : static_cast<uint64_t>(weight);
}

std::array<uint64_t, 2> limbs_of(UInt128 value) {
  return {static_cast<uint64_t>(value), static_cast<uint64_t>(value >> 64)};
}

// value * weight = mantissa * 2^exponent.
struct Parts {
  uint64_t mantissa;
  int exponent;
  bool negative;
};

Parts parts_of(double value) {
  uint64_t bits;
  std::memcpy(&bits, &value, 8);
  int exponent = static_cast<int>((bits >> 52) & 0x7FF);
  uint64_t mantissa = bits & 0xFFFFFFFFFFFFF;
  return {exponent == 0 ? mantissa : mantissa | 0x10000000000000, std::max(exponent, 1) - 1075,
          static_cast<int64_t>(bits) < 0};
}

constexpr int kSumScale = 76;

// The usual case; false: it does not fit, nothing is changed.
bool add_near(FloatMoments& moments, const Parts& parts, int64_t weight) {
  int shift = parts.exponent + kSumScale;
  if (static_cast<unsigned>(shift) > 62 || (weight != 1 && weight != -1)) {
    return false;
  }
  BigInt128 term = static_cast<BigInt128>(parts.mantissa) << shift;
  BigInt128 sum;
  if (__builtin_add_overflow(moments.sum, parts.negative != (weight < 0) ? -term : term, &sum)) {
    return false;
  }
  std::array<uint64_t, 4> square = multiply(static_cast<UInt128>(term), static_cast<UInt128>(term));
  std::array<uint64_t, 4> squares;
  std::copy(std::begin(moments.squares), std::end(moments.squares), squares.begin());
  bool was_negative = static_cast<int64_t>(squares[3]) < 0;
  add_term(squares, square, 0, weight < 0);
  bool is_negative = static_cast<int64_t>(squares[3]) < 0;
  bool wrapped = weight > 0 ? !was_negative && is_negative : was_negative && !is_negative;
  if (wrapped || static_cast<int64_t>(square[3]) < 0) {
    return false;
  }
  moments.sum = sum;
  std::copy(squares.begin(), squares.end(), std::begin(moments.squares));
  return true;
}

VarianceFraction variance(const BigInteger& sum, const BigInteger& squares, int64_t count,
                          bool sample, int exponent) {
  BigInteger n(count);
  return {n * squares - sum * sum, n * BigInteger(sample ? count - 1 : count), exponent};
}

// numerator / denominator with at least `bits` bits, and what power of two it is times.
BigInteger quotient_of(const VarianceFraction& fraction, int bits, int& exponent, bool& sticky) {
  int shift = bits + fraction.denominator.bit_length() - fraction.numerator.bit_length();
  shift += (fraction.exponent - shift) % 2 != 0 ? 1 : 0;  // an even exponent, for roots
  BigInteger numerator = fraction.numerator;
  BigInteger denominator = fraction.denominator;
  (shift >= 0 ? numerator : denominator) =
      shift >= 0 ? numerator.shifted(shift) : denominator.shifted(-shift);
  exponent = fraction.exponent - shift;
  return numerator.divided_by(denominator, &sticky);
}

BigInteger scaled(const VarianceFraction& fraction, int scale, int64_t factor) {
  BigInteger numerator = fraction.numerator * BigInteger(factor);
  return scale >= 0 ? (numerator * BigInteger::power_of_ten(scale)).divided_by(fraction.denominator)
                    : numerator.divided_by(fraction.denominator * BigInteger::power_of_ten(-scale));
}

// Half of twice a value that is not negative, rounded half up.
BigInteger half_up(const BigInteger& twice) {
  return (twice + BigInteger(1)).shifted(-1);
}

}  // namespace

void WholeMoments::add(BigInt128 value, int64_t weight) {
  UInt128 magnitude = magnitude_of(value);
  uint64_t factor = magnitude_of_weight(weight);
  add_term(sum, times(limbs_of(magnitude), factor), 0, (value < 0) != (weight < 0));
  add_term(squares, times(multiply(magnitude, magnitude), factor), 0, weight < 0);
  count += weight;
}

bool WideMoments::is_zero() const {
  auto zero = [](uint64_t limb) { return limb == 0; };
  return specials == 0 && std::all_of(std::begin(sum), std::end(sum), zero) &&
         std::all_of(std::begin(squares), std::end(squares), zero);
}

void WideMoments::append_to(std::string& out) const {
  append_fixed(*this, out);
}

void WideMoments::read_from(ByteReader& in) {
  *this = in.fixed<WideMoments>();
}

void FloatMoments::add(double value, int64_t weight, WideMomentsPool& pool) {
  count += weight;
  if (value == 0 || weight == 0) {
    return;
  }
  if (!std::isfinite(value)) {
    pool.of(*this).specials += weight;
    return;
  }
  Parts parts = parts_of(value);
  if (add_near(*this, parts, weight)) {
    return;
  }
  WideMoments& far = pool.of(*this);
  uint64_t factor = magnitude_of_weight(weight);
  auto add_at = [](std::span<uint64_t> limbs, const auto& term, int bit, bool subtract) {
    add_term(limbs, shift_left(term, bit % 64), static_cast<size_t>(bit / 64), subtract);
  };
  UInt128 mantissa = parts.mantissa;
  add_at(far.sum, limbs_of(mantissa * factor), parts.exponent + WideMoments::kSumPoint,
         parts.negative != (weight < 0));
  add_at(far.squares, times(limbs_of(mantissa * mantissa), factor),
         2 * parts.exponent + WideMoments::kSquarePoint, weight < 0);
}

WideMoments& WideMomentsPool::of(FloatMoments& moments) {
  if (moments.wide == 0) {
    if (free_.empty()) {
      pool_.emplace_back();
      moments.wide = static_cast<uint32_t>(pool_.size());
    } else {
      moments.wide = free_.back();
      free_.pop_back();
    }
    pool_[moments.wide - 1] = WideMoments{};
  }
  return pool_[moments.wide - 1];
}

void WideMomentsPool::release(FloatMoments& moments) {
  if (moments.wide != 0) {
    free_.push_back(moments.wide);
    moments.wide = 0;
  }
}

VarianceFraction variance_of(const WholeMoments& moments, bool sample) {
  return variance(BigInteger::from_limbs(moments.sum), BigInteger::from_limbs(moments.squares),
                  moments.count, sample, 0);
}

VarianceFraction variance_of(const FloatMoments& moments, const WideMoments* wide, bool sample) {
  BigInteger sum(moments.sum);
  BigInteger squares = BigInteger::from_limbs(moments.squares);
  int scale = kSumScale;
  if (wide != nullptr) {
    scale = WideMoments::kSumPoint;
    sum = sum.shifted(scale - kSumScale) + BigInteger::from_limbs(wide->sum);
    squares = squares.shifted(2 * (scale - kSumScale)) + BigInteger::from_limbs(wide->squares);
  }
  return variance(sum, squares, moments.count, sample, -2 * scale);
}

double fraction_to_double(const VarianceFraction& fraction) {
  if (fraction.numerator.is_zero()) {
    return 0;
  }
  int exponent = 0;
  bool sticky = false;
  BigInteger quotient = quotient_of(fraction, 66, exponent, sticky);
  return quotient.to_double(exponent, sticky);
}

double fraction_root_to_double(const VarianceFraction& fraction) {
  if (fraction.numerator.is_zero()) {
    return 0;
  }
  int exponent = 0;
  bool sticky = false;
  BigInteger quotient = quotient_of(fraction, 132, exponent, sticky);
  BigInteger root = quotient.root();
  sticky = sticky || !(quotient - root * root).is_zero();
  return root.to_double(exponent / 2, sticky);
}

BigInteger fraction_to_whole(const VarianceFraction& fraction, int scale, Rounding rounding) {
  return rounding == Rounding::kCut ? scaled(fraction, scale, 1)
                                    : half_up(scaled(fraction, scale, 2));
}

BigInteger fraction_root_to_whole(const VarianceFraction& fraction, int scale_of_square,
                                  Rounding rounding) {
  return rounding == Rounding::kCut ? scaled(fraction, scale_of_square, 1).root()
                                    : half_up(scaled(fraction, scale_of_square, 4).root());
}

}  // namespace tidemark
