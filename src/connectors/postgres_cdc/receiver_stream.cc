// The receiver while the stream runs: read, decode, report positions, run what other threads ask
// for.

#include <algorithm>
#include <chrono>

#include <fmt/core.h>
#include <poll.h>

#include "base/clock.h"
#include "connectors/postgres_cdc/reader_group.h"
#include "connectors/postgres_cdc/receiver.h"
#include "connectors/postgres_cdc/receiver_epoch.h"
#include "types/datetime.h"

namespace tidemark {

namespace {

// How often the server hears of a new position, and that we live at all.
constexpr int64_t kReportUs = 200'000;
constexpr int64_t kAwaitUs = 10'000;
// In a backlog, commits are handed out together for so long: a step and an answer cost the engine,
// the server and the client some 100 microseconds, as much as a hundred rows.
constexpr int64_t kGatherUs = 2'000;
// A commit that is sent so long after it was made stood in a backlog, however slowly that comes.
constexpr int64_t kLateUs = 10'000;
// A server that is silent this many times as long as it takes us to ask it to answer is lost.
constexpr int64_t kSilentIntervals = 4;
constexpr uint32_t kMessagesPerCheck = 4096;

}  // namespace

void Receiver::wait_for_wake() {
  pollfd waits[2] = {{.fd = wake_.fd(), .events = POLLIN, .revents = 0},
                     {.fd = interrupt_.fd(), .events = POLLIN, .revents = 0}};
  poll(waits, 2, -1);
}

// What the server may forget: all that was acknowledged; and where everything handed out was, all
// that was received, so that other tables' writes do not pile up behind an idle one. Of a durable
// source nothing but what was acknowledged, or is on our disk without a gap before it: it must be
// able to go on from there.
Lsn Receiver::reportable(const ChangeDecoder& decoder) const {
  Lsn acknowledged{acknowledged_.load()};
  if (is_durable()) {
    Lsn taken = std::min(acknowledged, decoder.position());
    return ahead_ == nullptr ? taken : std::max(taken, ahead_->synced_end());
  }
  return acknowledged >= decoder.handed_out() ? std::max(acknowledged, decoder.position())
                                              : acknowledged;
}

Status Receiver::report(Epoch& epoch) {
  int64_t now = steady_us();
  Lsn position = received();
  Lsn flushed = std::min(reportable(*decoder_), position);
  bool is_awaited = position.value < awaited_.load();
  bool ask = is_awaited || epoch.stream->silent_us() > options_.status_interval_us;
  int64_t since = now - epoch.reported_at_us;
  bool due = epoch.reply_due || since > options_.status_interval_us ||
             (flushed != epoch.reported && since > kReportUs) || (is_awaited && since > kAwaitUs);
  if (!due) {
    return {};
  }
  epoch.reply_due = false;
  epoch.reported = flushed;
  epoch.reported_at_us = now;
  TRY(epoch.stream->send_status(position, flushed, now_us(), ask));
  if (crash_ != nullptr && reads_ahead_) {
    crash_->pass("ahead_confirmed");
  }
  return {};
}

Status Receiver::read_available(Epoch& epoch) {
  uint32_t messages = 0;
  for (;;) {
    std::optional<ReplicationStream::Message> message = TRY(epoch.stream->next());
    if (!message) {
      // In a backlog more is to come still: its commits go out with these.
      int64_t now = steady_us();
      epoch.is_gathering =
          (epoch.stream->is_behind() || epoch.is_late) && now - epoch.drained_at_us < kGatherUs;
      if (epoch.is_gathering) {
        return {};
      }
      epoch.drained_at_us = now;
      return decoder_->on_drained();
    }
    if (message->is_keepalive) {
      epoch.reply_due |= message->reply_requested;
      TRY(decoder_->on_keepalive(message->end, message->server_time_us));
    } else {
      TRY(decoder_->on_message(message->payload, epoch.stream->is_behind() || epoch.is_late));
      if (message->payload.starts_with('C') || message->payload.starts_with('c')) {
        epoch.is_late = message->server_time_us - decoder_->commit_time_us() > kLateUs;
        decoder_->set_late(epoch.is_late);
      }
    }
    TRY(epoch.failed);
    if (reads_ahead_) {
      return {};  // the message was the last of the old stream
    }
    if (++messages % kMessagesPerCheck == 0) {
      TRY(report(epoch));
      TRY(run_tasks());
      if (interrupt_.requested()) {
        return Status::cancelled("interrupted");
      }
    }
  }
}

Status Receiver::run_tasks() {
  if (decoder_->in_transaction()) {
    return {};
  }
  std::vector<std::function<Status(ChangeDecoder&)>> tasks;
  {
    std::lock_guard lock(mutex_);
    if (!lost_.ok()) {
      return lost_;
    }
    tasks.swap(tasks_);
  }
  for (const auto& task : tasks) {
    TRY(task(*decoder_));
  }
  if (is_text_awaited() && !reads_ahead_) {
    // A walsender ends a second logical stream of its session at once (PostgreSQL 15: its marks of
    // the first one's end are never taken back), and the slot is the session's.
    return Status::unavailable(
        "the stream is made anew as text, for a column whose binary form is not known");
  }
  return {};
}

void Receiver::start_groups(Epoch& epoch) {
  std::erase_if(epoch.groups,
                [](const std::unique_ptr<ReaderGroup>& group) { return group->is_finished(); });
  if (decoder_->in_transaction()) {
    return;  // a reset would void what was handed out of it
  }
  std::vector<ReaderRequest> requests;
  {
    std::lock_guard lock(mutex_);
    for (ReaderId id : pending_) {
      requests.push_back(readers_.at(id));
    }
    pending_.clear();
  }
  if (!requests.empty()) {
    reset_readers(requests);
    epoch.groups.push_back(std::make_unique<ReaderGroup>(*this));
    epoch.groups.back()->begin_later(std::move(requests));
  }
}

void Receiver::tell_progress() {
  std::string message;
  bool is_complete = decoder_->all_ready();
  {
    std::lock_guard lock(mutex_);
    for (const auto& [id, request] : readers_) {
      is_complete = is_complete && (decoder_->has_reader(id) || stopped_.contains(id));
    }
    for (const auto& [id, status] : stopped_) {
      message = fmt::format("{}.{} cannot be read on: {}{}{}", readers_.at(id).schema,
                            readers_.at(id).table, status.message(),
                            status.hint().empty() ? "" : "\n", status.hint());
    }
    if (is_complete) {
      begun_anew_.clear();
    } else {
      message = begun_anew_;
    }
  }
  if (message.empty()) {
    message = budget_message();
  }
  set_state(is_complete ? SourceState::kStreaming : SourceState::kSnapshot, std::move(message));
}

Status Receiver::read_stream(Epoch& epoch) {
  while (!interrupt_.requested()) {
    TRY(reads_ahead_ ? read_ahead(epoch) : read_available(epoch));
    TRY(epoch.failed);
    wake_.reset();
    TRY(run_tasks());
    if (!unreviewed_.empty() && !decoder_->in_transaction() && decoder_->all_ready()) {
      TRY(review(std::vector<uint32_t>(unreviewed_.begin(), unreviewed_.end())));
      unreviewed_.clear();
    }
    start_groups(epoch);
    watch_tables(epoch);
    TRY(epoch.failed);
    TRY(keep_budget(epoch));
    drop_taken();
    drop_spooled();
    tell_progress();
    TRY(report(epoch));
    {
      std::lock_guard lock(mutex_);
      status_.position = received();
    }
    int64_t silent_us = epoch.stream->silent_us();
    bool is_read = !reads_ahead_ || is_pumping();
    if (is_read && silent_us > kSilentIntervals * options_.status_interval_us) {
      control_.cut();  // it has gone the same way, and someone may wait for it
      return Status::unavailable(
          fmt::format("the source has been silent for {} s", silent_us / 1'000'000));
    }
    bool is_awaited = received().value < awaited_.load();
    bool is_report_due = reportable(*decoder_) != epoch.reported;
    is_idle_ = !is_report_due;
    if (reads_ahead_ && !is_pumping()) {
      sleep_unless_interrupted(interrupt_, epoch.is_log_read ? kAwaitUs : 0);
      continue;
    }
    if (reads_ahead_ && (!epoch.is_log_read || !epoch.is_drained)) {
      TRY(epoch.stream->wait_and_read(0, -1));  // the decoder has more to read
      continue;
    }
    bool is_over_budget = reads_ahead_ || held_bytes_ > options_.wal_budget_bytes;
    if (is_over_budget) {
      epoch.watch->moved();  // what the source keeps is to be known
    }
    TRY(epoch.stream->wait_and_read(epoch.is_gathering                ? kGatherUs
                                    : is_awaited                      ? kAwaitUs
                                    : is_report_due || is_over_budget ? kReportUs
                                                                      : options_.status_interval_us,
                                    wake_.fd()));
  }
  return Status::cancelled("interrupted");
}

}  // namespace tidemark
