// Random cases against Postgres. TIDEMARK_ORACLE_CASES: how many (100 without it);
// TIDEMARK_ORACLE_SEED: the first seed; a failure prints its own.

#include <cstdlib>

#include <gtest/gtest.h>

#include "tests/oracle/generator.h"

namespace tidemark {
namespace {

uint64_t setting(const char* name, uint64_t otherwise) {
  const char* text = getenv(name);
  return text != nullptr ? strtoull(text, nullptr, 10) : otherwise;
}

TEST(OracleRandom, every_view_is_what_postgres_answers_at_every_mark) {
  uint64_t cases = setting("TIDEMARK_ORACLE_CASES", 100);
  uint64_t first = setting("TIDEMARK_ORACLE_SEED", 1);
  size_t failures = 0;
  OracleStats stats;
  for (uint64_t seed = first; seed < first + cases && failures < 3; ++seed) {
    SCOPED_TRACE("TIDEMARK_ORACLE_SEED=" + std::to_string(seed) + " TIDEMARK_ORACLE_CASES=1");
    expect_oracle_holds(generate_oracle_case(seed, static_cast<int>(seed % 4)), &stats);
    failures += HasFailure() ? 1 : 0;
  }
  std::printf("%zu states compared, %zu of them without rows; %zu queries were too large\n",
              stats.states, stats.empty, stats.given_up);
}

}  // namespace
}  // namespace tidemark
