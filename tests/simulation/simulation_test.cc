// Seeds of the simulation; `script/simulation --seeds N` runs any number of them.

#include "tests/simulation/simulation.h"

#include <filesystem>

#include <fmt/core.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace tidemark {
namespace {

std::string directory() {
  return fmt::format("/dev/shm/tidemark_simulation_{}", getpid());
}

TEST(SimulationTest, NoSeedViolatesAnything) {
  SimulationResult sum;
  for (uint64_t seed = 1; seed <= 500; ++seed) {
    SimulationResult result = simulate(seed, directory());
    ASSERT_EQ(result.violation, "");
    sum.kills_at_points += result.kills_at_points;
    sum.states_checked += result.states_checked;
    sum.resumed += result.resumed;
  }
  // It has looked at something.
  EXPECT_GT(sum.kills_at_points, 100u);
  EXPECT_GT(sum.states_checked, 5000u);
  EXPECT_GT(sum.resumed, 50u);
}

TEST(SimulationTest, ASeedIsAlwaysTheSameRun) {
  for (uint64_t seed : {3, 14, 159}) {
    EXPECT_EQ(simulate(seed, directory()).trace, simulate(seed, directory()).trace) << seed;
  }
}

}  // namespace
}  // namespace tidemark
