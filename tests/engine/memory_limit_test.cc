// Views of several times the memory that there is: made, changed, read, verified, and read by other
// views, within what --memory-limit leaves to the process.

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "tests/harness/peak_memory.h"
#include "tests/harness/served_source.h"

namespace tidemark {
namespace {

using Lines = std::vector<std::string>;

class MemoryLimit : public ServedSource {
 protected:
  static constexpr const char* kAll = "SELECT id, kind, cost, note FROM facts";
  static constexpr const char* kSums =
      "SELECT kind, SUM(cost) AS s, COUNT(*) AS n, MIN(note) AS m FROM facts GROUP BY kind";

  void make_facts(size_t rows) {
    source(fmt::format(
        "CREATE TABLE facts (id int PRIMARY KEY, kind int, cost bigint, note text); INSERT INTO "
        "facts "
        "SELECT i, i % 100, i / 7, repeat(md5(i::text), 3) FROM generate_series(1, {}) i",
        rows));
  }
  void change_facts(int round) {
    source(fmt::format(
        "UPDATE facts SET cost = cost + 1 WHERE id % 97 = {0}; DELETE FROM facts WHERE id % 197 = "
        "{0}; INSERT INTO facts SELECT -{0} * 1000 - i, i % 100, i, md5(i::text) FROM "
        "generate_series(1, 500) i",
        round + 1));
  }
  void verify(const std::string& view) {
    Lines answer = rows("VERIFY VIEW " + view);
    ASSERT_EQ(answer.size(), 1u);
    EXPECT_TRUE(answer[0].starts_with("equal at ")) << answer[0];
  }
};

// All that leaves memory does so at once: what is read comes from the store, in pieces.
TEST_F(MemoryLimit, WhatIsNotInMemoryIsReadInPieces) {
  make_facts(100'000);
  start({"--memory-limit", "1MB"});
  declare("facts");
  run(fmt::format("CREATE MATERIALIZED VIEW v AS {}", kAll));
  wait();
  EXPECT_EQ(rows("SELECT COUNT(*), SUM(cost), MAX(note) FROM v"),
            source_rows("SELECT COUNT(*), SUM(cost), MAX(note) FROM facts"));
  // Views of a view that is there already, one of them over another table too.
  source(
      "CREATE TABLE kinds (kind int PRIMARY KEY, name text); "
      "INSERT INTO kinds SELECT i, 'kind ' || i FROM generate_series(0, 90) i");
  declare("kinds");
  run("CREATE MATERIALIZED VIEW copy AS SELECT note, id, cost FROM v WHERE id % 10 <> 3");
  run("CREATE MATERIALIZED VIEW named AS SELECT v.id, k.name FROM v LEFT JOIN kinds k ON k.kind = "
      "v.kind");
  run("CREATE MATERIALIZED VIEW sums AS SELECT kind, COUNT(*) AS n, MIN(note) AS m FROM v GROUP BY "
      "kind");
  for (int round = 0; round < 3; ++round) {
    change_facts(round);
    if (round == 1) {
      restart(false);
    }
    wait();
    EXPECT_EQ(rows("SELECT * FROM v"), source_rows(kAll));
    EXPECT_EQ(rows("SELECT * FROM copy"),
              source_rows("SELECT note, id, cost FROM facts WHERE id % 10 <> 3"));
    EXPECT_EQ(rows("SELECT * FROM named"),
              source_rows("SELECT f.id, k.name FROM facts f LEFT JOIN kinds k ON k.kind = f.kind"));
    EXPECT_EQ(rows("SELECT * FROM sums"),
              source_rows("SELECT kind, COUNT(*), MIN(note) FROM facts GROUP BY kind"));
    EXPECT_EQ(rows("SELECT kind, SUM(cost) FROM v WHERE kind < 7 GROUP BY kind"),
              source_rows("SELECT kind, SUM(cost) FROM facts WHERE kind < 7 GROUP BY kind"));
    EXPECT_EQ(rows("SELECT id FROM v ORDER BY id DESC LIMIT 3"),
              source_rows("SELECT id FROM facts ORDER BY id DESC LIMIT 3"));
    verify("v");
    verify("copy");
    verify("named");
  }
  // In a block all of it is read, as it was when the block began to.
  Lines before = source_rows("SELECT COUNT(*), SUM(cost) FROM facts");
  run("BEGIN");
  EXPECT_EQ(rows("SELECT COUNT(*), SUM(cost) FROM v"), before);
  PostgresConnection other = serve_.connect();
  change_facts(7);
  ASSERT_TRUE(
      other.execute("WAIT FOR LSN '" + source_rows("SELECT pg_current_wal_lsn()")[0] + "'").ok());
  EXPECT_EQ(rows("SELECT COUNT(*), SUM(cost) FROM v"), before);
  run("COMMIT");
  EXPECT_EQ(rows("SELECT COUNT(*), SUM(cost) FROM v"),
            source_rows("SELECT COUNT(*), SUM(cost) FROM facts"));
  // What VERIFY keeps in the store while it compares is gone afterwards.
  restart(true);
  EXPECT_EQ(rows("SELECT * FROM v"), source_rows(kAll));
}

// The state would take twice the limit. Queues and buffers are less of a larger one.
TEST_F(MemoryLimit, TheProcessStaysWithinWhatItsGroupWouldAllow) {
  constexpr uint64_t kLimit = 112 << 20;
  constexpr uint64_t kGroup = kLimit / 7 * 10;  // of which that is the default limit
  make_facts(600'000);
  start({"--memory-limit", fmt::format("{}MB", kLimit >> 20)});
  PeakMemory peak(serve_.pid());
  declare("facts");
  run(fmt::format("CREATE MATERIALIZED VIEW v AS {}", kAll));
  run(fmt::format("CREATE MATERIALIZED VIEW sums AS {}", kSums));
  wait();
  EXPECT_LT(peak.bytes(), kGroup) << "of the first content";
  for (int round = 0; round < 5; ++round) {
    change_facts(round);
    wait();
  }
  EXPECT_EQ(rows("SELECT * FROM sums"), source_rows(kSums));
  EXPECT_LT(peak.bytes(), kGroup) << "of changes";
  run("CREATE MATERIALIZED VIEW copy AS SELECT id, note FROM v WHERE cost > 5");
  wait();
  EXPECT_LT(peak.bytes(), kGroup) << "of a view of the view";
  EXPECT_EQ(rows("SELECT COUNT(*), SUM(cost) FROM v"),
            source_rows("SELECT COUNT(*), SUM(cost) FROM facts"));
  EXPECT_LT(peak.bytes(), kGroup) << "of reading all";
  verify("v");
  EXPECT_LT(peak.bytes(), kGroup) << "of verifying";
}

}  // namespace
}  // namespace tidemark
