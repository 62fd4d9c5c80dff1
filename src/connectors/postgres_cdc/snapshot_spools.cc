#include "connectors/postgres_cdc/snapshot_spools.h"

#include <algorithm>
#include <charconv>
#include <filesystem>

#include <fmt/core.h>

namespace tidemark {

namespace fs = std::filesystem;

template <typename F>
void SnapshotSpools::for_each(F&& f) {
  if (count_ == 0) {
    return;
  }
  std::lock_guard lock(mutex_);
  for (Entry& entry : entries_) {
    f(entry);
  }
}

template <typename F>
void SnapshotSpools::remove_if(F&& f) {
  std::lock_guard lock(mutex_);
  std::erase_if(entries_, [&](Entry& entry) {
    bool is_over = f(entry);
    if (is_over) {
      entry.spool->remove();
    }
    return is_over;
  });
  count_ = entries_.size();
}

void SnapshotSpools::open() {
  std::lock_guard lock(mutex_);
  std::error_code error;
  std::vector<std::string> folders;
  for (const fs::directory_entry& folder : fs::directory_iterator(directory_, error)) {
    folders.push_back(folder.path().string());
  }
  for (const std::string& folder : folders) {
    std::string name = fs::path(folder).filename().string();
    uint64_t number = 0;
    std::from_chars(name.data(), name.data() + name.size(), number);
    next_ = std::max(next_, number + 1);
    if (std::shared_ptr<SnapshotSpool> spool = SnapshotSpool::open(folder)) {
      entries_.push_back({.spool = std::move(spool)});
    }
  }
  count_ = entries_.size();
}

void SnapshotSpools::clear() {
  remove_if([](const Entry&) { return true; });
  std::error_code ignored;
  fs::remove_all(directory_, ignored);
}

std::shared_ptr<SnapshotSpool> SnapshotSpools::find(ReaderId reader, const ReaderPlan& plan) {
  std::lock_guard lock(mutex_);
  for (ReaderId owner : {reader, ReaderId{0}}) {
    for (Entry& entry : entries_) {
      if (entry.reader == owner && entry.spool->is_of(plan)) {
        entry.reader = reader;
        return entry.spool;
      }
    }
  }
  return nullptr;
}

std::shared_ptr<SnapshotSpool> SnapshotSpools::make(ReaderId reader, const ReaderPlan& plan) {
  if (std::shared_ptr<SnapshotSpool> own = find(reader, plan)) {
    return own;
  }
  remove(reader);
  if (!SnapshotSpool::suits(plan)) {
    return nullptr;
  }
  std::lock_guard lock(mutex_);
  auto spool = std::make_shared<SnapshotSpool>(fmt::format("{}/{}", directory_, next_++), plan);
  entries_.push_back({.reader = reader, .spool = spool});
  count_ = entries_.size();
  return spool;
}

void SnapshotSpools::forget(ReaderId reader) {
  for_each([&](Entry& entry) {
    if (entry.reader == reader) {
      entry.spool->forget();
    }
  });
}

void SnapshotSpools::remove(ReaderId reader) {
  remove_if([&](const Entry& entry) { return entry.reader == reader; });
}

void SnapshotSpools::remove_unclaimed() {
  remove(ReaderId{0});
}

void SnapshotSpools::sweep() {
  if (count_ != 0) {
    remove_if([](const Entry& entry) { return entry.spool->is_removed(); });
  }
}

void SnapshotSpools::touch(const PgRelation& relation, const PgRowChange& change) {
  for_each([&](Entry& entry) { entry.spool->touch(relation, change); });
}

void SnapshotSpools::mark(Lsn position) {
  for_each([&](Entry& entry) { entry.spool->mark(position); });
}

void SnapshotSpools::settle(Lsn position) {
  for_each([&](Entry& entry) { entry.spool->settle(position); });
}

}  // namespace tidemark
