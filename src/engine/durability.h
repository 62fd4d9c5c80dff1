#pragma once
// The conductor of checkpoints, and what the engine keeps of definitions. A checkpoint is one
// atomic, synced batch: what changed in every table of state, the views' marks, and how far each
// source has been read. Only when it is on disk are the sources told that they may forget.
//
//   step thread   stage (copies what changed) ─► next steps ...              ─► staged_is_durable,
//   acknowledge writer                                    └► write, sync ───────────────┘
//
// It is taken between two steps, never in the middle of a commit, about `interval` after something
// changed, or sooner when very much has.
//
// Thread rule: the step thread, but for the methods of definitions: any thread.

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "catalog/users.h"
#include "engine/checkpoint_writer.h"
#include "engine/dataflow.h"
#include "engine/published_marks.h"
#include "engine/records.h"
#include "state/store.h"

namespace tidemark {

class SourceFeed;
class StepLoop;
struct EngineOptions;

class Durability {
 public:
  Durability(std::unique_ptr<Store> store, const EngineOptions& options);
  ~Durability();
  void start(StepLoop& loop);  // before anything below

  // --- definitions (any thread); on disk when they return ---
  Status put_object(const CatalogObject& object, const std::vector<ObjectRef>& also);
  Status erase_object(ObjectId id);
  Status put_catalog(const CatalogInfo& info);
  Status erase_catalog(const std::string& name);
  Status put_database(const std::string& catalog, const std::string& database);
  Status erase_database(const std::string& catalog, const std::string& database);
  Status put_user(const User& user);
  Status erase_user(const std::string& name);

  // --- dataflows and sources (step thread) ---
  // Keeps the state of a dataflow from now on. `is_stored`: it is there already, and fits the plan.
  Status attach(Dataflow& dataflow, bool is_stored);
  // Keeps the state of a dataflow that does not outlive the process in the store, so that it can
  // leave memory. After detach(), or at the next start, nothing is left of it.
  void spill(Dataflow& dataflow);
  // A new version is in its place: the view's record says so, and the dataflow's no longer has to.
  Status put_placed(DataflowId id, const CatalogObject& object);
  // Whether a checkpoint has all of a dataflow's state, or the one that is being written.
  bool has_all_of(DataflowId id) const;
  // Forgets a dataflow; its state goes with the next checkpoint.
  Status detach(DataflowId id);
  // The same for one that is not attached, its state at once.
  Status forget_dataflow(DataflowId id);
  Status put_source(const std::string& key, const SourceRecord& record);
  // Ends a source that was abandoned, and forgets it once nothing is left of it at the upstream. In
  // the background, but for a simulation.
  void forget_source(const std::string& key, std::unique_ptr<SourceFeed> feed);

  // --- checkpoints (step thread) ---
  // Something happened that the next checkpoint has to hold.
  void note_change() { is_changed_ = true; }
  // The next checkpoint is due now.
  void hurry() { began_us_ = INT64_MIN / 2; }
  // When the next one is due, steady; absent: nothing has changed, or one is being written.
  std::optional<int64_t> due_us() const;
  bool is_due() const;
  // At the end of a turn: ends what has been written, begins what is due.
  void turn();
  // The last one, before the end: waits for the disk.
  void finish();
  void set_interval_us(int64_t interval_us) { interval_us_ = interval_us; }

  // --- memory (step thread) ---
  // So much has changed since the last checkpoint, or memory is so full of changes, that no more is
  // to be taken in before what is being written is on disk.
  bool holds_back() const { return (is_over_limit_ && writer_->is_writing()) || is_behind_; }
  // Reads a little of what is only in the store, if there is room. True: there is more.
  bool warm();
  // Whether so many bytes more would be within the limit.
  bool has_room(uint64_t bytes);
  // Whether all that is kept would be.
  bool has_room_for_all();
  // In the middle of much that is done in one turn, between two commits: writes what has changed,
  // if it is much, and waits for the disk if it is behind and not broken.
  void make_room();

  // Why the checkpoint that is being written is not on disk yet; OK: nothing is wrong.
  Status last_error() const { return writer_->last_error(); }
  Store& store() { return *store_; }
  CheckpointWriter& writer() { return *writer_; }
  CrashPoint& crash_point() { return crash_; }
  // Where a source keeps what it reads ahead.
  std::string read_ahead_directory(const std::string& durable_name) const;
  // Removes what sources that are not known any more have left there.
  void drop_orphaned_read_ahead();
  PublishedMarks& published() { return published_; }

 private:
  StoreBatch stage();
  // Calls `visit` with the tables of a dataflow: its operators', and those in front of its graph.
  static void visit_tables(Dataflow& dataflow, const Graph::NodeStateVisitor& visit);
  size_t piece_entries() const;
  // Whether it is new, and so much of it is not staged that it is done piece by piece.
  bool goes_in_pieces(Dataflow& dataflow);
  bool gather_piece(Dataflow& dataflow);
  void go_on_with_pieces();
  StoreBatch take_gathered();
  void stage_records(const std::set<DataflowId>& unfinished, StoreBatch& batch);
  void stage_placement(const Placement& placement, StoreBatch& batch);
  void ended();
  bool is_between_commits() const;
  void for_each_dataflow(const std::function<void(Dataflow&)>& f);
  template <typename F>
  void for_each_sink(F&& f);
  bool are_sinks_prepared();
  void keep_within_limit();
  void evict(uint64_t bytes_max);
  uint64_t held_bytes();
  uint64_t bytes_for_state(uint64_t held) const;
  void for_each_table(const std::function<void(StateTable&)>& visit);
  struct Changed {
    size_t entries = 0;
    uint64_t bytes = 0;  // of memory, about
  };
  static Changed changed_in(Dataflow& dataflow);
  // In all that do not go in pieces.
  size_t changed_entries();
  uint64_t changed_bytes();
  bool is_much(uint64_t changed_bytes) const;

  std::unique_ptr<Store> store_;
  PublishedMarks published_{store_->directory()};
  int64_t interval_us_;
  const bool is_simulated_;
  const Clock& clock_;
  CrashPoint crash_;
  StepLoop* loop_ = nullptr;
  std::unique_ptr<CheckpointWriter> writer_;
  std::map<DataflowId, DataflowRecord> dataflows_;  // as they are in the store, or in the batch
  std::set<DataflowId> spilled_;
  std::vector<std::pair<std::string, Lsn>> acknowledge_;  // once the batch is on disk
  std::vector<DataflowId> staged_;
  // Pieces of new dataflows, for a later batch, and whose they are.
  StoreBatch gathered_;
  std::set<DataflowId> gathered_of_;
  bool has_pieces_ = false;  // more to gather, in the next turn
  bool is_ending_ = false;
  std::vector<std::string> erased_prefixes_;
  std::vector<std::jthread> farewells_;  // of forget_source
  // Of the process. 0: none. Beyond it, state that the store has leaves memory.
  const uint64_t memory_limit_;
  bool is_over_limit_ = false;
  bool has_spare_room_ = true;  // when it was looked at last: half of the state's memory is free
  bool is_memory_full_of_changes_ = false;  // when it was looked at last; since the last stage()
  bool is_behind_ = false;
  int64_t looked_us_ = 0;     // steady, as the next
  int64_t gave_back_us_ = 0;  // when free memory was given back to the system
  bool is_all_warm_ = false;
  bool is_changed_ = false;
  int64_t began_us_ = INT64_MIN / 2;  // the last one
  // When sinks were asked to prepare for the checkpoint that is due; 0: none.
  int64_t asked_us_ = 0;
};

}  // namespace tidemark
