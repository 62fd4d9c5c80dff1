#include "state/quiet_merge.h"

#include <algorithm>
#include <utility>

#include <rocksdb/db.h>

namespace tidemark {

QuietMerge::QuietMerge(rocksdb::DB& rocks, std::chrono::milliseconds quiet)
    : rocks_(rocks), quiet_(quiet), thread_([this] { run(); }) {}

QuietMerge::~QuietMerge() {
  {
    std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  is_given_up_ = true;
  changed_.notify_all();
  thread_.join();
}

void QuietMerge::note_write() {
  std::lock_guard lock(mutex_);
  last_write_ = Clock::now();
  if (!std::exchange(has_written_, true)) {
    changed_.notify_all();
  }
}

void QuietMerge::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return has_written_ || is_stopping_; });
    for (Clock::time_point end = last_write_ + quiet_; !is_stopping_ && Clock::now() < end;
         end = last_write_ + quiet_) {
      changed_.wait_until(lock, end, [&] { return is_stopping_; });
    }
    if (is_stopping_) {
      return;
    }
    has_written_ = false;
    lock.unlock();
    if (is_worth_it()) {
      merge();
    }
    lock.lock();
  }
}

// Tables of level 0 are runs of their own, those of another level are one together.
bool QuietMerge::is_worth_it() const {
  rocksdb::ColumnFamilyMetaData all;
  rocks_.GetColumnFamilyMetaData(&all);
  uint64_t total = 0, largest = 0;
  for (const rocksdb::LevelMetaData& level : all.levels) {
    total += level.size;
    largest = std::max(largest, level.level == 0 ? 0 : level.size);
    for (const rocksdb::SstFileMetaData& file : level.files) {
      largest = std::max<uint64_t>(largest, level.level == 0 ? file.size : 0);
    }
  }
  uint64_t room = 0;  // a merge writes all before it removes anything
  bool has_room = rocks_.GetEnv()->GetFreeSpace(rocks_.GetName(), &room).ok() && room > 2 * total;
  return has_room && (total - largest) * 3 > largest;
}

void QuietMerge::merge() {
  rocksdb::CompactRangeOptions options;
  options.exclusive_manual_compaction = false;  // others may merge what is written meanwhile
  options.canceled = &is_given_up_;
  // What is not merged for an error or an end is merged another time.
  static_cast<void>(rocks_.CompactRange(options, nullptr, nullptr).ok());
}

}  // namespace tidemark
