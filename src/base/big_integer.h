#pragma once
// Whole numbers of any size, for results that are computed exactly and rounded once. Not for hot
// paths: every number owns its digits.

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace tidemark {

__extension__ typedef __int128 BigInt128;

class BigInteger {
 public:
  BigInteger() = default;
  explicit BigInteger(BigInt128 value);
  // A two's complement number, lowest limb first.
  static BigInteger from_limbs(std::span<const uint64_t> limbs);
  static BigInteger power_of_ten(int exponent);

  bool is_zero() const { return digits_.empty(); }
  bool is_negative() const { return negative_; }
  // Bits of the magnitude, without leading zeros.
  int bit_length() const;

  BigInteger operator+(const BigInteger& other) const;
  BigInteger operator-(const BigInteger& other) const;
  BigInteger operator*(const BigInteger& other) const;
  // Times 2^bits; a negative number of bits drops the lowest of the magnitude.
  BigInteger shifted(int bits) const;
  // Cut toward zero; the divisor is not 0. Tells whether something was left.
  BigInteger divided_by(const BigInteger& divisor, bool* left_over = nullptr) const;
  // floor(sqrt(this)), this >= 0.
  BigInteger root() const;

  // nullopt: it does not fit.
  std::optional<BigInt128> to_int128() const;
  // this * 2^exponent, rounded to the nearest (ties to even); `sticky`: the number is a little
  // larger in magnitude than this. Out of range: infinity.
  double to_double(int exponent, bool sticky) const;

  bool operator==(const BigInteger&) const = default;

 private:
  static int compare_magnitudes(const BigInteger& a, const BigInteger& b);
  static BigInteger add_magnitudes(const BigInteger& a, const BigInteger& b);
  static BigInteger subtract_magnitudes(const BigInteger& a, const BigInteger& b);  // a >= b
  void trim();

  bool negative_ = false;         // never of 0
  std::vector<uint32_t> digits_;  // lowest first, without leading zeros
};

}  // namespace tidemark
