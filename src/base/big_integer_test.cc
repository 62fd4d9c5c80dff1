#include "base/big_integer.h"

#include <cmath>
#include <random>

#include <gtest/gtest.h>

namespace tidemark {
namespace {

// A random number of up to `limbs` limbs, with runs of ones and zeros.
BigInteger random_number(std::mt19937_64& random, size_t limbs) {
  std::vector<uint64_t> bits(1 + random() % limbs);
  for (uint64_t& limb : bits) {
    uint64_t kind = random() % 4;
    limb = kind == 0 ? 0 : kind == 1 ? ~uint64_t{0} : random();
  }
  return BigInteger::from_limbs(bits);
}

TEST(BigInteger, division_undoes_multiplication) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 20000; ++i) {
    BigInteger a = random_number(random, 9), b = random_number(random, 5);
    if (b.is_zero()) {
      continue;
    }
    bool left_over = false;
    BigInteger quotient = a.divided_by(b, &left_over);
    BigInteger rest = a - quotient * b;
    EXPECT_EQ(left_over, !rest.is_zero());
    EXPECT_TRUE(rest.is_zero() || rest.is_negative() == a.is_negative());
    EXPECT_EQ(rest.divided_by(b), BigInteger());
    EXPECT_EQ((a * b).divided_by(b), a);
    EXPECT_EQ((a + b) - b, a);
  }
}

TEST(BigInteger, root_is_the_floor) {
  std::mt19937_64 random(2);
  for (int i = 0; i < 2000; ++i) {
    BigInteger a = random_number(random, 6);
    a = a * a + BigInteger(static_cast<int64_t>(random() % 5));
    BigInteger root = a.root(), next = root + BigInteger(1);
    EXPECT_FALSE((a - root * root).is_negative());
    EXPECT_TRUE((a - next * next).is_negative());
  }
}

TEST(BigInteger, doubles_are_rounded_once) {
  std::mt19937_64 random(3);
  for (int i = 0; i < 20000; ++i) {
    int64_t value = static_cast<int64_t>(random()) >> (random() % 64);
    EXPECT_EQ(BigInteger(value).to_double(0, false), static_cast<double>(value)) << value;
  }
  BigInteger tie = BigInteger((int64_t{1} << 53) + 1);
  EXPECT_EQ(tie.to_double(0, false), 0x1p53);
  EXPECT_EQ(tie.to_double(0, true), 0x1p53 + 2);
  EXPECT_EQ(BigInteger(3).to_double(-1075, false), std::ldexp(2.0, -1074));
  EXPECT_EQ(BigInteger(1).to_double(-1075, false), 0.0);
  EXPECT_EQ(BigInteger(1).to_double(-1075, true), std::ldexp(1.0, -1074));
  EXPECT_EQ(BigInteger(-1).to_double(1024, false), -INFINITY);
}

TEST(BigInteger, two_s_complement) {
  for (int64_t value : {int64_t{0}, int64_t{-1}, int64_t{5}, INT64_MIN, INT64_MAX}) {
    uint64_t limbs[] = {static_cast<uint64_t>(value), value < 0 ? ~uint64_t{0} : 0};
    EXPECT_EQ(BigInteger::from_limbs(limbs), BigInteger(value));
    EXPECT_EQ(BigInteger(value).to_int128(), static_cast<BigInt128>(value));
  }
  EXPECT_EQ(BigInteger(1).shifted(127).to_int128(), std::nullopt);
}

}  // namespace
}  // namespace tidemark
