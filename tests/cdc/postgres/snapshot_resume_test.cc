// A snapshot that was cut off, by the end of the process or of its connection, goes on with the
// ranges that had not been read, and is exact whatever has changed in any of them.

#include <filesystem>
#include <fstream>

#include <fmt/core.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/cdc/postgres/source_fixture.h"

namespace tidemark {
namespace {

namespace fs = std::filesystem;

class CutOffFixture : public SourceFixture {
 public:
  CutOffFixture() : SourceFixture(shared_cluster(), shared_cluster().make_database()) {
    durable_name = "cut_" + database;
    read_ahead_directory = fmt::format("{}/cut_{}_{}", testing::TempDir(), getpid(), database);
    acknowledges = false;
  }
  ~CutOffFixture() {
    if (source == nullptr) {
      run("SELECT pg_drop_replication_slot('" + durable_name + "')");
      fs::remove_all(read_ahead_directory);
      return;
    }
    source->abandon();
    source.reset();
    EXPECT_FALSE(fs::exists(read_ahead_directory));
  }

  // Of the only table that is kept.
  std::vector<fs::path> range_files() const {
    std::vector<fs::path> files;
    std::error_code error;
    for (const auto& file :
         fs::recursive_directory_iterator(read_ahead_directory + "/snapshots", error)) {
      if (file.path().extension() == ".rows") {
        files.push_back(file.path());
      }
    }
    return files;
  }
  // Two connections read: so many ranges but two have been read whole. Then all that the snapshot
  // sees is part of the position.
  bool pump_until_ranges(size_t files) {
    return pump_until([&] { return range_files().size() >= files; }) && catch_up();
  }
  // The source ends, and with it its connections.
  void end() {
    close();
    while (value("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid "
                 "<> pg_backend_pid() AND backend_type IN ('client backend', 'walsender')") !=
           "0") {
    }
  }
  // Rows that were looked at other than by an index, also by expect_exact(). To be asked when
  // nobody is connected.
  int64_t rows_read() {
    return std::stoll(value("SELECT seq_tup_read FROM pg_stat_user_tables WHERE relname = 't'"));
  }
  // By index only.
  void change(const std::string& sql) { run("SET enable_seqscan = off; " + sql); }
  void expect_exact(ReaderId reader) {
    ASSERT_TRUE(pump_until_ready(reader));
    ASSERT_TRUE(catch_up());
    EXPECT_EQ(model(reader).violation, "");
    EXPECT_TRUE(model(reader).sorted_rows() == rows_at_source(reader));
  }
};

// Every `step`th row, from `first` on.
std::string every(int step, int first, int rows) {
  return fmt::format("id = ANY(ARRAY(SELECT i FROM generate_series({}, {}, {}) i))", first, rows,
                     step);
}

// Rows of all ranges: updated, moved to another key, deleted, put in the place of others.
std::string changes(int rows, int k) {
  return fmt::format(
      "UPDATE t SET n = -n - {0} WHERE {1}; UPDATE t SET note = note || 'y{0}' WHERE {2}; UPDATE t "
      "SET big = repeat('c', 9000 + {0}) WHERE {3}; UPDATE t SET id = id + 10000000 * ({0} + 1) "
      "WHERE {4}; DELETE FROM t WHERE {5}; INSERT INTO t SELECT i, 7, 'again', NULL FROM "
      "generate_series(700 + {6}, {7}, 1000) i WHERE {0} > 0 ON CONFLICT DO NOTHING; INSERT INTO t "
      "SELECT 5000000 + {0} * 10000 + i, i, repeat('i', 100), NULL FROM generate_series(1, 500) i",
      k, every(1000, k + 1, rows), every(4000, 4000, rows), every(8000, 8000, rows),
      every(1000, 500 + k, rows), every(1000, 700 + k, rows), k - 1, rows);
}

void make_table(CutOffFixture& fixture, int rows, int note) {
  fixture.run(fmt::format(
      "CREATE TABLE t (id int PRIMARY KEY, n int, note text, big text); ALTER TABLE t ALTER big "
      "SET "
      "STORAGE EXTERNAL; INSERT INTO t SELECT i, i, repeat('n', {1}), CASE WHEN i % 4000 = 0 THEN "
      "repeat('b', 9000) END FROM generate_series(1, {0}) i",
      rows, note));
}

TEST(PostgresCutOffSnapshot, goes_on_with_the_ranges_that_were_not_read) {
  constexpr int kRows = 200'000;
  CutOffFixture fixture;
  make_table(fixture, kRows, 400);
  ReaderId t = fixture.read("t");
  ASSERT_TRUE(fixture.pump_until_ranges(5));
  fixture.run(changes(kRows, 0));
  ASSERT_TRUE(fixture.catch_up());
  ASSERT_FALSE(fixture.model(t).is_ready);
  SourceCheckpoint kept = fixture.checkpoint();
  fixture.run(changes(kRows, 1));
  fixture.end();
  fixture.run("VACUUM t");  // what comes now goes to all ranges
  fixture.run(changes(kRows, 2));
  int64_t before = fixture.rows_read();
  fixture.restart(kept);
  ASSERT_TRUE(fixture.pump_until([&] { return fixture.model(t).snapshot_rows != 0; }));
  fixture.change(changes(kRows, 3));
  fixture.expect_exact(t);
  fixture.end();
  int64_t read = fixture.rows_read() - before - kRows;
  EXPECT_GT(read, 0);
  EXPECT_LT(read, kRows * 3 / 4);
  fixture.restart(kept);  // not complete in a checkpoint: what was kept is there still
  fixture.expect_exact(t);
  fixture.acknowledges = true;
  EXPECT_TRUE(
      fixture.pump_until([&] { return !fs::exists(fixture.read_ahead_directory + "/snapshots"); }));
}

constexpr int kWideRows = 60'000;  // of some 800 bytes: three ranges

TEST(PostgresCutOffSnapshot, goes_on_whenever_it_is_cut_off) {
  CutOffFixture fixture;
  make_table(fixture, kWideRows * 2, 800);
  ReaderId t = fixture.read("t");
  SourceCheckpoint kept;
  size_t ranges = 0;
  for (int i = 0; i < 4; ++i) {
    SCOPED_TRACE(i);
    ranges = std::max(ranges, fixture.range_files().size());
    ASSERT_TRUE(fixture.pump_until([&] {
      return fixture.range_files().size() > ranges || fixture.model(t).snapshot_rows > 50'000;
    }));
    ASSERT_TRUE(fixture.catch_up());
    fixture.run(changes(kWideRows * 2, i));
    kept = fixture.checkpoint();
    fixture.run(changes(kWideRows * 2, 10 + i));
    fixture.end();
    fixture.run("VACUUM t");
    fixture.run(changes(kWideRows * 2, 20 + i));
    fixture.restart(kept);
  }
  fixture.expect_exact(t);
}

struct CutOff {
  ReaderId reader;
  SourceCheckpoint kept;
};

// A wide table of which some ranges have been read when the process ends.
CutOff cut_off(CutOffFixture& fixture) {
  make_table(fixture, kWideRows, 800);
  ReaderId reader = fixture.read("t");
  EXPECT_TRUE(fixture.pump_until_ranges(3));
  SourceCheckpoint kept = fixture.checkpoint();
  fixture.end();
  return {reader, std::move(kept)};
}

TEST(PostgresCutOffSnapshot, begins_anew_if_the_table_is_not_the_one_that_was_read) {
  for (const char* accident :
       {"TRUNCATE t; INSERT INTO t SELECT i, -i, repeat('z', 800) FROM generate_series(1, 60000) i",
        "VACUUM FULL t", "CLUSTER t USING t_pkey",
        "ALTER TABLE t ALTER n TYPE bigint USING n + 1; "
        "ALTER TABLE t ALTER n TYPE int USING n + 1",
        "ALTER TABLE t DROP COLUMN big; ALTER TABLE t ADD COLUMN big text DEFAULT 'new'",
        "ALTER TABLE t DROP CONSTRAINT t_pkey; ALTER TABLE t ADD PRIMARY KEY (n); UPDATE t SET id "
        "= "
        "id + 1 WHERE id = 60000; ALTER TABLE t DROP CONSTRAINT t_pkey; ALTER TABLE t ADD PRIMARY "
        "KEY (id)",
        "ALTER TABLE t REPLICA IDENTITY FULL; UPDATE t SET id = id + 1 WHERE id = 60000; ALTER "
        "TABLE "
        "t REPLICA IDENTITY DEFAULT"}) {
    SCOPED_TRACE(accident);
    CutOffFixture fixture;
    CutOff cut = cut_off(fixture);
    fixture.run(accident);
    fixture.run("UPDATE t SET n = n + 1 WHERE id % 100 = 7; DELETE FROM t WHERE id % 100 = 8");
    int64_t before = fixture.rows_read();
    fixture.restart(cut.kept);
    fixture.expect_exact(cut.reader);
    fixture.end();
    EXPECT_GE(fixture.rows_read() - before, 2 * (kWideRows * 98 / 100));
  }
}

TEST(PostgresCutOffSnapshot, begins_anew_if_changes_were_missed) {
  CutOffFixture fixture;
  CutOff cut = cut_off(fixture);
  fixture.run("ALTER PUBLICATION " + fixture.durable_name +
              " DROP TABLE t; UPDATE t SET n = 0 WHERE id % 10 = 7");
  fixture.restart(cut.kept);
  fixture.expect_exact(cut.reader);
}

TEST(PostgresCutOffSnapshot, begins_anew_if_what_was_kept_is_damaged) {
  for (std::string what : {"rows", "log cut", "log changed"}) {
    SCOPED_TRACE(what);
    CutOffFixture fixture;
    make_table(fixture, kWideRows, 800);
    ReaderId t = fixture.read("t");
    ASSERT_TRUE(fixture.pump_until_ranges(3));
    fixture.run("UPDATE t SET n = 0 WHERE id % 10 = 7");
    ASSERT_TRUE(fixture.catch_up());
    SourceCheckpoint kept = fixture.checkpoint();
    fixture.end();
    for (const fs::path& rows : fixture.range_files()) {
      fs::path log = rows.parent_path() / "log";
      if (what == "log cut") {
        fs::resize_file(log, fs::file_size(log) - 5);
        break;
      }
      fs::path damaged = what == "rows" ? rows : log;
      std::fstream file(damaged, std::ios::binary | std::ios::in | std::ios::out);
      file.seekp(static_cast<std::streamoff>(fs::file_size(damaged) / 2));
      file.write("?!", 2);
      if (what == "log changed") {
        break;
      }
    }
    fixture.restart(kept);
    fixture.expect_exact(t);
  }
}

TEST(PostgresCutOffSnapshot, goes_on_after_a_lost_connection) {
  CutOffFixture fixture;
  make_table(fixture, kWideRows * 2, 800);
  ReaderId t = fixture.read("t");
  ASSERT_TRUE(fixture.pump_until_ranges(4));
  fixture.run(changes(kWideRows * 2, 0));
  fixture.run(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
      "AND pid <> pg_backend_pid()");
  fixture.run(changes(kWideRows * 2, 1));
  int resets = fixture.model(t).resets;
  ASSERT_TRUE(fixture.pump_until([&] { return fixture.model(t).resets > resets; }));
  fixture.expect_exact(t);
}

// Keys of text, and partitions between which rows move.
TEST(PostgresCutOffSnapshot, goes_on_in_partitions) {
  CutOffFixture fixture;
  fixture.run(
      "CREATE TABLE t (a text, b uuid, n int, note text, PRIMARY KEY (a, b, n)) PARTITION BY RANGE "
      "(n); CREATE TABLE t_low PARTITION OF t FOR VALUES FROM (MINVALUE) TO (60001); CREATE TABLE "
      "t_high PARTITION OF t FOR VALUES FROM (60001) TO (MAXVALUE); INSERT INTO t SELECT 'k''\\' "
      "|| "
      "i % 1000, md5(i::text)::uuid, i, repeat('n', 800) FROM generate_series(1, 120000) i");
  ReaderId t = fixture.read("t");
  ASSERT_TRUE(fixture.pump_until_ranges(4));
  auto change = [&](int k) {
    fixture.run(
        fmt::format("UPDATE t SET n = 120001 - n WHERE n % 1000 = {0}; UPDATE t SET a = a || 'x' "
                    "WHERE n % 1000 "
                    "= 10 + {0}; UPDATE t SET note = 'short' WHERE n % 1000 = 20 + {0}; DELETE "
                    "FROM t WHERE n % "
                    "1000 = 30 + {0}; INSERT INTO t SELECT 'new', md5(i::text)::uuid, i, '' FROM "
                    "generate_series({0}, 120000, 500) i",
                    k));
  };
  change(1);
  ASSERT_TRUE(fixture.catch_up());
  ASSERT_FALSE(fixture.model(t).is_ready);
  SourceCheckpoint kept = fixture.checkpoint();
  fixture.end();
  change(2);
  auto read = [&] {
    return std::stoll(fixture.value(
        "SELECT sum(seq_tup_read) FROM pg_stat_user_tables WHERE relname LIKE 't\\_%'"));
  };
  int64_t before = read();
  fixture.restart(kept);
  fixture.expect_exact(t);
  fixture.end();
  EXPECT_LT(read() - before - 120'000, 100'000);
}

}  // namespace
}  // namespace tidemark
