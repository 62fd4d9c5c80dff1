#pragma once
// One running query or materialized view: its graph, what feeds it, and who reads it.
//
// Thread rule: the step thread.

#include <algorithm>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "catalog/catalog.h"
#include "connectors/connector.h"
#include "dataflow/operators/upsert.h"
#include "engine/change_log.h"
#include "engine/sink_feed.h"
#include "engine/subscription.h"
#include "engine/view_history.h"
#include "physical/planner.h"
#include "plan/table_slice.h"

namespace tidemark {

using DataflowId = uint64_t;

// A table's reader that feeds an entry of the graph.
struct TableFeed {
  std::string source_key;
  ReaderId reader = 0;
  NodeId node = 0;
  size_t width = 0;  // columns that the graph takes; the reader may have more, for the key
  Upsert upsert;
  bool ready = false;             // its content is exact at the source's position
  std::optional<Status> stopped;  // cannot be read on until this is mended at the source
  SnapshotProgress snapshot;
  Delta closed;  // from whole commits: the next step takes it
  Delta open;    // from the commit that is still arriving
};

// A materialized view that feeds an entry of the graph.
struct ViewFeed {
  DataflowId upstream = 0;
  NodeId node = 0;
  std::vector<size_t> columns;  // of the view's, those that the graph takes
  bool ready = false;
};

// What makes a dataflow a part: a piece of the graphs of those that read it, run once for all of
// them. What comes out of its graph goes to its readers in the same step; it publishes nothing, and
// goes with its last reader.
struct Part {
  // The rows of a source's table, as a table with the columns that are read. null: what a plan
  // gives.
  ObjectRef table;
  PlanRef plan;
  size_t width = 0;  // columns that come out
  // By which columns of the plan it is arranged; nullopt: it is an aggregate.
  std::optional<std::vector<size_t>> key;
  // Of an arrangement, if the plan is one: its columns are in the order of the arrangement.
  std::optional<TableSlice> slice;
  HoldingOperator* holder = nullptr;   // the last of its graph; null: rows of a table
  ArrangeOperator* arrange = nullptr;  // the same, if it is an arrangement
};

class Dataflow;

// A part that feeds an entry of the graph.
struct PartFeed {
  Dataflow* part = nullptr;  // goes after its last reader
  NodeId node = 0;
  std::vector<size_t> columns;  // of those that come out of the part
  bool has_joined = true;       // has been given what the part held when it began to read
  size_t joins = 0;             // inputs of joins that read its arrangement
};

struct Subscriber {
  std::shared_ptr<Subscription> subscription;  // shared with the serving thread
  bool started = false;                        // has been given the whole content
  std::optional<Lsn> as_of;                    // has the content of this mark already
  std::optional<Lsn> until;                    // ends once the mark has reached this
  bool until_first = false;                    // ends with the first content
};

// No more updates, and why.
ViewUpdate end_with(Lsn mark, const Status& status);

// One who waits for every materialized view to show what was committed up to a mark.
struct MarkWaiter {
  Lsn mark;
  std::mutex mutex;  // guards is_reached
  std::condition_variable ready;
  bool is_reached = false;
};

// How a new version of a materialized view takes the place of the one that is shown: at `mark` the
// view's content changes by `difference`, as it changes by any other update.
struct Placement {
  DataflowId old_version = 0;  // may be gone: then there is nothing to take back
  DataflowId new_version = 0;
  Lsn mark;
  bool is_same_shape = false;  // the columns and the source: those who read the old go on
  ZBatch difference;           // new less old, if it is
  bool is_durable = false;     // what the next start finds is the new version
};

// A view's rows as one of its readers takes them.
Delta pick(const ZBatch& rows, const std::vector<size_t>& columns);

class Dataflow {
 public:
  DataflowId id = 0;
  std::string source_key;  // of all it reads, directly and through views; empty: constants only
  ObjectId object = 0;     // the materialized view or job; 0: a query, gone with its last reader
  std::string name;        // for SHOW JOBS
  std::optional<Part> part;
  bool has_begun = false;  // a part that has had a step
  bool is_kept = false;  // of a view or job, or a part of one: outlives the process with its state
  Sharing sharing = Sharing::kNone;  // by which it was planned
  // A new version of the view, built beside the one that is shown. Nobody reads it before it has
  // taken that one's place.
  bool is_build = false;
  // What the view is with this version, if its place in the catalog is still to be taken.
  ObjectRef definition;
  std::function<void(Dataflow&)> when_placed;
  size_t insert = 0;               // of a job: which of its INSERTs
  std::unique_ptr<SinkFeed> sink;  // where its changes go; null: this is no INSERT
  std::string sink_token;          // after a restart: see connectors/sink.h
  // What has changed waits at the output until the sink has room.
  bool waits_for_sink = false;
  bool has_open = false;  // its graph has taken a part of a commit that has not ended
  uint64_t revision = 0;  // of the definition in the catalog that this version runs
  std::string plan;       // see PlannedDataflow
  std::optional<std::vector<size_t>> key;
  std::unique_ptr<Graph> graph;
  std::vector<TableFeed> tables;
  std::vector<ViewFeed> views;
  std::vector<PartFeed> parts;
  bool has_part_input = false;  // for the next step
  std::vector<Subscriber> subscribers;
  std::vector<DataflowId> downstream;
  bool is_just_placed = false;  // see VersionState::kPlaced
  // After a restart: what the readers that an earlier process has left do not have yet, because
  // this version had just taken its place.
  std::optional<ZBatch> owed;

  StepContext context;
  bool is_durable = false;  // its state is kept in the store
  DataflowId log_id = 0;    // under which its change log is kept; 0: under its own
  bool dirty = true;        // its graph has input for the next step
  bool has_loose = false;   // perhaps its graph keeps loose rows that are to be indexed
  // Its graph has run, but nothing could be published: a view that it reads was not up to date.
  bool waits_for_views = false;
  bool is_mark_anew = false;  // the source counts anew: the next mark may be lower
  bool is_reread = false;     // what it reads was read anew since the last publication
  bool live = false;          // has been published: its content is exact at `mark`
  Lsn mark;
  int64_t commit_time_us = 0;
  int64_t published_us = 0;      // when `mark` was reached
  int64_t snapshot_told_us = 0;  // steady: when subscribers last heard how far the snapshot is
  int64_t started_us = 0;
  ViewHistory history;
  uint64_t shape_turn = 0;  // since this turn the view has its present columns
  ChangeLog log;
  Lsn first_unshown;  // the first commit since the last publication; not valid: none
  std::shared_ptr<const ViewRead> shown;  // in PublishedViews; null: is not there
  bool in_error = false;  // a row error stands: nothing is published until it is gone
  std::optional<Status> failed;

  // Called once, at the end of the turn in which it is published for the first time.
  std::function<void(Dataflow&)> when_live;

  DataflowId log_owner() const { return log_id != 0 ? log_id : id; }
  // A materialized view as others read it.
  bool is_view() const { return object != 0 && !is_build && sink == nullptr; }

  bool is_part() const { return part.has_value(); }
  bool has_joined() const {
    return std::ranges::all_of(parts, [](const PartFeed& feed) { return feed.has_joined; });
  }
  bool reads_tables() const { return !tables.empty() || !parts.empty(); }
  // Calls f with its tables and those of its parts.
  template <typename F>
  void for_each_table(F&& f) const {
    for (const TableFeed& feed : tables) {
      f(feed);
    }
    for (const PartFeed& feed : parts) {
      feed.part->for_each_table(f);
    }
  }
  // A part of it has taken a part of a commit that has not ended.
  bool reads_open() const {
    return std::ranges::any_of(
        parts, [](const PartFeed& feed) { return feed.part->has_open || feed.part->reads_open(); });
  }

  // A row error that stands in its graph or in a part.
  std::optional<std::string> row_error() const {
    std::optional<std::string> error = graph->error();
    for (const PartFeed& feed : parts) {
      error = error ? error : feed.part->row_error();
    }
    return error;
  }

  // Why nothing newer can be shown, if a table cannot be read on.
  std::optional<Status> stopped() const {
    std::optional<Status> why;
    for_each_table([&](const TableFeed& feed) { why = why ? why : feed.stopped; });
    return why;
  }

  bool ready() const {
    return std::ranges::all_of(tables, [](const TableFeed& feed) { return feed.ready; }) &&
           std::ranges::all_of(views, [](const ViewFeed& feed) { return feed.ready; }) &&
           std::ranges::all_of(
               parts, [](const PartFeed& feed) { return feed.has_joined && feed.part->ready(); });
  }
};

}  // namespace tidemark
