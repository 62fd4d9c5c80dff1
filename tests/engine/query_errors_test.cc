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
  EXPECT_EQ(error_of("SELECT LAG(v, t) OVER (ORDER BY v)" + from),
            "the number of LAG must be a whole number, not VARCHAR(1)");
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
  EXPECT_EQ(error_of("SELECT CASE WHEN TRUE THEN GENERATE_SERIES(1, 2) END"),
            "GENERATE_SERIES gives rows: it cannot stand in CASE");
  EXPECT_EQ(error_of("SELECT SUM(GENERATE_SERIES(1, 2))"),
            "GENERATE_SERIES gives rows: it cannot stand in SUM");
  EXPECT_EQ(error_of("SELECT COALESCE(GENERATE_SERIES(1, 2), 1)"),
            "GENERATE_SERIES gives rows: it cannot stand in COALESCE");
  EXPECT_EQ(error_of("SELECT GENERATE_SERIES(1, GENERATE_SERIES(1, 2))"),
            "GENERATE_SERIES gives rows: it cannot stand in the arguments of GENERATE_SERIES");
  EXPECT_EQ(error_of("SELECT GENERATE_SERIES(1, 2), COUNT(*) FROM (VALUES (1)) AS t(v) GROUP BY 1"),
            "GENERATE_SERIES gives rows: it cannot stand in GROUP BY");
  EXPECT_EQ(error_of("SELECT UNNEST(1)"), "UNNEST(INT): takes an array");
  EXPECT_EQ(error_of("WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM r) SELECT * "
                     "FROM r"),
            "WITH RECURSIVE does not end after 1000 iterations");
  EXPECT_EQ(error_of("WITH RECURSIVE r(x) AS (SELECT 1 UNION SELECT a.x FROM r a, r b) SELECT * "
                     "FROM r"),
            "a recursive part that reads its table more than once is not supported yet");
}

TEST(QueryErrors, a_sign_before_a_text) {
  EXPECT_EQ(error_of("SELECT + 'x'"), "unary + takes a number or an interval, not VARCHAR(1)");
  EXPECT_EQ(error_of("SELECT + TRUE"), "unary + takes a number or an interval, not BOOLEAN");
}

// What would take all memory there is ends in an error instead.
TEST(QueryErrors, values_that_are_too_large) {
  Engine engine({.step_bytes_max = 64 << 20});
  TestSession session(engine);
  auto error = [&](const std::string& query) {
    std::string text = session.error(query);
    return text.substr(0, text.find('\n'));
  };
  // Of one row.
  EXPECT_EQ(error("SELECT CHAR_LENGTH(REPEAT('x', 2000000000))"),
            "REPEAT would make a text of 2000000000 bytes");
  EXPECT_EQ(error("SELECT LPAD('x', 2000000000)"), "padding to 2000000000 characters");
  EXPECT_EQ(
      error("SELECT CHAR_LENGTH(REPLACE(s, 'x', s)) FROM (SELECT REPEAT('x', 1000000) AS s) q"),
      "REPLACE would make a text of more than 256 MB");
  EXPECT_EQ(
      error("SELECT CHAR_LENGTH(REGEXP_REPLACE(s, 'x', s)) FROM (SELECT REPEAT('x', 100000) AS "
            "s) q"),
      "REGEXP_REPLACE would make a text of more than 256 MB");
  // Of many rows.
  for (const char* query :
       {"SELECT COUNT(s) FROM (SELECT REPEAT('x', 100000 + g) AS s FROM GENERATE_SERIES(1, 5000) "
        "AS "
        "t(g)) q",
        "SELECT RPAD('x', 100000 + g) AS s FROM GENERATE_SERIES(1, 5000) AS t(g)",
        "SELECT ARRAY[REPEAT('x', 40000 + g), REPEAT('y', 40000 + g)] AS s FROM GENERATE_SERIES(1, "
        "5000) AS t(g)",
        "SELECT GENERATE_SERIES(1, 100000) FROM GENERATE_SERIES(1, 5000) AS t(g)"}) {
    std::string text = error(query);
    EXPECT_TRUE(text == "an expression of this query makes more than 64 MB of rows at once" ||
                text == "a join or UNNEST of this query makes more than 64 MB of rows at once")
        << text;
  }
  EXPECT_EQ(session.rows("SELECT CHAR_LENGTH(REGEXP_REPLACE(REPEAT('xy', 1000), 'x', 'zz'))"),
            (TextRows{{"3000"}}));
}

}  // namespace
}  // namespace tidemark
