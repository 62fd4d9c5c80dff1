#include "base/exact_moments.h"

#include <cmath>
#include <random>

#include <gtest/gtest.h>

namespace tidemark {
namespace {

double variance(const std::vector<double>& values, bool sample = false) {
  WideMomentsPool pool;
  FloatMoments moments{};
  for (double value : values) {
    moments.add(value, 1, pool);
  }
  return fraction_to_double(variance_of(moments, pool.find(moments), sample));
}

TEST(ExactMoments, variance_of_doubles_is_rounded_once) {
  EXPECT_EQ(variance({1, 2, 3, 4}), 1.25);
  EXPECT_EQ(variance({1, 2, 3, 4}, true), 5.0 / 3);
  EXPECT_EQ(variance({1e15 + 1, 1e15 + 2, 1e15 + 3}, true), 1.0);
  EXPECT_EQ(variance({7, 7, 7}), 0.0);
  EXPECT_EQ(variance({0x1p-1074, 3 * 0x1p-1074}), 0.0);
  EXPECT_EQ(variance({-0x1p-530, 0x1p-530}), 0x1p-1060);
  EXPECT_EQ(variance({-1e200, 1e200}), INFINITY);
  EXPECT_EQ(variance({-0x1p500, 0x1p500}), 0x1p1000);
}

TEST(ExactMoments, what_is_taken_away_leaves_no_trace) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 200; ++round) {
    WideMomentsPool pool, fresh_pool;
    FloatMoments moments{}, fresh{};
    std::vector<std::pair<double, int64_t>> gone;
    for (int i = 0; i < 40; ++i) {
      double value = std::ldexp(
          static_cast<double>(static_cast<int64_t>(random())),
          static_cast<int>(random() % (round < 100 ? 40 : 1900)) - (round < 100 ? 80 : 1000));
      int64_t weight = random() % 4 == 0 ? static_cast<int64_t>(random() >> 40) : 1;
      moments.add(value, weight, pool);
      if (random() % 2 == 0) {
        gone.emplace_back(value, weight);
      } else {
        fresh.add(value, weight, fresh_pool);
      }
    }
    for (auto [value, weight] : gone) {
      moments.add(value, -weight, pool);
    }
    if (fresh.count > 1) {
      EXPECT_EQ(fraction_root_to_double(variance_of(moments, pool.find(moments), true)),
                fraction_root_to_double(variance_of(fresh, fresh_pool.find(fresh), true)));
    }
  }
}

TEST(ExactMoments, whole_numbers) {
  WholeMoments moments{};
  BigInt128 large = (static_cast<BigInt128>(1) << 126) + 3;
  for (int i = 0; i < 3; ++i) {
    moments.add(large + i, 1);
    moments.add(-large, 5);
  }
  for (int i = 0; i < 3; ++i) {
    moments.add(-large, -5);
  }
  VarianceFraction fraction = variance_of(moments, false);
  EXPECT_EQ(fraction_to_whole(fraction, 6, Rounding::kHalfAway).to_int128(), 666667);
  EXPECT_EQ(fraction_to_whole(fraction, 6, Rounding::kCut).to_int128(), 666666);
  EXPECT_EQ(fraction_root_to_whole(fraction, 12, Rounding::kHalfAway).to_int128(), 816497);
  EXPECT_EQ(fraction_root_to_whole(fraction, 12, Rounding::kCut).to_int128(), 816496);
}

}  // namespace
}  // namespace tidemark
