// The store: what a batch does, through the log and as a table, and what is left of it after a
// kill.

#include "state/store.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <random>
#include <thread>

#include <gtest/gtest.h>
#include <rocksdb/db.h>
#include <rocksdb/snapshot.h>

#include "base/crash_point.h"
#include "state/memory_disk.h"
#include "tests/harness/data_directory.h"

namespace tidemark {
namespace {

TEST(Store, ASecondOpeningOfADirectoryIsRefused) {
  DataDirectory directory;
  std::unique_ptr<Store> store = open_store(directory, kAllToTheLog);
  Result<std::unique_ptr<Store>> second = Store::open(directory.path());
  ASSERT_FALSE(second.ok());
  EXPECT_NE(second.status().message().find("in use by another process"), std::string::npos)
      << second.status().to_string();
}

TEST(Store, WhatIsOnAMemoryDiskIsThereAsLongAsTheDisk) {
  MemoryDisk disk;
  DataDirectory directory;
  auto open = [&](size_t table_bytes_min) {
    return Store::open(directory.path(), {.table_bytes_min = table_bytes_min, .disk = &disk});
  };
  std::map<std::string, std::string> written;
  for (int life = 0; life < 12; ++life) {
    Result<std::unique_ptr<Store>> store = open(life % 2 == 0 ? kAllToTheLog : kAllAsTables);
    ASSERT_TRUE(store.ok()) << store.status().to_string();
    EXPECT_FALSE(open(kAllToTheLog).ok());  // in use
    for (auto& [key, value] : written) {
      EXPECT_EQ((*store)->get(key).value(), value);
    }
    for (int i = 0; i < 3; ++i) {
      StoreBatch batch;
      std::string key = "k" + std::to_string((life * 5 + i) % 13);
      batch.put(key, written[key] = std::to_string(life));
      ASSERT_TRUE((*store)->write(batch).ok());
    }
  }
  EXPECT_FALSE(std::filesystem::exists(directory.path()));
}

// A power cut leaves the log cut anywhere behind what was synced: what is read is what the store
// was after one of its writes.
TEST(Store, ALogThatIsCutAnywhereIsReadUpToAWholeBatch) {
  DataDirectory directory;
  std::mt19937_64 random(20261124);
  constexpr int kBatches = 80, kKeys = 12;
  std::vector<std::map<std::string, std::string>> states(1);
  std::string copy = directory.path() + "_copy";
  auto log_of = [](const std::string& path) {
    for (const auto& entry : std::filesystem::directory_iterator(path)) {
      if (entry.path().extension() == ".log") {
        return entry.path().filename().string();
      }
    }
    return std::string();
  };
  std::string log;
  size_t synced = 0;  // what marks the directory as a store
  {
    std::unique_ptr<Store> store = open_store(directory, kAllToTheLog);
    log = log_of(directory.path());
    synced = std::filesystem::file_size(directory.path() + "/" + log);
    for (int i = 0; i < kBatches; ++i) {
      StoreBatch batch;
      states.push_back(states.back());
      for (int k = 0; k < kKeys; ++k) {
        std::string key = "k" + std::to_string(random() % 40);
        std::string value(random() % 4000, static_cast<char>('a' + random() % 26));
        for (size_t at = 0; at < value.size(); at += 1 + random() % 9) {
          value[at] = static_cast<char>(random());
        }
        batch.put(key, value);
        states.back()[key] = value;
      }
      ASSERT_TRUE(store->write(batch).ok());
    }
    std::filesystem::copy(directory.path(), copy, std::filesystem::copy_options::recursive);
  }
  ASSERT_EQ(log_of(copy), log);
  size_t whole = std::filesystem::file_size(copy + "/" + log);
  ASSERT_GT(whole, 100'000u);
  size_t last = 0;
  std::vector<size_t> sizes = {whole, synced};
  for (int i = 0; i < 60; ++i) {
    sizes.push_back(synced + random() % (whole - synced));
  }
  std::ranges::sort(sizes);
  for (size_t size : sizes) {
    std::filesystem::remove_all(directory.path());
    std::filesystem::copy(copy, directory.path());
    std::filesystem::resize_file(directory.path() + "/" + log, size);
    Result<std::unique_ptr<Store>> store = Store::open(directory.path());
    ASSERT_TRUE(store.ok()) << size << ": " << store.status().message();
    std::map<std::string, std::string> found;
    StoreCursor cursor = (*store)->scan("k");
    for (cursor.seek("k"); cursor.valid(); cursor.next()) {
      found.emplace(cursor.key(), cursor.value());
    }
    size_t at = std::ranges::find(states, found) - states.begin();
    ASSERT_LT(at, states.size()) << "cut at " << size;
    EXPECT_GE(at, last) << "cut at " << size;
    last = at;
  }
  EXPECT_EQ(last, states.size() - 1);
}

std::map<std::string, std::string> content(const Store& store, std::string_view prefix) {
  std::map<std::string, std::string> found;
  StoreCursor cursor = store.scan(prefix);
  for (; cursor.valid(); cursor.next()) {
    found.emplace(cursor.key(), cursor.value());
  }
  EXPECT_TRUE(cursor.status().ok());
  return found;
}

// Puts, erasures and erased prefixes of few keys in any order, so that most calls meet others of
// their batch and of batches before.
TEST(Store, ABatchDoesTheSameAsATableAndThroughTheLog) {
  DataDirectory directory;
  std::mt19937_64 random(20261129);
  std::map<std::string, std::string> model;
  std::unique_ptr<Store> store = open_store(directory, kAllToTheLog);
  for (int i = 0; i < 300; ++i) {
    if (i % 10 == 0) {
      store.reset();
      store = open_store(directory, i / 10 % 3 == 0   ? kAllToTheLog
                                    : i / 10 % 3 == 1 ? kAllAsTables
                                                      : 300);
    }
    StoreBatch batch;
    for (size_t calls = 1 + random() % 20; calls > 0; --calls) {
      std::string key = "p";
      for (int digits = 0; digits < 3; ++digits) {
        key += static_cast<char>('a' + random() % 3);
      }
      switch (random() % 8) {
        case 0: {
          std::string prefix = key.substr(0, 2 + random() % 2);
          batch.erase_prefix(prefix);
          std::erase_if(model, [&](const auto& at) { return at.first.starts_with(prefix); });
          break;
        }
        case 1:
        case 2:
          batch.erase(key);
          model.erase(key);
          break;
        default: {
          std::string value(random() % 50, static_cast<char>('a' + random() % 26));
          batch.put(key, value);
          model[key] = value;
        }
      }
    }
    ASSERT_TRUE(store->write(batch).ok());
    ASSERT_EQ(content(*store, "p"), model) << "batch " << i;
    std::string key = model.empty() ? "paaa" : model.begin()->first;
    ASSERT_EQ(store->get(key).value(),
              model.empty() ? std::nullopt : std::optional(model.begin()->second));
  }
}

// Of a store that has both.
TEST(Store, ALogThatIsCutLosesNothingThatATableGoesOnFrom) {
  DataDirectory directory;
  {
    std::unique_ptr<Store> store = open_store(directory, 1000);
    StoreBatch small, large;
    small.put("pa", "1");
    large.put("pz", std::string(2000, 'z'));  // beside, not around
    ASSERT_TRUE(store->write(small).ok());
    ASSERT_TRUE(store->write(large).ok());
  }
  for (const auto& entry : std::filesystem::directory_iterator(directory.path())) {
    if (entry.path().extension() == ".log") {
      std::filesystem::resize_file(entry.path(), 0);
    }
  }
  std::unique_ptr<Store> store = open_store(directory, 1000);
  EXPECT_EQ(content(*store, "p").size(), 2u);
}

// The database below, to make a directory what it may become, and to merge at a known time.
std::unique_ptr<rocksdb::DB> open_below(const DataDirectory& directory) {
  rocksdb::Options options;
  options.disable_auto_compactions = true;
  rocksdb::DB* opened = nullptr;
  CHECK(rocksdb::DB::Open(options, directory.path(), &opened).ok());
  return std::unique_ptr<rocksdb::DB>(opened);
}

// It keeps its age there.
void put_in_level(rocksdb::DB& rocks, const std::string& key, const std::string& value, int level) {
  rocksdb::ManagedSnapshot before_it(&rocks);
  std::vector<rocksdb::LiveFileMetaData> before, files;
  rocks.GetLiveFilesMetaData(&before);
  ASSERT_TRUE(rocks.Put(rocksdb::WriteOptions(), key, value).ok());
  ASSERT_TRUE(rocks.Flush(rocksdb::FlushOptions()).ok());
  rocks.GetLiveFilesMetaData(&files);
  for (const rocksdb::LiveFileMetaData& file : files) {
    if (std::ranges::none_of(before, [&](const auto& old) { return old.name == file.name; })) {
      ASSERT_TRUE(rocks.CompactFiles(rocksdb::CompactionOptions(), {file.name}, level).ok());
    }
  }
}

// Of an upper level with older keys beside newer ones below, as levels have them.
TEST(Store, ATableIsNewerThanAllThatWasThere) {
  DataDirectory directory;
  open_store(directory, kAllToTheLog).reset();
  {
    std::unique_ptr<rocksdb::DB> rocks = open_below(directory);
    put_in_level(*rocks, "pa", "1", 5);
    put_in_level(*rocks, "pb", "1", 6);
  }
  {
    std::unique_ptr<Store> store = open_store(directory, kAllAsTables);
    StoreBatch batch;
    batch.put("pb", "2");
    ASSERT_TRUE(store->write(batch).ok());
  }
  ASSERT_TRUE(
      open_below(directory)->CompactRange(rocksdb::CompactRangeOptions(), nullptr, nullptr).ok());
  EXPECT_EQ(content(*open_store(directory, kAllAsTables), "p"),
            (std::map<std::string, std::string>{{"pa", "1"}, {"pb", "2"}}));
}

// As a directory of levels is when it is first opened; enough tables that all are merged.
TEST(Store, LevelsAreMergedWithTables) {
  DataDirectory directory;
  open_store(directory, kAllToTheLog).reset();
  std::filesystem::remove(directory.path() + "/incoming");
  std::map<std::string, std::string> model;
  {
    std::unique_ptr<rocksdb::DB> rocks = open_below(directory);
    for (int i = 0; i < 12; ++i) {
      std::string key = "p" + std::to_string(i);
      model[key] = "old";
      put_in_level(*rocks, key, "old", 4 + i % 3);
    }
  }
  std::unique_ptr<Store> store = open_store(directory, kAllAsTables);
  EXPECT_EQ(content(*store, "p"), model);
  for (int i = 0; i < 100; ++i) {
    StoreBatch batch;
    for (const std::string& key : {"p" + std::to_string(i % 12), "p" + std::to_string(i)}) {
      batch.put(key, std::to_string(i));
      model[key] = std::to_string(i);
    }
    ASSERT_TRUE(store->write(batch).ok());
    ASSERT_EQ(content(*store, "p"), model) << i;
  }
}

uint64_t table_bytes(const DataDirectory& directory) {
  uint64_t bytes = 0;
  for (const auto& entry : std::filesystem::directory_iterator(directory.path())) {
    std::error_code gone;  // while it is looked at
    uint64_t size = entry.path().extension() == ".sst" ? entry.file_size(gone) : 0;
    bytes += gone ? 0 : size;
  }
  return bytes;
}

TEST(Store, AllIsMergedOnceNothingIsWritten) {
  DataDirectory directory;
  StoreOptions options{.table_bytes_min = 0, .quiet_before_merge = std::chrono::milliseconds(200)};
  Result<std::unique_ptr<Store>> store = Store::open(directory.path(), options);
  ASSERT_TRUE(store.ok());
  std::mt19937_64 random(1);
  std::map<std::string, std::string> model;
  for (int i = 0; i < 8; ++i) {
    StoreBatch batch;
    for (int k = 0; k < 100; ++k) {
      std::string key = "p" + std::to_string(k), value(1000, ' ');
      std::ranges::generate(value, [&] { return static_cast<char>(random()); });
      batch.put(key, value);
      model[key] = value;
    }
    ASSERT_TRUE((*store)->write(batch).ok());
  }
  while (table_bytes(directory) > 130'000) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  EXPECT_GT(table_bytes(directory), 100'000u);
  EXPECT_EQ(content(**store, "p"), model);
  store->reset();
  store = Store::open(directory.path(), options);
  ASSERT_TRUE(store.ok());
  EXPECT_EQ(content(**store, "p"), model);
}

// Definitions go to the log while a checkpoint is taken in.
TEST(Store, TablesAndTheLogAreWrittenAtOnce) {
  DataDirectory directory;
  constexpr int kBatches = 150;
  {
    std::unique_ptr<Store> store = open_store(directory, 1000);
    std::thread small([&] {
      for (int i = 0; i < kBatches; ++i) {
        StoreBatch batch;
        batch.put("ps" + std::to_string(i), "1");
        EXPECT_TRUE(store->write(batch).ok());
      }
    });
    for (int i = 0; i < kBatches; ++i) {
      StoreBatch batch;
      batch.put("pl" + std::to_string(i), std::string(2000, 'l'));
      EXPECT_TRUE(store->write(batch).ok());
    }
    small.join();
    EXPECT_EQ(content(*store, "p").size(), 2u * kBatches);
  }
  EXPECT_EQ(content(*open_store(directory, 1000), "p").size(), 2u * kBatches);
}

struct Killed {};

// A table that was not taken in is as if it had not been written; one that was is whole.
TEST(Store, AKillBesideATableLeavesAllOfABatchOrNothing) {
  for (std::string_view place : {"table_written", "table_taken"}) {
    DataDirectory directory;
    bool is_armed = false;
    CrashPoint crash([&](std::string_view passed) {
      if (is_armed && passed == place) {
        throw Killed();
      }
    });
    std::map<std::string, std::string> before = {{"pa", "1"}, {"pb", "1"}};
    std::map<std::string, std::string> after = {{"pb", "2"}, {"pc", "2"}};
    {
      std::unique_ptr<Store> store = open_store(directory, kAllAsTables);
      StoreBatch first, second;
      first.put("pa", "1");
      first.put("pb", "1");
      ASSERT_TRUE(store->write(first, &crash).ok());
      is_armed = true;
      second.erase("pa");
      second.put("pb", "2");
      second.put("pc", "2");
      EXPECT_THROW(static_cast<void>(store->write(second, &crash)), Killed);
    }
    EXPECT_EQ(std::filesystem::is_empty(directory.path() + "/incoming"), place == "table_taken");
    std::unique_ptr<Store> store = open_store(directory, kAllAsTables);
    EXPECT_EQ(content(*store, "p"), place == "table_taken" ? after : before) << place;
    EXPECT_TRUE(std::filesystem::is_empty(directory.path() + "/incoming"));
  }
}

TEST(Store, ATableThatCannotBeWrittenIsWrittenWhenTheCauseIsGone) {
  DataDirectory directory;
  std::unique_ptr<Store> store = open_store(directory, kAllAsTables);
  StoreBatch batch;
  batch.put("pa", "1");
  std::filesystem::remove(directory.path() + "/incoming");
  EXPECT_EQ(store->write(batch).code(), StatusCode::kUnavailable);
  EXPECT_TRUE(content(*store, "p").empty());
  std::filesystem::create_directory(directory.path() + "/incoming");
  EXPECT_TRUE(store->write(batch).ok());
  EXPECT_EQ(content(*store, "p").size(), 1u);
}

}  // namespace
}  // namespace tidemark
