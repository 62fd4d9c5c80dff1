#pragma once
// What a connector is to the engine. A Connector knows how to resolve a table's declaration and to
// open a Source; a Source is one upstream database (or broker) with everything that is read from it
// in this process over one change stream.
//
// The stream of a source is one totally ordered sequence of events, handed out by poll():
//
//   commit := changes* commit_end          a whole upstream transaction; a large one may be split
//   over
//                                          several poll() calls, it ends with exactly one
//                                          commit_end
//   reader := reset? snapshot_rows* snapshot_done changes* reader_ready (changes within commits)*
//
// snapshot_rows may come between the parts of a commit; snapshot_done, reader_ready and progress
// never do. A reset or a stop may: then what its reader was given of that commit is void, and a
// commit that the source itself cuts off is void for all. What changed while a reader's snapshot
// was read comes after its snapshot_done, as part of one more commit that ends at the position
// reached. While the source is behind, neighbouring commits may be handed out as one, which ends
// with the last one's commit_end.
//
// A reader is one consumer of one table's columns. What it has been given is the table's exact
// content at the source's position from its reader_ready on, at every commit_end; before that its
// content is incomplete and must not be shown. When a source has to begin anew (its slot is gone
// after a reconnect), or a table has to be read anew (something happened to it that sends no rows),
// each reader concerned gets `reset` and the sequence starts over: the content so far stays exact
// at its old mark, and is replaced at the next reader_ready. A reader that cannot go on until
// something is mended at the source gets `reader_stopped`, and a `reset` when it is mended.
//
// A source may outlive the process: opened with a durable name, it leaves at the upstream what
// keeps the changes for us (PostgreSQL: a permanent slot, and its publication), and goes on from a
// ResumePoint at the next start. Only what was acknowledged may be forgotten upstream.
//
// Thread rule: add_reader, remove_reader, start, change_options, acknowledge, current_position and
// status may be called from any thread; poll and token from one thread only. poll never blocks.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/crash_point.h"
#include "base/options.h"
#include "base/status.h"
#include "connectors/sink.h"
#include "types/change.h"
#include "types/lsn.h"
#include "types/type.h"

namespace tidemark {

using ReaderId = uint64_t;

// A table as its connector resolved it, after asking the source.
struct SourceTable {
  std::string source_key;    // tables with equal keys share one Source
  std::string display_name;  // as the source names it: "claims.accident_claims"
  Schema schema;             // the columns a query may use
  Schema hidden;             // further columns, after those of `schema`, that row_key needs
  // Columns (indexes into schema, then hidden) whose values identify a row, if the source's old
  // rows hold only these; empty: old rows are whole.
  std::vector<size_t> row_key;
  // A unique key within `schema` (the primary key), if there is one.
  std::vector<size_t> primary_key;
  std::vector<std::string> notices;  // for the user who declared it
};

// One table that CREATE CATALOG makes visible.
struct SourceTableName {
  std::string schema;
  std::string table;
};

// A condition over the columns of a reader, as the engine understands it: unknown where a NULL is
// compared, texts compared by their bytes.
struct SourceCondition {
  enum class Kind : uint8_t {
    kAnd,  // these three: of `parts`
    kOr,
    kNot,
    kIsNull,  // the others: of `column`, and `value` if need be
    kIsNotNull,
    kEqual,  // from here on in the order of their names in connector.cc
    kNotEqual,
    kLess,
    kLessEqual,
    kGreater,
    kGreaterEqual,
  };
  Kind kind;
  std::vector<SourceCondition> parts;
  size_t column = 0;
  Value value;  // never NULL
};
// "<=", of a comparison; and back.
std::string_view name_of(SourceCondition::Kind comparison);
std::optional<SourceCondition::Kind> find_comparison(std::string_view name);

struct ReaderSpec {
  Options with;                // the table's WITH options
  std::vector<Field> columns;  // wanted columns by source name, with the types to deliver
  // A row for which one of them is not TRUE is of no use to whoever reads. A source that can ask
  // them exactly leaves such rows out of snapshots; changes come whatever they say.
  std::vector<SourceCondition> conditions;
  // As SourceTable::row_key, of `columns`: what old rows hold at least. Absent: as the table has
  // it.
  std::optional<std::vector<size_t>> row_key;
  // The content as of SourceOpening::resume is held already: no snapshot, reader_ready comes first,
  // and then the changes of every commit after that position. Added before start().
  bool is_resumed = false;
};

// Where a durable source goes on: `token` is what Source::token said when `position` was made
// durable.
struct ResumePoint {
  Lsn position;
  std::string token;
  Lsn alone_until;  // commits up to here are handed out each alone, as they may have been before
};

struct SourceStatus;

struct SourceOpening {
  // As declared: references (base/reference.h) are the source's to look up, at each connection.
  Options with;
  // Called from the source's threads whenever poll has something new.
  std::function<void()> wake;
  // The name of what the source leaves upstream. Empty: all that it takes there is gone with it.
  std::string durable_name;
  // Absent: a first start; what an earlier source left under the name is dropped. If the upstream
  // cannot go on from here (its slot is lost, it is another server), every resumed reader gets
  // `reset` and is read anew.
  std::optional<ResumePoint> resume;
  // Where a durable source may keep what it receives while its consumer is slow: a directory of its
  // own. Empty: nowhere.
  std::string read_ahead_directory;
  CrashPoint* crash = nullptr;  // for tests; outlives the source
  // Gets a line whenever the state changes; from the source's threads.
  std::function<void(const SourceStatus&)> note_state;
};

// One transaction of the source, or several in a row that are handed out as one.
struct CommitInfo {
  Lsn first;     // the position of the first of them
  Lsn position;  // the LSN just after the commit record: the mark
  // 0: no transaction of the source, but what a reader held while it joined; only that reader's
  // content changes, up to the position reached.
  uint32_t xid = 0;
  int64_t commit_time_us = 0;  // since 2000-01-01 UTC
  // The source has sent it, or one shortly before it, long after it was made: a backlog.
  bool is_late = false;
};

struct SnapshotProgress {
  uint64_t rows_done = 0;
  uint64_t rows_total = 0;  // an estimate; 0: unknown
};

// kReleased: what was kept for us upstream was given up; everything is read anew when what was
// received has been taken.
enum class SourceState : uint8_t {
  kConnecting,
  kSnapshot,
  kStreaming,
  kStale,
  kFailed,
  kReleased,
};
const char* name_of(SourceState state);

struct SourceStatus {
  SourceState state = SourceState::kConnecting;
  Lsn position;                // received so far
  int64_t stale_since_us = 0;  // kStale: when the connection was lost
  std::string message;         // the last error and what is being done about it
  std::string slot_name;
  std::string publication_name;
  // How the upstream's log fares, as of the last look (about a second old while it moves).
  Lsn confirmed;                  // told to be safe with us; not valid: nothing yet
  uint64_t held_bytes = 0;        // kept there because it is not confirmed
  int64_t held_since_us = 0;      // the oldest of it was written about then; 0: nothing is held
  uint64_t kept_bytes = 0;        // by our slot in all, also for transactions that are open there
  std::string wal_status;         // as the upstream names the slot's state
  uint64_t read_ahead_bytes = 0;  // received, and kept on our disk until it is taken
  uint64_t budget_bytes = 0;      // of held_bytes
  std::string budget_policy;      // beyond it
};

// Receives the events of one poll. Calls come in order, from within poll().
class SourceSink {
 public:
  virtual ~SourceSink() = default;
  // Positions are counted anew from here, and may be lower than those before: another server, a
  // restored one, another slot. A commit that was being handed out is void; readers that had events
  // are reset.
  virtual void begun_anew() = 0;
  virtual void reset(ReaderId reader) = 0;
  virtual void snapshot_rows(ReaderId reader, RowBatch rows, SnapshotProgress progress) = 0;
  virtual void snapshot_done(ReaderId reader) = 0;
  virtual void reader_ready(ReaderId reader) = 0;
  // Part of the commit being handed out. A truncate comes as `truncate`: all rows so far are gone.
  virtual void changes(ReaderId reader, ChangeBatch batch) = 0;
  virtual void truncate(ReaderId reader) = 0;
  virtual void commit_end(const CommitInfo& commit) = 0;
  // Nothing of interest up to this position (it may be repeated; it never moves back).
  virtual void progress(Lsn position, int64_t time_us) = 0;
  // The reader cannot go on until what `status` says is mended at the source (a column or the table
  // was dropped): no more events for it before a reset.
  virtual void reader_stopped(ReaderId reader, Status status) = 0;
  // The reader cannot go on (a row that cannot be decoded): no more events for it.
  virtual void reader_failed(ReaderId reader, Status status) = 0;
  // The connection state changed; see Source::status().
  virtual void status_changed() = 0;
};

class Source {
 public:
  // Ends its threads. A source without a durable name gives back what it took (slot, publication),
  // one with a name only after abandon().
  virtual ~Source() = default;

  // Begins to read: connects, and takes first the readers that were added so far.
  virtual void start() = 0;
  // The options are as those it was opened with, but for changeable ones (OptionSpec): for
  // connections from here on.
  virtual void change_options(const Options& with) = 0;
  // The source is not wanted any more: its end also removes what it keeps upstream under its name.
  virtual void abandon() = 0;
  // Begins to read a table; events arrive through poll. Errors that need the server come as
  // reader_failed.
  virtual ReaderId add_reader(ReaderSpec spec) = 0;
  virtual void remove_reader(ReaderId reader) = 0;
  // Hands out what has arrived, at least one event if there is one, about `bytes_max` at most.
  // Returns whether more is waiting.
  virtual bool poll(size_t bytes_max, SourceSink& sink) = 0;
  // Everything up to here is durable with us: the source may forget it.
  virtual void acknowledge(Lsn position) = 0;
  // A position that includes every transaction committed before this call; the stream will reach it
  // without further writes at the source. Blocks for a round trip.
  virtual Result<Lsn> current_position() = 0;
  // To be stored with a position, for the ResumePoint: what tells this upstream from another one,
  // and what its tables were like as of the events handed out. Called from poll's thread.
  virtual std::string token() const = 0;
  virtual SourceStatus status() const = 0;
};

class Connector {
 public:
  virtual ~Connector() = default;
  virtual std::string_view name() const = 0;
  virtual std::span<const OptionSpec> options() const = 0;
  // Tables of it are written and not read.
  virtual bool is_sink() const { return false; }
  // Checks the declaration against the source. `declared` absent: all columns of the source.
  // `settings` are the session's. Blocks on the network.
  virtual Result<SourceTable> resolve_table(const Options& with,
                                            const std::optional<Schema>& declared,
                                            const Options& settings) = 0;
  // The tables a catalog with these options shows, and the WITH options of one of them.
  virtual Result<std::vector<SourceTableName>> list_tables(const Options& catalog) = 0;
  virtual Options table_options(const Options& catalog, const SourceTableName& table) = 0;
  virtual Result<std::unique_ptr<Source>> open_source(SourceOpening opening) = 0;
  // Of a sink; does not wait for what is outside.
  virtual Result<std::unique_ptr<Sink>> open_sink(SinkOpening opening);
};

// What all sinks have in common: there is nothing to read. resolve_table() checks the options and
// gives the declared columns.
class SinkConnector : public Connector {
 public:
  bool is_sink() const final { return true; }
  Result<SourceTable> resolve_table(const Options& with, const std::optional<Schema>& declared,
                                    const Options& settings) override;
  Result<std::vector<SourceTableName>> list_tables(const Options& catalog) final;
  Options table_options(const Options& catalog, const SourceTableName& table) final;
  Result<std::unique_ptr<Source>> open_source(SourceOpening opening) final;
  Result<std::unique_ptr<Sink>> open_sink(SinkOpening opening) override = 0;
};

}  // namespace tidemark
