#include "connectors/postgres_cdc/reader_group.h"

#include <algorithm>
#include <condition_variable>

#include <fmt/core.h>

namespace tidemark {

namespace {

constexpr size_t kSnapshotConnections = 2;
constexpr int64_t kTextPollUs = 50'000;
constexpr double kManyRows = 100'000;  // from here on a second connection pays

// One thread waits for another; both keep it alive.
struct Completion {
  std::mutex mutex;  // guards all below
  std::condition_variable changed;
  bool is_done = false;
  uint64_t value = 0;
};

size_t connections_for(const std::vector<SnapshotTarget>& targets) {
  double rows = 0;
  for (const SnapshotTarget& target : targets) {
    for (const TablePart& part : target.plan->table.parts) {
      rows += part.rows_estimate < 0 ? kManyRows : part.rows_estimate;  // never analyzed: unknown
    }
  }
  return rows >= kManyRows ? kSnapshotConnections : 1;
}

}  // namespace

Result<std::vector<SnapshotTarget>> plan_readers(Receiver& receiver,
                                                 const std::vector<ReaderRequest>& requests) {
  std::vector<SnapshotTarget> targets;
  for (const ReaderRequest& request : requests) {
    Result<ReaderPlan> plan = receiver.plan_reader(request);
    if (!plan.ok() && (plan.status().code() == StatusCode::kUnavailable ||
                       plan.status().code() == StatusCode::kCancelled)) {
      return std::move(plan).status();
    }
    if (!plan.ok()) {
      receiver.refuse_reader(request.id, std::move(plan).status());
      continue;
    }
    targets.push_back(
        {.reader = request.id, .plan = std::make_shared<const ReaderPlan>(std::move(*plan))});
  }
  return targets;
}

ReaderGroup::ReaderGroup(Receiver& receiver) : receiver_(receiver) {
  SnapshotReader::Callbacks callbacks{
      .done = [this](ReaderId reader) { finish_reader(reader); },
      .failed =
          [this](ReaderId reader, Status status) {
            receiver_.post([reader, failed = std::move(status)](ChangeDecoder& decoder) {
              decoder.fail_reader(reader, failed);
              return Status();
            });
          },
      .lost = [this](Status status) { receiver_.lose(std::move(status)); }};
  reader_ =
      std::make_unique<SnapshotReader>(receiver.address(), receiver.queue(), std::move(callbacks));
}

ReaderGroup::~ReaderGroup() {
  interrupt_.request();
  reader_->interrupt();
  if (thread_.joinable()) {
    thread_.join();
  }
  reader_.reset();
}

bool ReaderGroup::is_finished() const {
  return is_set_up_ && reader_->is_finished();
}

void ReaderGroup::finish_reader(ReaderId reader) {
  // By value: the group may be over before the task runs.
  receiver_.post([reader, snapshot = snapshot_, end = end_](ChangeDecoder& decoder) {
    return decoder.finish_snapshot(reader, snapshot, end);
  });
}

void ReaderGroup::connect() {
  reader_->connect(1);
}

void ReaderGroup::prepare(std::vector<SnapshotTarget> targets) {
  targets_ = std::move(targets);
  keep_snapshots();
  reader_->connect(connections_for(targets_));
}

Status ReaderGroup::await_connections() {
  return reader_->await_connections();
}

// Before anything can change that their snapshot does not see.
void ReaderGroup::keep_snapshots() {
  SnapshotSpools* spools = receiver_.spools();
  for (SnapshotTarget& target : targets_) {
    if (spools != nullptr) {
      target.spool = spools->make(target.reader, *target.plan);
    }
  }
}

Status ReaderGroup::begin_at_slot(const std::string& snapshot_name, Lsn consistent_point,
                                  ChangeDecoder& decoder) {
  snapshot_ = TRY(reader_->import(snapshot_name, targets_));
  end_ = consistent_point;
  for (const SnapshotTarget& target : targets_) {
    decoder.add_reader(target.reader, target.plan);
  }
  TRY(reader_->start(targets_, end_));
  is_set_up_ = true;
  return {};
}

void ReaderGroup::begin_later(std::vector<ReaderRequest> requests) {
  thread_ = std::thread([this, requests = std::move(requests)] {
    Status status = run_later(requests);
    if (!status.ok() && !interrupt_.requested()) {
      if (status.code() == StatusCode::kUnavailable || status.code() == StatusCode::kCancelled) {
        receiver_.lose(std::move(status));
      } else {
        for (const ReaderRequest& request : requests) {
          receiver_.fail_reader(request.id, status);
        }
      }
    }
    is_set_up_ = true;
  });
}

Status ReaderGroup::run_later(const std::vector<ReaderRequest>& requests) {
  TRY(receiver_.control().open());
  TRY(publish(requests));
  if (targets_.empty()) {
    return {};
  }
  TRY(await_text());
  reader_->connect(connections_for(targets_));
  TRY(reader_->await_connections());
  keep_snapshots();
  uint64_t delivered = TRY(register_readers());
  snapshot_ = TRY(reader_->take(targets_, [&](const XidSnapshot& snapshot) {
    return receiver_.delivered().all_seen_by(snapshot, delivered);
  }));
  SnapshotReader::Positions positions = TRY(reader_->positions());
  end_ = positions.inserted;
  if (positions.inserted > positions.flushed) {
    Status forced = receiver_.control().force_flush();
    (void)forced.ok();  // without the right to, the log is flushed a little later
  }
  receiver_.await_position(end_);
  return reader_->start(targets_, end_);
}

Status ReaderGroup::publish(const std::vector<ReaderRequest>& requests) {
  std::vector<SnapshotTarget> planned = TRY(plan_readers(receiver_, requests));
  for (SnapshotTarget& target : planned) {
    const TableInfo& table = target.plan->table;
    Result<bool> added = receiver_.control().publish_also(table);
    if (!added.ok()) {
      if (added.status().code() == StatusCode::kUnavailable) {
        return std::move(added).status();
      }
      receiver_.fail_reader(target.reader, std::move(added).status());
      continue;
    }
    if (*added && receiver_.spools() != nullptr) {
      receiver_.spools()->forget(target.reader);  // it was out of it, and what changed was not sent
    }
    // Also where it was there before: a DBA or another group may have added it just now.
    TRY(receiver_.control().wait_for_writers(table, interrupt_));
    // Old servers also keep what they found out about a partition that has come or gone since.
    if (*added || table.kind == 'p') {
      TRY(receiver_.control().refresh_publication());
    }
    targets_.push_back(std::move(target));
  }
  return {};
}

// A reader that needs text joins a stream that is text already: what was received before it may be
// on our disk in the other form. The epoch ends when that has been decoded, and this group with it.
Status ReaderGroup::await_text() {
  bool is_needed = std::ranges::any_of(
      targets_, [](const SnapshotTarget& target) { return target.plan->needs_text(); });
  while (is_needed && !receiver_.sends_text()) {
    receiver_.post([&receiver = receiver_](ChangeDecoder&) {
      receiver.ask_for_text();
      return Status();
    });
    if (sleep_unless_interrupted(interrupt_, kTextPollUs)) {
      return Status::cancelled("interrupted");
    }
  }
  return {};
}

Result<uint64_t> ReaderGroup::register_readers() {
  auto completion = std::make_shared<Completion>();
  receiver_.post([&receiver = receiver_, targets = targets_, completion](ChangeDecoder& decoder) {
    for (const SnapshotTarget& target : targets) {
      if (!receiver.is_wanted(target.reader)) {
        continue;
      }
      decoder.add_reader(target.reader, target.plan);
      if (target.spool != nullptr) {
        target.spool->mark(decoder.position());
      }
    }
    std::lock_guard lock(completion->mutex);
    completion->value = receiver.delivered().count();
    completion->is_done = true;
    completion->changed.notify_all();
    return Status();
  });
  std::unique_lock lock(completion->mutex);
  while (!completion->is_done) {
    completion->changed.wait_for(lock, std::chrono::milliseconds(100));
    if (interrupt_.requested()) {
      return Status::cancelled("interrupted");
    }
  }
  return completion->value;
}

}  // namespace tidemark
