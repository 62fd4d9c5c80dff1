// How a durable source goes on where it was, and when it cannot.
//
//   lost connection: the decoder stays, a commit that was cut off is received again and completed
//   restart:         resumed readers are ready where the stream starts
//   obstacle:        the upstream no longer has what follows that place; everything begins anew

#include <algorithm>

#include <fmt/core.h>

#include "connectors/postgres_cdc/reader_group.h"
#include "connectors/postgres_cdc/receiver.h"
#include "connectors/postgres_cdc/receiver_epoch.h"

namespace tidemark {

// Why the stream cannot go on from goes_on_; empty if it can.
Result<std::string> Receiver::obstacle(Epoch& epoch) {
  Lsn position = goes_on_->position;
  Lsn start = stream_start();
  const UpstreamIdentity& known = goes_on_->identity;
  const UpstreamIdentity& server = epoch.server.identity;
  if (known.system != server.system) {
    return std::string("it is another server than the one that was read before");
  }
  if (!TRY(timeline_contains(epoch.stream->connection(), server.timeline, known.timeline,
                             position))) {
    return fmt::format("the server's timeline {} does not contain {} of timeline {}",
                       server.timeline, position.to_string(), known.timeline);
  }
  if (start != position && !TRY(timeline_contains(epoch.stream->connection(), server.timeline,
                                                  ahead_->timeline(), start))) {
    return fmt::format("the server's timeline {} does not contain {} of timeline {}",
                       server.timeline, start.to_string(), ahead_->timeline());
  }
  if (epoch.server.flushed < start) {
    return fmt::format("the server's log ends before, at {}: was it restored from a backup?",
                       epoch.server.flushed.to_string());
  }
  std::string slot = slot_name();
  SlotState state = TRY(control_.slot_state(slot));
  if (!state.exists) {
    return fmt::format("slot {} is gone", slot);
  }
  if (!state.is_usable) {
    return fmt::format("slot {} is not a pgoutput slot of this database", slot);
  }
  if (state.is_lost) {
    return fmt::format("the server has removed the log that slot {} kept", slot);
  }
  if (state.confirmed > start) {
    return ahead_damage_.empty() ? fmt::format("slot {} has moved on to {} without us", slot,
                                               state.confirmed.to_string())
                                 : ahead_damage_;
  }
  uint32_t publication = TRY(control_.publication_oid());
  if (publication == 0 || publication != known.publication_oid) {
    return fmt::format("publication {} {}", control_.name(),
                       publication == 0 ? "is gone" : "was dropped and made again");
  }
  return std::string();
}

// Everything begins anew; what comes next has other positions, maybe of another server.
void Receiver::forget_upstream(std::string why) {
  begun_anew_ = std::move(why) + "; its tables are read anew";
  goes_on_.reset();
  decoder_.reset();
  acknowledged_ = 0;
  awaited_ = 0;
  ahead_damage_.clear();
  set_state(released_.empty() ? SourceState::kStale : SourceState::kReleased, begun_anew_);
}

Status Receiver::go_on(Epoch& epoch) {
  epoch.slot = slot_name();
  if (decoder_ == nullptr) {
    TRY(take_resumed());
  }
  drop_unwanted();
  if (spools_ != nullptr) {
    spools_->settle(goes_on_->position);
  }
  text_asked_ = text_asked_ || decoder_->needs_text();
  TRY(control_.free_slot(epoch.slot, walsender_pid_));
  Lsn from = stream_start();
  bool is_ahead = from != goes_on_->position;
  bool is_over = options_.wal_policy == WalPolicy::kSpill &&
                 epoch.server.flushed.value > from.value + options_.wal_budget_bytes &&
                 can_read_ahead();
  if (is_over) {
    held_bytes_ = epoch.server.flushed.value - from.value;
    from = ahead_start();
  }
  // What was read ahead is decoded first: the form stays as it is until then.
  TRY(start_replication(epoch, from, is_ahead ? ahead_->is_text() : text_asked_.load()));
  TRY(start_stream(epoch, goes_on_->position));
  if (is_ahead || is_over) {
    TRY(begin_log(epoch, from));
  }
  // Now it is ours. The server begins silently at the position that was confirmed if that is later
  // (CreateDecodingContext).
  SlotState state = TRY(control_.slot_state(epoch.slot));
  if (state.confirmed > from) {
    return Status::unavailable(fmt::format("slot {} was moved by another process", epoch.slot));
  }
  return {};
}

// Plans the resumed readers, whose content is that of goes_on_. One whose table has left the
// publication meanwhile is read anew, and so is one to whose table something has happened that sent
// no rows.
Status Receiver::take_resumed() {
  std::vector<ReaderRequest> requests;
  {
    std::lock_guard lock(mutex_);
    for (ReaderId id : pending_) {
      if (readers_.at(id).spec.is_resumed) {
        requests.push_back(readers_.at(id));
      }
    }
  }
  std::vector<SnapshotTarget> targets = TRY(plan_readers(*this, requests));
  std::vector<TableInfo> tables;
  for (const SnapshotTarget& target : targets) {
    tables.push_back(target.plan->table);
  }
  std::vector<SnapshotTarget> spooled = TRY(find_spooled());
  for (const SnapshotTarget& target : spooled) {
    tables.push_back(target.plan->table);
  }
  std::vector<uint32_t> unpublished = TRY(control_.unpublished(tables));
  auto is_unpublished = [&](const TableInfo& table) {
    return std::ranges::find(unpublished, table.oid) != unpublished.end();
  };
  for (const SnapshotTarget& target : spooled) {
    if (is_unpublished(target.plan->table)) {
      spools_->remove(target.reader);
    }
  }
  std::erase_if(tables, is_unpublished);
  if (!targets.empty() && !tables.empty()) {
    TRY(control_.publish_only(tables));
  }
  decoder_ = make_decoder();
  std::lock_guard lock(mutex_);
  for (const SnapshotTarget& target : targets) {
    auto wanted = readers_.find(target.reader);
    auto asked = std::ranges::find(requests, target.reader, &ReaderRequest::id);
    bool is_same = asked->known && why_read_anew(*asked->known, target.plan->shape).empty();
    if (is_same && !is_unpublished(target.plan->table) && wanted != readers_.end()) {
      decoder_->add_resumed_reader(target.reader, target.plan, goes_on_->position);
      wanted->second.reviewed = target.plan->table.includes;
      std::erase(pending_, target.reader);
    }
  }
  return {};
}

// Readers of which an earlier process has kept what it read: their tables stay published, and what
// changes is noted from the stream's begin.
Result<std::vector<SnapshotTarget>> Receiver::find_spooled() {
  std::vector<SnapshotTarget> found;
  if (spools_ == nullptr || spools_->empty()) {
    return found;
  }
  std::vector<ReaderRequest> requests;
  {
    std::lock_guard lock(mutex_);
    for (ReaderId id : pending_) {
      if (!readers_.at(id).spec.is_resumed) {
        requests.push_back(readers_.at(id));
      }
    }
  }
  for (const ReaderRequest& request : requests) {
    Result<ReaderPlan> plan = plan_reader(request);
    if (!plan.ok() && !control_.is_open()) {
      return std::move(plan).status();
    }
    if (plan.ok() && spools_->find(request.id, *plan) != nullptr) {
      found.push_back(
          {.reader = request.id, .plan = std::make_shared<const ReaderPlan>(std::move(*plan))});
    }
  }
  spools_->remove_unclaimed();
  return found;
}

// What was kept of snapshots goes when all that it was kept for is in a checkpoint: when one is
// acknowledged that was made after all readers were ready.
void Receiver::drop_spooled() {
  if (spools_ == nullptr || spools_->empty()) {
    return;
  }
  spools_->sweep();
  bool is_complete = decoder_->all_ready();
  {
    std::lock_guard lock(mutex_);
    for (const auto& [id, request] : readers_) {
      is_complete = is_complete && (decoder_->has_reader(id) || stopped_.contains(id));
    }
  }
  if (!is_complete || spools_->empty()) {
    spools_end_ = Lsn{};
  } else if (!spools_end_.valid()) {
    spools_end_ = decoder_->position();
    // So that there is something to acknowledge.
    Status forced = control_.force_flush();
    (void)forced.ok();
  } else if (Lsn{acknowledged_.load()} > spools_end_) {
    spools_->clear();
    spools_end_ = Lsn{};
  }
}

// A first start, or one after an obstacle. A slot that the user named is left alone as long as it
// can be used.
Status Receiver::drop_kept() {
  std::string slot = slot_name();
  if (!options_.slot.empty() && !TRY(control_.slot_state(slot)).is_lost) {
    return {};
  }
  return control_.drop_kept(slot, walsender_pid_);
}

// Readers may have been removed while there was no stream to do it in.
void Receiver::drop_unwanted() {
  for (ReaderId id : decoder_->reader_ids()) {
    if (!is_wanted(id)) {
      decoder_->remove_reader(id);
    }
  }
}

// The stream is lost: remembers where it goes on.
Status Receiver::keep_place() {
  TRY(decoder_->cut_off());
  goes_on_->position = decoder_->position();
  if (spools_ != nullptr) {
    spools_->mark(goes_on_->position);
  }
  return {};
}

}  // namespace tidemark
