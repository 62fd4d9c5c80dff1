// The decoder's readers: how they come, join the stream after their snapshot, and go; and what
// becomes of them when the stream is lost.

#include <algorithm>

#include "connectors/postgres_cdc/change_decoder_state.h"

namespace tidemark {

Status ChangeDecoder::rewind() {
  TRY(flush_commits());
  bool is_given_in_part = commit_has_rows_;
  in_transaction_ = false;
  is_repeated_ = false;
  in_part_.reset();
  relations_.clear();  // what sends again describes them again
  streamed_.clear();
  drop_lapsed();
  for (auto& [id, reader] : readers_) {
    if (reader->is_holding) {  // it keeps what it was given
      reader->changes_handed_out = std::max(reader->changes_handed_out, reader->changes);
      is_given_in_part |= reader->changes_handed_out != 0;
    }
    reader->builder = BatchBuilder(*reader->plan);
    reader->changes = 0;
  }
  if (is_given_in_part && !cut_off_xid_) {
    cut_off_xid_ = xid_;
  }
  return {};
}

Status ChangeDecoder::cut_off() {
  TRY(rewind());
  std::erase_if(readers_, [](const auto& entry) { return entry.second->is_holding; });
  if (!commit_has_rows_) {
    cut_off_xid_.reset();  // nobody is left who was given a part
  }
  return {};
}

Status ChangeDecoder::start_at(Lsn position) {
  position_ = std::max(position_, position);
  if (in_transaction()) {
    return {};
  }
  mark_spools();
  TRY(emit(0, ProgressEvent{.position = position_, .time_us = 0}));
  return emit_ready();
}

void ChangeDecoder::add_resumed_reader(ReaderId id, std::shared_ptr<const ReaderPlan> plan,
                                       Lsn position) {
  add_reader(id, std::move(plan));
  ReaderStream& reader = *readers_.at(id);
  reader.is_holding = false;
  reader.ready_at = position;
}

void ChangeDecoder::add_reader(ReaderId id, std::shared_ptr<const ReaderPlan> plan) {
  CHECK(!in_transaction());
  drop_lapsed();
  auto [added, is_new] = readers_.emplace(id, std::make_unique<ReaderStream>(id, std::move(plan)));
  CHECK(is_new);
  auto relation = relations_.find(added->second->plan->table.oid);
  if (relation != relations_.end()) {
    // The server does not repeat what it has sent once. A failure to write is met again by the next
    // record.
    Status held = added->second->held.append(0, 'R', relation->second.message);
    (void)held.ok();
    map_readers(relation->second);
  }
}

Status ChangeDecoder::finish_snapshot(ReaderId id, XidSnapshot snapshot, Lsn end) {
  CHECK(!in_transaction());
  auto found = readers_.find(id);
  if (found == readers_.end() || found->second->is_failed) {
    return {};
  }
  ReaderStream& reader = *found->second;
  TRY(flush_commits());
  reader.snapshot = std::move(snapshot);
  reader.ready_at = end;
  TRY(emit(id, SnapshotDoneEvent{}));
  TRY(replay_held(reader));
  reader.is_holding = false;
  auto relation = relations_.find(reader.plan->table.oid);
  if (relation != relations_.end()) {
    map_readers(relation->second);
  }
  return emit_ready();
}

// What it held goes out as part of one more commit that ends where the stream is.
Status ChangeDecoder::replay_held(ReaderStream& reader) {
  PgRelation relation;
  Result<RelationMap> map = RelationMap{};
  SpillBuffer::Cursor cursor(reader.held);
  SpillBuffer::Record record;
  while (!reader.is_failed && TRY(cursor.next(record))) {
    char kind = record.bytes[0];
    std::string_view body = record.bytes.substr(1);
    if (kind == 'R') {
      relation = TRY(parse_relation(body));
      map = map_relation(*reader.plan, relation);
    } else if (reader.snapshot->sees(record.tag)) {
      continue;
    } else if (kind == 'T') {
      TRY(flush_chunk(reader));
      TRY(emit(reader.id, TruncateEvent{}));
      commit_has_rows_ = true;
    } else {
      TRY(parse_row_change(kind, body, change_));
      TRY(append_row(reader, map, relation, change_, kind));
    }
  }
  reader.held = SpillBuffer(kHeldMemoryBytes);
  if (!reader.is_failed) {
    TRY(flush_chunk(reader));
  }
  reader.changes = 0;
  reader.changes_handed_out = 0;
  // No transaction of the source: what others show stays at the commit that they are at.
  last_commit_.first = position_;
  last_commit_.position = position_;
  last_commit_.xid = 0;
  return emit_commit();
}

bool ChangeDecoder::all_ready() const {
  return std::ranges::all_of(
      readers_, [](const auto& r) { return r.second->is_ready || r.second->is_failed; });
}

bool ChangeDecoder::needs_text() const {
  return std::ranges::any_of(readers_, [](const auto& r) { return r.second->plan->needs_text(); });
}

std::vector<ReaderId> ChangeDecoder::reader_ids() const {
  std::vector<ReaderId> ids;
  for (const auto& [id, reader] : readers_) {
    ids.push_back(id);
  }
  return ids;
}

void ChangeDecoder::remove_reader(ReaderId id) {
  auto found = readers_.find(id);
  if (found == readers_.end()) {
    return;
  }
  for (auto& [oid, relation] : relations_) {
    std::erase_if(relation.targets, [&](const Target& target) { return target.reader->id == id; });
  }
  readers_.erase(found);
}

void ChangeDecoder::fail_reader(ReaderId id, Status status) {
  auto found = readers_.find(id);
  if (found == readers_.end() || found->second->is_failed) {
    return;
  }
  ReaderStream& reader = *found->second;
  reader.is_failed = true;
  reader.builder = BatchBuilder(*reader.plan);
  reader.held = SpillBuffer(kHeldMemoryBytes);
  bool emitted = emit(id, ReaderFailedEvent{.status = std::move(status)}).ok();
  (void)emitted;  // interrupted: everything ends anyway
}

Status ChangeDecoder::lapse_reader(ReaderId id, decltype(SourceEvent::body) last) {
  auto found = readers_.find(id);
  if (found == readers_.end() || found->second->is_lapsed) {
    return {};
  }
  TRY(flush_commits());
  ReaderStream& reader = *found->second;
  reader.is_failed = true;
  reader.is_lapsed = true;
  reader.builder = BatchBuilder(*reader.plan);
  return emit(id, std::move(last));
}

void ChangeDecoder::drop_lapsed() {
  for (ReaderId id : reader_ids()) {
    if (readers_.at(id)->is_lapsed) {
      remove_reader(id);
    }
  }
}

Status ChangeDecoder::replace_plan(ReaderId id, std::shared_ptr<const ReaderPlan> plan) {
  ReaderStream& reader = *readers_.at(id);
  TRY(flush_chunk(reader));
  reader.builder = BatchBuilder(*plan);
  reader.plan = std::move(plan);
  TRY(emit(id, ShapeEvent{.known = reader.known()}));
  auto relation = relations_.find(reader.plan->table.oid);
  if (relation != relations_.end()) {
    map_readers(relation->second);
  }
  return {};
}

bool ChangeDecoder::has_reader(ReaderId id) const {
  auto found = readers_.find(id);
  return found != readers_.end() && !found->second->is_lapsed;
}

bool ChangeDecoder::is_ready(ReaderId id) const {
  auto found = readers_.find(id);
  return found != readers_.end() && found->second->is_ready;
}

const std::shared_ptr<const ReaderPlan>& ChangeDecoder::plan(ReaderId id) const {
  return readers_.at(id)->plan;
}

}  // namespace tidemark
