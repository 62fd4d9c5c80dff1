// CREATE OR REPLACE and ALTER of views: the old version answers until the new one takes its place,
// at one mark; a kill at any point comes back as one of them.

#include <chrono>
#include <map>
#include <optional>

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "tests/harness/command_output.h"
#include "tests/harness/served_source.h"
#include "tests/harness/subscription_reader.h"
#include "types/lsn.h"

namespace tidemark {
namespace {

using Lines = std::vector<std::string>;
using Rows = SubscriptionReader::Rows;

constexpr const char* kOld = "SELECT v, COUNT(*) AS n FROM t GROUP BY v";
constexpr const char* kNew = "SELECT v, SUM(big) AS n FROM t WHERE id > 10 GROUP BY v";

class ChangeView : public ServedSource {
 protected:
  void SetUp() override {
    ServedSource::SetUp();
    source(
        "CREATE TABLE t (id int PRIMARY KEY, v int, big bigint, what text); "
        "INSERT INTO t SELECT i, i % 7, i, 'x' || i % 3 FROM generate_series(1, 3000) i");
  }
  std::string error(const std::string& sql) {
    Result<QueryResult> answer = client_->query(sql);
    return answer.ok() ? "no error"
                       : answer.status().to_string() + "\ndetail: " + answer.status().detail();
  }
  void define(const std::string& query = kOld, const std::string& with = "") {
    declare("t");
    run("CREATE MATERIALIZED VIEW w " + with + " AS " + query);
    wait();
    ASSERT_EQ(rows("SELECT * FROM w"), source_rows(query)) << serve_.log();
  }
  // Until no new version is being built.
  void wait_for_new_version() {
    Lines states;
    for (int i = 0; i < 3000; ++i) {
      states = rows("SELECT new_version FROM tidemark.views WHERE name = 'w'");
      if (states == Lines{"NULL"}) {
        return;
      }
      usleep(10'000);
    }
    FAIL() << fmt::format("{}", states.at(0)) << serve_.log();
  }
  void expect(const std::string& query) {
    wait();
    EXPECT_EQ(rows("SELECT * FROM w"), source_rows(query)) << serve_.log();
  }
};

// A subscription to the view, or to what reads it.
class ViewReader : public SubscriptionReader {
 public:
  ViewReader(ServeProcess& serve, const std::string& sql)
      : SubscriptionReader(serve.connect(), sql) {}
  Lines sorted() const { return SubscriptionReader::sorted(rows); }
};

TEST_F(ChangeView, whoever_changes_a_view_is_told_that_it_takes_a_while) {
  start();
  define();
  auto [status, output] = command_output(fmt::format(
      "psql -X -h {} -p {} -U tidemark tidemark -c \"ALTER MATERIALIZED VIEW w AS {}\" 2>&1",
      serve_.directory(), serve_.port(), kNew));
  EXPECT_EQ(status, 0) << output;
  EXPECT_NE(output.find("NOTICE:  the new version is being built: until it is complete, view w is"),
            std::string::npos)
      << output;
}

TEST_F(ChangeView, readers_see_the_old_version_and_then_the_new_one) {
  start();
  define();
  run(fmt::format("CREATE OR REPLACE MATERIALIZED VIEW w AS {}", kNew));
  // Both are sums over all rows: one answer is of one version.
  std::string old_sum = source_rows("SELECT sum(n) FROM (" + std::string(kOld) + ") x").at(0);
  std::string new_sum = source_rows("SELECT sum(n) FROM (" + std::string(kNew) + ") x").at(0);
  PostgresConnection reader = serve_.connect();
  bool is_new = false;
  auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!is_new && std::chrono::steady_clock::now() < give_up) {
    Lines sum = sorted_rows(reader, "SELECT SUM(n) FROM w");
    is_new = sum == Lines{new_sum};
    ASSERT_TRUE(is_new || sum == Lines{old_sum}) << sum.at(0);
  }
  ASSERT_TRUE(is_new) << serve_.log();
  for (int i = 0; i < 50; ++i) {
    ASSERT_EQ(sorted_rows(reader, "SELECT SUM(n) FROM w"), Lines{new_sum});
  }
  source("UPDATE t SET v = v + 1, big = big * 2 WHERE id % 5 = 0; DELETE FROM t WHERE id = 77");
  expect(kNew);
  EXPECT_NE(rows("SHOW CREATE MATERIALIZED VIEW w").at(0).find("SUM(big)"), std::string::npos);
  EXPECT_EQ(rows("SHOW JOBS").size(), 1U);
}

TEST_F(ChangeView, readers_and_views_over_it_go_on_with_the_difference) {
  start();
  define();
  run("CREATE MATERIALIZED VIEW total AS SELECT SUM(n) AS n, COUNT(*) AS k FROM w");
  run("CREATE VIEW plain AS SELECT n FROM w");
  run("CREATE MATERIALIZED VIEW above AS SELECT MAX(n) AS m FROM plain");
  run("CREATE INDEX by_v ON w (v)");
  wait();
  ViewReader all(serve_, "SUBSCRIBE w"), some(serve_, "SUBSCRIBE (SELECT SUM(n) AS n FROM w)");
  all.read();
  some.read();
  PostgresConnection block = serve_.connect();
  ASSERT_TRUE(block.execute("BEGIN").ok());
  Lines before = sorted_rows(block, "SELECT * FROM w");
  run(fmt::format("ALTER MATERIALIZED VIEW w AS {}", kNew));
  wait_for_new_version();
  expect(kNew);
  std::string inner = fmt::format("({}) x", kNew);
  EXPECT_EQ(rows("SELECT * FROM total"), source_rows("SELECT sum(n), count(*) FROM " + inner));
  EXPECT_EQ(rows("SELECT * FROM above"), source_rows("SELECT max(n) FROM " + inner));
  EXPECT_EQ(rows("SHOW INDEXES FROM w"), Lines{"by_v|w|v"});
  // The block stays where it began.
  EXPECT_EQ(sorted_rows(block, "SELECT * FROM w"), before);
  EXPECT_EQ(sorted_rows(block, "SELECT SUM(n) FROM w"), Lines{"3000"});
  ASSERT_TRUE(block.execute("COMMIT").ok());
  EXPECT_EQ(sorted_rows(block, "SELECT * FROM w"), source_rows(kNew));
  source("UPDATE t SET big = big + 1");
  expect(kNew);
  all.read();
  some.read();
  EXPECT_EQ(all.sorted(), source_rows(kNew));
  EXPECT_EQ(some.sorted(), source_rows("SELECT sum(n) FROM " + inner));
  EXPECT_EQ(all.error + some.error, "");
  // From every mark that was told, before the change and after it.
  ASSERT_GE(all.marks.size(), 3U);
  for (size_t i = 0; i < all.marks.size(); ++i) {
    std::string at = fmt::format("w AS OF MARK '{}'", all.marks[i].to_string());
    Lines then;
    for (const auto& [row, count] : all.states[i]) {
      then.push_back(row);
    }
    EXPECT_EQ(rows("SELECT * FROM " + at), then) << i;
    ViewReader again(serve_, "SUBSCRIBE " + at);
    again.rows = all.states[i];
    again.read();
    EXPECT_EQ(again.sorted(), source_rows(kNew)) << i;
  }
  EXPECT_TRUE(rows("VERIFY VIEW w").at(0).starts_with("equal at "));
  EXPECT_TRUE(rows("VERIFY VIEW total").at(0).starts_with("equal at "));
}

TEST_F(ChangeView, other_columns_end_its_readers_and_keep_the_views_that_do_without) {
  start();
  define("SELECT v, what, COUNT(*) AS n FROM t GROUP BY v, what");
  run("CREATE MATERIALIZED VIEW per_v AS SELECT v, SUM(n) AS n FROM w GROUP BY v");
  run("CREATE INDEX by_what ON w (what)");
  run("CREATE INDEX by_v ON w (v)");
  wait();
  ViewReader all(serve_, "SUBSCRIBE w"), over(serve_, "SUBSCRIBE per_v");
  all.read();
  over.read();
  PostgresConnection block = serve_.connect();
  ASSERT_TRUE(block.execute("BEGIN").ok());
  EXPECT_EQ(sorted_rows(block, "SELECT COUNT(*) FROM w"), Lines{"21"});
  std::string changed = "SELECT COUNT(*) AS n, MAX(big) AS top, v FROM t WHERE id < 500 GROUP BY v";
  run("CREATE OR REPLACE MATERIALIZED VIEW w AS " + changed);
  wait_for_new_version();
  expect(changed);
  std::string per_v = "SELECT v, n FROM (" + changed + ") x";
  EXPECT_EQ(rows("SELECT * FROM per_v"), source_rows(per_v));
  EXPECT_EQ(rows("SHOW INDEXES FROM w"), Lines{"by_v|w|v"});
  all.read();
  EXPECT_NE(all.error.find("view w was changed, and has other columns now"), std::string::npos)
      << all.error;
  Result<QueryResult> late = block.query("SELECT COUNT(*) FROM w");
  ASSERT_FALSE(late.ok());
  EXPECT_NE(late.status().message().find("has other columns since"), std::string::npos);
  std::string at = fmt::format("SUBSCRIBE w AS OF MARK '{}'", all.marks.back().to_string());
  EXPECT_NE(error(at).find("is older than what is kept"), std::string::npos) << error(at);
  source("UPDATE t SET v = 100 WHERE id % 50 = 3");
  expect(changed);
  EXPECT_EQ(rows("SELECT * FROM per_v"), source_rows(per_v));
  over.read();
  EXPECT_EQ(over.sorted(), source_rows(per_v));
  // The same after a restart.
  serve_.kill();
  start();
  expect(changed);
  EXPECT_EQ(rows("SELECT * FROM per_v"), source_rows(per_v));
}

TEST_F(ChangeView, what_depends_on_it_is_named_before_anything_begins) {
  start();
  define();
  run("CREATE MATERIALIZED VIEW total AS SELECT SUM(n) AS s FROM w");
  run("CREATE VIEW star AS SELECT * FROM w");
  std::string gone = error("ALTER MATERIALIZED VIEW w AS SELECT v FROM t");
  EXPECT_NE(gone.find("cannot change materialized view w"), std::string::npos) << gone;
  EXPECT_NE(gone.find("materialized view total"), std::string::npos) << gone;
  EXPECT_NE(gone.find("view star"), std::string::npos) << gone;
  std::string type =
      error("ALTER MATERIALIZED VIEW w AS SELECT v, MAX(what) AS n FROM t GROUP BY v");
  EXPECT_NE(type.find("cannot change materialized view w"), std::string::npos) << type;
  EXPECT_NE(error("ALTER MATERIALIZED VIEW w AS SELECT v, n FROM w").find("cannot read itself"),
            std::string::npos);
  EXPECT_NE(error("ALTER MATERIALIZED VIEW w AS SELECT 1 AS v, s AS n FROM total")
                .find("cannot read total, which reads it"),
            std::string::npos);
  EXPECT_NE(error("ALTER MATERIALIZED VIEW w RENAME TO x").find("cannot rename"),
            std::string::npos);
  EXPECT_NE(error("CREATE OR REPLACE VIEW w AS SELECT 1 AS a").find("is a materialized view"),
            std::string::npos);
  // Plain views.
  EXPECT_NE(error("ALTER VIEW w AS SELECT 1").find("w is a materialized view"), std::string::npos);
  run("CREATE VIEW low AS SELECT v, big FROM t WHERE id < 100");
  run("CREATE MATERIALIZED VIEW over_low AS SELECT SUM(big) AS s FROM low");
  std::string built = error("CREATE OR REPLACE VIEW low AS SELECT v, big FROM t WHERE id < 50");
  EXPECT_NE(built.find("materialized view over_low"), std::string::npos) << built;
  run("DROP MATERIALIZED VIEW over_low");
  run("CREATE OR REPLACE VIEW low AS SELECT v, big FROM t WHERE id < 50");
  run("ALTER VIEW low AS SELECT v, big AS b FROM t WHERE id < 20");
  run("ALTER VIEW low RENAME TO lower");
  EXPECT_NE(rows("SHOW VIEWS"), Lines{});
  EXPECT_EQ(rows("SHOW JOBS").size(), 2U);
  serve_.kill();
  start();
  run("CREATE MATERIALIZED VIEW m AS SELECT SUM(b) AS s FROM lower");
  wait();
  EXPECT_EQ(rows("SELECT s FROM m"), source_rows("SELECT sum(big) FROM t WHERE id < 20"));
  run("ALTER MATERIALIZED VIEW m RENAME TO n");
  run("ALTER MATERIALIZED VIEW n SET ('retention' = '1h')");
  EXPECT_EQ(rows("SELECT s FROM n"), source_rows("SELECT sum(big) FROM t WHERE id < 20"));
  serve_.kill();
  start();
  EXPECT_EQ(rows("SELECT s FROM n"), source_rows("SELECT sum(big) FROM t WHERE id < 20"));
  EXPECT_NE(rows("SHOW CREATE MATERIALIZED VIEW n").at(0).find("'retention' = '1h'"),
            std::string::npos);
}

TEST_F(ChangeView, a_new_version_that_fails_leaves_the_old_one) {
  start();
  define();
  source("UPDATE t SET big = 0 WHERE id = 5");
  std::string failing = "SELECT v, SUM(1000 / big) AS n FROM t GROUP BY v";
  run("CREATE OR REPLACE MATERIALIZED VIEW w AS " + failing);
  std::string state;
  for (int i = 0; i < 1000 && !state.starts_with("error"); ++i) {
    state = rows("SELECT new_version FROM tidemark.views WHERE name = 'w'").at(0);
    usleep(10'000);
  }
  EXPECT_NE(state.find("division by zero"), std::string::npos) << state;
  source("UPDATE t SET v = 3 WHERE id = 6");
  expect(kOld);
  serve_.kill();
  start();
  expect(kOld);
  // It heals, and takes its place.
  source("UPDATE t SET big = 1 WHERE id = 5");
  wait_for_new_version();
  expect("SELECT v, sum(1000 / big)::bigint AS n FROM t GROUP BY v");
  // Given up, by hand and by another change.
  source("UPDATE t SET big = 0 WHERE id = 5");
  while (rows("SELECT state FROM tidemark.views WHERE name = 'w'") == Lines{"running"}) {
    usleep(1000);  // what shares its rows then begins with the error
  }
  run("CREATE OR REPLACE MATERIALIZED VIEW w AS SELECT v, SUM(7 / big) AS n FROM t GROUP BY v");
  auto build_of = [&](const std::string& view) {
    Lines jobs = rows("SHOW JOBS");
    EXPECT_EQ(jobs.size(), 2U);
    std::erase_if(jobs, [&](const std::string& job) {
      return job.find(fmt::format("|{} (new version)|", view)) == std::string::npos;
    });
    return jobs.empty() ? "none" : jobs[0].substr(0, jobs[0].find('|'));
  };
  std::string id = build_of("w");
  run("ALTER MATERIALIZED VIEW w RENAME TO x");
  EXPECT_EQ(build_of("x"), id);
  run("ALTER MATERIALIZED VIEW x RENAME TO w");
  run("STOP JOB '" + id + "'");
  EXPECT_EQ(rows("SELECT new_version FROM tidemark.views WHERE name = 'w'"), Lines{"NULL"});
  run("CREATE OR REPLACE MATERIALIZED VIEW w AS SELECT v, SUM(7 / big) AS n FROM t GROUP BY v");
  run(fmt::format("CREATE OR REPLACE MATERIALIZED VIEW w AS {}", kOld));
  wait_for_new_version();
  expect(kOld);
  // The same query is no new version.
  run(fmt::format("CREATE OR REPLACE MATERIALIZED VIEW w WITH ('retention' = '1h') AS {}", kOld));
  EXPECT_EQ(rows("SHOW JOBS").size(), 1U);
  EXPECT_NE(rows("SHOW CREATE MATERIALIZED VIEW w").at(0).find("'retention' = '1h'"),
            std::string::npos);
  run("CREATE OR REPLACE MATERIALIZED VIEW w AS SELECT v, SUM(7 / big) AS n FROM t GROUP BY v");
  run("DROP MATERIALIZED VIEW w");
  EXPECT_EQ(rows("SHOW JOBS"), Lines{});
}

// Comes back as the old version with the build going on, or as the new one; a reader with a mark of
// before goes on from it.
TEST_F(ChangeView, killed_at_any_point_it_is_one_of_both) {
  for (const char* point :
       {"defined:1", "attached:1", "attached:2", "attached:3", "stage:1", "placing:1", "write:2",
        "written:2", "placed:1", "replaced:1", "detached:1", "acknowledged:2"}) {
    SCOPED_TRACE(point);
    start();
    if (rows("SHOW TABLES") == Lines{}) {
      define(kOld, "WITH ('retention' = '1h')");
      run("CREATE MATERIALIZED VIEW total AS SELECT SUM(n) AS n FROM w");
      run("CREATE INDEX by_v ON w (v)");
    }
    run(fmt::format("CREATE OR REPLACE MATERIALIZED VIEW w WITH ('retention' = '1h') AS {}", kOld));
    wait_for_new_version();
    wait();
    EXPECT_EQ(serve_.stop(), 0);
    bool started = serve_.start({"--crash-at", point, "--checkpoint-interval", "50ms"});
    std::string place(point, std::string(point).find(':'));
    // The others are passed by every checkpoint.
    bool is_of_change =
        place != "stage" && place != "write" && place != "written" && place != "acknowledged";
    Rows seen;
    Lsn mark;
    if (started && is_of_change) {
      ViewReader reader(serve_, "SUBSCRIBE w");
      reader.read();
      if (!reader.marks.empty()) {
        mark = reader.marks.back();
        seen = reader.rows;
      }
    }
    if (Result<PostgresConnection> client = serve_.try_connect(); client.ok()) {
      static_cast<void>(
          client
              ->execute(fmt::format(
                  "CREATE OR REPLACE MATERIALIZED VIEW w WITH ('retention' = '1h') AS {}", kNew))
              .ok());
    }
    source("UPDATE t SET big = big + 1 WHERE id % 9 = 1");
    for (int i = 0; i < 500 && serve_.is_running(); ++i) {
      usleep(10'000);
    }
    EXPECT_FALSE(serve_.is_running()) << "the point was not reached";
    serve_.kill();
    start();
    wait();
    Lines first = rows("SELECT * FROM w");
    bool is_one = first == source_rows(kOld) || first == source_rows(kNew);
    EXPECT_TRUE(is_one) << serve_.log();
    wait_for_new_version();
    wait();
    bool is_new = rows("SELECT * FROM w") == source_rows(kNew);
    // Then only the state that it is to read is known (rows and groups), or nothing.
    bool is_before = place == "defined" || std::string_view(point) == "attached:1" ||
                     std::string_view(point) == "attached:2";
    EXPECT_TRUE(is_new || !is_of_change || is_before) << serve_.log();
    expect(is_new ? kNew : kOld);
    EXPECT_EQ(rows("SELECT n FROM total"),
              source_rows(fmt::format("SELECT sum(n) FROM ({}) x", is_new ? kNew : kOld)));
    EXPECT_EQ(rows("SHOW INDEXES FROM w"), Lines{"by_v|w|v"});
    if (mark.valid()) {
      ViewReader again(serve_, fmt::format("SUBSCRIBE w AS OF MARK '{}'", mark.to_string()));
      again.rows = seen;
      again.read();
      EXPECT_EQ(again.sorted(), rows("SELECT * FROM w")) << serve_.log();
    }
    client_.reset();
    EXPECT_EQ(serve_.stop(), 0);
  }
}

}  // namespace
}  // namespace tidemark
