#pragma once
// Reads tables as they are at one exported snapshot: COPY in binary over ranges of pages, on a few
// connections in parallel, straight into columns. No lock, no key, no chunk queries. What a durable
// source has kept of a snapshot that was cut off is not read again (snapshot_spool.h).
//
// Thread rule: made, started and destroyed by one thread; works in its own.

#include <atomic>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "connectors/postgres_cdc/event_queue.h"
#include "connectors/postgres_cdc/reader_plan.h"
#include "connectors/postgres_cdc/server_address.h"
#include "connectors/postgres_cdc/snapshot_spool.h"
#include "connectors/postgres_cdc/xid_snapshot.h"
#include "postgres/connection.h"
#include "postgres/interrupt.h"

namespace tidemark {

struct SnapshotTarget {
  ReaderId reader;
  std::shared_ptr<const ReaderPlan> plan;  // shared with the decoder; immutable
  // Where its rows are kept until they are needed no more, and what is kept of an earlier reading;
  // shared with the source. null: its rows are not kept.
  std::shared_ptr<SnapshotSpool> spool = nullptr;
};

class SnapshotReader {
 public:
  // A reader's rows are complete, or reading failed. From the snapshot's threads.
  struct Callbacks {
    std::function<void(ReaderId)> done;
    std::function<void(ReaderId, Status)> failed;
    // The connection was lost, or the server is going down: everything begins anew.
    std::function<void(Status)> lost;
  };

  SnapshotReader(const ServerAddress& address, EventQueue& queue, Callbacks callbacks)
      : address_(address), queue_(queue), callbacks_(std::move(callbacks)) {}
  ~SnapshotReader();  // ends the reading

  // Begins to connect, all at once, until there are so many connections; may be done before there
  // is a snapshot.
  void connect(size_t connections);
  // Returns when they are there: to be called before all that follows.
  Status await_connections();
  // Makes all connections see the named snapshot, and keeps TRUNCATE and rewriting ALTERs out until
  // the end. kUnavailable: one came between the snapshot and now.
  Result<XidSnapshot> import(const std::string& snapshot_name,
                             const std::vector<SnapshotTarget>& targets);
  // Takes a new snapshot, and lets all connections see it. `acceptable` may refuse one.
  Result<XidSnapshot> take(const std::vector<SnapshotTarget>& targets,
                           const std::function<bool(const XidSnapshot&)>& acceptable);
  // The log's insert position, after the snapshot.
  struct Positions {
    Lsn inserted;
    Lsn flushed;
  };
  Result<Positions> positions();
  // Begins to read. All that the snapshot sees was committed before `end`.
  Status start(std::vector<SnapshotTarget> targets, Lsn end);
  void interrupt() { interrupt_.request(); }
  bool is_finished() const { return running_.load() == 0; }

 private:
  Status share(const std::string& snapshot_name, const std::vector<SnapshotTarget>& targets);
  // A range of a table's pages; end_page < 0: to the end.
  struct Work {
    size_t target;
    TablePart part;
    int64_t first_page;
    int64_t end_page;
    int64_t pages;         // about
    double rows_per_page;  // likewise, those of the plan's condition and others
  };
  // Ranges of a part that were kept: of one the rows that have not changed, or of all those that
  // have.
  struct KeptWork {
    size_t target;
    TablePart part;
    std::vector<SpooledRange> ranges;
    bool wants_changed;
  };
  struct Progress {
    SnapshotTarget target;
    std::mutex mutex;                            // guards `changed`
    std::shared_ptr<const ChangedKeys> changed;  // since the ranges kept were read; of all threads
    uint64_t rows_total = 0;
    std::atomic<uint64_t> rows_done{0};
    std::atomic<size_t> work_left{0};
    std::atomic<bool> is_failed{false};
  };

  Result<std::string> fingerprint(const TableInfo& table);
  Status add_work(size_t target);
  // Into ranges of `pages_max` at most; 0: it stays whole.
  void cut(Work work, int64_t pages_max);
  void run(PostgresConnection connection);
  bool run_next(PostgresConnection& connection, size_t next);  // false: the connection is of no use
  Status read(PostgresConnection& connection, const Work& work);
  Status read_kept(PostgresConnection& connection, const KeptWork& work);
  Result<std::shared_ptr<const ChangedKeys>> changed_keys(Progress& progress);
  Status read_back(Progress& progress, const SpooledRange& range, const ChangedKeys& changed);
  // What the query gives, less what `pick` takes away; also to the writer, if there is one. Returns
  // how many rows it gives.
  Result<uint64_t> copy(PostgresConnection& connection, Progress& progress, const std::string& sql,
                        SnapshotSpool::Writer* writer,
                        const std::function<RowBatch(RowBatch)>& pick);
  bool push(Progress& progress, RowBatch rows);  // false: interrupted
  void finish(size_t target, Status status);

  const ServerAddress& address_;
  EventQueue& queue_;
  const Callbacks callbacks_;
  Interrupt interrupt_;
  std::vector<PostgresConnection> connections_;
  std::vector<std::future<Result<PostgresConnection>>> connecting_;
  std::vector<std::unique_ptr<Progress>> progress_;  // one a target
  std::vector<Work> work_;                           // immutable once started, as the next
  std::vector<KeptWork> kept_work_;                  // after all of it: the stream may be behind
  Lsn end_;
  std::atomic<size_t> next_work_{0};
  std::atomic<int> running_{0};
  std::vector<std::thread> threads_;
};

}  // namespace tidemark
