// The recipe over the claims database it was written for, if the files are beside the checkout: the
// known sums, and after every one of the 100 inserts the answer that Postgres gives. Without the
// files this says so; the same is tested on data of our own in recipe_test.cc.

#include <filesystem>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "engine/engine.h"
#include "tests/harness/live_query.h"
#include "tests/harness/paths.h"
#include "tests/harness/postgres_cluster.h"

namespace tidemark {
namespace {

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(ClaimsData, all_states_of_the_recipe_equal_postgres) {
  std::filesystem::path folder =
      std::filesystem::path(source_dir()).parent_path() / "shared/data/claims";
  if (!std::filesystem::exists(folder / "bootstrap.sql")) {
    std::printf("the claims files are not beside this checkout: nothing compared\n");
    return;
  }
  PostgresCluster& cluster = shared_cluster();
  std::string database = cluster.make_database();
  {
    PostgresConnection connection = cluster.connect(database);
    ASSERT_TRUE(connection.execute(read_file(folder / "bootstrap.sql")).ok());
  }
  Engine engine({.step_commits_max = 1});
  TestSession session(engine);
  session.run(R"(CREATE TABLE accident_claims (
    claim_id INT, claim_total FLOAT, claim_total_receipt VARCHAR(50), claim_currency VARCHAR(3), member_id INT,
    accident_date VARCHAR(20), accident_type VARCHAR(20), accident_detail VARCHAR(20), claim_date VARCHAR(20),
    claim_status VARCHAR(10), ts_created VARCHAR(20), ts_updated VARCHAR(20)
) WITH ()" + connector_options(cluster.address(database), "claims", "accident_claims") +
              ")");
  LiveQuery live = session.query(
      "SELECT accident_detail, SUM(claim_total) AS agg_claim_costs FROM accident_claims WHERE "
      "claim_status <> 'DENIED' GROUP BY accident_detail");
  live.wait_for_content();
  // Exact sums, rounded once: what a sum of the decimals gives.
  EXPECT_EQ(live.rows(), (TextRows{{"Blue Ringed Octopus", "356083.9"},
                                   {"Box Jellyfish", "992836.04"},
                                   {"Cassowary", "1173259.34"},
                                   {"Funnel Web Spider", "661190.38"},
                                   {"Great White Shark", "534825.59"},
                                   {"Inland Taipan Snake", "292239.82"},
                                   {"Saltwater Crocodile", "284912.1"}}));
  // The inserts of datagen.sql without its pauses; Postgres's answer after each, as the sum of the
  // decimals.
  const std::string check =
      "SELECT accident_detail, sum(claim_total::numeric)::float8 FROM claims.accident_claims WHERE "
      "claim_status <> 'DENIED' GROUP BY accident_detail";
  std::istringstream lines(read_file(folder / "datagen.sql"));
  std::vector<TextRows> expected{postgres_rows(cluster, database, check)};
  PostgresConnection writer = cluster.connect(database);
  ASSERT_TRUE(writer.execute("SET search_path TO claims").ok());
  std::string line;
  while (std::getline(lines, line)) {
    if (line.starts_with("INSERT INTO accident_claims")) {
      ASSERT_TRUE(writer.execute(line).ok());
      expected.push_back(postgres_rows(cluster, database, check));
    }
  }
  ASSERT_EQ(expected.size(), 101u);
  // Every state that is published is the next different one of Postgres's.
  size_t state = 0, matched = 1;
  ASSERT_EQ(live.rows(), expected[0]);
  while (state + 1 < expected.size()) {
    if (expected[state + 1] == expected[state]) {  // a denied claim changes nothing
      ++state;
      ++matched;
      continue;
    }
    size_t before = live.updates();
    while (live.updates() == before) {
      ASSERT_NE(live.next().kind, ViewUpdate::Kind::kEnd);
    }
    ++state;
    ++matched;
    ASSERT_EQ(live.rows(), expected[state]) << "after insert " << state;
  }
  EXPECT_EQ(matched, 101u);
}

}  // namespace
}  // namespace tidemark
