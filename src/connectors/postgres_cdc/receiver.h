#pragma once
// The heart of a source: one thread that connects, makes the slot, starts the snapshot, reads the
// stream and begins anew when the connection is lost. An epoch is the time between two beginnings:
//
//   publication ─► slot + exported snapshot ─► snapshot threads import it ─► START_REPLICATION ─►
//   loop
//                                                                             │ readers added
//                                                                             later: ▼ ReaderGroup,
//                                                                             one thread each
//   The publication is committed before the slot exists: pgoutput looks it up as of each change.
//
// A durable source goes on where it was instead, as long as the upstream can: after a lost
// connection with the decoder as it was left, after a restart with resumed readers
// (receiver_resume.cc; docs/decisions/0008). While its consumer is slow it reads ahead
// (receiver_ahead.cc; docs/decisions/0017).
//
// Thread rule: public functions may be called from any thread.

#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <thread>
#include <vector>

#include "connectors/connector.h"
#include "connectors/postgres_cdc/change_decoder.h"
#include "connectors/postgres_cdc/control_session.h"
#include "connectors/postgres_cdc/event_queue.h"
#include "connectors/postgres_cdc/log_age.h"
#include "connectors/postgres_cdc/options.h"
#include "connectors/postgres_cdc/read_ahead_log.h"
#include "postgres/interrupt.h"
#include "postgres/replication.h"

namespace tidemark {

class ReaderGroup;
struct SnapshotTarget;

// A reader as its user asked for it.
struct ReaderRequest {
  ReaderId id;
  ReaderSpec spec;
  std::string schema;
  std::string table;
  // What the table was like when the reader was planned last, or when its content was read.
  std::optional<TableShape> known;
  // Its plan has what was done to the table by commits before there; invalid: may have less.
  Lsn reviewed;
};

class Receiver {
 public:
  // Durable: where the stream goes on, and at which upstream.
  struct Place {
    Lsn position;
    UpstreamIdentity identity;
    Lsn alone_until;  // see ResumePoint
  };

  // `opening` but for its options and its place to resume.
  Receiver(PostgresCdcOptions options, SourceOpening opening, std::optional<Place> resume,
           EventQueue& queue);
  ~Receiver();

  void start();
  void change_options(const Options& with) { address_.change(with); }
  void abandon() { is_abandoned_ = true; }
  UpstreamIdentity identity() const;
  void add_reader(ReaderRequest request);
  void remove_reader(ReaderId id);
  void acknowledge(Lsn position);
  Result<Lsn> current_position();
  SourceStatus status() const;

  // For ReaderGroup.
  //
  // Runs `task` on the receiver's thread between two transactions, if this epoch lives that long;
  // who posted it may be gone by then.
  void post(std::function<Status(ChangeDecoder&)> task);
  ControlSession& control() { return control_; }
  EventQueue& queue() { return queue_; }
  // What is kept of snapshots while they are read; null: nothing.
  SnapshotSpools* spools() { return spools_.get(); }
  const DeliveredXids& delivered() const { return delivered_; }
  const ServerAddress& address() const { return address_; }
  // The stream is to reach this position soon.
  void await_position(Lsn position);
  // The epoch cannot go on.
  void lose(Status status);
  void fail_reader(ReaderId id, Status status);
  // A reader that cannot be planned: one that had content, or whose source is durable, is stopped
  // until the table changes again, a new one fails.
  void refuse_reader(ReaderId id, Status status);
  // What the catalog says about a reader's table now.
  Result<ReaderPlan> plan_reader(const ReaderRequest& request);
  // False once it was removed or has failed.
  bool is_wanted(ReaderId id) const;
  // Begins anew with a stream in text form, unless it is already. To be called from a task.
  void ask_for_text() { text_asked_ = true; }
  bool sends_text() const { return sends_text_; }

 private:
  struct Epoch;

  void run();
  bool wait_for_readers();
  void wait_for_wake();
  Status run_epoch(Epoch& epoch);
  Status begin_anew(Epoch& epoch);
  Status connect_stream(Epoch& epoch);
  void connect_ahead(Epoch& epoch);
  Result<PostgresConnection> open_walsender();
  Result<std::vector<ReaderRequest>> publish_readers(Epoch& epoch);
  Status open_stream(Epoch& epoch, const std::vector<ReaderRequest>& readers);
  void reset_readers(const std::vector<ReaderRequest>& readers);
  Status make_slot(Epoch& epoch, bool is_temporary);
  Status start_stream(Epoch& epoch, Lsn position);
  Status start_replication(Epoch& epoch, Lsn from, bool as_text);
  Status read_stream(Epoch& epoch);
  Status read_available(Epoch& epoch);
  Status run_tasks();
  void start_groups(Epoch& epoch);
  Status report(Epoch& epoch);
  void tell_progress();

  // receiver_ahead.cc
  void open_ahead();
  Lsn stream_start() const;
  Lsn ahead_start() const;
  Lsn received() const;
  bool can_read_ahead();
  bool is_text_awaited() const { return text_asked_ && !sends_text_; }
  bool is_pumping() const;
  Status attend(Epoch& epoch);
  Status keep_budget(Epoch& epoch);
  Status begin_reading_ahead(Epoch& epoch);
  Status begin_log(Epoch& epoch, Lsn from);
  Status read_ahead(Epoch& epoch);
  Status pump(Epoch& epoch);
  Status sync_ahead(Epoch& epoch);
  Status feed_decoder(Epoch& epoch);
  Status decode(const ReadAheadLog::Entry& entry);
  Status damaged(const Status& status);
  void drop_taken();
  Status release(Epoch& epoch);
  void wait_until_taken();
  std::string budget_message() const;
  void note_use(const SlotUse& use);

  // receiver_catalog.cc
  std::unique_ptr<ChangeDecoder> make_decoder();
  void watch_tables(Epoch& epoch);
  // `commit`: of the transaction whose rows are to be read next; invalid: whatever there is.
  Status review(const std::vector<uint32_t>& tables, Lsn commit = {});
  Status review_reader(ReaderId id, const ReaderPlan& plan, Lsn commit);
  void retry_stopped(const std::vector<ControlSession::Watched>& changed);
  Status read_anew(ReaderId id, std::string_view why);
  void withdraw_if_unread(const ReaderPlan& plan);
  bool emit(SourceEvent event);
  void end_epoch(Status status);

  bool is_durable() const { return !durable_name_.empty(); }
  std::string slot_name() const;
  Result<std::string> obstacle(Epoch& epoch);
  Status go_on(Epoch& epoch);
  Status take_resumed();
  Result<std::vector<SnapshotTarget>> find_spooled();
  void drop_spooled();
  void drop_unwanted();
  void forget_upstream(std::string why);
  Status drop_kept();
  Status keep_place();

  void set_state(SourceState state, std::string message);
  Lsn reportable(const ChangeDecoder& decoder) const;

  const PostgresCdcOptions options_;  // as of the start
  ServerAddress address_;
  const std::string durable_name_;
  const std::string ahead_directory_;
  CrashPoint* const crash_;
  const std::function<void(const SourceStatus&)> note_state_;
  EventQueue& queue_;
  Interrupt interrupt_;
  WakeSignal wake_;
  ControlSession control_;
  DeliveredXids delivered_;
  // The receiver's thread only, down to unreviewed_.
  Epoch* epoch_ = nullptr;
  std::unique_ptr<ChangeDecoder> decoder_;
  std::optional<Place> goes_on_;
  int walsender_pid_ = 0;                      // the last one we had
  std::string begun_anew_;                     // why, while the readers' snapshots are read
  const std::unique_ptr<ReadAheadLog> ahead_;  // null: there is no place for it
  // null: likewise.
  const std::unique_ptr<SnapshotSpools> spools_;
  Lsn spools_end_;  // what is acknowledged after it has all that they are for; not valid: not yet
  bool reads_ahead_ = false;   // what is received goes there, and is decoded from there
  Lsn durable_from_;           // our consumer had everything up to here when the stream began
  std::string ahead_damage_;   // why what an earlier process left there is of no use
  std::string ahead_trouble_;  // why what is received cannot be kept
  int64_t ahead_tried_us_ = 0;
  std::string released_;                 // why the slot was given up
  std::set<uint32_t> unreviewed_;        // tables that changed while a reader's snapshot was read
  std::atomic<uint64_t> held_bytes_{0};  // at the source, as of the last look
  std::atomic<bool> is_abandoned_{false};
  std::atomic<bool> text_asked_{false};
  std::atomic<bool> sends_text_{false};
  std::atomic<uint64_t> acknowledged_{0};
  std::atomic<uint64_t> awaited_{0};
  std::atomic<bool> is_idle_{false};

  mutable std::mutex mutex_;                   // guards all below
  std::map<ReaderId, ReaderRequest> readers_;  // wanted
  uint64_t readers_version_ = 0;               // another one after every change of what is watched
  std::vector<ReaderId> pending_;              // of them: not yet begun in this epoch
  // Has had events or content, so that a new beginning is a reset.
  std::map<ReaderId, bool> begun_;
  std::set<ReaderId> had_content_;      // was ready once
  std::map<ReaderId, Status> stopped_;  // wanted, and waiting for something to be mended
  std::vector<std::function<Status(ChangeDecoder&)>> tasks_;
  Status lost_;
  SourceStatus status_;
  LogAge held_age_;
  UpstreamIdentity identity_;

  std::thread thread_;  // last: everything above exists before it runs
};

}  // namespace tidemark
