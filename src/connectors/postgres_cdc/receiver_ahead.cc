// How the receiver keeps the source free of log while its consumer is slow: what the source sends
// is written to our disk, and is safe there before it is applied (docs/decisions/0017).
//
//   direct   stream ─────────────────────► decoder ─► queue ─► consumer
//   ahead    stream ─► log ─► sync ─► server may forget
//                       └────────────────► decoder ─► queue ─► consumer ─► acknowledged: files go
//
// It begins when the source keeps more than wal.budget for us, also while the decoder waits for
// room in the queue, and ends when the decoder has read all of it. To begin, the stream is started
// anew from the place up to which everything is durable elsewhere: so the log has no gap in front
// of it. The decoder leaves out what it had before. With another policy than spill, or without a
// place to write to, the source keeps its log, and that is said, or the slot is given up.

#include <algorithm>
#include <chrono>

#include <fmt/core.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "connectors/postgres_cdc/receiver.h"
#include "connectors/postgres_cdc/receiver_epoch.h"
#include "types/datetime.h"

namespace tidemark {

namespace {

constexpr size_t kPumpBytes = 1 << 20;  // of a turn; the decoder has the next one
constexpr size_t kFeedBytes = 1 << 20;
// What is lost with a kill is sent again; the server forgets with each sync.
constexpr uint64_t kSyncBytes = 16 << 20;
constexpr int64_t kSyncUs = 200'000;
constexpr int64_t kQueuePollUs = 5'000;       // how late room in the queue is seen
constexpr int64_t kRetryWriteUs = 1'000'000;  // a full disk
constexpr int64_t kRetryBeginUs = 10'000'000;
constexpr const char* kNearlyFull = "the disk of the data directory is nearly full";
constexpr uint32_t kEntriesPerCheck = 4096;
constexpr int64_t kTakenPollUs = 20'000;

std::string megabytes(uint64_t bytes) {
  return fmt::format("{:.1f} MB", static_cast<double>(bytes) / (1 << 20));
}

}  // namespace

// What an earlier process left, as far as it is still needed.
void Receiver::open_ahead() {
  if (ahead_ == nullptr) {
    return;
  }
  Status opened = ahead_->open();
  if (!opened.ok()) {
    ahead_damage_ = opened.message();
  }
  if (!goes_on_ || !ahead_->covers(goes_on_->position)) {
    ahead_->clear();
  }
  if (goes_on_) {
    spools_->open();
  } else {
    spools_->clear();
  }
}

// Where a stream goes on that has the decoder's place, or what was read ahead from there, behind
// it.
Lsn Receiver::stream_start() const {
  bool is_ahead = ahead_ != nullptr && ahead_->synced_end() > goes_on_->position;
  return is_ahead ? ahead_->synced_end() : goes_on_->position;
}

// Where a stream starts that is to be read ahead: everything before is durable, in the log or
// because the consumer has it. Not before what was reported, where the server would begin silently.
Lsn Receiver::ahead_start() const {
  Lsn reached = std::max(goes_on_->position, decoder_->position());
  Lsn taken = std::min(std::max(durable_from_, Lsn{acknowledged_.load()}), reached);
  return std::max(taken, ahead_->synced_end());
}

Lsn Receiver::received() const {
  return reads_ahead_ ? std::max(ahead_->end(), decoder_->position()) : decoder_->position();
}

// A disk that was full is looked at again after a while.
bool Receiver::can_read_ahead() {
  bool is_recent = !ahead_trouble_.empty() && steady_us() - ahead_tried_us_ < kRetryBeginUs;
  if (ahead_ == nullptr || reads_ahead_ || is_recent) {
    return false;
  }
  ahead_tried_us_ = steady_us();
  ahead_trouble_ = ahead_->is_disk_nearly_full() ? kNearlyFull : "";
  return ahead_trouble_.empty();
}

// Whether the stream is read on while the decoder waits.
bool Receiver::is_pumping() const {
  return reads_ahead_ && ahead_trouble_.empty() && epoch_ != nullptr && epoch_->failed.ok() &&
         !is_text_awaited();
}

// While the decoder waits for room in the queue.
Status Receiver::attend(Epoch& epoch) {
  if (epoch.watch != nullptr) {
    epoch.watch->moved();
  }
  TRY(keep_budget(epoch));
  if (reads_ahead_) {
    TRY(pump(epoch));
  }
  if (is_pumping()) {
    TRY(epoch.stream->wait_and_read(kQueuePollUs, -1));
  }
  drop_taken();
  tell_progress();
  return report(epoch);
}

// Does what the policy says if the source keeps too much for us.
Status Receiver::keep_budget(Epoch& epoch) {
  if (held_bytes_ <= options_.wal_budget_bytes) {
    return {};
  }
  switch (options_.wal_policy) {
    case WalPolicy::kPause:
      return {};
    case WalPolicy::kSpill:
      return can_read_ahead() && !is_text_awaited() ? begin_reading_ahead(epoch) : Status();
    case WalPolicy::kRelease:
      return release(epoch);
  }
  CHECK(false);
}

// The old stream stays until the decoder is done with its last message.
Status Receiver::begin_reading_ahead(Epoch& epoch) {
  ServerPosition server = epoch.server;
  Lsn from = ahead_start();
  shutdown(epoch.stream->connection().socket(), SHUT_RDWR);
  epoch.retired = std::move(epoch.stream);
  epoch.stream.reset();
  TRY(connect_stream(epoch));
  if (epoch.server.identity.system != server.identity.system ||
      epoch.server.identity.timeline != server.identity.timeline) {
    return Status::unavailable("another server has the source's place");
  }
  epoch.server = server;
  TRY(control_.free_slot(epoch.slot, walsender_pid_));
  TRY(start_replication(epoch, from, sends_text_));
  return begin_log(epoch, from);
}

// The stream that has been started at `from` goes to the log.
Status Receiver::begin_log(Epoch& epoch, Lsn from) {
  if (from > ahead_->synced_end()) {
    ahead_->clear();  // the consumer has all of it
  }
  TRY(ahead_->begin_stream(from, epoch.server.identity.timeline, sends_text_));
  reads_ahead_ = true;
  epoch.needs_rewind = true;
  epoch.synced_at_us = steady_us();
  return {};
}

// A turn of the receiver: some from the stream to the log, some from the log to the decoder.
Status Receiver::read_ahead(Epoch& epoch) {
  if (std::exchange(epoch.needs_rewind, false)) {
    TRY(decoder_->rewind());
    epoch.retired.reset();
    Status status = ahead_->start_reading(decoder_->position());
    if (!status.ok()) {
      return damaged(status);
    }
  }
  TRY(pump(epoch));
  return feed_decoder(epoch);
}

Status Receiver::pump(Epoch& epoch) {
  epoch.is_drained = false;
  if (!ahead_trouble_.empty() && steady_us() - ahead_tried_us_ > kRetryWriteUs) {
    TRY(sync_ahead(epoch));
  }
  for (size_t bytes = 0; bytes < kPumpBytes && is_pumping();) {
    std::optional<ReplicationStream::Message> message = TRY(epoch.stream->next());
    if (!message) {
      epoch.is_drained = !epoch.stream->is_behind();
      break;
    }
    if (message->is_keepalive) {
      epoch.reply_due |= message->reply_requested;
      ahead_->append_keepalive(message->end, message->server_time_us);
    } else {
      bytes += message->payload.size();
      TRY(ahead_->append_message(message->payload));
    }
  }
  bool is_due = ahead_->unsynced_bytes() > kSyncBytes || steady_us() - epoch.synced_at_us > kSyncUs;
  if (is_due && ahead_trouble_.empty()) {
    return sync_ahead(epoch);
  }
  return {};
}

// A disk that is full, or nearly so, is waited for; the source keeps its log meanwhile.
Status Receiver::sync_ahead(Epoch& epoch) {
  epoch.synced_at_us = ahead_tried_us_ = steady_us();
  bool is_full = ahead_->is_disk_nearly_full();
  Status status = is_full ? Status() : ahead_->sync();
  if (status.ok() && !is_full) {
    ahead_trouble_.clear();
    return {};
  }
  ahead_trouble_ = is_full ? kNearlyFull : status.message();
  return {};
}

Status Receiver::feed_decoder(Epoch& epoch) {
  if (ahead_trouble_.empty()) {
    Status written = ahead_->flush();
    if (!written.ok()) {
      ahead_trouble_ = written.message();
    }
  }
  uint32_t entries = 0;
  for (size_t bytes = 0; bytes < kFeedBytes;) {
    Result<std::optional<ReadAheadLog::Entry>> entry = ahead_->next();
    if (!entry.ok()) {
      return damaged(entry.status());
    }
    if (!*entry) {
      // What came while the decoder waited for room is to be written first.
      epoch.is_log_read = !ahead_->has_unwritten() || !ahead_trouble_.empty();
      break;
    }
    epoch.is_log_read = false;
    bytes += (*entry)->message.size() + 1;
    TRY(decode(**entry));
    TRY(epoch.failed);
    if (++entries % kEntriesPerCheck == 0) {
      TRY(run_tasks());
      if (interrupt_.requested()) {
        return Status::cancelled("interrupted");
      }
    }
  }
  if (!epoch.is_log_read) {
    return {};
  }
  if (!ahead_trouble_.empty()) {
    // What could not be written is sent again, and decoded without.
    return Status::unavailable("what the source sends cannot be kept here: " + ahead_trouble_);
  }
  // All that was received is decoded. Once the source keeps little, what comes next may come as it
  // did before; not sooner, as a stream that has begun is silent while the server looks for its
  // place.
  bool is_over = epoch.is_drained && held_bytes_ <= options_.wal_budget_bytes;
  if ((is_over || is_text_awaited()) && ahead_->sync().ok()) {
    reads_ahead_ = false;
  }
  return decoder_->on_drained();
}

Status Receiver::decode(const ReadAheadLog::Entry& entry) {
  switch (entry.kind) {
    case ReadAheadLog::Entry::Kind::kStream:
      return decoder_->rewind();
    case ReadAheadLog::Entry::Kind::kKeepalive:
      return decoder_->on_keepalive(entry.position, entry.time_us);
    case ReadAheadLog::Entry::Kind::kMessage:
      decoder_->set_late(true);
      return decoder_->on_message(entry.message, true);
  }
  CHECK(false);
}

// The source has forgotten what is damaged here.
Status Receiver::damaged(const Status& status) {
  if (status.code() != StatusCode::kCorruption) {
    return status;
  }
  forget_upstream("the log that was read ahead is damaged: " + status.message());
  return Status::unavailable(begun_anew_);
}

// Files go when the consumer has what is in them in a better place.
void Receiver::drop_taken() {
  if (ahead_ == nullptr || ahead_->empty()) {
    return;
  }
  Lsn taken = std::min(Lsn{acknowledged_.load()}, decoder_->position());
  if (!reads_ahead_ && taken >= ahead_->synced_end()) {
    ahead_->clear();
  } else {
    ahead_->drop_before(taken);
  }
}

Status Receiver::release(Epoch& epoch) {
  released_ =
      fmt::format("slot {} was given up, as it kept {} of log at the source and wal.budget is {}",
                  epoch.slot, megabytes(held_bytes_), megabytes(options_.wal_budget_bytes));
  shutdown(epoch.stream->connection().socket(), SHUT_RDWR);
  Status given_up = control_.give_up_slot(epoch.slot, walsender_pid_);
  if (!given_up.ok()) {
    released_.clear();
    return given_up;
  }
  set_state(SourceState::kReleased, released_ +
                                        "; its tables are read anew when the views have "
                                        "taken what was received");
  return Status::unavailable(released_);
}

// After a release: the tables are read anew when what was received has been taken, so that the next
// slot is read as fast as it can be.
void Receiver::wait_until_taken() {
  if (std::exchange(released_, "").empty()) {
    return;
  }
  held_bytes_ = 0;
  while (!queue_.is_empty() && !sleep_unless_interrupted(interrupt_, kTakenPollUs)) {
  }
}

// For the user, while nothing worse is to be said. The bytes are in the status.
std::string Receiver::budget_message() const {
  bool is_over = held_bytes_ > options_.wal_budget_bytes;
  if (!ahead_trouble_.empty() && (reads_ahead_ || is_over)) {
    return "what the source sends cannot be kept here, so that the source keeps it: " +
           ahead_trouble_;
  }
  if (reads_ahead_) {
    return "the views are behind: what the source sends is kept here meanwhile, and not there";
  }
  if (is_over) {
    return fmt::format(
        "the views are behind, and the source keeps more log for them than wal.budget allows ({})",
        megabytes(options_.wal_budget_bytes));
  }
  return {};
}

// Called from the watch's thread.
void Receiver::note_use(const SlotUse& use) {
  auto since = [&](Lsn from) {
    return from.valid() && use.current > from ? use.current.value - from.value : 0;
  };
  held_bytes_ = since(use.confirmed);
  std::lock_guard lock(mutex_);
  held_age_.note(now_us(), use.current, use.confirmed);
  status_.confirmed = use.confirmed;
  status_.held_bytes = held_bytes_;
  status_.held_since_us = held_age_.since_us();
  status_.kept_bytes = since(use.kept_from);
  status_.wal_status = use.wal_status;
}

}  // namespace tidemark
