#pragma once
// Turns the messages of one change stream into events: whole commits, for each reader from the
// right transaction on.
//
// A reader goes through these states, all changes at commit boundaries:
//
//   add_reader ──► holding: its changes are kept as they came, with their transaction
//   finish_snapshot ──► live: the kept ones are handed out, less those that its snapshot has
//   already position() reaches the snapshot's end ──► ready
//
// A stream that was lost may go on from the position reached, or from one before: commits that were
// received already are left out. cut_off() forgets what was received of a commit that has not
// ended, and rewind() does it without a loss, for a stream that is read again. If parts of it were
// handed out, the next commit must be the same one, and as many of its changes are left out for
// each reader as that reader was given. The server sends a transaction's changes in the order of
// its log, whether in parts or at once, and those of a table that is published throughout are the
// same each time (docs/decisions/0008).
//
// Laws: an event belongs to the commit that the next CommitEvent ends; nothing of a transaction is
// handed out before its commit is known; a transaction in parts (streamed while in progress) is
// kept aside until its commit, without the subtransactions that were rolled back.
//
// Thread rule: one thread, the receiver's.

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <unordered_map>

#include "connectors/postgres_cdc/batch_builder.h"
#include "connectors/postgres_cdc/event_queue.h"
#include "connectors/postgres_cdc/snapshot_spools.h"
#include "connectors/postgres_cdc/spill_buffer.h"
#include "connectors/postgres_cdc/xid_snapshot.h"

namespace tidemark {

class ChangeDecoder {
 public:
  struct Callbacks {
    // Waits for room; false: interrupted.
    std::function<bool(SourceEvent)> emit;
    // The server describes a table, as it does before the first row and when something about it may
    // have changed. Readers may be lapsed or given another plan in it.
    std::function<Status(uint32_t table)> described;
    // A row does not have the reader's columns as its plan has them. To be lapsed in it.
    std::function<Status(ReaderId reader, const Status& why)> unreadable;
  };
  // `spools` learn of the rows that change; null: there are none.
  ChangeDecoder(Callbacks callbacks, DeliveredXids& delivered, SnapshotSpools* spools = nullptr);
  ~ChangeDecoder();
  // Commits up to here are handed out each alone.
  void set_alone_until(Lsn position) { alone_until_ = position; }
  // Whether commits that are handed out from here on come from a backlog.
  void set_late(bool is_late) { is_late_ = is_late; }

  // One message of pgoutput. While `coalesce`, commits are handed out together as one.
  Status on_message(std::string_view message, bool coalesce);
  // No further message has been received: hands out the commits that are complete.
  Status on_drained();
  // Everything before `position` has been received (a keepalive).
  Status on_keepalive(Lsn position, int64_t time_us);

  // What comes next begins at position(), or before it: what has not ended comes again. Hands out
  // the commits that are complete.
  Status rewind();
  // The stream is lost, and will go on from position(). As rewind, and forgets readers whose
  // snapshot is not finished.
  Status cut_off();
  // The stream starts, or goes on, at this position: the first events.
  Status start_at(Lsn position);

  // Only between transactions, and so that no commit is handed out in part.
  bool in_transaction() const { return in_transaction_ || cut_off_xid_.has_value(); }
  void add_reader(ReaderId id, std::shared_ptr<const ReaderPlan> plan);
  // One whose content as of `position` is held already: it is ready when the stream starts there.
  void add_resumed_reader(ReaderId id, std::shared_ptr<const ReaderPlan> plan, Lsn position);
  // `snapshot` is what its rows were read at; they are complete once the stream has reached `end`.
  Status finish_snapshot(ReaderId id, XidSnapshot snapshot, Lsn end);
  void remove_reader(ReaderId id);
  void fail_reader(ReaderId id, Status status);
  // The reader ends here with this event, a reset or a stop; also within a transaction, whose
  // changes it is then not given (or no further ones).
  Status lapse_reader(ReaderId id, decltype(SourceEvent::body) last);
  // What follows is read by this plan, which has the same columns.
  Status replace_plan(ReaderId id, std::shared_ptr<const ReaderPlan> plan);

  bool has_reader(ReaderId id) const;
  bool is_ready(ReaderId id) const;
  const std::shared_ptr<const ReaderPlan>& plan(ReaderId id) const;
  bool all_ready() const;
  bool needs_text() const;
  std::vector<ReaderId> reader_ids() const;

  // The end of the last commit received, or later.
  Lsn position() const { return position_; }
  // When the last commit received was made, by the source's clock, since 2000-01-01.
  int64_t commit_time_us() const { return last_commit_.commit_time_us; }
  // The end of the last commit that was handed out.
  Lsn handed_out() const { return handed_out_; }
  // For callbacks: the commit of the transaction that is being applied is there, or before it.
  Lsn commit_position() const { return commit_position_; }

 private:
  struct ReaderStream;
  struct Target;
  struct Relation;
  struct StreamedTransaction;

  // In memory, per transaction in progress and per reader in its snapshot; then it goes to disk.
  static constexpr size_t kStreamedMemoryBytes = 16 << 20;
  static constexpr size_t kHeldMemoryBytes = 8 << 20;

  Status on_transaction_message(char kind, std::string_view body, bool coalesce);
  Status apply(char kind, std::string_view body);
  Status apply_relation(std::string_view body);
  Status apply_row(char kind, std::string_view body);
  Status apply_truncate(std::string_view body);
  Status append_row(ReaderStream& reader, const Result<RelationMap>& map,
                    const PgRelation& relation, const PgRowChange& change, char kind);
  Status end_transaction(const PgCommit& commit, bool coalesce);
  Status commit_streamed(uint32_t xid, const PgCommit& commit);
  Status replay_held(ReaderStream& reader);
  Status flush_commits();
  Status flush_chunk(ReaderStream& reader);
  Status emit_batch(ReaderStream& reader, ChangeBatch batch);
  Status emit_commit();
  Status emit_ready();
  Status emit_progress(int64_t time_us);
  void mark_spools();
  Status emit(ReaderId reader, decltype(SourceEvent::body) body, size_t bytes = 64);
  void map_readers(Relation& relation);
  void drop_lapsed();

  const Callbacks callbacks_;
  DeliveredXids& delivered_;
  SnapshotSpools* const spools_;
  std::map<ReaderId, std::unique_ptr<ReaderStream>> readers_;
  std::unordered_map<uint32_t, Relation> relations_;
  std::unordered_map<uint32_t, StreamedTransaction> streamed_;

  bool in_transaction_ = false;          // between B and C
  bool is_repeated_ = false;             // that transaction was received before
  std::optional<uint32_t> in_part_;      // between S and E: the transaction
  uint32_t xid_ = 0;                     // of the transaction being applied
  Lsn commit_position_;                  // likewise
  std::optional<uint32_t> cut_off_xid_;  // handed out in part when the stream was lost
  PgRowChange change_;                   // reused
  Lsn position_;
  Lsn handed_out_;
  Lsn told_;  // the last position that was emitted
  int64_t keepalive_time_us_ = 0;
  CommitInfo last_commit_;
  Lsn alone_until_;
  bool is_late_ = false;
  bool has_pending_commit_ = false;  // last_commit_ is complete and not handed out
  bool commit_has_rows_ = false;     // events have gone out since the last CommitEvent
};

}  // namespace tidemark
