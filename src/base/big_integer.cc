#include "base/big_integer.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "base/check.h"

namespace tidemark {

namespace {

constexpr int kDigitBits = 32;

}  // namespace

BigInteger::BigInteger(BigInt128 value) : negative_(value < 0) {
  unsigned __int128 magnitude = static_cast<unsigned __int128>(value);
  magnitude = negative_ ? ~magnitude + 1 : magnitude;
  for (; magnitude != 0; magnitude >>= kDigitBits) {
    digits_.push_back(static_cast<uint32_t>(magnitude));
  }
}

BigInteger BigInteger::from_limbs(std::span<const uint64_t> limbs) {
  BigInteger result;
  bool negative = !limbs.empty() && static_cast<int64_t>(limbs.back()) < 0;
  bool carry = negative;
  for (uint64_t limb : limbs) {
    uint64_t magnitude = negative ? ~limb + (carry ? 1 : 0) : limb;
    carry = carry && magnitude == 0;
    result.digits_.push_back(static_cast<uint32_t>(magnitude));
    result.digits_.push_back(static_cast<uint32_t>(magnitude >> kDigitBits));
  }
  result.negative_ = negative;
  result.trim();
  return result;
}

BigInteger BigInteger::power_of_ten(int exponent) {
  BigInteger result(1);
  BigInteger ten(10);
  for (int i = 0; i < exponent; ++i) {
    result = result * ten;
  }
  return result;
}

void BigInteger::trim() {
  while (!digits_.empty() && digits_.back() == 0) {
    digits_.pop_back();
  }
  negative_ = negative_ && !digits_.empty();
}

int BigInteger::bit_length() const {
  return digits_.empty()
             ? 0
             : static_cast<int>(digits_.size()) * kDigitBits - std::countl_zero(digits_.back());
}

int BigInteger::compare_magnitudes(const BigInteger& a, const BigInteger& b) {
  if (a.digits_.size() != b.digits_.size()) {
    return a.digits_.size() < b.digits_.size() ? -1 : 1;
  }
  for (size_t i = a.digits_.size(); i-- > 0;) {
    if (a.digits_[i] != b.digits_[i]) {
      return a.digits_[i] < b.digits_[i] ? -1 : 1;
    }
  }
  return 0;
}

BigInteger BigInteger::add_magnitudes(const BigInteger& a, const BigInteger& b) {
  BigInteger result;
  uint64_t carry = 0;
  for (size_t i = 0; i < std::max(a.digits_.size(), b.digits_.size()) || carry != 0; ++i) {
    carry += i < a.digits_.size() ? a.digits_[i] : 0;
    carry += i < b.digits_.size() ? b.digits_[i] : 0;
    result.digits_.push_back(static_cast<uint32_t>(carry));
    carry >>= kDigitBits;
  }
  return result;
}

BigInteger BigInteger::subtract_magnitudes(const BigInteger& a, const BigInteger& b) {
  BigInteger result;
  int64_t borrow = 0;
  for (size_t i = 0; i < a.digits_.size(); ++i) {
    int64_t digit =
        static_cast<int64_t>(a.digits_[i]) - (i < b.digits_.size() ? b.digits_[i] : 0) - borrow;
    borrow = digit < 0 ? 1 : 0;
    result.digits_.push_back(static_cast<uint32_t>(digit));
  }
  result.trim();
  return result;
}

BigInteger BigInteger::operator+(const BigInteger& other) const {
  BigInteger result;
  if (negative_ == other.negative_) {
    result = add_magnitudes(*this, other);
    result.negative_ = negative_;
  } else if (compare_magnitudes(*this, other) >= 0) {
    result = subtract_magnitudes(*this, other);
    result.negative_ = negative_;
  } else {
    result = subtract_magnitudes(other, *this);
    result.negative_ = other.negative_;
  }
  result.trim();
  return result;
}

BigInteger BigInteger::operator-(const BigInteger& other) const {
  BigInteger negated = other;
  negated.negative_ = !other.negative_ && !other.is_zero();
  return *this + negated;
}

BigInteger BigInteger::operator*(const BigInteger& other) const {
  BigInteger result;
  result.digits_.resize(digits_.size() + other.digits_.size());
  for (size_t i = 0; i < digits_.size(); ++i) {
    uint64_t carry = 0;
    for (size_t j = 0; j < other.digits_.size(); ++j) {
      carry += result.digits_[i + j] + static_cast<uint64_t>(digits_[i]) * other.digits_[j];
      result.digits_[i + j] = static_cast<uint32_t>(carry);
      carry >>= kDigitBits;
    }
    result.digits_[i + other.digits_.size()] = static_cast<uint32_t>(carry);
  }
  result.negative_ = negative_ != other.negative_;
  result.trim();
  return result;
}

BigInteger BigInteger::shifted(int bits) const {
  BigInteger result;
  result.negative_ = negative_;
  if (bits >= 0) {
    size_t whole = static_cast<size_t>(bits / kDigitBits);
    int part = bits % kDigitBits;
    result.digits_.assign(whole, 0);
    uint64_t carry = 0;
    for (uint32_t digit : digits_) {
      carry |= static_cast<uint64_t>(digit) << part;
      result.digits_.push_back(static_cast<uint32_t>(carry));
      carry >>= kDigitBits;
    }
    result.digits_.push_back(static_cast<uint32_t>(carry));
  } else {
    size_t whole = static_cast<size_t>(-bits / kDigitBits);
    int part = -bits % kDigitBits;
    for (size_t i = whole; i < digits_.size(); ++i) {
      uint64_t two = digits_[i];
      two |= i + 1 < digits_.size() ? static_cast<uint64_t>(digits_[i + 1]) << kDigitBits : 0;
      result.digits_.push_back(static_cast<uint32_t>(two >> part));
    }
  }
  result.trim();
  return result;
}

// Knuth, The Art of Computer Programming 2, 4.3.1, algorithm D.
BigInteger BigInteger::divided_by(const BigInteger& divisor, bool* left_over) const {
  CHECK(!divisor.is_zero());
  BigInteger quotient;
  bool rest = false;
  size_t n = divisor.digits_.size();
  if (compare_magnitudes(*this, divisor) < 0) {
    rest = !is_zero();
  } else if (n == 1) {
    quotient.digits_.resize(digits_.size());
    uint64_t remainder = 0;
    for (size_t i = digits_.size(); i-- > 0;) {
      remainder = (remainder << kDigitBits) | digits_[i];
      quotient.digits_[i] = static_cast<uint32_t>(remainder / divisor.digits_[0]);
      remainder %= divisor.digits_[0];
    }
    rest = remainder != 0;
  } else {
    int shift = std::countl_zero(divisor.digits_.back());
    std::vector<uint32_t> u = shifted(shift).digits_;
    std::vector<uint32_t> v = divisor.shifted(shift).digits_;
    u.resize(digits_.size() + 1);
    size_t m = digits_.size() - n;
    quotient.digits_.resize(m + 1);
    for (size_t j = m + 1; j-- > 0;) {
      uint64_t top = (static_cast<uint64_t>(u[j + n]) << kDigitBits) | u[j + n - 1];
      uint64_t guess = top / v[n - 1], remainder = top % v[n - 1];
      while (guess >> kDigitBits != 0 ||
             guess * v[n - 2] > ((remainder << kDigitBits) | u[j + n - 2])) {
        --guess;
        remainder += v[n - 1];
        if (remainder >> kDigitBits != 0) {
          break;
        }
      }
      int64_t borrow = 0;
      uint64_t carry = 0;
      for (size_t i = 0; i < n; ++i) {
        carry += guess * v[i];
        int64_t digit = static_cast<int64_t>(u[i + j]) - borrow -
                        static_cast<int64_t>(static_cast<uint32_t>(carry));
        u[i + j] = static_cast<uint32_t>(digit);
        borrow = digit < 0 ? 1 : 0;
        carry >>= kDigitBits;
      }
      int64_t digit = static_cast<int64_t>(u[j + n]) - borrow - static_cast<int64_t>(carry);
      u[j + n] = static_cast<uint32_t>(digit);
      if (digit < 0) {  // one too many
        --guess;
        uint64_t sum = 0;
        for (size_t i = 0; i < n; ++i) {
          sum += static_cast<uint64_t>(u[i + j]) + v[i];
          u[i + j] = static_cast<uint32_t>(sum);
          sum >>= kDigitBits;
        }
        u[j + n] += static_cast<uint32_t>(sum);
      }
      quotient.digits_[j] = static_cast<uint32_t>(guess);
    }
    rest = std::any_of(u.begin(), u.end(), [](uint32_t each) { return each != 0; });
  }
  quotient.negative_ = negative_ != divisor.negative_;
  quotient.trim();
  if (left_over != nullptr) {
    *left_over = rest;
  }
  return quotient;
}

// Newton's steps from above fall until they stand.
BigInteger BigInteger::root() const {
  CHECK(!negative_);
  if (is_zero()) {
    return {};
  }
  BigInteger guess = BigInteger(1).shifted((bit_length() + 1) / 2);
  while (true) {
    BigInteger next = (guess + divided_by(guess)).shifted(-1);
    if (compare_magnitudes(next, guess) >= 0) {
      return guess;
    }
    guess = std::move(next);
  }
}

std::optional<BigInt128> BigInteger::to_int128() const {
  if (bit_length() > 127) {
    return std::nullopt;
  }
  BigInt128 value = 0;
  for (size_t i = digits_.size(); i-- > 0;) {
    value = (value << kDigitBits) | digits_[i];
  }
  return negative_ ? -value : value;
}

double BigInteger::to_double(int exponent, bool sticky) const {
  constexpr int kLowest = -1074;  // of a subnormal's last bit
  if (is_zero()) {
    return 0;
  }
  // The bits that are kept: 53, or fewer where they would lie below the lowest.
  int drop = std::max(bit_length() - 53, kLowest - exponent);
  if (drop <= 0) {
    double exact = std::ldexp(static_cast<double>(static_cast<int64_t>(*to_int128())), exponent);
    return exact;  // 53 bits: what is a little more rounds back
  }
  BigInteger kept = shifted(-drop);
  BigInteger below =
      BigInteger::subtract_magnitudes(negative_ ? BigInteger() - *this : *this,
                                      (negative_ ? BigInteger() - kept : kept).shifted(drop));
  BigInteger half = BigInteger(1).shifted(drop - 1);
  int side = compare_magnitudes(below, half);
  bool odd = !kept.is_zero() && (kept.digits_[0] & 1) != 0;
  double value = 0;
  for (size_t i = kept.digits_.size(); i-- > 0;) {
    value = value * 4294967296.0 + kept.digits_[i];
  }
  if (side > 0 || (side == 0 && (sticky || odd))) {
    value += 1;
  }
  value = std::ldexp(value, exponent + drop);
  return negative_ ? -value : value;
}

}  // namespace tidemark
