// What happens to a data directory on the disk: a second process, damage of every file, a disk that
// is full or fails.

#include <filesystem>
#include <fstream>
#include <random>

#include "tests/engine/durable_fixture.h"
#include "tests/harness/paths.h"
#include "tests/harness/small_disk.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TIDEMARK_IS_SANITIZED true
#else
#define TIDEMARK_IS_SANITIZED false
#endif

namespace tidemark {
namespace {

namespace fs = std::filesystem;
using Lines = std::vector<std::string>;

TEST_F(DurableTest, ASecondProcessIsRefused) {
  ASSERT_TRUE(serve_.start());
  std::string command =
      fmt::format("{} serve --data-dir {} --socket-dir '' --listen 127.0.0.1:0 >{}/second 2>&1",
                  tidemark_binary(), serve_.data_directory(), serve_.directory());
  EXPECT_EQ(WEXITSTATUS(system(command.c_str())), 1);
  std::ifstream said(serve_.directory() + "/second");
  std::string text((std::istreambuf_iterator<char>(said)), {});
  EXPECT_NE(text.find("in use by another process"), std::string::npos) << text;
}

// Every file of the directory, damaged at random places or cut: an error that says so, or the right
// answer; never another one.
TEST_F(DurableTest, DamageIsNeverAWrongAnswer) {
  ASSERT_TRUE(serve_.start({"--checkpoint-interval", "10ms"}));
  define();
  Lines right = rows("SELECT * FROM per_animal");
  EXPECT_EQ(serve_.stop(), 0);
  // Once more, so that the first data is in a table file and not only in the log.
  ASSERT_TRUE(serve_.start({"--checkpoint-interval", "10ms"}));
  EXPECT_EQ(serve_.stop(), 0);
  std::string kept = serve_.directory() + "/kept";
  fs::copy(serve_.data_directory(), kept, fs::copy_options::recursive);
  std::mt19937 random(20261124);
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(kept)) {
    if (entry.is_regular_file() && entry.file_size() != 0 && entry.path().filename() != "LOCK") {
      names.push_back(entry.path().filename());
    }
  }
  auto is_error = [](const Lines& lines) {
    return lines.size() == 1 && lines[0].starts_with("error:");
  };
  int refused = 0, answered = 0;
  for (const std::string& name : names) {
    for (int round = 0; round < 4; ++round) {
      SCOPED_TRACE(fmt::format("{} round {}", name, round));
      fs::remove_all(serve_.data_directory());
      fs::copy(kept, serve_.data_directory(), fs::copy_options::recursive);
      std::string path = serve_.data_directory() + "/" + name;
      uintmax_t size = fs::file_size(path);
      if (round == 3) {
        fs::resize_file(path, random() % size);
      } else {
        std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
        for (int i = 0; i < 1 << (round * 4); ++i) {
          file.seekp(static_cast<std::streamoff>(random() % size));
          file.put(static_cast<char>(random()));
        }
      }
      if (!serve_.start()) {
        serve_.wait();
        ++refused;
        continue;
      }
      Lines now = rows("SELECT * FROM per_animal");
      if (!is_error(now)) {
        // A log that was cut may have lost the last checkpoints: the view is then at an earlier
        // mark, and catches up. Damage may also be met by the first read of its block only.
        wait();
        now = rows("SELECT * FROM per_animal");
      }
      if (is_error(now)) {
        EXPECT_EQ(now[0].find("no such table or view"), std::string::npos) << now[0];
        ++refused;
      } else {
        EXPECT_EQ(now, right) << serve_.log();
        ++answered;
      }
      serve_.kill();
    }
  }
  fmt::print("damage: {} files, {} times refused, {} times the right answer\n", names.size(),
             refused, answered);
  EXPECT_GT(refused, 0);
}

// A data directory on a file system of 48 MB: reads go on, nothing is lost, and it recovers when
// there is room.
TEST_F(DurableTest, AFullDiskLosesNothing) {
  SmallDisk disk(serve_.data_directory(), "48m");
  if (!disk.is_mounted()) {
    GTEST_SKIP() << disk.why();
  }
  ASSERT_TRUE(serve_.start({"--checkpoint-interval", "20ms"}));
  define();
  run("CREATE MATERIALIZED VIEW notes AS SELECT id, note FROM claims");
  wait();
  disk.fill();
  for (int i = 0; i < 20; ++i) {
    // Notes that no compression makes small.
    shared_cluster().run(
        fmt::format("UPDATE claims SET cost = cost + 1, note = (SELECT string_agg(md5(id::text || "
                    "g), '') FROM generate_series(1, 40) g) WHERE id % 20 = {}",
                    i),
        database_);
  }
  expect_exact();
  // What was read is not durable, so the source must still have it.
  std::string lag = shared_cluster().value(
      "SELECT pg_current_wal_insert_lsn() - confirmed_flush_lsn > 100000 FROM pg_replication_slots "
      "WHERE database = '" +
          database_ + "'",
      database_);
  EXPECT_EQ(lag, "t");
  serve_.kill();
  disk.make_room();
  ASSERT_TRUE(serve_.start({"--checkpoint-interval", "20ms"})) << serve_.log();
  expect_exact();
  shared_cluster().run("DELETE FROM claims WHERE id < 100", database_);
  expect_exact();
  serve_.kill();  // before its disk goes
}

// A sync that fails has lost what it was to keep, and trying again does not bring it back. Nothing
// of it is acknowledged; what is read is right meanwhile; a kill loses nothing, and without one it
// recovers when syncs succeed again.
TEST_F(DurableTest, AFailedSyncLosesNothing) {
  fs::path library = fs::path(tidemark_binary()).parent_path() / "failing_sync.so";
  if (TIDEMARK_IS_SANITIZED) {
    GTEST_SKIP() << "a sanitizer must come before other libraries";
  }
  std::string switch_path = serve_.directory() + "/failing";
  auto start = [&] {
    setenv("LD_PRELOAD", library.c_str(), 1);
    setenv("TIDEMARK_FAILING_SYNC", switch_path.c_str(), 1);
    bool is_started = serve_.start({"--checkpoint-interval", "20ms"});
    unsetenv("LD_PRELOAD");
    unsetenv("TIDEMARK_FAILING_SYNC");
    return is_started;
  };
  auto confirmed = [&] {
    return Lsn::parse(
               shared_cluster().value(
                   "SELECT confirmed_flush_lsn FROM pg_replication_slots WHERE database = '" +
                       database_ + "'",
                   database_))
        .value();
  };
  auto change = [&](const char* which) {
    for (int i = 0; i < 10; ++i) {
      shared_cluster().run(
          fmt::format(
              "UPDATE claims SET cost = cost + 1, note = md5(id::text || {0}) WHERE id % {1} "
              "= {0}",
              i, which),
          database_);
    }
  };
  ASSERT_TRUE(start());
  define(", 'wal.budget'='32kB'");
  run("CREATE MATERIALIZED VIEW notes AS SELECT id, note FROM claims");
  for (bool is_killed : {true, false}) {
    wait_for_checkpoint();
    std::ofstream(switch_path) << "on";
    std::string before = shared_cluster().value("SELECT pg_current_wal_insert_lsn()", database_);
    change("10");   // checkpoints that become tables
    change("200");  // and such that go through the log
    expect_exact();
    EXPECT_EQ(rows("SELECT * FROM notes"), source_rows("SELECT id, note FROM claims"));
    EXPECT_LE(confirmed(), Lsn::parse(before).value());
    EXPECT_NE(rows("SHOW SOURCES").at(0).find("Input/output error"), std::string::npos)
        << rows("SHOW SOURCES").at(0);
    if (is_killed) {
      serve_.kill();
    }
    fs::remove(switch_path);
    if (is_killed) {
      ASSERT_TRUE(start()) << serve_.log();
    }
    change("10");
    expect_exact();
    wait_for_checkpoint();
    EXPECT_EQ(rows("SELECT * FROM notes"), source_rows("SELECT id, note FROM claims"));
  }
  serve_.kill();
  ASSERT_TRUE(start()) << serve_.log();
  expect_exact();
  EXPECT_EQ(serve_.log().find("read anew"), std::string::npos) << serve_.log();
}

}  // namespace
}  // namespace tidemark
