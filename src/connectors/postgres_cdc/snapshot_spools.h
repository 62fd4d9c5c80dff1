#pragma once
// What a source keeps of the snapshots of its readers: a SnapshotSpool for each that can go on,
// found again by the plan of the reader.
//
// Thread rule: any thread.

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "connectors/connector.h"
#include "connectors/postgres_cdc/snapshot_spool.h"

namespace tidemark {

class SnapshotSpools {
 public:
  explicit SnapshotSpools(std::string directory) : directory_(std::move(directory)) {}

  // Takes what an earlier process left; nobody has it.
  void open();
  // Removes everything.
  void clear();
  bool empty() const { return count_ == 0; }

  // The reader's own, if it is of this plan; or one that nobody has, which is the reader's from now
  // on. null: there is none.
  std::shared_ptr<SnapshotSpool> find(ReaderId reader, const ReaderPlan& plan);
  // That, or a new one. null: by this plan a snapshot cannot go on.
  std::shared_ptr<SnapshotSpool> make(ReaderId reader, const ReaderPlan& plan);
  // The ranges are worth nothing: changes may have been missed.
  void forget(ReaderId reader);
  void remove(ReaderId reader);
  void remove_unclaimed();
  // Leaves out those that keep nothing.
  void sweep();

  // --- the stream; see SnapshotSpool ---
  void touch(const PgRelation& relation, const PgRowChange& change);
  void mark(Lsn position);
  void settle(Lsn position);

 private:
  struct Entry {
    ReaderId reader = 0;                   // 0: nobody's
    std::shared_ptr<SnapshotSpool> spool;  // shared with the threads that read the snapshot
  };
  template <typename F>
  void for_each(F&& f);
  template <typename F>
  void remove_if(F&& f);

  const std::string directory_;
  std::mutex mutex_;  // guards the two below
  std::vector<Entry> entries_;
  uint64_t next_ = 0;
  std::atomic<size_t> count_{0};
};

}  // namespace tidemark
