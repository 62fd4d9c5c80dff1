// The log that is read ahead: what is read back is what was written, from any position, after any
// end of the process; damage is found.

#include "connectors/postgres_cdc/read_ahead_log.h"

#include <filesystem>
#include <fstream>

#include <fmt/core.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/bytes.h"

namespace tidemark {
namespace {

namespace fs = std::filesystem;
using Messages = std::vector<std::string>;

std::string begin(uint64_t commit, uint32_t xid) {
  std::string message = "B";
  append_big_endian(commit, message);
  append_big_endian(uint64_t{0}, message);
  append_big_endian(xid, message);
  return message;
}
std::string commit_body(uint64_t end) {
  std::string body(1, '\0');
  append_big_endian(end - 1, body);
  append_big_endian(end, body);
  append_big_endian(uint64_t{0}, body);
  return body;
}
std::string commit(uint64_t end) {
  return "C" + commit_body(end);
}
std::string row(const std::string& bytes) {
  return "I" + bytes;
}
std::string with_xid(char kind, uint32_t xid, const std::string& rest = {}) {
  std::string message(1, kind);
  append_big_endian(xid, message);
  return message + rest;
}
std::string relation(uint32_t oid, const std::string& rest) {
  return with_xid('R', oid, rest);
}

class ReadAheadLogTest : public testing::Test {
 protected:
  void SetUp() override {
    directory_ = fmt::format("{}/read_ahead_{}", testing::TempDir(), getpid());
    fs::remove_all(directory_);
  }
  void TearDown() override { fs::remove_all(directory_); }

  void append(ReadAheadLog& log, const Messages& messages) {
    for (const std::string& message : messages) {
      Status appended = log.append_message(message);
      ASSERT_TRUE(appended.ok()) << appended.to_string();
    }
  }
  Messages read(ReadAheadLog& log, Lsn from) {
    Messages messages;
    Status started = log.start_reading(from);
    EXPECT_TRUE(started.ok()) << started.to_string();
    return started.ok() ? read_on(log) : messages;
  }
  Messages read_on(ReadAheadLog& log) {
    Messages messages;
    while (true) {
      Result<std::optional<ReadAheadLog::Entry>> entry = log.next();
      if (!entry.ok()) {
        messages.push_back("error: " + entry.status().message());
        return messages;
      }
      if (!*entry) {
        return messages;
      }
      switch ((*entry)->kind) {
        case ReadAheadLog::Entry::Kind::kStream:
          messages.emplace_back("stream");
          break;
        case ReadAheadLog::Entry::Kind::kKeepalive:
          messages.push_back(fmt::format("keepalive {}", (*entry)->position.value));
          break;
        case ReadAheadLog::Entry::Kind::kMessage:
          messages.emplace_back((*entry)->message);
      }
    }
  }
  std::vector<fs::path> files() {
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(directory_)) {
      found.push_back(entry.path());
    }
    std::ranges::sort(found);
    return found;
  }
  // Three files: 70 MB of two transactions, and a third.
  void write_three_segments(ReadAheadLog& log) {
    ASSERT_TRUE(log.begin_stream(Lsn{10}, 1, false).ok());
    for (uint64_t i = 1; i <= 3; ++i) {
      append(log, {begin(i * 100 - 1, static_cast<uint32_t>(i)), relation(7, "t")});
      for (int n = 0; n < 70 && i < 3; ++n) {
        append(log, {row(std::string(1 << 20, static_cast<char>('a' + n % 20)))});
      }
      append(log, {row(fmt::format("last of {}", i)), commit(i * 100)});
      Status flushed = log.flush();
      ASSERT_TRUE(flushed.ok()) << flushed.to_string();
    }
    ASSERT_TRUE(log.sync().ok());
    ASSERT_EQ(files().size(), 3u);
  }

  std::string directory_;
};

TEST_F(ReadAheadLogTest, gives_back_what_was_written_and_its_end) {
  ReadAheadLog log(directory_, nullptr);
  ASSERT_TRUE(log.begin_stream(Lsn{10}, 3, true).ok());
  Messages written = {begin(99, 1), relation(7, "t"), row("a"), commit(100)};
  append(log, written);
  EXPECT_EQ(log.end(), Lsn{100});
  EXPECT_EQ(log.synced_end(), Lsn{10});
  log.append_keepalive(Lsn{90}, 5);  // says nothing new
  log.append_keepalive(Lsn{120}, 5);
  append(log, {begin(199, 2), row("b")});
  log.append_keepalive(Lsn{150}, 5);  // within a transaction
  ASSERT_TRUE(log.sync().ok());
  EXPECT_EQ(log.synced_end(), Lsn{120});
  Messages expected = {"stream"};
  expected.insert(expected.end(), written.begin(), written.end());
  expected.insert(expected.end(), {"keepalive 120", begin(199, 2), row("b")});
  EXPECT_EQ(read(log, Lsn{10}), expected);
  append(log, {commit(200)});
  ASSERT_TRUE(log.flush().ok());
  EXPECT_EQ(read_on(log), Messages{commit(200)});

  ReadAheadLog again(directory_, nullptr);
  ASSERT_TRUE(again.open().ok());
  EXPECT_EQ(again.synced_end(), Lsn{200});
  EXPECT_EQ(again.timeline(), 3u);
  EXPECT_TRUE(again.is_text());
  EXPECT_TRUE(again.covers(Lsn{10}) && again.covers(Lsn{200}));
  EXPECT_FALSE(again.covers(Lsn{9}) || again.covers(Lsn{201}));
  expected.push_back(commit(200));
  EXPECT_EQ(read(again, Lsn{10}), expected);
}

TEST_F(ReadAheadLogTest, what_was_not_synced_is_void_when_a_stream_begins_anew) {
  ReadAheadLog log(directory_, nullptr);
  ASSERT_TRUE(log.begin_stream(Lsn{10}, 1, false).ok());
  append(log, {begin(99, 1), commit(100), begin(199, 2)});
  ASSERT_TRUE(log.sync().ok());
  append(log, {commit(200)});
  ASSERT_TRUE(log.flush().ok());
  ASSERT_TRUE(log.begin_stream(Lsn{100}, 1, false).ok());
  append(log, {begin(199, 2), commit(200)});
  ASSERT_TRUE(log.sync().ok());
  EXPECT_EQ(read(log, Lsn{10}), (Messages{"stream", begin(99, 1), commit(100), begin(199, 2),
                                          "stream", begin(199, 2), commit(200)}));
}

TEST_F(ReadAheadLogTest, a_torn_end_is_cut_off_wherever_it_is_torn) {
  {
    ReadAheadLog log(directory_, nullptr);
    ASSERT_TRUE(log.begin_stream(Lsn{10}, 1, false).ok());
    append(log, {begin(99, 1), commit(100), begin(199, 2), row("second"), commit(200)});
    ASSERT_TRUE(log.sync().ok());
  }
  fs::path file = files().at(0);
  std::string whole;
  {
    std::ifstream in(file, std::ios::binary);
    whole.assign(std::istreambuf_iterator<char>(in), {});
  }
  for (size_t size = whole.size(); size-- > 0;) {
    std::ofstream(file, std::ios::binary | std::ios::trunc)
        .write(whole.data(), static_cast<std::streamsize>(size));
    ReadAheadLog log(directory_, nullptr);
    Status opened = log.open();
    ASSERT_TRUE(opened.ok()) << size << ": " << opened.to_string();
    EXPECT_LT(log.end(), Lsn{200}) << size;
    EXPECT_EQ(log.empty(), size < kSegmentHeaderBytes) << size;
    EXPECT_LE(fs::exists(file) ? fs::file_size(file) : 0, size);
  }
}

TEST_F(ReadAheadLogTest, begins_at_the_file_of_a_position_with_the_tables_described) {
  ReadAheadLog log(directory_, nullptr);
  write_three_segments(log);
  Messages last = {begin(299, 3), relation(7, "t"), row("last of 3"), commit(300)};
  Messages expected = last;
  expected.insert(expected.begin(), relation(7, "t"));  // as the files before have it
  EXPECT_EQ(read(log, Lsn{200}), expected);
  EXPECT_EQ(read(log, Lsn{100}).size(), 1u + 74u + 4u);
  ASSERT_TRUE(log.start_reading(Lsn{100}).ok());
  log.drop_before(Lsn{250});
  EXPECT_EQ(files().size(), 2u) << "the second is being read";
  EXPECT_EQ(read(log, Lsn{250}), expected);
  log.drop_before(Lsn{250});
  EXPECT_EQ(files().size(), 1u);
  ReadAheadLog again(directory_, nullptr);
  ASSERT_TRUE(again.open().ok());
  EXPECT_FALSE(again.covers(Lsn{199}));
  EXPECT_EQ(read(again, Lsn{200}), expected);
  again.clear();
  EXPECT_TRUE(again.empty());
  EXPECT_FALSE(fs::exists(directory_));
}

TEST_F(ReadAheadLogTest, files_with_parts_of_a_transaction_stay_until_it_has_ended) {
  ReadAheadLog log(directory_, nullptr);
  ASSERT_TRUE(log.begin_stream(Lsn{10}, 1, false).ok());
  // Within a part each message has the transaction's number after its kind.
  append(log, {with_xid('S', 9, "\1"), with_xid('R', 9, relation(8, "u").substr(1)), "E"});
  append(log, {begin(99, 1)});
  for (int i = 0; i < 65; ++i) {
    append(log, {row(std::string(1 << 20, 'x'))});
  }
  append(log, {commit(100)});
  ASSERT_TRUE(log.sync().ok());
  append(log, {begin(199, 2), commit(200)});
  ASSERT_TRUE(log.flush().ok());
  append(log, {begin(249, 3), commit(250)});
  ASSERT_TRUE(log.sync().ok());
  ASSERT_EQ(files().size(), 2u);
  log.drop_before(Lsn{250});
  EXPECT_EQ(files().size(), 2u);
  EXPECT_EQ(read(log, Lsn{250}).front(), "stream") << "from the transaction's beginning on";
  append(log, {with_xid('c', 9, commit_body(300)), begin(399, 4)});
  for (int i = 0; i < 65; ++i) {
    append(log, {row(std::string(1 << 20, 'y'))});
  }
  append(log, {commit(400)});
  ASSERT_TRUE(log.flush().ok());
  ASSERT_EQ(files().size(), 3u);
  EXPECT_EQ(read(log, Lsn{400}), Messages{relation(8, "u")}) << "described within the parts";
  log.drop_before(Lsn{400});
  EXPECT_EQ(files().size(), 1u);
}

TEST_F(ReadAheadLogTest, damage_is_found) {
  {
    ReadAheadLog log(directory_, nullptr);
    write_three_segments(log);
  }
  std::vector<fs::path> all = files();
  auto expect_not_opened = [&](const std::string& part) {
    ReadAheadLog log(directory_, nullptr);
    Status opened = log.open();
    EXPECT_EQ(opened.code(), StatusCode::kCorruption);
    EXPECT_NE(opened.message().find(part), std::string::npos) << opened.message();
    EXPECT_TRUE(log.empty());
  };
  auto flip = [&](const fs::path& file, std::streamoff at) {
    std::fstream stream(file, std::ios::binary | std::ios::in | std::ios::out);
    stream.seekg(at);
    char byte = static_cast<char>(stream.get());
    stream.seekp(at);
    stream.put(static_cast<char>(byte ^ 1));
  };
  {
    flip(all[1], 40'000'000);
    ReadAheadLog log(directory_, nullptr);
    ASSERT_TRUE(log.open().ok()) << "found when it is read";
    Messages messages = read(log, Lsn{10});
    EXPECT_TRUE(messages.back().starts_with("error: a record is damaged: ")) << messages.size();
    EXPECT_GT(messages.size(), 100u);
    flip(all[1], 40'000'000);
  }
  flip(all[1], 20);
  expect_not_opened("its header is damaged");
  {
    fs::remove_all(directory_);
    ReadAheadLog log(directory_, nullptr);
    write_three_segments(log);
  }
  fs::resize_file(all[0], fs::file_size(all[0]) - 1);
  expect_not_opened("a file is missing or cut off");
  {
    fs::remove_all(directory_);
    ReadAheadLog log(directory_, nullptr);
    write_three_segments(log);
  }
  fs::remove(all[1]);
  expect_not_opened("a file is missing or cut off");
}

}  // namespace
}  // namespace tidemark
