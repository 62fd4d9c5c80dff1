// Single rows of a view whose content is on disk and not in memory, after a restart and under a
// memory limit: they are read without the content, and are what any read answers.

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "tests/harness/served_source.h"
#include "tests/wire/wire_fixture.h"

namespace tidemark {
namespace {

using Lines = std::vector<std::string>;

// `big` has 200,000 rows by id, which is its second column; `by_both` has them by two columns that
// are not its first.
class RestartedRead : public ServedSource {
 protected:
  static constexpr const char* kRowsOfBig = "SELECT note, id, cost FROM facts";

  void SetUp() override {
    ServedSource::SetUp();
    source(
        "CREATE TABLE facts (id int PRIMARY KEY, cost float8, note text); "
        "INSERT INTO facts SELECT i, i / 4.0, 'a note of some length ' || md5(i::text) FROM "
        "generate_series(1, 200000) i; "
        "CREATE TABLE pairs (a int, b varchar(20), n bigint, PRIMARY KEY (a, b)); "
        "INSERT INTO pairs SELECT i % 100, 'b' || i / 100, i FROM generate_series(1, 20000) i");
    start();
    declare("facts");
    declare("pairs");
    run(fmt::format("CREATE MATERIALIZED VIEW big AS {}", kRowsOfBig));
    run("CREATE MATERIALIZED VIEW by_both AS SELECT n, b, a FROM pairs");
    wait();
    ASSERT_EQ(rows("SELECT COUNT(*) FROM big"), Lines{"200000"});
    ASSERT_EQ(rows("SELECT COUNT(*) FROM by_both"), Lines{"20000"});
    content_bytes_ = content_bytes();
  }
  void restart(const std::vector<std::string>& flags) {
    ASSERT_EQ(serve_.stop(), 0) << serve_.log();
    start(flags);
    ASSERT_EQ(serve_.log().find("read anew"), std::string::npos) << serve_.log();
  }
  // Of `big` alone, in memory.
  int64_t content_bytes() {
    for (const std::string& row : rows("SHOW MEMORY")) {
      if (row.starts_with("big|Output|")) {
        return atoll(row.substr(row.rfind('|') + 1).c_str());
      }
    }
    return -1;
  }
  // The rows are read and the content is not.
  void expect_rows_without_content(const std::vector<int>& ids) {
    for (int id : ids) {
      std::string where = fmt::format(" WHERE id = {}", id);
      EXPECT_EQ(rows("SELECT note, id, cost FROM big" + where), source_rows(kRowsOfBig + where));
    }
    int64_t bytes = content_bytes();
    EXPECT_GE(bytes, 0);
    EXPECT_LT(bytes, content_bytes_ / 10);
  }
  PgClient client() {
    return PgClient(fmt::format("host={} port={} user=tidemark dbname=tidemark", serve_.directory(),
                                serve_.port()));
  }

  int64_t content_bytes_ = 0;
};

// Nothing is warmed in the background: the store alone takes more than the limit.
const std::vector<std::string> kNothingStays{"--memory-limit", "1MB"};

TEST_F(RestartedRead, SingleRowsAreReadWithoutTheContent) {
  restart(kNothingStays);
  expect_rows_without_content({1, 17, 4711, 200'000, 0, 200'001, -5});
  EXPECT_EQ(rows("SELECT cost * 2 FROM big WHERE id = 8 AND note LIKE 'a note%' AND cost > 1"),
            Lines{"4"});
  EXPECT_EQ(rows("SELECT id FROM big WHERE id = 8 AND cost > 100"), Lines{});
  EXPECT_EQ(rows("SELECT n FROM by_both WHERE b = 'b12' AND 7 = a"), Lines{"1207"});
  EXPECT_EQ(rows("SELECT n FROM by_both WHERE b = 'b12' AND a = 100"), Lines{});

  // What changes afterwards, before and after it is on disk.
  for (int round = 0; round < 3; ++round) {
    source(
        fmt::format("UPDATE facts SET cost = -{0}, note = 'changed {0}' WHERE id IN (17, 18, {0}); "
                    "DELETE FROM facts WHERE id IN (4711, {1}); "
                    "INSERT INTO facts VALUES ({2}, 1, 'new')",
                    100 + round, 200 + round, 300'000 + round));
    wait();
    expect_rows_without_content({17, 18, 100 + round, 4711, 200 + round, 300'000 + round, 5});
    if (round == 1) {
      source("INSERT INTO facts VALUES (4711, 0, 'again')");
      wait();
    }
    restart(kNothingStays);
    expect_rows_without_content({17, 18, 100 + round, 4711, 200 + round, 300'000 + round, 5});
  }
  // And killed: what no checkpoint has comes again from the source.
  source(
      "UPDATE facts SET note = 'before the end' WHERE id IN (17, 19); DELETE FROM facts WHERE id = "
      "20");
  serve_.kill();
  start(kNothingStays);
  wait();
  expect_rows_without_content({17, 18, 19, 20, 21});
  EXPECT_EQ(rows("SELECT * FROM big"), source_rows(kRowsOfBig));
  EXPECT_EQ(rows("SELECT note FROM big WHERE id = 17"), Lines{"before the end"});
  EXPECT_EQ(rows("SELECT * FROM by_both"), source_rows("SELECT n, b, a FROM pairs"));
}

TEST_F(RestartedRead, PreparedReadsAndBlocksAreAnsweredToo) {
  restart(kNothingStays);
  PgClient reader = client();
  ASSERT_TRUE(reader.ok()) << reader.message();
  PgAnswer prepared(
      PQprepare(reader.get(), "by_id", "SELECT note, cost FROM big WHERE id = $1", 0, nullptr));
  ASSERT_TRUE(prepared.ok()) << reader.message();
  auto by_id = [&](const char* id) {
    PgAnswer answer(PQexecPrepared(reader.get(), "by_id", 1, &id, nullptr, nullptr, 0));
    EXPECT_TRUE(answer.ok()) << reader.message();
    return answer.text();
  };
  auto at_source = [&](const std::string& id) {
    return source_rows("SELECT note, cost FROM facts WHERE id = " + id).at(0);
  };
  EXPECT_EQ(by_id("42"), at_source("42"));
  EXPECT_EQ(by_id("-42"), "");
  EXPECT_LT(content_bytes(), content_bytes_ / 10);

  // A block reads at its mark, what changes and what does not, whatever has been read before.
  std::string before42 = at_source("42"), before43 = at_source("43"), before44 = at_source("44");
  ASSERT_TRUE(reader.run("BEGIN").ok());
  EXPECT_EQ(by_id("42"), before42);
  std::string mark = reader.parameter("tidemark.mark");
  for (int round = 0; round < 3; ++round) {
    source(
        fmt::format("UPDATE facts SET cost = -{} WHERE id IN (42, 43); "
                    "DELETE FROM facts WHERE id = 44; INSERT INTO facts VALUES (44, {}, 'new'); "
                    "INSERT INTO facts VALUES ({}, 0, 'new')",
                    round + 1, round, 400'000 + round));
    wait();
    EXPECT_EQ(by_id("42"), before42);
    EXPECT_EQ(by_id("43"), before43);
    EXPECT_EQ(by_id("44"), before44);
    EXPECT_EQ(by_id(std::to_string(400'000 + round).c_str()), "");
    EXPECT_EQ(reader.rows("SELECT note, cost FROM big WHERE id = 43"), before43);
    EXPECT_EQ(reader.parameter("tidemark.mark"), mark);
    EXPECT_EQ(rows("SELECT cost FROM big WHERE id = 43"), Lines{fmt::format("{}", -round - 1)});
  }
  EXPECT_EQ(reader.rows("SELECT COUNT(*) FROM big"), "200000");
  EXPECT_EQ(by_id("43"), before43);
  ASSERT_TRUE(reader.run("COMMIT").ok());
  EXPECT_EQ(by_id("43"), at_source("43"));
  EXPECT_EQ(by_id("44"), at_source("44"));
  EXPECT_EQ(reader.rows("SELECT COUNT(*) FROM big"), "200003");
}

// The background brings the content to memory while rows are read.
TEST_F(RestartedRead, RowsAreTheSameWhileTheContentComesToMemory) {
  serve_.kill();
  start();
  for (int id = 1; id < 400; id += 7) {
    if (id % 3 == 0) {
      source(
          fmt::format("UPDATE facts SET cost = cost + 1 WHERE id IN ({}, {})", id, 200'000 - id));
      wait();
    }
    std::string where = fmt::format(" WHERE id = {}", 200'000 - id);
    EXPECT_EQ(rows("SELECT * FROM big" + where), source_rows(kRowsOfBig + where));
  }
  wait();
  EXPECT_EQ(rows("SELECT * FROM big"), source_rows(kRowsOfBig));
}

}  // namespace
}  // namespace tidemark
