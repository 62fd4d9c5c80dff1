#pragma once
// The step loop: polls the sources, runs the graphs that have input, publishes.
//
//   forever: run posted commands
//            poll every source (bounded); changes gather at the feeds of the dataflows
//            step 1: new versions of views that are complete take their places; what came in
//            whole commits -> graphs -> publish (views in order, each feeds the next); look-ups
//            find it, then its readers are told
//            step 2: what came of a commit that has not ended -> graphs, nothing is
//            published acknowledge to the sources what has been published
//
// Thread rule: post() and run() from any thread; everything else is the loop's own.

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>

#include "base/clock.h"
#include "base/workers.h"
#include "engine/backlog.h"
#include "engine/dataflow.h"
#include "engine/plan_dataflow.h"
#include "engine/published_views.h"

namespace tidemark {

class Durability;
class SourceFeed;
struct BoundPoint;
struct EngineOptions;
struct SourceRecord;

class StepLoop {
 public:
  // `durability` may be null: nothing is kept. Both outlive the loop.
  StepLoop(const EngineOptions& options, Durability* durability);
  ~StepLoop();

  // Runs a function on the step thread and waits for it; in a simulation, here.
  void run(std::function<void()> command);
  void post(std::function<void()> command);
  // One turn of the loop, by the caller: of a simulation only, which has no step thread. True:
  // there is more to do at once.
  bool turn();
  void wake();
  // What views show, without a turn of the loop. Any thread.
  const PublishedViews& published() const { return published_; }
  // Whether views are behind. Any thread.
  const Backlog& backlog() const { return backlog_; }

  // --- on the step thread (call from within run or post) ---

  // The open source of a key, or null.
  Source* find_source(const std::string& key);
  // The source of a table's declaration, opened if it is not open yet.
  Result<Source*> open_source(const std::string& key, const Options& with);
  // As an earlier process left it. It begins with start_sources().
  Status resume_source(const std::string& key, const SourceRecord& record);
  void start_sources();
  std::map<std::string, std::unique_ptr<SourceFeed>>& sources() { return sources_; }
  Durability* durability() { return durability_; }

  // Starts a dataflow: its tables and views begin to feed it.
  Result<DataflowId> add_dataflow(PlannedDataflow planned);
  // A materialized view's or a job's dataflow with the state that an earlier process left: it is
  // live at its mark at once.
  Status resume_dataflow(PlannedDataflow planned);
  // A job's whose state is not that of the sources' positions: what it reads is read anew, and its
  // sink gets the difference.
  Status reread_dataflow(PlannedDataflow planned);
  // Ids below this are taken.
  void reserve_ids(DataflowId next) { next_id_ = std::max(next_id_, next); }
  // The parts that it would share with others if it was begun now.
  std::vector<const Dataflow*> parts_for(const PlannedDataflow& planned);
  void remove_dataflow(DataflowId id);
  Dataflow* find_dataflow(DataflowId id);
  // The version that is shown; the one that is being built.
  Dataflow* find_view(ObjectId object);
  Dataflow* find_build(ObjectId object);
  std::map<DataflowId, std::unique_ptr<Dataflow>>& dataflows() { return dataflows_; }
  // What it reads, directly and through views, is at the position of its source: what its output
  // has gathered is an answer. A view in error, or one that is being read anew, stays behind.
  bool is_current(const Dataflow& dataflow) const;
  void add_waiter(std::shared_ptr<MarkWaiter> waiter);
  void subscribe(Dataflow& dataflow, Subscriber subscriber);
  // A subscriber that has the view's content at subscriber.as_of. What is kept of the changes since
  // is for the caller to put in front of the subscription's updates; nothing yet if the mark comes
  // only now, after a restart.
  Result<ChangeLogRead> resubscribe(Dataflow& view, Subscriber subscriber);
  // Calls f with the dataflow, and for a part with all that read it.
  template <typename F>
  void with_readers(Dataflow& dataflow, F&& f) {
    f(dataflow);
    for (DataflowId id : dataflow.is_part() ? dataflow.downstream : std::vector<DataflowId>()) {
      if (Dataflow* reader = find_dataflow(id)) {
        with_readers(*reader, f);
      }
    }
  }
  // --- reads that answer once (step_loop_reads.cc) ---

  // A materialized view's content: at the end of the last turn, or at the pin. nullopt: it shows
  // nothing yet. Error: it has failed, a row error stands, the pin is too old, the view has another
  // definition by now (is_view_changed()). `point`, if not null: only its rows are needed; the
  // content that is not in memory is then left there, if they can be found in the store.
  Result<std::optional<ViewRead>> read_view(const CatalogObject& object, const ReadPin* pin,
                                            const BoundPoint* point);
  // The same at an earlier mark: the newest content, and the changes since, which the caller takes
  // back. Error also: the mark is not reached yet, or is not kept.
  struct EarlierView {
    ViewRead now;
    ChangeLogRead since;
  };
  Result<EarlierView> read_view_as_of(const CatalogObject& object, Lsn mark);
  // Keeps all views readable as they are now, for as long as it is held.
  std::shared_ptr<ReadPin> pin();
  // A view's content, which is not in memory and would fill it, in pieces, until f says false. What
  // is returned has the mark, and no rows. nullopt: it shows nothing yet, or can be read whole.
  Result<std::optional<ViewRead>> read_in_pieces(const CatalogObject& object,
                                                 const std::function<bool(const ZBatch&)>& f);
  // Readers' contents of more bytes go, but for those that are being read just now.
  void drop_large_bases(uint64_t bytes_min);
  // A reader gives back the content that it has added up.
  void rebase_view(ObjectId object, uint64_t turn, std::shared_ptr<const ViewContent> content);

  // --- new versions of views (step_loop_versions.cc) ---

  // A build is complete, and no other is on its way.
  bool may_place() const;
  // Begins to put it in its place: until place_version() nothing new is shown. Between two commits.
  void begin_placement();
  // What the next start finds is the new version: the next turn shows it.
  void placement_is_durable();
  const Placement* placement() const { return placement_ ? &*placement_ : nullptr; }

  // Somebody is to be given what a part holds before this turn ends: all of it is in memory, and
  // has to stay there.
  bool is_joining() const;

  // Ends the readers of a dataflow whose wanted mark has been reached already.
  void end_done(DataflowId id);

 private:
  friend class SourceFeed;

  void loop();
  bool run_commands();
  void end();
  bool poll_sources();
  void step_closed();
  bool step_open();
  bool take_part_input(Dataflow& dataflow);
  void step_part(Dataflow& part);
  bool join_parts(Dataflow& dataflow);
  void commit_parts();
  template <typename Request>
  Dataflow* find_part(const Request& request, const Dataflow& reader);
  template <typename Request>
  Result<PartFeed*> read_part(Dataflow& reader, Request& request, std::optional<DataflowId> known);
  // Connects it with its parts, and takes their tables from `planned`.
  Status read_parts(Dataflow& dataflow, PlannedDataflow& planned, bool is_resumed);
  void leave_parts(Dataflow& dataflow);
  void run_graph(Dataflow& dataflow);
  void publish(Dataflow& dataflow);
  void feed_downstream(Dataflow& dataflow, const ZBatch& changes, bool is_reread);
  void fill_readers();
  void fill_reader(Dataflow& reader, ViewFeed& view, Dataflow& upstream);
  void tell_subscribers(Dataflow& dataflow, const ZBatch& changes);
  Dataflow* complete_build() const;
  void place_versions();
  void place_version(const Placement& placement);
  void hand_over_readers(Dataflow& from, Dataflow& to, const Placement& placement);
  void sort_dataflows();
  void publish_progress(Dataflow& dataflow);
  void log_changes(Dataflow& dataflow, Lsn before, bool is_reread, const ZBatch& changes);
  void go_on_with(Dataflow& dataflow, Subscriber& subscriber, const ViewUpdate& update);
  void send_content(Dataflow& dataflow, Subscriber& subscriber);
  void end_subscribers_that_are_done(Dataflow& dataflow);
  void end_readers(Dataflow& dataflow, const Status& status);
  Result<Dataflow*> readable_view(const CatalogObject& object);
  bool may_load(Dataflow& view);
  ZBatch whole_content(Dataflow& view);
  // Error: whoever reads the content as a whole would run out of memory.
  Status fits(Dataflow& view);
  // Why the dataflow, or one that it reads, shows nothing new until something is mended.
  std::optional<Status> obstacle(const Dataflow& dataflow);
  Status damage() const;
  void fail(Dataflow& dataflow, Status status);
  void tell_snapshot(Dataflow& dataflow);
  void collect_garbage();
  // The mark of what is published now: the last commit in it; or, of a first content or a progress,
  // the source's position.
  enum class MarkKind : uint8_t { kCommit, kPosition };
  void set_mark(Dataflow& dataflow, MarkKind kind);
  bool is_behind_position(const Dataflow& dataflow);
  std::pair<Dataflow*, TableFeed*> feed_of(const std::string& source_key, ReaderId reader);

  Result<Dataflow*> new_dataflow(PlannedDataflow planned);
  Result<Dataflow*> restored_dataflow(PlannedDataflow planned, bool is_resumed);
  void drop_feeds(Dataflow& dataflow);
  void feed_from_tables(Dataflow& dataflow, std::vector<TableRequest>& tables, bool is_resumed);
  void wait_for_work(bool more);
  bool index_loose();
  void tell_waiters();
  void note_backlog(bool more, int64_t began_us);
  uint64_t first_pinned() const;
  void keep_history(Dataflow& dataflow, const ZBatch& changes);
  void trim_history();
  void show_views();
  void hide(Dataflow& dataflow);
  // To a reader: at once, or, in the middle of a turn, when all views show what it has published.
  void send(const Subscriber& subscriber, ViewUpdate update);
  void send_outbox();
  void abandon_unread_sources();

  SourceOpening opening_of(const std::string& key, Options with, const std::string& durable_name);

  const EngineOptions& options_;
  const Clock& clock_;
  Durability* durability_;
  Workers workers_;
  std::map<std::string, std::unique_ptr<SourceFeed>> sources_;
  std::map<DataflowId, std::unique_ptr<Dataflow>> dataflows_;
  std::vector<Dataflow*> in_order_;  // all of them, upstream first
  std::optional<Placement> placement_;
  DataflowId next_id_ = 1;
  bool wants_fill_ = false;  // a reader of a view that is live is to be given its content
  uint64_t step_ = 0;
  uint64_t turn_ = 0;              // of the loop
  uint64_t oldest_kept_turn_ = 0;  // pins of earlier turns were given up
  std::vector<std::weak_ptr<ReadPin>> pins_;
  PublishedViews published_;
  Backlog backlog_;
  bool is_publishing_ = false;
  // What is_publishing_ holds back; subscriptions are shared with their readers.
  std::vector<std::pair<std::shared_ptr<Subscription>, ViewUpdate>> outbox_;
  std::vector<std::shared_ptr<MarkWaiter>> waiters_;  // shared with the threads that wait

  std::mutex mutex_;  // guards the four below
  std::condition_variable ready_;
  std::deque<std::function<void()>> commands_;
  bool woken_ = false;
  bool stopping_ = false;
  std::thread thread_;  // last: started when all else exists. A simulation has none
};

}  // namespace tidemark
