#include "tests/simulation/simulated_source.h"

#include <algorithm>

#include <fmt/core.h>

#include "connectors/registry.h"

namespace tidemark {

namespace {

constexpr OptionSpec kOptions[] = {
    {.name = "connector", .required = true, .text = "'simulated'."},
    {.name = "table", .required = true, .text = "The table of the upstream."},
};

size_t table_of(const Options& with) {
  return static_cast<size_t>(std::ranges::find(kUpstreamTableNames, with.at("table")) -
                             std::begin(kUpstreamTableNames));
}

bool is_key_only(size_t table) {
  return table != 1;
}

// One column of a row.
void append_cell(const UpstreamRow& row, size_t field, Column& column) {
  switch (field) {
    case 0:
      column.append(row.id);
      break;
    case 1:
      row.grp ? column.append(*row.grp) : column.append_null();
      break;
    case 2:
      column.append(row.val);
      break;
    default:
      column.append_string(row.note);
  }
}

struct SimulatedReader {
  enum class Phase : uint8_t {
    kResumed,   // has the content at the resume point, and is to be told so
    kNew,       // its snapshot is not taken yet
    kSnapshot,  // rows are being handed out
    kJoining,   // all rows are; waits for the stream, or catches up
    kLive,
    kStopped,
  };
  Phase phase = Phase::kNew;
  size_t table = 0;
  Schema schema;
  std::vector<size_t> fields;  // of a row: 0 id, 1 grp, 2 val, 3 note
  Lsn snapshot_at;
  std::vector<UpstreamRow> rows;  // of the snapshot
  size_t rows_done = 0;
};

class SimulatedSource final : public Source {
 public:
  SimulatedSource(SimulatedWorld& world, SourceOpening opening)
      : world_(world),
        random_(world.random),
        upstream_(world.upstream),
        opening_(std::move(opening)) {
    auto slot = upstream_.slots().find(opening_.durable_name);
    if (opening_.resume) {
      position_ = opening_.resume->position;
      if (slot == upstream_.slots().end() ||
          std::to_string(slot->second.number) != opening_.resume->token ||
          slot->second.start > position_) {
        is_slot_lost_ = true;
      } else if (slot->second.acknowledged > position_) {
        world_.violate(
            fmt::format("asked to go on at {}, after it was told that what is before {} "
                        "may be forgotten",
                        position_.to_string(), slot->second.acknowledged.to_string()));
      }
    } else {
      position_ = upstream_.make_slot(opening_.durable_name);
    }
  }
  ~SimulatedSource() override {
    if (is_abandoned_) {
      upstream_.slots().erase(opening_.durable_name);
    }
  }

  void start() override { is_started_ = true; }
  void change_options(const Options&) override {}
  void abandon() override { is_abandoned_ = true; }
  ReaderId add_reader(ReaderSpec spec) override {
    SimulatedReader reader;
    reader.table = table_of(spec.with);
    for (Field& field : spec.columns) {
      reader.fields.push_back(*upstream_schema().find(field.name));
      reader.schema.fields.push_back(std::move(field));
    }
    reader.phase =
        spec.is_resumed ? SimulatedReader::Phase::kResumed : SimulatedReader::Phase::kNew;
    readers_[next_reader_] = std::move(reader);
    return next_reader_++;
  }
  void remove_reader(ReaderId reader) override { readers_.erase(reader); }
  void acknowledge(Lsn position) override {
    if (position > position_) {
      world_.violate(fmt::format("acknowledged {}, and is at {}", position.to_string(),
                                 position_.to_string()));
    }
    Lsn& acknowledged = slot().acknowledged;
    acknowledged = std::max(acknowledged, position);
  }
  Result<Lsn> current_position() override { return upstream_.now(); }
  std::string token() const override { return std::to_string(slot().number); }
  SourceStatus status() const override {
    SourceStatus status;
    status.state = is_away_ ? SourceState::kStale : SourceState::kStreaming;
    status.position = position_;
    return status;
  }

  bool poll(size_t, SourceSink& sink) override {
    if (!is_started_) {
      return false;
    }
    if (is_away_) {
      if (!world_.is_calm && !one_in(random_, 4)) {
        return false;
      }
      is_away_ = false;
      sink.status_changed();
    }
    if (is_reset_owed_) {  // a while after the new beginning, as there are round trips between
      if (!world_.is_calm && !one_in(random_, 3)) {
        return false;
      }
      reset_readers(sink);
      return true;
    }
    if (meet_accident(sink)) {
      return true;
    }
    for (auto& [id, reader] : readers_) {  // before any commit
      if (reader.phase == SimulatedReader::Phase::kResumed) {
        reader.phase = SimulatedReader::Phase::kLive;
        sink.reader_ready(id);
        return true;
      }
    }
    bool is_between = !is_in_commit_;
    for (auto& [id, reader] : readers_) {
      bool is_turn = is_between ? world_.is_calm || one_in(random_, 2) : one_in(random_, 4);
      if (is_turn && bring_up(id, reader, sink, is_between)) {
        return true;
      }
    }
    return stream(sink);
  }

 private:
  Upstream::Slot& slot() const { return upstream_.slots()[opening_.durable_name]; }

  struct Part {
    ReaderId reader;
    std::vector<UpstreamChange> changes;
  };

  void reset_readers(SourceSink& sink) {
    is_reset_owed_ = false;
    for (auto& [id, reader] : readers_) {
      if (reader.phase != SimulatedReader::Phase::kNew) {
        sink.reset(id);
        reader.phase = SimulatedReader::Phase::kNew;
      }
    }
  }

  bool meet_accident(SourceSink& sink) {
    Accident accident =
        is_slot_lost_ ? Accident::kSlotLost : std::exchange(world_.accident, Accident::kNone);
    switch (accident) {
      case Accident::kNone:
        return false;
      case Accident::kAway:
        // Within a commit the rest of it comes when it is back.
        is_away_ = true;
        sink.status_changed();
        return true;
      case Accident::kSlotLost:
        is_slot_lost_ = false;
        parts_.clear();
        is_in_commit_ = false;
        sink.begun_anew();
        position_ = upstream_.make_slot(opening_.durable_name);
        is_reset_owed_ = true;
        return true;
      case Accident::kTableReread:
      case Accident::kTableStopped:
        for (auto& [id, reader] : readers_) {
          if (reader.phase == SimulatedReader::Phase::kLive && one_in(random_, 2)) {
            std::erase_if(parts_, [&](const Part& part) { return part.reader == id; });
            bool is_stop = accident == Accident::kTableStopped;
            if (is_stop) {
              sink.reader_stopped(id, Status::unavailable("the table is not as it was"));
            } else {
              sink.reset(id);
            }
            reader.phase =
                is_stop ? SimulatedReader::Phase::kStopped : SimulatedReader::Phase::kNew;
            // What has been handed out of this commit still ends with it.
            return true;
          }
        }
        return false;
    }
    return false;
  }

  // The next event of a reader that is not live yet. False: there is none now.
  bool bring_up(ReaderId id, SimulatedReader& reader, SourceSink& sink, bool is_between) {
    switch (reader.phase) {
      case SimulatedReader::Phase::kNew:
        reader.snapshot_at = upstream_.now();
        reader.rows.clear();
        for (const auto& [key, row] : upstream_.at(reader.snapshot_at)[reader.table]) {
          reader.rows.push_back(row);
        }
        std::shuffle(reader.rows.begin(), reader.rows.end(), random_);
        reader.rows_done = 0;
        reader.phase = SimulatedReader::Phase::kSnapshot;
        return true;
      case SimulatedReader::Phase::kSnapshot: {
        size_t count =
            std::min<size_t>(1 + below(random_, 20), reader.rows.size() - reader.rows_done);
        if (count == 0) {
          if (!is_between) {
            return false;
          }
          sink.snapshot_done(id);
          reader.phase = SimulatedReader::Phase::kJoining;
          return true;
        }
        std::vector<Column> columns = make_columns(reader.schema);
        for (size_t i = 0; i < count; ++i) {
          append_row(reader, reader.rows[reader.rows_done++], columns);
        }
        sink.snapshot_rows(id, to_batch(std::move(columns)),
                           {reader.rows_done, reader.rows.size()});
        return true;
      }
      case SimulatedReader::Phase::kJoining:
        return is_between && join(id, reader, sink);
      case SimulatedReader::Phase::kStopped:
        if (!world_.is_calm && !one_in(random_, 8)) {
          return false;
        }
        sink.reset(id);
        reader.phase = SimulatedReader::Phase::kNew;
        return true;
      case SimulatedReader::Phase::kResumed:
      case SimulatedReader::Phase::kLive:
        return false;
    }
    return false;
  }

  bool join(ReaderId id, SimulatedReader& reader, SourceSink& sink) {
    if (position_ < reader.snapshot_at) {
      return false;
    }
    std::vector<UpstreamChange> missed;
    Lsn first;
    for (size_t i = upstream_.first_after(reader.snapshot_at); i < upstream_.first_after(position_);
         ++i) {
      const UpstreamCommit& commit = upstream_.commits()[i];
      first = first.valid() ? first : commit.position;
      append_changes(reader, commit, missed);
    }
    if (!missed.empty()) {
      hand_out(id, reader, missed, sink);
      sink.commit_end({.first = first, .position = position_, .xid = 0, .commit_time_us = 0});
    }
    sink.progress(position_, 0);
    sink.reader_ready(id);
    reader.phase = SimulatedReader::Phase::kLive;
    return true;
  }

  // The next part of the commit that is being handed out, or the next commit.
  bool stream(SourceSink& sink) {
    if (parts_.empty() && !is_in_commit_) {
      size_t next = upstream_.first_after(position_);
      if (next == upstream_.commits().size()) {
        if (upstream_.now() > position_) {
          position_ = upstream_.now();
          sink.progress(position_, 0);
          return true;
        }
        return false;
      }
      begin_commit(next);
    }
    if (!parts_.empty()) {
      Part part = std::move(parts_.front());
      parts_.erase(parts_.begin());
      auto reader = readers_.find(part.reader);
      if (reader != readers_.end() && reader->second.phase == SimulatedReader::Phase::kLive) {
        hand_out(part.reader, reader->second, part.changes, sink);
      }
      if (!parts_.empty() || one_in(random_, 2)) {
        return true;
      }
    }
    is_in_commit_ = false;
    position_ = ending_.position;
    sink.commit_end(ending_);
    return true;
  }

  void begin_commit(size_t next) {
    const std::vector<UpstreamCommit>& commits = upstream_.commits();
    bool is_alone = opening_.resume && commits[next].position <= opening_.resume->alone_until;
    size_t count = is_alone ? 1 : std::min<size_t>(1 + below(random_, 3), commits.size() - next);
    for (const auto& [id, reader] : readers_) {
      if (reader.phase != SimulatedReader::Phase::kLive) {
        continue;
      }
      std::vector<UpstreamChange> changes;
      for (size_t i = next; i < next + count; ++i) {
        append_changes(reader, commits[i], changes);
      }
      size_t cut = changes.empty() ? 0 : below(random_, changes.size());
      for (auto [from, to] : {std::pair{size_t{0}, cut}, std::pair{cut, changes.size()}}) {
        if (from < to) {
          parts_.push_back({id,
                            {changes.begin() + static_cast<int64_t>(from),
                             changes.begin() + static_cast<int64_t>(to)}});
        }
      }
    }
    const UpstreamCommit& last = commits[next + count - 1];
    ending_ = {.first = commits[next].position,
               .position = last.position,
               .xid = last.xid,
               .commit_time_us = last.time_us};
    is_in_commit_ = true;
  }

  static void append_changes(const SimulatedReader& reader, const UpstreamCommit& commit,
                             std::vector<UpstreamChange>& out) {
    for (const UpstreamChange& change : commit.changes) {
      if (change.table == reader.table) {
        out.push_back(change);
      }
    }
  }

  static void append_row(const SimulatedReader& reader, const UpstreamRow& row,
                         std::vector<Column>& columns) {
    for (size_t i = 0; i < columns.size(); ++i) {
      append_cell(row, reader.fields[i], columns[i]);
    }
  }

  static void hand_out(ReaderId id, const SimulatedReader& reader,
                       const std::vector<UpstreamChange>& changes, SourceSink& sink) {
    ChangeBatch batch = empty_batch(reader);
    std::vector<Column> columns = make_columns(reader.schema);
    auto flush = [&] {
      if (!batch.kinds.empty()) {
        batch.rows = to_batch(std::move(columns));
        sink.changes(id, std::move(batch));
        batch = empty_batch(reader);
        columns = make_columns(reader.schema);
      }
    };
    auto add = [&](RowKind kind, const UpstreamRow& row, bool is_note_unchanged) {
      batch.kinds.push_back(kind);
      bool is_key_row = is_key_only(reader.table) && is_retraction(kind);
      for (size_t i = 0; i < columns.size(); ++i) {
        bool is_unchanged = is_note_unchanged && reader.fields[i] == 3;
        if ((is_key_row && reader.fields[i] != 0) || is_unchanged) {
          columns[i].append_null();
        } else {
          append_cell(row, reader.fields[i], columns[i]);
        }
        if (!batch.unchanged.empty()) {
          batch.unchanged[i].push_back(is_unchanged ? 1 : 0);
        }
      }
    };
    for (const UpstreamChange& change : changes) {
      bool is_same_key = change.before.id == change.after.id;
      bool is_same_note = is_key_only(reader.table) && change.before.note == change.after.note &&
                          change.after.note.size() > 8;
      switch (change.kind) {
        case UpstreamChange::Kind::kInsert:
          add(RowKind::kInsert, change.after, false);
          break;
        case UpstreamChange::Kind::kUpdate:
          if (!is_key_only(reader.table) || !is_same_key) {
            add(RowKind::kUpdateBefore, change.before, false);
          }
          add(RowKind::kUpdateAfter, change.after, is_same_note);
          break;
        case UpstreamChange::Kind::kDelete:
          add(RowKind::kDelete, change.before, false);
          break;
        case UpstreamChange::Kind::kTruncate:
          flush();
          sink.truncate(id);
          break;
      }
    }
    flush();
  }

  static ChangeBatch empty_batch(const SimulatedReader& reader) {
    ChangeBatch batch;
    batch.old_rows = is_key_only(reader.table) ? OldRows::kKeyOnly : OldRows::kFull;
    if (is_key_only(reader.table)) {
      batch.unchanged.resize(reader.fields.size());
    }
    return batch;
  }

  SimulatedWorld& world_;
  Random& random_;
  Upstream& upstream_;
  SourceOpening opening_;
  bool is_started_ = false;
  bool is_abandoned_ = false;
  bool is_away_ = false;
  bool is_slot_lost_ = false;
  bool is_reset_owed_ = false;
  Lsn position_;  // handed out up to here, or up to the commit that is being handed out
  std::map<ReaderId, SimulatedReader> readers_;
  ReaderId next_reader_ = 1;
  std::vector<Part> parts_;  // of that commit, still to come
  bool is_in_commit_ = false;
  CommitInfo ending_;
};

}  // namespace

thread_local SimulatedWorld* SimulatedConnector::world = nullptr;

void add_simulated_connector() {
  static SimulatedConnector connector;
  static const bool is_added = (add_connector(connector), true);
  static_cast<void>(is_added);
}

Schema upstream_schema() {
  Schema schema;
  schema.fields = {{"id", Type::bigint().not_null()},
                   {"grp", Type::bigint()},
                   {"val", Type::bigint()},
                   {"note", Type::string()}};
  return schema;
}

std::span<const OptionSpec> SimulatedConnector::options() const {
  return kOptions;
}

Result<SourceTable> SimulatedConnector::resolve_table(const Options& with,
                                                      const std::optional<Schema>&,
                                                      const Options&) {
  size_t table = table_of(with);
  SourceTable resolved{.source_key = "simulated",
                       .display_name = kUpstreamTableNames[table],
                       .schema = upstream_schema(),
                       .primary_key = {0}};
  if (is_key_only(table)) {
    resolved.row_key = {0};
  }
  return resolved;
}

Result<std::vector<SourceTableName>> SimulatedConnector::list_tables(const Options&) {
  return Status::unsupported("a simulation has no catalog");
}

Options SimulatedConnector::table_options(const Options& catalog, const SourceTableName&) {
  return catalog;
}

Result<std::unique_ptr<Source>> SimulatedConnector::open_source(SourceOpening opening) {
  return std::unique_ptr<Source>(std::make_unique<SimulatedSource>(*world, std::move(opening)));
}

}  // namespace tidemark
