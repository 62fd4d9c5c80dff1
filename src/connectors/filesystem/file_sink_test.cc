// A sink of files through random writes, checkpoints, errors and deaths: what is shown is each
// change once, in whole files.

#include "connectors/filesystem/file_sink.h"

#include <filesystem>
#include <fstream>
#include <random>
#include <set>

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "tests/harness/temporary_directory.h"

namespace tidemark {
namespace {

namespace fs = std::filesystem;

class FileSinkTest : public testing::Test {
 protected:
  std::unique_ptr<FileSink> open(uint64_t size_max = 64, int64_t age_max_us = INT64_MAX / 4) {
    Schema schema{{{"n", Type::bigint()}}};
    const Format& format = **find_format("csv");
    return std::make_unique<FileSink>(FileSinkOptions{.directory = directory_,
                                                      .name = "job-0",
                                                      .extension = "csv",
                                                      .size_max = size_max,
                                                      .age_max_us = age_max_us},
                                      format.make(format, {}, schema).value());
  }
  static SinkChanges changes(int64_t first, int64_t last) {
    Column column(Type::bigint());
    SinkChanges update;
    for (int64_t n = first; n <= last; ++n) {
      column.append(n);
      update.changes.kinds.push_back(RowKind::kInsert);
    }
    std::vector<Column> columns;
    columns.push_back(std::move(column));
    update.changes.rows = to_batch(std::move(columns));
    return update;
  }
  // Numbers in files that are shown. One that is there twice, or a line that is cut, fails the
  // test.
  std::set<int64_t> shown() const {
    std::set<int64_t> numbers;
    for (const auto& entry : fs::directory_iterator(directory_)) {
      std::string name = entry.path().filename();
      if (name[0] == '.') {
        continue;
      }
      std::ifstream file(entry.path());
      for (std::string line; std::getline(file, line);) {
        EXPECT_TRUE(numbers.insert(std::stoll(line)).second) << line << " in " << name;
      }
    }
    return numbers;
  }
  TemporaryDirectory temporary_;
  const std::string& directory_ = temporary_.path();
};

TEST_F(FileSinkTest, is_shown_by_commit_and_not_before) {
  auto sink = open(1);
  ASSERT_TRUE(sink->restore("").ok());
  ASSERT_TRUE(sink->write(changes(1, 3)).ok());
  EXPECT_TRUE(shown().empty());
  std::string token = sink->prepare().value();
  EXPECT_TRUE(shown().empty());
  ASSERT_TRUE(sink->commit(token).ok());
  EXPECT_EQ(shown().size(), 3U);
  ASSERT_TRUE(sink->commit(token).ok());
  EXPECT_EQ(shown().size(), 3U);
  EXPECT_TRUE(fs::exists(directory_ + "/part-job-0-1.csv"));
}

TEST_F(FileSinkTest, a_file_that_its_reader_took_is_not_made_again) {
  auto sink = open(1);
  ASSERT_TRUE(sink->restore("").ok());
  ASSERT_TRUE(sink->write(changes(1, 3)).ok());
  std::string token = sink->prepare().value();
  ASSERT_TRUE(sink->commit(token).ok());
  fs::remove(directory_ + "/part-job-0-1.csv");
  sink = open(1);
  ASSERT_TRUE(sink->restore(token).ok());
  ASSERT_TRUE(sink->commit(token).ok());
  EXPECT_TRUE(shown().empty());
}

TEST_F(FileSinkTest, a_hidden_file_that_is_gone_is_said) {
  auto sink = open(1000);
  ASSERT_TRUE(sink->restore("").ok());
  ASSERT_TRUE(sink->write(changes(1, 3)).ok());
  std::string token = sink->prepare().value();
  std::string hidden = directory_ + "/.part-job-0-1.csv.inprogress";
  fs::resize_file(hidden, 1);
  sink = open(1000);
  Status status = sink->restore(token);
  EXPECT_EQ(status.code(), StatusCode::kCorruption);
  EXPECT_NE(status.message().find("1 bytes instead of 6"), std::string::npos) << status.message();
  EXPECT_EQ(open()->restore("nonsense").code(), StatusCode::kCorruption);
}

TEST_F(FileSinkTest, a_file_is_ended_when_it_is_old) {
  auto sink = open(1000, 1);
  ASSERT_TRUE(sink->restore("").ok());
  EXPECT_FALSE(sink->due_us());
  ASSERT_TRUE(sink->write(changes(1, 3)).ok());
  EXPECT_TRUE(sink->due_us());
  usleep(10);
  ASSERT_TRUE(sink->commit(sink->prepare().value()).ok());
  EXPECT_FALSE(sink->due_us());
  EXPECT_EQ(shown().size(), 3U);
}

TEST_F(FileSinkTest, the_end_shows_what_is_committed_and_removes_the_rest) {
  auto sink = open(1000);
  ASSERT_TRUE(sink->restore("").ok());
  ASSERT_TRUE(sink->write(changes(1, 3)).ok());
  ASSERT_TRUE(sink->commit(sink->prepare().value()).ok());
  ASSERT_TRUE(sink->write(changes(4, 6)).ok());
  static_cast<void>(sink->prepare().value());
  ASSERT_TRUE(sink->finish().ok());
  EXPECT_EQ(shown(), (std::set<int64_t>{1, 2, 3}));
  EXPECT_EQ(std::distance(fs::directory_iterator(directory_), {}), 1);
}

TEST_F(FileSinkTest, each_change_is_shown_once_through_random_deaths) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(seed);
    fs::remove_all(directory_);
    fs::create_directory(directory_);
    std::mt19937_64 random(seed);
    uint64_t size_max = 1 + random() % 60;
    // What the engine knows: of the checkpoint on disk, and of the newest token.
    struct Known {
      std::string token;
      int64_t last = 0;
    } durable, prepared;
    int64_t written = 0;
    auto sink = open(size_max);
    ASSERT_TRUE(sink->restore("").ok());
    for (int i = 0; i < 60; ++i) {
      switch (random() % 8) {
        case 0:  // a death
          sink = open(size_max);
          prepared = durable;
          written = prepared.last;
          ASSERT_TRUE(sink->restore(durable.token).ok());
          ASSERT_TRUE(sink->commit(durable.token).ok());
          break;
        case 1:  // an error
          written = prepared.last;
          ASSERT_TRUE(sink->restore(prepared.token).ok());
          break;
        case 2:
        case 3:
          prepared = {sink->prepare().value(), written};
          break;
        case 4:  // a checkpoint, and perhaps no commit after it
          durable = prepared;
          if (random() % 2 == 0) {
            ASSERT_TRUE(sink->commit(durable.token).ok());
          }
          break;
        default: {
          int64_t last = written + 1 + static_cast<int64_t>(random() % 9);
          ASSERT_TRUE(sink->write(changes(written + 1, last)).ok());
          written = last;
        }
      }
      std::set<int64_t> seen = shown();
      EXPECT_TRUE(seen.empty() || *seen.rbegin() <= durable.last);
    }
    durable = {sink->prepare().value(), written};
    ASSERT_TRUE(sink->commit(durable.token).ok());
    ASSERT_TRUE(sink->finish().ok());
    std::set<int64_t> seen = shown();
    EXPECT_EQ(seen.size(), static_cast<size_t>(written));
    EXPECT_EQ(seen.empty() ? 0 : *seen.rbegin(), written);
  }
}

}  // namespace
}  // namespace tidemark
