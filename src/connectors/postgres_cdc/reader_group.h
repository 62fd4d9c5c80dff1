#pragma once
// Readers that begin together: their tables in the publication, one snapshot for all of them, and
// their place in the stream. Works in its own thread, so that the stream and other readers go on.
//
// The order that makes it exact (docs/decisions/0003_postgres_cdc_consistency.md):
//   1. the table is in the publication, and no transaction runs that wrote to it before;
//   2. the decoder keeps the readers' changes, from the next commit on;
//   3. a snapshot is taken that sees every commit delivered before 2;
//   4. of the kept changes those of transactions that the snapshot sees are dropped;
//   5. when the stream has passed the log's end as it was after 3, nothing is missing.

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "connectors/postgres_cdc/receiver.h"
#include "connectors/postgres_cdc/snapshot_reader.h"

namespace tidemark {

class ReaderGroup {
 public:
  explicit ReaderGroup(Receiver& receiver);
  ~ReaderGroup();  // ends its threads

  // The first readers of an epoch: begins to connect while the catalogs are asked, ...
  void connect();
  void prepare(std::vector<SnapshotTarget> targets);
  // ... is connected before the slot is made, ...
  Status await_connections();
  // ... and reads at the slot's own snapshot. Registers the readers; called on the receiver's
  // thread.
  Status begin_at_slot(const std::string& snapshot_name, Lsn consistent_point,
                       ChangeDecoder& decoder);

  // Readers added while the stream runs.
  void begin_later(std::vector<ReaderRequest> requests);

  bool is_finished() const;

 private:
  void keep_snapshots();
  Status run_later(const std::vector<ReaderRequest>& requests);
  Status publish(const std::vector<ReaderRequest>& requests);
  Status await_text();
  Result<uint64_t> register_readers();
  void finish_reader(ReaderId reader);

  Receiver& receiver_;
  Interrupt interrupt_;
  std::vector<SnapshotTarget> targets_;
  XidSnapshot snapshot_;
  Lsn end_;
  std::unique_ptr<SnapshotReader> reader_;
  std::atomic<bool> is_set_up_{false};
  std::thread thread_;
};

// Asks the catalog about the requests' tables and plans their reading. A reader that cannot be read
// fails alone; errors of the connection are returned.
Result<std::vector<SnapshotTarget>> plan_readers(Receiver& receiver,
                                                 const std::vector<ReaderRequest>& requests);

}  // namespace tidemark
