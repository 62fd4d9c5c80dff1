#pragma once
// A source that is read ahead of its consumer, for tests.

#include <algorithm>
#include <filesystem>

#include <fmt/core.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/cdc/postgres/source_fixture.h"

namespace tidemark {

// A durable source with a place to read ahead to, whose slot goes with it.
class AheadFixture : public SourceFixture {
 public:
  explicit AheadFixture(const std::string& budget, const std::string& policy = "spill",
                        PostgresCluster& c = shared_cluster())
      : SourceFixture(c, c.make_database(),
                      {{"wal.budget", budget}, {"wal.budget.policy", policy}}) {
    durable_name = "ahead_" + database;
    read_ahead_directory = fmt::format("{}/ahead_{}_{}", testing::TempDir(), getpid(), database);
    acknowledges = false;
  }
  ~AheadFixture() {
    if (source != nullptr) {
      source->abandon();
    }
    source.reset();
    EXPECT_FALSE(std::filesystem::exists(read_ahead_directory));
  }

  std::string slots() {
    return value(
        "SELECT string_agg(slot_name, ',') FROM pg_replication_slots WHERE database = "
        "current_database()");
  }
  Lsn confirmed() {
    return Lsn::parse(value("SELECT confirmed_flush_lsn FROM pg_replication_slots WHERE database = "
                            "current_database()"))
        .value_or(Lsn{});
  }
  Lsn current() { return *Lsn::parse(value("SELECT pg_current_wal_insert_lsn()")); }
  // With nobody taking anything from the source.
  bool wait_until(const std::function<bool()>& holds, int seconds = 30) {
    for (int i = 0; i < seconds * 50 && !holds(); ++i) {
      usleep(20'000);
    }
    return holds();
  }
  std::vector<std::filesystem::path> files() {
    std::vector<std::filesystem::path> found;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(read_ahead_directory, error)) {
      found.push_back(entry.path());
    }
    std::ranges::sort(found);
    return found;
  }
  void make_table() {
    run("CREATE TABLE t (id int PRIMARY KEY, pad text); ALTER TABLE t REPLICA IDENTITY FULL; "
        "INSERT "
        "INTO t VALUES (0, 'first')");
  }
  // The same, and a reader of it that is ready.
  ReaderId read_table() {
    make_table();
    ReaderId t = read("t");
    EXPECT_TRUE(pump_until_ready(t));
    return t;
  }
  // More than the queue and the socket hold, in commits of several kinds; returns where it ends.
  Lsn write_backlog(int first) {
    for (int i = first; i < first + 8; ++i) {
      run(
          fmt::format("INSERT INTO t SELECT i, repeat(md5(i::text), 30) FROM generate_series({0} * "
                      "10000 + 1, {0} * 10000 + 4000) i",
                      i));
      run(fmt::format(
          "BEGIN; UPDATE t SET pad = 'u' || {0} WHERE id % 17 = {0} % 17; SAVEPOINT s; "
          "DELETE FROM t; ROLLBACK TO s; DELETE FROM t WHERE id % 13 = {0} % 13; COMMIT",
          i));
    }
    return current();
  }
};

}  // namespace tidemark
