#pragma once
// Reads tables as they are at one exported snapshot: COPY in binary over ranges of pages, on a few
// connections in parallel, straight into columns. No lock, no key, no chunk queries.
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
#include "connectors/postgres_cdc/xid_snapshot.h"
#include "postgres/connection.h"
#include "postgres/interrupt.h"

namespace tidemark {

struct SnapshotTarget {
  ReaderId reader;
  std::shared_ptr<const ReaderPlan> plan;  // shared with the decoder; immutable
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
  // Begins to read.
  Status start(std::vector<SnapshotTarget> targets);
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
  };
  struct Progress {
    SnapshotTarget target;
    uint64_t rows_total = 0;
    std::atomic<uint64_t> rows_done{0};
    std::atomic<size_t> work_left{0};
    std::atomic<bool> is_failed{false};
  };

  void run(PostgresConnection connection);
  Status read(PostgresConnection& connection, const Work& work);
  bool push(Progress& progress, RowBatch rows);  // false: interrupted
  void finish(const Work& work, Status status);

  const ServerAddress& address_;
  EventQueue& queue_;
  const Callbacks callbacks_;
  Interrupt interrupt_;
  std::vector<PostgresConnection> connections_;
  std::vector<std::future<Result<PostgresConnection>>> connecting_;
  std::vector<std::unique_ptr<Progress>> progress_;  // one a target
  std::vector<Work> work_;                           // immutable once started
  std::atomic<size_t> next_work_{0};
  std::atomic<int> running_{0};
  std::vector<std::thread> threads_;
};

}  // namespace tidemark
