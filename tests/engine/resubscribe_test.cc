// SUBSCRIBE v AS OF MARK: a reader goes on where it was, also after a kill, and is told when it
// cannot.

#include <memory>
#include <optional>

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "tests/harness/served_source.h"
#include "tests/harness/subscription_reader.h"
#include "types/lsn.h"

namespace tidemark {
namespace {

using Rows = SubscriptionReader::Rows;

class Resubscribe : public ServedSource {
 protected:
  void SetUp() override {
    ServedSource::SetUp();
    source(
        "CREATE TABLE t (id int PRIMARY KEY, v int, what text); "
        "INSERT INTO t SELECT i, i % 7, 'x' FROM generate_series(1, 100) i");
  }
  void define(const std::string& with = "") {
    declare("t");
    run("CREATE MATERIALIZED VIEW sums " + with +
        " AS SELECT v, COUNT(*) AS n, SUM(id) AS s, MAX(what) AS what FROM t GROUP BY v");
    wait();
  }
  std::vector<std::string> view() { return rows("SELECT * FROM sums"); }
  std::string error(const std::string& sql) {
    Result<QueryResult> answer = serve_.connect().query(sql);
    return answer.ok() ? "no error" : answer.status().to_string();
  }
};

// A subscription that must not end.
class LastingReader : public SubscriptionReader {
 public:
  LastingReader(ServeProcess& serve, const std::string& sql)
      : SubscriptionReader(serve.connect(), sql) {}
  bool next(Rows& to) {
    bool more = SubscriptionReader::next(to);
    EXPECT_EQ(error, "");
    return more;
  }
};

std::vector<std::string> sorted(const Rows& rows) {
  return SubscriptionReader::sorted(rows);
}

TEST_F(Resubscribe, from_every_mark_that_was_told) {
  start();
  define();
  Rows rows;
  LastingReader reader(serve_, "SUBSCRIBE sums");
  for (int i = 0; i < 10; ++i) {
    source(fmt::format("UPDATE t SET v = v + 1 WHERE id % 10 = {}", i));
    wait();
    while (reader.next(rows)) {
    }
  }
  ASSERT_GE(reader.marks.size(), 10U);
  for (size_t i = 0; i < reader.marks.size(); ++i) {
    Rows again = reader.states[i];
    LastingReader later(serve_,
                        fmt::format("SUBSCRIBE sums AS OF MARK '{}'", reader.marks[i].to_string()));
    while (later.next(again)) {
    }
    EXPECT_EQ(sorted(again), view()) << i;
    EXPECT_EQ(later.marks.size(), reader.marks.size() - 1 - i);
  }
}

// No checkpoint holds what the reader has seen: the commits come again from the source, in a burst
// now, and the reader's mark with them.
TEST_F(Resubscribe, after_a_kill_from_marks_that_no_checkpoint_has) {
  start();
  define();
  serve_.kill();  // the view is on disk by now, or is read anew
  start({"--checkpoint-interval", "1h"});
  wait();
  EXPECT_EQ(serve_.stop(), 0);
  start({"--checkpoint-interval", "1h"});
  Rows rows;
  LastingReader reader(serve_, "SUBSCRIBE sums");
  while (reader.next(rows)) {
  }
  for (int i = 0; i < 30; ++i) {
    source(fmt::format("UPDATE t SET v = v + 1, what = 'w{}' WHERE id % 30 = {}", i % 10, i));
    if (i % 3 == 0) {
      wait();
      while (reader.next(rows)) {
      }
    }
  }
  ASSERT_GE(reader.marks.size(), 10U);
  serve_.kill();
  for (int i = 0; i < 500; ++i) {
    source(fmt::format("UPDATE t SET v = (v + {}) % 9 WHERE id = {}", i % 4, i % 100 + 1));
  }
  start({"--checkpoint-interval", "1h"});
  // Some readers come before their mark does.
  std::vector<std::unique_ptr<LastingReader>> readers;
  for (Lsn mark : reader.marks) {
    readers.push_back(std::make_unique<LastingReader>(
        serve_, fmt::format("SUBSCRIBE sums AS OF MARK '{}'", mark.to_string())));
  }
  wait();
  for (size_t i = 0; i < readers.size(); ++i) {
    Rows again = reader.states[i];
    while (readers[i]->next(again)) {
    }
    EXPECT_EQ(sorted(again), view()) << i << "\n" << serve_.log();
  }
}

TEST_F(Resubscribe, what_is_kept_outlives_a_restart) {
  start({"--checkpoint-interval", "10ms"});
  define();
  Rows rows;
  LastingReader reader(serve_, "SUBSCRIBE sums");
  reader.next(rows);
  for (int i = 0; i < 20; ++i) {
    source(fmt::format("UPDATE t SET v = v + 1 WHERE id % 20 = {}", i));
    wait();
  }
  EXPECT_EQ(serve_.stop(), 0);
  start({"--checkpoint-interval", "10ms"});
  source("DELETE FROM t WHERE id < 5");
  wait();
  Rows again = reader.states.at(0);
  LastingReader later(serve_,
                      fmt::format("SUBSCRIBE sums AS OF MARK '{}'", reader.marks[0].to_string()));
  while (later.next(again)) {
  }
  EXPECT_EQ(sorted(again), view());
  EXPECT_GE(later.marks.size(), 20U);
}

// SELECT ... AS OF MARK: each state that was told, also after a restart and beside the newest one.
TEST_F(Resubscribe, a_view_is_read_as_it_was_at_every_mark_that_was_told) {
  start({"--checkpoint-interval", "10ms"});
  define();
  Rows rows;
  LastingReader reader(serve_, "SUBSCRIBE sums");
  for (int i = 0; i < 10; ++i) {
    source(fmt::format("UPDATE t SET v = v + 1, what = 'w{0}' WHERE id % 10 = {0}", i));
    wait();
    while (reader.next(rows)) {
    }
  }
  ASSERT_GE(reader.marks.size(), 10U);
  auto expect_states = [&] {
    for (size_t i = 0; i < reader.marks.size(); ++i) {
      std::string at = fmt::format("sums AS OF MARK '{}'", reader.marks[i].to_string());
      EXPECT_EQ(sorted_rows(*client_, "SELECT * FROM " + at), sorted(reader.states[i])) << i;
      EXPECT_EQ(client_->parameter("tidemark.mark"), reader.marks[i].to_string());
      // By key, which an index answers at other times, and through an expression over it.
      for (const auto& [row, count] : reader.states[i]) {
        std::string v = row.substr(0, row.find('|'));
        EXPECT_EQ(
            sorted_rows(*client_, fmt::format("SELECT v, n, s, what FROM {} WHERE v = {}", at, v)),
            std::vector<std::string>{row});
      }
      EXPECT_EQ(sorted_rows(*client_, fmt::format("SELECT SUM(n) FROM {}", at)),
                std::vector<std::string>{"100"});
    }
  };
  expect_states();
  // What has changed between two marks, and since one.
  std::string first = reader.marks.front().to_string(), last = reader.marks.back().to_string();
  std::string difference =
      "SELECT * FROM sums AS OF MARK '{}' EXCEPT ALL SELECT * FROM sums AS OF MARK '{}'";
  EXPECT_TRUE(sorted_rows(*client_, fmt::format(fmt::runtime(difference), last, last)).empty());
  EXPECT_EQ(sorted_rows(*client_, fmt::format(fmt::runtime(difference), last, first)).size(),
            rows.size());
  EXPECT_EQ(sorted_rows(*client_, fmt::format("SELECT n.v, n.s, o.s FROM sums AS n JOIN sums AS OF "
                                              "MARK '{}' AS o ON n.v = o.v WHERE n.s = o.s",
                                              last))
                .size(),
            rows.size());
  EXPECT_EQ(serve_.stop(), 0);
  start({"--checkpoint-interval", "10ms"});
  source("UPDATE t SET v = 1");
  wait();
  expect_states();
  // Asked of what is kept up to date it is refused.
  std::string past = fmt::format("SELECT * FROM sums AS OF MARK '{}'", first);
  EXPECT_NE(error("CREATE MATERIALIZED VIEW w AS " + past).find("is kept up to date"),
            std::string::npos);
  EXPECT_NE(error("SELECT * FROM sums AS OF MARK 'F/0'").find("has not reached mark F/0"),
            std::string::npos);
  EXPECT_NE(error("SELECT * FROM sums AS OF MARK '0/1'").find("is older than what is kept"),
            std::string::npos);
  EXPECT_NE(error("SELECT * FROM t AS OF MARK '0/1'").find("needs a materialized view"),
            std::string::npos);
  EXPECT_NE(error("SELECT * FROM sums AS OF MARK 'soon'").find("not a mark: 'soon'"),
            std::string::npos);
}

TEST_F(Resubscribe, a_mark_that_cannot_be_gone_on_from_is_an_error) {
  start();
  define("WITH ('retention' = '0s')");
  Rows rows;
  LastingReader reader(serve_, "SUBSCRIBE sums");
  reader.next(rows);
  std::string at = fmt::format("SUBSCRIBE sums AS OF MARK '{}'", reader.marks.at(0).to_string());
  source("UPDATE t SET v = v + 1");
  wait();
  EXPECT_NE(error(at).find("is older than what is kept of the view"), std::string::npos)
      << error(at);
  EXPECT_NE(error("SUBSCRIBE sums AS OF MARK 'F/0'").find("was never shown at mark F/0"),
            std::string::npos);
  EXPECT_NE(error("SUBSCRIBE sums AS OF MARK 'soon'").find("not a mark: 'soon'"),
            std::string::npos);
  EXPECT_NE(error("SUBSCRIBE t AS OF MARK '0/1'").find("needs a materialized view"),
            std::string::npos);
  EXPECT_NE(error("CREATE MATERIALIZED VIEW w WITH ('retension' = '1s') AS SELECT v FROM t")
                .find("did you mean 'retention'"),
            std::string::npos)
      << error("CREATE MATERIALIZED VIEW w WITH ('retension' = '1s') AS SELECT v FROM t");
  EXPECT_NE(
      sorted_rows(*client_, "SHOW CREATE MATERIALIZED VIEW sums").at(0).find("'retention' = '0s'"),
      std::string::npos);
  // The option outlives a restart.
  EXPECT_EQ(serve_.stop(), 0);
  start();
  EXPECT_NE(error(at).find("is older than what is kept of the view"), std::string::npos)
      << error(at);
}

}  // namespace
}  // namespace tidemark
