#include "base/exact_sum.h"

#include <algorithm>
#include <limits>
#include <random>

#include <gtest/gtest.h>

namespace tidemark {
namespace {

double sum_of(const std::vector<std::pair<double, int64_t>>& terms) {
  WideSumPool pool;
  ExactSum sum{};
  for (auto [value, weight] : terms) {
    exact_sum_add(sum, value, weight, pool);
  }
  return exact_sum_double(sum, pool).value_or(std::numeric_limits<double>::max());
}

TEST(ExactSum, leaves_no_residue) {
  EXPECT_EQ(sum_of({{0.1, 1}, {1e16, 1}, {1e16, -1}}), 0.1);
  EXPECT_EQ(sum_of({{1e308, 1}, {1e-300, 1}, {1e308, -1}}), 1e-300);
  EXPECT_EQ(sum_of({{1e16, 1}, {1, 1}, {-1e16, 1}}), 1.0);
  EXPECT_EQ(sum_of({{0.1, 3}, {0.1, -3}}), 0.0);
  EXPECT_EQ(sum_of({{5e-324, 3}}), 1.5e-323);
  EXPECT_EQ(
      sum_of({{std::numeric_limits<double>::max(), 2}, {std::numeric_limits<double>::max(), -1}}),
      std::numeric_limits<double>::max());
}

TEST(ExactSum, nan_and_infinities_come_and_go) {
  double inf = std::numeric_limits<double>::infinity();
  double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(sum_of({{1.5, 1}, {inf, 1}}), inf);
  EXPECT_TRUE(std::isnan(sum_of({{1.5, 1}, {inf, 1}, {-inf, 1}})));
  EXPECT_TRUE(std::isnan(sum_of({{nan, 1}, {inf, 1}})));
  EXPECT_EQ(sum_of({{1.5, 1}, {inf, 1}, {nan, 1}, {nan, -1}, {inf, -1}}), 1.5);
}

TEST(ExactSum, means_are_rounded_once) {
  auto mean_of = [](std::vector<double> values) {
    WideSumPool pool;
    ExactSum sum{};
    for (double value : values) {
      exact_sum_add(sum, value, 1, pool);
      ++sum.count;
    }
    return exact_sum_mean(sum, pool).value();
  };
  EXPECT_EQ(mean_of({0.1, 0.2, 0.3}), 0.2);
  EXPECT_EQ(mean_of({1e308, 1e308}), 1e308);
  EXPECT_EQ(mean_of({-3, -4}), -3.5);
  EXPECT_EQ(mean_of({1, 1, 2}), 4.0 / 3.0);
  EXPECT_EQ(mean_of({5e-324, 0}), 0.0);  // half of the smallest number: to even
}

TEST(ExactSum, depends_only_on_the_multiset) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 200; ++round) {
    std::vector<std::pair<double, int64_t>> terms;
    int spread = round % 4 == 0 ? 600 : round % 4 == 1 ? 40 : 12;
    for (int i = 0; i < 50; ++i) {
      double value = std::ldexp(static_cast<double>(static_cast<int64_t>(random())),
                                static_cast<int>(random() % spread) - spread / 2 - 63);
      terms.push_back({value, 1 + static_cast<int64_t>(random() % 3)});
    }
    double expected = sum_of(terms);
    std::vector<std::pair<double, int64_t>> noisy = terms;
    for (int i = 0; i < 30; ++i) {
      double value = std::ldexp(1.0 + static_cast<double>(random() % 1000) / 7,
                                static_cast<int>(random() % 1200) - 600);
      noisy.push_back({value, 1});
      noisy.push_back({value, -1});
    }
    std::shuffle(noisy.begin(), noisy.end(), random);
    EXPECT_EQ(sum_of(noisy), expected);
    if (spread == 12) {
      long double naive = 0;  // 64 bits of mantissa suffice here, nearly: allow one unit
      for (auto [value, weight] : terms) {
        naive += static_cast<long double>(value) * weight;
      }
      EXPECT_NEAR(expected, static_cast<double>(naive), std::abs(expected) * 1e-15 + 1e-15);
    }
  }
}

}  // namespace
}  // namespace tidemark
