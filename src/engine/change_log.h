#pragma once
// What a materialized view has published lately, so that a reader who was cut off goes on where it
// was (SUBSCRIBE v AS OF MARK): the changes of each publication, as far back as the view's
// retention and a number of bytes reach.
//
//   start ── entry: first..mark ── entry: first..mark ──► the view's mark
//
// An entry holds the commits from `first` to `mark`, which were published together. At a position
// before `first` the view is as after the entry before; between the two it was never shown.
//
// Of a durable view it is kept in the store, with each checkpoint; what is newer is only here.
// After a restart the commits since the checkpoint come again, one by one, and with them every mark
// that the earlier process can have shown.
//
// Thread rule: the step thread, but for ChangeLogRead: the one thread that has it.

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/subscription.h"
#include "state/store.h"
#include "types/lsn.h"
#include "zset/zset.h"

namespace tidemark {

struct ChangeLogEntry {
  uint64_t number = 0;
  Lsn first;
  Lsn mark;
  int64_t commit_time_us = 0;
  int64_t published_us = 0;
  size_t bytes = 0;
  std::shared_ptr<const ZBatch> changes;  // null: in the store. Shared with readers
};

// The entries after a mark, to be read off the step thread.
class ChangeLogRead {
 public:
  // As a subscription tells them. Reads the store.
  Result<std::vector<ViewUpdate>> updates(const std::optional<std::vector<size_t>>& key) const;
  // What they take from the content, added up: with them the view is as it was at the mark. Reads
  // the store.
  Result<std::vector<ZBatch>> undone() const;

 private:
  friend class ChangeLog;
  Result<std::shared_ptr<const ZBatch>> rows_of(const ChangeLogEntry& entry) const;
  std::vector<ChangeLogEntry> entries_;
  std::vector<Type> types_;
  const Store* store_ = nullptr;
  std::string prefix_;
};

class ChangeLog {
 public:
  // retention_us 0: keeps nothing.
  void configure(int64_t retention_us) { retention_us_ = retention_us; }
  // From now on in the store, under keys that begin with the prefix. `mark`: of the view, if an
  // earlier process left entries there.
  Status attach(const Store& store, std::string prefix, const std::vector<Type>& types,
                std::optional<Lsn> mark);

  // The view is shown for the first time, or counts anew: what was before is forgotten.
  void begin(Lsn mark);
  // Without changes it says that between the two the view was not shown: a reader who has been
  // there, with an earlier process, cannot go on.
  void add(Lsn first, Lsn mark, int64_t commit_time_us, int64_t published_us,
           const ZBatch& changes);

  // What follows the mark, up to where the view is shown now. Error: the mark lies before
  // what is kept, or was never shown.
  Result<ChangeLogRead> after(Lsn mark, Lsn shown) const;
  // What was published at a mark; nullopt: nothing is kept of it.
  Result<std::optional<ZBatch>> changes_at(Lsn mark) const;
  // The newest entry.
  const ChangeLogEntry& last() const { return entries_.back(); }
  bool empty() const { return entries_.empty(); }

  void stage(StoreBatch& batch);
  void staged_is_durable();

 private:
  std::string entry_key(uint64_t number, char part) const;
  std::string encode_start() const;
  // Lets go of what is too old, or too much: with each change, so a view at rest keeps what it has.
  void trim(int64_t now_us);
  void drop_first();

  int64_t retention_us_ = 0;
  std::vector<Type> types_;
  const Store* store_ = nullptr;  // null: in memory only
  std::string prefix_;
  Lsn start_;
  std::deque<ChangeLogEntry> entries_;
  size_t bytes_ = 0;  // of entries_
  uint64_t next_number_ = 1;
  uint64_t first_stored_ = 1;  // numbers from here to before next_staged_ are in the store
  uint64_t next_staged_ = 1;   // the first number that is in no batch yet
  std::string stored_start_;   // as the store, or the batch, has it
};

}  // namespace tidemark
