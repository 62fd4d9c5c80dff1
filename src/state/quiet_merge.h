#pragma once
// Merges all of a store's tables to one run once nothing has been written for a while, if what came
// after the largest run is more than a third of it: at rest a state then takes little more disk
// than its smallest. While much is written, merging waits for more, so that less is written
// (decision 0023).
//
// Thread rule: any thread; it has one of its own.

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace rocksdb {
class DB;
}

namespace tidemark {

class QuietMerge {
 public:
  // The database outlives it.
  QuietMerge(rocksdb::DB& rocks, std::chrono::milliseconds quiet);
  // A merge that runs is given up.
  ~QuietMerge();
  QuietMerge(const QuietMerge&) = delete;
  QuietMerge& operator=(const QuietMerge&) = delete;

  void note_write();

 private:
  using Clock = std::chrono::steady_clock;
  void run();
  bool is_worth_it() const;
  void merge();

  rocksdb::DB& rocks_;
  const std::chrono::milliseconds quiet_;
  std::mutex mutex_;  // guards the three below
  std::condition_variable changed_;
  bool has_written_ = true;  // before this start, perhaps
  bool is_stopping_ = false;
  Clock::time_point last_write_ = Clock::now();
  std::atomic<bool> is_given_up_ = false;
  std::thread thread_;  // last
};

}  // namespace tidemark
