#include "base/exact_sum.h"

#include <bit>
#include <limits>

namespace tidemark {

namespace {

__extension__ typedef unsigned __int128 Unsigned128;

template <typename T>
T special_value(int64_t nans, int64_t infinities, int64_t negative_infinities) {
  if (nans != 0 || (infinities != 0 && negative_infinities != 0)) {
    return std::numeric_limits<T>::quiet_NaN();
  }
  return infinities != 0 ? std::numeric_limits<T>::infinity() : -std::numeric_limits<T>::infinity();
}

// bits * 2^exponent rounded to T: the conversion from integer rounds to nearest even, and the
// sticky bit sits far below T's last bit. A result below the normal range is a multiple of the
// smallest double already, so scaling it is exact for double; for float, round by hand through the
// smaller mantissa.
template <typename T>
std::optional<T> round_top(bool negative, uint64_t bits, int exponent) {
  T value = std::ldexp(static_cast<T>(bits), exponent);
  if constexpr (sizeof(T) == 4) {
    int top_exponent = 63 - std::countl_zero(bits) + exponent;
    if (bits != 0 && top_exponent < -126) {
      value = static_cast<T>(
          std::ldexp(static_cast<long double>(bits), exponent));  // 64-bit mantissa: exact
    }
  }
  if (std::isinf(value)) {
    return std::nullopt;
  }
  return negative ? -value : value;
}

}  // namespace

void WideSum::add_shifted(Unsigned128 magnitude, int bit, bool negative) {
  int limb = bit / 64, offset = bit % 64;
  uint64_t words[3] = {static_cast<uint64_t>(magnitude << offset),
                       static_cast<uint64_t>((magnitude << offset) >> 64),
                       offset == 0 ? 0 : static_cast<uint64_t>(magnitude >> (128 - offset))};
  uint64_t carry = 0;
  for (int i = 0; limb + i < kLimbs && (i < 3 || carry != 0); ++i) {
    uint64_t word = i < 3 ? words[i] : 0;
    uint64_t& target = limbs_[limb + i];
    if (negative) {
      Unsigned128 difference = static_cast<Unsigned128>(target) - word - carry;
      target = static_cast<uint64_t>(difference);
      carry = static_cast<uint64_t>(difference >> 64) & 1;
    } else {
      Unsigned128 sum = static_cast<Unsigned128>(target) + word + carry;
      target = static_cast<uint64_t>(sum);
      carry = static_cast<uint64_t>(sum >> 64);
    }
  }
}

void WideSum::add(double value, int64_t weight) {
  if (std::isnan(value)) {
    nans += weight;
    return;
  }
  if (std::isinf(value)) {
    (value > 0 ? infinities : negative_infinities) += weight;
    return;
  }
  uint64_t bits = std::bit_cast<uint64_t>(value);
  int exponent = static_cast<int>((bits >> 52) & 0x7FF);
  uint64_t mantissa = bits & 0xFFFFFFFFFFFFF;
  if (exponent != 0) {
    mantissa |= 0x10000000000000;
  } else {
    exponent = 1;
  }
  uint64_t times = weight < 0 ? ~static_cast<uint64_t>(weight) + 1 : static_cast<uint64_t>(weight);
  add_shifted(static_cast<Unsigned128>(mantissa) * times, exponent - 1075 + kPointBit,
              std::signbit(value) != (weight < 0));
}

void WideSum::add_fixed(__int128 value) {
  Unsigned128 magnitude =
      value < 0 ? ~static_cast<Unsigned128>(value) + 1 : static_cast<Unsigned128>(value);
  add_shifted(magnitude, kPointBit - kExactSumScale, value < 0);
}

void WideSum::append_to(std::string& out) const {
  append_fixed(nans, out);
  append_fixed(infinities, out);
  append_fixed(negative_infinities, out);
  for (uint64_t limb : limbs_) {
    append_fixed(limb, out);
  }
}

void WideSum::read_from(ByteReader& in) {
  nans = in.fixed<int64_t>();
  infinities = in.fixed<int64_t>();
  negative_infinities = in.fixed<int64_t>();
  for (uint64_t& limb : limbs_) {
    limb = in.fixed<uint64_t>();
  }
}

bool WideSum::is_zero() const {
  for (uint64_t limb : limbs_) {
    if (limb != 0) {
      return false;
    }
  }
  return nans == 0 && infinities == 0 && negative_infinities == 0;
}

WideSum::Top WideSum::top() const {
  bool negative = (limbs_[kLimbs - 1] >> 63) != 0;
  uint64_t magnitude[kLimbs];
  uint64_t carry = negative ? 1 : 0;
  for (int i = 0; i < kLimbs; ++i) {
    uint64_t word = negative ? ~limbs_[i] : limbs_[i];
    magnitude[i] = word + carry;
    carry = carry != 0 && magnitude[i] == 0 ? 1 : 0;
  }
  int high = kLimbs - 1;
  while (high > 0 && magnitude[high] == 0) {
    --high;
  }
  if (magnitude[high] == 0) {
    return {false, 0, 0};
  }
  int zeros = std::countl_zero(magnitude[high]);
  uint64_t bits = magnitude[high] << zeros;
  bool sticky = false;
  if (high > 0) {
    if (zeros > 0) {
      bits |= magnitude[high - 1] >> (64 - zeros);
      sticky = (magnitude[high - 1] << zeros) != 0;
    } else {
      sticky = magnitude[high - 1] != 0;
    }
    for (int i = high - 2; i >= 0 && !sticky; --i) {
      sticky = magnitude[i] != 0;
    }
  }
  return {negative, bits | (sticky ? 1 : 0), high * 64 - zeros - kPointBit};
}

std::optional<double> WideSum::to_double() const {
  if (nans != 0 || infinities != 0 || negative_infinities != 0) {
    return special_value<double>(nans, infinities, negative_infinities);
  }
  Top t = top();
  return round_top<double>(t.negative, t.bits, t.exponent);
}

std::optional<float> WideSum::to_float() const {
  if (nans != 0 || infinities != 0 || negative_infinities != 0) {
    return special_value<float>(nans, infinities, negative_infinities);
  }
  Top t = top();
  return round_top<float>(t.negative, t.bits, t.exponent);
}

namespace {

// magnitude * 2^exponent / divisor rounded to the nearest double: the quotient gets at least 63
// bits, and what is left over sets its lowest.
std::optional<double> round_quotient(bool negative, Unsigned128 magnitude, int exponent,
                                     uint64_t divisor) {
  if (magnitude == 0) {
    return 0.0;
  }
  uint64_t high = static_cast<uint64_t>(magnitude >> 64);
  int zeros =
      high != 0 ? std::countl_zero(high) : 64 + std::countl_zero(static_cast<uint64_t>(magnitude));
  magnitude <<= zeros;
  exponent -= zeros;
  Unsigned128 quotient = magnitude / divisor;
  bool sticky = magnitude % divisor != 0;
  int bits =
      quotient >> 64 != 0 ? 128 - std::countl_zero(static_cast<uint64_t>(quotient >> 64)) : 64;
  int drop = bits - 64;
  sticky = sticky || (quotient & ((Unsigned128{1} << drop) - 1)) != 0;
  return round_top<double>(negative, static_cast<uint64_t>(quotient >> drop) | (sticky ? 1 : 0),
                           exponent + drop);
}

}  // namespace

std::optional<double> WideSum::mean(int64_t count) const {
  if (nans != 0 || infinities != 0 || negative_infinities != 0) {
    return special_value<double>(nans, infinities, negative_infinities);
  }
  Top t = top();
  return round_quotient(t.negative, t.bits, t.exponent, static_cast<uint64_t>(count));
}

std::optional<double> exact_sum_mean(const ExactSum& sum, const WideSumPool& pool) {
  const WideSum* wide = pool.find(sum);
  if (wide == nullptr) {
    Unsigned128 magnitude = sum.fixed < 0 ? ~static_cast<Unsigned128>(sum.fixed) + 1
                                          : static_cast<Unsigned128>(sum.fixed);
    return round_quotient(sum.fixed < 0, magnitude, -kExactSumScale,
                          static_cast<uint64_t>(sum.count));
  }
  WideSum total = *wide;
  total.add_fixed(sum.fixed);
  return total.mean(sum.count);
}

WideSum& WideSumPool::of(ExactSum& sum) {
  if (sum.wide == 0) {
    if (!free_.empty()) {
      sum.wide = free_.back() + 1;
      free_.pop_back();
      pool_[sum.wide - 1] = WideSum();
    } else {
      pool_.emplace_back();
      sum.wide = static_cast<uint32_t>(pool_.size());
    }
  }
  return pool_[sum.wide - 1];
}

void WideSumPool::release(ExactSum& sum) {
  if (sum.wide != 0) {
    free_.push_back(sum.wide - 1);
    sum.wide = 0;
  }
}

std::optional<double> exact_sum_double(const ExactSum& sum, const WideSumPool& pool) {
  const WideSum* wide = pool.find(sum);
  if (wide == nullptr) {
    return std::ldexp(static_cast<double>(sum.fixed),
                      -kExactSumScale);  // the conversion rounds once
  }
  WideSum total = *wide;
  total.add_fixed(sum.fixed);
  return total.to_double();
}

std::optional<float> exact_sum_float(const ExactSum& sum, const WideSumPool& pool) {
  const WideSum* wide = pool.find(sum);
  if (wide == nullptr) {
    return std::ldexp(static_cast<float>(sum.fixed), -kExactSumScale);
  }
  WideSum total = *wide;
  total.add_fixed(sum.fixed);
  return total.to_float();
}

}  // namespace tidemark
