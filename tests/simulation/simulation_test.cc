// Seeds of the simulation; `script/simulation --seeds N` runs any number of them.

#include "tests/simulation/simulation.h"

#include <algorithm>
#include <filesystem>
#include <memory>

#include <fmt/core.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "engine/engine.h"
#include "sql/parser.h"
#include "tests/simulation/simulated_source.h"
#include "tests/simulation/simulated_views.h"
#include "types/text.h"

namespace tidemark {
namespace {

std::string directory() {
  return fmt::format("/dev/shm/tidemark_simulation_{}", getpid());
}

TEST(SimulationTest, NoSeedViolatesAnything) {
  SimulationResult sum;
  for (uint64_t seed = 1; seed <= 1000; ++seed) {
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

// Or the simulation would not look at them.
TEST(SimulationTest, JoinsOfThreeRelationsAreDeltaJoins) {
  add_simulated_connector();
  SimulatedWorld world(1);
  SimulatedConnector::world = &world;
  Engine engine;
  std::unique_ptr<Session> session = engine.new_session();
  auto execute = [&](const std::string& text) {
    return session->execute(sql::parse_statement(text).value(), text).value();
  };
  for (const char* table : kUpstreamTableNames) {
    execute(
        fmt::format("CREATE TABLE {0} WITH ('connector' = 'simulated', 'table' = '{0}')", table));
  }
  auto linked =
      std::ranges::find(simulated_views(), std::string_view("linked"), &SimulatedView::name);
  for (const char* query : {linked->query, linked->other_query}) {
    StatementResult result = execute(fmt::format("EXPLAIN {}", query));
    const RowBatch& rows = std::get<RowsResult>(result.outcome).rows;
    std::string plan;
    for (size_t row = 0; row < rows.rows; ++row) {
      append_text(*rows.columns[0], row, plan);
    }
    EXPECT_NE(plan.find("DeltaJoin"), std::string::npos) << plan;
  }
  SimulatedConnector::world = nullptr;
}

TEST(SimulationTest, ASeedIsAlwaysTheSameRun) {
  for (uint64_t seed : {3, 14, 159}) {
    EXPECT_EQ(simulate(seed, directory()).trace, simulate(seed, directory()).trace) << seed;
  }
}

}  // namespace
}  // namespace tidemark
