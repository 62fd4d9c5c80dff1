// Materialized views of constants, and functions in SQL under views, through changes and restarts.

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "tests/harness/served_source.h"

namespace tidemark {
namespace {

using Lines = std::vector<std::string>;

class ConstantView : public ServedSource {
 protected:
  void restart() {
    EXPECT_EQ(serve_.stop(), 0);
    start();
  }
};

// It needs no source, and is the same at every mark.
TEST_F(ConstantView, answers_at_once_and_after_a_restart) {
  start();
  run("CREATE MATERIALIZED VIEW one AS SELECT 1 AS x, 'a' AS y");
  run("CREATE MATERIALIZED VIEW two AS VALUES (1, 'b'), (2, 'c')");
  run("CREATE MATERIALIZED VIEW both AS SELECT one.x, two.* FROM one JOIN two ON one.x = "
      "two.EXPR$0");
  run("CREATE INDEX by_x ON one (x)");
  run("CREATE MATERIALIZED VIEW counted AS SELECT COUNT(*) AS n FROM generate_series(1, 10) AS g");
  for (int round = 0; round < 3; ++round) {
    SCOPED_TRACE(round);
    EXPECT_EQ(rows("SELECT * FROM one"), Lines{"1|a"});
    EXPECT_EQ(rows("SELECT y FROM one WHERE x = 1"), Lines{"a"});
    EXPECT_EQ(rows("SELECT * FROM two"), (Lines{"1|b", "2|c"}));
    EXPECT_EQ(rows("SELECT * FROM both"), Lines{"1|1|b"});
    EXPECT_EQ(rows("SELECT n FROM counted"), Lines{"10"});
    EXPECT_EQ(rows("VERIFY VIEW two").size(), 1u);
    restart();
  }
  EXPECT_EQ(serve_.log().find("read anew"), std::string::npos) << serve_.log();
  run("CREATE OR REPLACE MATERIALIZED VIEW one AS SELECT 2 AS x, 'z' AS y");
  for (int i = 0; i < 1000 && rows("SELECT * FROM one") != Lines{"2|z"}; ++i) {
    usleep(10'000);
  }
  EXPECT_EQ(rows("SELECT * FROM one"), Lines{"2|z"});
  EXPECT_EQ(rows("SELECT * FROM both"), Lines{"2|2|c"});
  run("DROP MATERIALIZED VIEW both; DROP MATERIALIZED VIEW one");
}

TEST_F(ConstantView, joins_a_view_of_a_source) {
  start();
  source("CREATE TABLE t (id int PRIMARY KEY, k int); INSERT INTO t VALUES (1, 1), (2, 2), (3, 1)");
  declare("t");
  run("CREATE MATERIALIZED VIEW names AS SELECT k, name FROM (VALUES (1, 'one'), (2, 'two')) AS n "
      "(k, name)");
  run("CREATE MATERIALIZED VIEW rows_of_t AS SELECT id, k FROM t");
  run("CREATE MATERIALIZED VIEW named AS SELECT id, name FROM names JOIN rows_of_t AS r ON r.k = "
      "names.k");
  wait();
  EXPECT_EQ(rows("SELECT * FROM named"), (Lines{"1|one", "2|two", "3|one"}));
  restart();
  source("UPDATE t SET k = 2 WHERE id = 3; DELETE FROM t WHERE id = 1");
  wait();
  EXPECT_EQ(rows("SELECT * FROM named"), (Lines{"2|two", "3|two"}));
  EXPECT_EQ(serve_.log().find("read anew"), std::string::npos) << serve_.log();
}

// Views come back by the plan that they had.
TEST_F(ConstantView, functions_survive_a_restart_with_the_views_over_them) {
  start();
  source(
      "CREATE TABLE t (id int PRIMARY KEY, v int); INSERT INTO t SELECT i, i % 5 FROM "
      "generate_series(1, 100) i");
  declare("t");
  run("CREATE FUNCTION plus(x INT, y INT) RETURNS INT LANGUAGE SQL AS 'x + y'");
  run("CREATE FUNCTION scaled(x INT) RETURNS BIGINT STRICT AS $$ plus(x, 1) * 10 $$");
  run("CREATE TEMPORARY FUNCTION passing(x INT) RETURNS INT AS 'x'");
  run("CREATE DATABASE d");
  run("CREATE FUNCTION d.other() RETURNS TEXT AS '''o'''");
  run("CREATE VIEW p AS SELECT v, scaled(id) AS s FROM t");
  run("CREATE MATERIALIZED VIEW m AS SELECT v, SUM(s) AS s, d.other() AS o FROM p GROUP BY v");
  wait();
  const std::string expected = "SELECT v, sum((id + 1) * 10), 'o' FROM t GROUP BY v";
  EXPECT_EQ(rows("SELECT * FROM m"), source_rows(expected));
  Lines functions{"plus", "scaled"};
  for (int round = 0; round < 2; ++round) {
    SCOPED_TRACE(round);
    if (round == 0) {
      serve_.kill();
      start();
    } else {
      restart();
    }
    source("UPDATE t SET v = v + 1 WHERE id % 3 = 0");
    wait();
    EXPECT_EQ(rows("SELECT * FROM m"), source_rows(expected));
    EXPECT_EQ(rows("SHOW USER FUNCTIONS"), functions);
    EXPECT_EQ(rows("SELECT scaled(1), d.other()"), Lines{"20|o"});
    EXPECT_TRUE(rows("DROP FUNCTION plus")[0].starts_with("error:"));
    EXPECT_TRUE(
        rows("CREATE OR REPLACE FUNCTION plus(x INT, y INT) RETURNS INT AS 'x - y'")[0].starts_with(
            "error:"));
  }
  run("CREATE OR REPLACE FUNCTION plus(x INT, y INT) RETURNS INT AS '(x + y)'");  // the same plan
  restart();
  run("DROP MATERIALIZED VIEW m");
  run("CREATE OR REPLACE FUNCTION plus(x INT, y INT) RETURNS INT AS 'x - y'");
  run("DROP FUNCTION d.other");
  restart();
  EXPECT_EQ(rows("SELECT scaled(1)"), Lines{"0"});
  EXPECT_TRUE(rows("SELECT d.other()")[0].starts_with("error:"));
}

}  // namespace
}  // namespace tidemark
