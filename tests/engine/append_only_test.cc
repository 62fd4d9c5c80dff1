// Tables that are declared append-only: what is kept of them is less, survives restarts and
// TRUNCATE, and gives no wrong answer to who was wrong about them.

#include <fmt/core.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/harness/served_source.h"

namespace tidemark {
namespace {

using Lines = std::vector<std::string>;

constexpr const char* kExtremes =
    "SELECT kind, MIN(cost) AS low, MAX(cost) AS high, MIN(note) AS first, MAX(note) AS last FROM "
    "events GROUP BY kind";
constexpr const char* kDearest =
    "SELECT id, kind, cost FROM (SELECT id, kind, cost, ROW_NUMBER() OVER (PARTITION BY kind ORDER "
    "BY cost DESC, id) AS n FROM events) q WHERE n <= 2";

class AppendOnlyTables : public ServedSource {
 protected:
  void SetUp() override {
    ServedSource::SetUp();
    source("CREATE TABLE events (id int PRIMARY KEY, kind int, cost int, note text)");
    insert(1, 500);
    start();
    declare("events", ", 'append-only' = 'true'");
    create_views();
  }
  void create_views() {
    run(fmt::format("CREATE MATERIALIZED VIEW extremes AS {}", kExtremes));
    run(fmt::format("CREATE MATERIALIZED VIEW dearest AS {}", kDearest));
  }
  void insert(int from, int to) {
    source(
        fmt::format("INSERT INTO events SELECT i, i % 7, i * 7919 % 1000, 'note ' || i * 31 % 999 "
                    "FROM generate_series({}, {}) i",
                    from, to));
  }
  void expect_all() {
    wait();
    EXPECT_EQ(rows("SELECT * FROM extremes"), source_rows(kExtremes));
    EXPECT_EQ(rows("SELECT * FROM dearest"), source_rows(kDearest));
  }
  std::string error_of(const std::string& view) {
    Result<QueryResult> result = client_->query("SELECT * FROM " + view);
    return result.ok() ? "" : result.status().message();
  }
};

TEST_F(AppendOnlyTables, are_answered_from_what_shows) {
  expect_all();
  insert(501, 900);
  expect_all();
  std::string text;
  for (const std::string& line : rows("EXPLAIN CHANGELOG_MODE " + std::string(kExtremes))) {
    text += line + "\n";
  }
  EXPECT_NE(text.find("insertOnly=[true]"), std::string::npos) << text;
  EXPECT_NE(text.find("changelogMode=[I]"), std::string::npos) << text;
  for (bool clean : {true, false}) {
    restart(clean);
    insert(clean ? 901 : 1201, clean ? 1200 : 1500);
    expect_all();
  }
  source("TRUNCATE events");
  expect_all();
  insert(2000, 2100);
  expect_all();
  // A SELECT of a view's rows keeps no more of them, declared or not.
  EXPECT_EQ(rows("SELECT MAX(last), MIN(low) FROM extremes"),
            source_rows("SELECT MAX(note), MIN(cost) FROM events"));
  EXPECT_EQ(rows("SELECT id FROM dearest ORDER BY cost DESC, id LIMIT 3"),
            source_rows("SELECT id FROM events ORDER BY cost DESC, id LIMIT 3"));
}

TEST_F(AppendOnlyTables, that_are_not_end_what_reads_them_with_an_error) {
  expect_all();
  source("UPDATE events SET cost = 0 WHERE id = 3");
  for (const char* view : {"extremes", "dearest"}) {
    std::string error;
    while ((error = error_of(view)).empty()) {
      usleep(1000);
    }
    EXPECT_NE(error.find("a row was changed or deleted in a table that is declared 'append-only'"),
              std::string::npos)
        << error;
  }
  // Made again they begin with the rows as they are, and are true.
  for (const char* view : {"extremes", "dearest"}) {
    run(fmt::format("DROP MATERIALIZED VIEW {}", view));
  }
  create_views();
  expect_all();
}

}  // namespace
}  // namespace tidemark
