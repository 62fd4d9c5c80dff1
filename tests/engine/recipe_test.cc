// The recipe over a real Postgres: the answer, and the answer after every commit.

#include <gtest/gtest.h>

#include "engine/engine.h"
#include "sql/excerpt.h"
#include "tests/harness/live_query.h"
#include "tests/harness/postgres_cluster.h"

namespace tidemark {
namespace {

constexpr const char* kClaims = R"(
CREATE SCHEMA claims;
CREATE TABLE claims.accident_claims (
  claim_id SERIAL PRIMARY KEY, claim_total FLOAT, claim_total_receipt VARCHAR(50), claim_currency VARCHAR(3), member_id INT,
  accident_date VARCHAR(20), accident_type VARCHAR(20), accident_detail VARCHAR(20), claim_date VARCHAR(20),
  claim_status VARCHAR(10), ts_created VARCHAR(20), ts_updated VARCHAR(20));
ALTER TABLE claims.accident_claims REPLICA IDENTITY FULL;
INSERT INTO claims.accident_claims (claim_total, member_id, accident_detail, claim_status)
  SELECT (i * 37 % 1000) + 0.25, i % 50, (ARRAY['Box Jellyfish','Cassowary','Great White Shark'])[i % 3 + 1],
         (ARRAY['INITIAL','DENIED','REIMBURSED'])[i % 7 % 3 + 1] FROM generate_series(1, 1000) i;
)";

TEST(Recipe, answers_and_stays_true) {
  PostgresCluster& cluster = shared_cluster();
  std::string database = cluster.make_database();
  cluster.run(kClaims, database);
  Engine engine;
  TestSession session(engine);
  PostgresAddress address = cluster.address(database);
  session.run(R"(CREATE TABLE accident_claims (
    claim_id INT, claim_total FLOAT, claim_total_receipt VARCHAR(50), claim_currency VARCHAR(3), member_id INT,
    accident_date VARCHAR(20), accident_type VARCHAR(20), accident_detail VARCHAR(20), claim_date VARCHAR(20),
    claim_status VARCHAR(10), ts_created VARCHAR(20), ts_updated VARCHAR(20)
) WITH ()" + connector_options(address, "claims", "accident_claims") +
              ")");
  LiveQuery live = session.query(
      "SELECT accident_detail, SUM(claim_total) AS agg_claim_costs FROM accident_claims WHERE "
      "claim_status <> 'DENIED' GROUP BY accident_detail");
  const std::string check =
      "SELECT accident_detail, SUM(claim_total) FROM claims.accident_claims WHERE claim_status <> "
      "'DENIED' GROUP BY accident_detail";
  live.wait_for_content();
  EXPECT_EQ(live.rows(), postgres_rows(cluster, database, check));
  for (int i = 0; i < 50; ++i) {
    cluster.run(i % 3 == 0 ? "UPDATE claims.accident_claims SET accident_detail = 'Cassowary', "
                             "claim_total = claim_total + 0.5 WHERE claim_id = " +
                                 std::to_string(i + 1)
                : i % 3 == 1
                    ? "DELETE FROM claims.accident_claims WHERE claim_id = " + std::to_string(i * 2)
                    : "INSERT INTO claims.accident_claims (claim_total, accident_detail, "
                      "claim_status) VALUES (1e9, 'Box Jellyfish', 'INITIAL')",
                database);
    live.wait_for(cluster.value("SELECT pg_current_wal_flush_lsn()", database));
    ASSERT_EQ(live.rows(), postgres_rows(cluster, database, check)) << "after change " << i;
  }
  cluster.run("TRUNCATE claims.accident_claims", database);
  live.wait_for(cluster.value("SELECT pg_current_wal_flush_lsn()", database));
  EXPECT_TRUE(live.rows().empty());
}

}  // namespace
}  // namespace tidemark
