#include "connectors/postgres_cdc/change_decoder.h"

#include <algorithm>

#include <fmt/core.h>

#include "connectors/postgres_cdc/change_decoder_state.h"
#include "types/pg_wire.h"

namespace tidemark {

namespace {

constexpr size_t kChunkRows = 8192;  // keeps a batch near the caches' size
constexpr size_t kChunkBytes = 1 << 20;
constexpr size_t kCoalescedRows = 4096;  // a step of the engine stays around a millisecond

}  // namespace

ChangeDecoder::ChangeDecoder(Callbacks callbacks, DeliveredXids& delivered, SnapshotSpools* spools)
    : callbacks_(std::move(callbacks)), delivered_(delivered), spools_(spools) {}
ChangeDecoder::~ChangeDecoder() = default;

Status ChangeDecoder::on_message(std::string_view message, bool coalesce) {
  if (message.empty()) {
    return Status::corruption("empty message of the change stream");
  }
  char kind = message[0];
  std::string_view body = message.substr(1);
  switch (kind) {
    case 'R':
    case 'I':
    case 'U':
    case 'D':
    case 'T':
      if (in_part_) {
        uint32_t subxid = TRY(parse_xid(body));
        return streamed_[*in_part_].messages.append(subxid, kind, body.substr(4));
      }
      return apply(kind, body);
    case 'Y':
    case 'O':
    case 'M':
      return {};
    default:
      return on_transaction_message(kind, body, coalesce);
  }
}

Status ChangeDecoder::on_transaction_message(char kind, std::string_view body, bool coalesce) {
  switch (kind) {
    case 'B': {
      PgBegin begin = TRY(parse_begin(body));
      // Its commit record begins there; position_ is the end of one, or of more.
      is_repeated_ = begin.final_position < position_;
      xid_ = begin.xid;
      commit_position_ = begin.final_position;
      in_transaction_ = true;
      return {};
    }
    case 'C':
      in_transaction_ = false;
      if (std::exchange(is_repeated_, false)) {
        return {};
      }
      return end_transaction(TRY(parse_commit(body)), coalesce);
    case 'S':
      in_part_ = TRY(parse_xid(body));
      streamed_[*in_part_];
      return {};
    case 'E':
      in_part_.reset();
      return {};
    case 'A': {
      PgStreamAbort abort = TRY(parse_stream_abort(body));
      if (abort.xid == abort.subxid) {
        streamed_.erase(abort.xid);
      } else if (auto found = streamed_.find(abort.xid); found != streamed_.end()) {
        found->second.aborted.insert(abort.subxid);
      }
      return {};
    }
    case 'c': {
      uint32_t xid = TRY(parse_xid(body));
      return commit_streamed(xid, TRY(parse_commit(body.substr(4))));
    }
    default:
      return Status::corruption(fmt::format("unknown message of the change stream: '{}'", kind));
  }
}

// One that was received before still says what its tables are like: the server does not describe
// them again for what follows (pgoutput, cleanup_rel_sync_cache).
Status ChangeDecoder::commit_streamed(uint32_t xid, const PgCommit& commit) {
  is_repeated_ = commit.end_position <= position_;
  if (!is_repeated_) {
    TRY(flush_commits());
  }
  auto found = streamed_.find(xid);
  if (found != streamed_.end()) {
    StreamedTransaction transaction = std::move(found->second);
    streamed_.erase(found);
    xid_ = xid;
    commit_position_ = commit.end_position;
    SpillBuffer::Cursor cursor(transaction.messages);
    SpillBuffer::Record record;
    while (TRY(cursor.next(record))) {
      if (transaction.aborted.empty() || !transaction.aborted.contains(record.tag)) {
        TRY(apply(record.bytes[0], record.bytes.substr(1)));
      }
    }
  }
  if (std::exchange(is_repeated_, false)) {
    return {};
  }
  xid_ = xid;
  return end_transaction(commit, false);
}

Status ChangeDecoder::apply(char kind, std::string_view body) {
  if (kind == 'R') {
    return apply_relation(body);
  }
  if (is_repeated_) {
    return {};
  }
  switch (kind) {
    case 'T':
      return apply_truncate(body);
    default:
      return apply_row(kind, body);
  }
}

Status ChangeDecoder::apply_relation(std::string_view body) {
  PgRelation parsed = TRY(parse_relation(body));
  Relation& relation = relations_[parsed.oid];
  relation.relation = std::move(parsed);
  relation.message = body;
  TRY(callbacks_.described(relation.relation.oid));
  map_readers(relation);
  for (auto& [id, reader] : readers_) {
    if (reader->is_holding && reader->plan->table.oid == relation.relation.oid) {
      TRY(reader->held.append(xid_, 'R', relation.message));
    }
  }
  return {};
}

// A description that does not fit a reader matters only if a row comes under it: the table may have
// been altered since.
void ChangeDecoder::map_readers(Relation& relation) {
  relation.targets.clear();
  for (auto& [id, reader] : readers_) {
    if (reader->plan->table.oid == relation.relation.oid && !reader->is_failed) {
      relation.targets.push_back(
          Target{.reader = reader.get(), .map = map_relation(*reader->plan, relation.relation)});
    }
  }
}

Status ChangeDecoder::apply_row(char kind, std::string_view body) {
  auto found =
      relations_.find(TRY(parse_xid(body)));  // the relation's oid has the same place and form
  if (found == relations_.end()) {
    // Never seen; a new stream describes it again.
    return Status::unavailable("the source sent a row of a table that it has not described");
  }
  bool is_spooled = spools_ != nullptr && !spools_->empty();
  if (found->second.targets.empty() && !is_spooled) {
    return {};
  }
  TRY(parse_row_change(kind, body, change_));
  if (is_spooled) {
    spools_->touch(found->second.relation, change_);
  }
  for (Target& target : found->second.targets) {
    ReaderStream& reader = *target.reader;
    if (reader.is_failed) {
      continue;
    }
    if (reader.is_holding) {
      if (++reader.changes > reader.changes_handed_out) {
        TRY(reader.held.append(xid_, kind, body));
      }
    } else if (!reader.snapshot || !reader.snapshot->sees(xid_)) {
      TRY(append_row(reader, target.map, found->second.relation, change_, kind));
    }
  }
  return {};
}

namespace {

bool same_fields(const PgRow& a, const PgRow& b, const ReaderPlan& plan, const RelationMap& map) {
  for (size_t i = 0; i < map.columns.size(); ++i) {
    size_t index = map.columns[i].index;
    if (!plan.columns[i].in_key || index >= a.size() || index >= b.size() || b[index].kind == 'u') {
      continue;
    }
    if (a[index].kind != b[index].kind || a[index].bytes != b[index].bytes) {
      return false;
    }
  }
  return true;
}

// Appends the rows that a change makes for a reader.
Status append_change(BatchBuilder& builder, const ReaderPlan& plan, const RelationMap& map,
                     const PgRowChange& change, char kind) {
  using Take = BatchBuilder::Take;
  if (kind == 'I') {
    return builder.append(RowKind::kInsert, change.new_row, map, nullptr, Take::kAll);
  }
  bool is_full = plan.old_rows == OldRows::kFull;
  Take take_old = is_full ? Take::kAll : Take::kKey;
  if (kind == 'D') {
    return builder.append(RowKind::kDelete, change.old_row, map, nullptr, take_old);
  }
  bool has_old = change.old_kind != 0;
  if (is_full || (has_old && !same_fields(change.old_row, change.new_row, plan, map))) {
    TRY(builder.append(RowKind::kUpdateBefore, change.old_row, map, nullptr, take_old));
  }
  const PgRow* complete_old = change.old_kind == 'O' ? &change.old_row : nullptr;
  return builder.append(RowKind::kUpdateAfter, change.new_row, map, complete_old, Take::kAll);
}

}  // namespace

Status ChangeDecoder::append_row(ReaderStream& reader, const Result<RelationMap>& map,
                                 const PgRelation& relation, const PgRowChange& change, char kind) {
  if (++reader.changes <= reader.changes_handed_out) {
    return {};
  }
  if (!map.ok()) [[unlikely]] {
    return callbacks_.unreadable(reader.id, map.status());
  }
  if (kind != 'I' && reader.plan->old_rows == OldRows::kFull && change.old_kind != 'O') {
    return callbacks_.unreadable(reader.id, identity_is_not_full(reader.plan->table));
  }
  Status status = append_change(reader.builder, *reader.plan, *map, change, kind);
  if (!status.ok()) [[unlikely]] {
    const PgRow& row = change.has_new ? change.new_row : change.old_row;
    std::string where = describe_row(*reader.plan, relation, row);
    fail_reader(reader.id, Status(status.code(), fmt::format("{}: {}", status.message(), where))
                               .with_hint(status.hint()));
    return {};
  }
  if (reader.builder.rows() >= kChunkRows || reader.builder.bytes() >= kChunkBytes) {
    return flush_chunk(reader);
  }
  return {};
}

Status ChangeDecoder::flush_chunk(ReaderStream& reader) {
  // Complete commits first: this transaction may be long.
  TRY(flush_commits());
  if (reader.builder.rows() == 0) {
    return {};
  }
  reader.changes_handed_out = reader.changes;
  return emit_batch(reader, reader.builder.take());
}

Status ChangeDecoder::apply_truncate(std::string_view body) {
  std::vector<uint32_t> oids = TRY(parse_truncate(body));
  TRY(flush_commits());
  for (uint32_t oid : oids) {
    for (auto& [id, reader] : readers_) {
      if (reader->plan->table.oid != oid || reader->is_failed) {
        continue;
      }
      if (reader->is_holding) {
        if (++reader->changes > reader->changes_handed_out) {
          TRY(reader->held.append(xid_, 'T', ""));
        }
      } else if ((!reader->snapshot || !reader->snapshot->sees(xid_)) &&
                 ++reader->changes > reader->changes_handed_out) {
        TRY(flush_chunk(*reader));
        TRY(emit(id, TruncateEvent{}));
        reader->changes_handed_out = reader->changes;
        commit_has_rows_ = true;
      }
    }
  }
  return {};
}

Status ChangeDecoder::end_transaction(const PgCommit& commit, bool coalesce) {
  if (cut_off_xid_ && std::exchange(cut_off_xid_, std::nullopt) != xid_) {
    return Status::corruption(
        "the source does not send the transaction again that was cut off with the connection");
  }
  delivered_.add(xid_);
  position_ = std::max(position_, commit.end_position);
  last_commit_ = CommitInfo{.first = has_pending_commit_ ? last_commit_.first : position_,
                            .position = position_,
                            .xid = xid_,
                            .commit_time_us = commit.time_us};
  drop_lapsed();
  bool is_large = false;
  for (auto& [id, reader] : readers_) {
    reader->builder.mark_commit();
    reader->changes = 0;
    reader->changes_handed_out = 0;
    has_pending_commit_ |= reader->builder.rows() != 0;
    is_large |= reader->builder.rows() >= kCoalescedRows;
  }
  has_pending_commit_ |= commit_has_rows_;
  if (!coalesce || position_ <= alone_until_ || is_large || commit_has_rows_) {
    TRY(flush_commits());
    return emit_ready();
  }
  return {};
}

Status ChangeDecoder::on_drained() {
  TRY(flush_commits());
  if (in_transaction()) {
    return {};
  }
  // Servers before PostgreSQL 15 send transactions that have nothing for us, and no keepalive tells
  // of their end again.
  TRY(emit_progress(0));
  return emit_ready();
}

Status ChangeDecoder::flush_commits() {
  if (!has_pending_commit_) {
    return {};
  }
  has_pending_commit_ = false;
  for (auto& [id, reader] : readers_) {
    if (!reader->is_failed && reader->builder.committed_rows() != 0) {
      TRY(emit_batch(*reader, reader->builder.take_committed()));
    }
  }
  return emit_commit();
}

Status ChangeDecoder::emit_batch(ReaderStream& reader, ChangeBatch batch) {
  size_t bytes = held_bytes(batch.rows) + batch.kinds.size();
  commit_has_rows_ = true;
  return emit(reader.id, ChangesEvent{.batch = std::move(batch)}, bytes);
}

Status ChangeDecoder::emit_commit() {
  if (!commit_has_rows_) {
    return {};
  }
  commit_has_rows_ = false;
  mark_spools();
  handed_out_ = last_commit_.position;
  told_ = handed_out_;
  last_commit_.is_late = is_late_;
  return emit(0, CommitEvent{.commit = last_commit_});
}

Status ChangeDecoder::on_keepalive(Lsn position, int64_t time_us) {
  if (in_transaction()) {
    return {};  // it tells of what came before this transaction
  }
  TRY(flush_commits());
  position_ = std::max(position_, position);
  TRY(emit_progress(time_us));
  return emit_ready();
}

Status ChangeDecoder::emit_progress(int64_t time_us) {
  if (position_ <= told_) {
    return {};
  }
  told_ = position_;
  mark_spools();
  return emit(0, ProgressEvent{.position = position_, .time_us = time_us});
}

// All commits up to here have been decoded: before anybody hears of it.
void ChangeDecoder::mark_spools() {
  if (spools_ != nullptr) {
    spools_->mark(position_);
  }
}

Status ChangeDecoder::emit_ready() {
  for (auto& [id, reader] : readers_) {
    if (reader->is_holding || reader->is_ready || reader->is_failed ||
        position_ < reader->ready_at || has_pending_commit_) {
      continue;
    }
    // Every transaction that the snapshot sees has its commit before `ready_at`.
    reader->is_ready = true;
    reader->snapshot.reset();
    mark_spools();
    TRY(emit(0, ProgressEvent{.position = position_, .time_us = 0}));
    TRY(emit(id, ReaderReadyEvent{.known = reader->known()}));
  }
  return {};
}

Status ChangeDecoder::emit(ReaderId reader, decltype(SourceEvent::body) body, size_t bytes) {
  if (!callbacks_.emit(SourceEvent{.reader = reader, .bytes = bytes, .body = std::move(body)})) {
    return Status::cancelled("interrupted");
  }
  return {};
}

}  // namespace tidemark
