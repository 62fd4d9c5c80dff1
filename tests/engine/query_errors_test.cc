// Queries that cannot be: what the user is told about aggregates, windows, collections and
// recursion.

#include <gtest/gtest.h>

#include "engine/engine.h"
#include "tests/harness/live_query.h"

namespace tidemark {
namespace {

// Over constants: no server is needed.
std::string error_of(const std::string& query) {
  Engine engine;
  TestSession session(engine);
  std::string error = session.error(query);
  return error.substr(0, error.find('\n'));
}

TEST(QueryErrors, aggregates) {
  const std::string from = " FROM (VALUES (1, 'x')) AS a(v, t)";
  EXPECT_EQ(error_of("SELECT PERCENTILE_CONT(1.5) WITHIN GROUP (ORDER BY v)" + from),
            "the fraction of PERCENTILE_CONT must be a constant from 0 to 1");
  EXPECT_EQ(error_of("SELECT PERCENTILE_CONT(0.5)" + from),
            "PERCENTILE_CONT takes a fraction, and WITHIN GROUP (ORDER BY one value)");
  EXPECT_EQ(error_of("SELECT STRING_AGG(t, t)" + from),
            "the separator of STRING_AGG must be a text literal");
  EXPECT_EQ(error_of("SELECT STRING_AGG(DISTINCT t, ',' ORDER BY v)" + from),
            "STRING_AGG(DISTINCT x) can only be ordered by x");
  EXPECT_EQ(error_of("SELECT STDDEV(t)" + from), "STDDEV takes a number, not VARCHAR(1)");
  EXPECT_EQ(error_of("SELECT GROUPING(v)" + from + " GROUP BY ROLLUP (t)"),
            "the arguments of GROUPING must be in GROUP BY");
}

TEST(QueryErrors, windows) {
  const std::string from = " FROM (VALUES (1, 'x')) AS a(v, t)";
  EXPECT_EQ(
      error_of("SELECT SUM(v) OVER (ORDER BY v ROWS BETWEEN CURRENT ROW AND 1 PRECEDING)" + from),
      "the frame ends before it starts");
  EXPECT_EQ(error_of("SELECT SUM(v) OVER (ORDER BY v ROWS -1 PRECEDING)" + from),
            "the offset of a frame must not be negative");
  EXPECT_EQ(error_of("SELECT SUM(v) OVER (ORDER BY v, t RANGE 1 PRECEDING)" + from),
            "a frame in RANGE with an offset needs one column in ORDER BY");
  EXPECT_EQ(error_of("SELECT SUM(v) OVER (GROUPS 1 PRECEDING)" + from),
            "a frame in GROUPS needs ORDER BY");
  EXPECT_EQ(error_of("SELECT SUM(v) OVER w" + from), "no such window: w");
  EXPECT_EQ(error_of("SELECT LAG(v, v) OVER (ORDER BY v)" + from),
            "the number of LAG must be a constant BIGINT");
  EXPECT_EQ(error_of("SELECT NTILE(0) OVER (ORDER BY v)" + from),
            "the number of NTILE is out of range: 0");
  EXPECT_EQ(error_of("SELECT v" + from + " WHERE SUM(v) OVER () > 1"),
            "SUM OVER cannot stand in WHERE");
}

TEST(QueryErrors, collections_and_recursion) {
  EXPECT_EQ(error_of("SELECT * FROM UNNEST(1)"),
            "UNNEST in FROM needs an ARRAY, MULTISET or MAP, not INT");
  EXPECT_EQ(error_of("SELECT r.nope FROM (SELECT ROW(1, 2) AS r) q"), "no such field: nope");
  EXPECT_EQ(error_of("SELECT GENERATE_SERIES(1, 5, 0)"), "the step of GENERATE_SERIES is 0");
  EXPECT_EQ(error_of("WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM r) SELECT * "
                     "FROM r"),
            "WITH RECURSIVE does not end after 1000 iterations");
  EXPECT_EQ(error_of("WITH RECURSIVE r(x) AS (SELECT 1 UNION SELECT a.x FROM r a, r b) SELECT * "
                     "FROM r"),
            "a recursive part that reads its table more than once is not supported yet");
}

}  // namespace
}  // namespace tidemark
