#pragma once
// What a job has for its sink, and the thread that writes it there (connectors/sink.h has the
// protocol).
//
//   step thread   add ─► changes, numbered ─────────────► stage: those that are not prepared, and
//                            │      ▲ prepared: they go     the token    │ durable
//   sink's thread            └► write ─► prepare ─► token                └► commit
//
// A change is kept here until the sink has prepared it, and a checkpoint puts what is not prepared
// into the store: so a checkpoint never waits for a sink that is slow or whose disk is full, and
// nothing is lost with the process. Past kBytesMax there is no room, and what changes waits, added
// up, at the output of the job's graph: in the end a sink that does not keep up costs its job's
// freshness, and nobody else anything.
//
// Thread rule: the step thread, but for the state that SHOW JOBS shows.

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "connectors/sink.h"
#include "state/store.h"
#include "zset/zset.h"

namespace tidemark {

// kDataError names the first row that has NULL where the sink says NOT NULL.
Status check_not_null(const RowBatch& rows, const Schema& schema);

class SinkFeed {
 public:
  // `interval_us`: without a store, how often what was written is shown.
  SinkFeed(std::unique_ptr<Sink> sink, Schema schema, std::optional<std::vector<size_t>> key,
           int64_t interval_us);
  // Writes nothing more; what was staged last and is on disk is still committed.
  ~SinkFeed();

  // What waits is kept in the store from now on. `token` and what waits there are of an earlier
  // process, if `is_stored`.
  Status attach(const Store& store, std::string prefix, bool is_stored, std::string token);
  // Begins to write. `wake` is called from the sink's thread when there is room again, or a token.
  void start(std::function<void()> wake);

  // Before start(): whether the sink could be written at all. Waits for it.
  Status check() { return sink_->check(); }
  bool has_room() const;
  void add(Lsn mark, int64_t commit_time_us, const ZBatch& changes);

  // All that was added is prepared, or waits for something else than to be asked; asks for it.
  bool is_prepared();
  // A token, or changes, that no batch has yet.
  bool has_news() const;
  // What waits goes into the batch; the token belongs to the same batch.
  std::string stage(StoreBatch& batch);
  void staged_is_durable();

  // The job is over: what is committed stays, all else goes. Waits for the disk.
  Status finish();

  // Why it does not go on; OK: it does. Any thread.
  Status last_error() const;
  uint64_t waiting_bytes() const;

 private:
  struct Entry {
    uint64_t number = 0;
    Lsn mark;
    int64_t commit_time_us = 0;
    size_t bytes = 0;
    std::shared_ptr<const ZBatch> changes;  // shared with the sink's thread
  };
  enum class Task : uint8_t { kStop, kRestore, kCommit, kWrite, kPrepare, kFinish };

  void add_entry(Lsn mark, int64_t commit_time_us, ZBatch changes);
  Status load(std::string token);
  std::string entry_key(uint64_t number) const;
  void run();
  // Waits for something to do; with the lock held.
  Task next_task(std::unique_lock<std::mutex>& lock);
  std::optional<Task> due_task(int64_t now) const;
  Status perform(Task task, std::unique_lock<std::mutex>& lock);
  Status write(std::unique_lock<std::mutex>& lock);
  Status prepare(std::unique_lock<std::mutex>& lock);
  Status commit(std::unique_lock<std::mutex>& lock);

  const std::unique_ptr<Sink> sink_;  // the sink's thread, once it has begun
  const Schema schema_;
  const std::optional<std::vector<size_t>> key_;
  const int64_t interval_us_;
  const Store* store_ = nullptr;  // null: nothing is kept
  std::string prefix_;
  std::function<void()> wake_;

  mutable std::mutex mutex_;  // guards all below
  std::condition_variable ready_;
  std::deque<Entry> entries_;  // that are not prepared
  size_t bytes_ = 0;           // of entries_
  uint64_t next_number_ = 1;
  uint64_t written_ = 0;   // the last number that the sink has
  uint64_t prepared_ = 0;  // the last number that its token covers
  std::string token_;
  std::optional<std::string> to_commit_;
  bool is_restored_ = false;
  bool is_asked_ = false;  // to prepare
  bool is_stopping_ = false;
  bool is_finishing_ = false;
  bool is_over_ = false;     // finished
  int64_t prepared_us_ = 0;  // steady, as all that follow
  std::optional<int64_t> sink_due_us_;
  Status last_error_;
  std::optional<Task> failed_;   // with last_error_; its success is the end of it
  int64_t pause_us_ = 0;         // since the last error
  int64_t not_before_us_ = 0;    // the next attempt
  uint64_t next_staged_ = 1;     // the first number that no batch has
  uint64_t first_stored_ = 1;    // numbers from here to before next_staged_ may be in the store
  std::string staged_token_;     // of the last batch
  bool is_token_staged_ = true;  // token_ is staged_token_
  std::thread thread_;           // last
};

}  // namespace tidemark
