#include "engine/sink_feed.h"

#include <algorithm>
#include <chrono>
#include <numeric>

#include <fmt/core.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "engine/stored_rows.h"
#include "types/datetime.h"
#include "types/text.h"
#include "zset/changelog.h"
#include "zset/consolidate.h"

namespace tidemark {

namespace {

// Of what waits for one sink, before its job's changes wait at the output instead.
constexpr size_t kBytesMax = 64 << 20;
constexpr size_t kRowsMax = 65536;  // of one entry, if rows only come: a first content is large
constexpr int64_t kPauseMinUs = 100'000;
constexpr int64_t kPauseMaxUs = 5'000'000;

// When a sink is due, by the steady clock.
std::optional<int64_t> due_of(const Sink& sink) {
  std::optional<int64_t> due = sink.due_us();
  return due ? std::optional(steady_us() + *due - now_us()) : std::nullopt;
}

}  // namespace

Status check_not_null(const RowBatch& rows, const Schema& schema) {
  for (size_t c = 0; c < rows.columns.size(); ++c) {
    const Column& column = *rows.columns[c];
    const uint8_t* nulls = schema[c].type.nullable ? nullptr : column.nulls();
    const uint8_t* end = nulls == nullptr ? nullptr : nulls + rows.rows;
    const uint8_t* found = std::find(nulls, end, 1);
    if (found == end) {
      continue;
    }
    std::string row;
    for (size_t i = 0; i < rows.columns.size(); ++i) {
      const Column& cell = *rows.columns[i];
      size_t at = static_cast<size_t>(found - nulls);
      row += (i == 0 ? "" : ", ") + (cell.is_null(at) ? "NULL" : text_of(cell, at));
    }
    return Status::data_error(fmt::format("column {} of the sink is NOT NULL, and a row has NULL: "
                                          "({})",
                                          schema[c].name, row))
        .with_sqlstate("23502")
        .with_hint("SET 'table.exec.sink.not-null-enforcer' = 'DROP' leaves such rows out");
  }
  return {};
}

SinkFeed::SinkFeed(std::unique_ptr<Sink> sink, Schema schema,
                   std::optional<std::vector<size_t>> key, int64_t interval_us)
    : sink_(std::move(sink)),
      schema_(std::move(schema)),
      key_(std::move(key)),
      interval_us_(interval_us) {}

SinkFeed::~SinkFeed() {
  {
    std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  ready_.notify_all();
  if (thread_.joinable()) {
    thread_.join();
  }
}

std::string SinkFeed::entry_key(uint64_t number) const {
  std::string key = prefix_;
  append_big_endian(number, key);
  return key;
}

Status SinkFeed::attach(const Store& store, std::string prefix, bool is_stored, std::string token) {
  store_ = &store;
  prefix_ = std::move(prefix);
  return is_stored ? load(std::move(token)) : Status();
}

Status SinkFeed::load(std::string token) {
  for (StoreCursor cursor = store_->scan(prefix_); cursor.valid(); cursor.next()) {
    ByteReader key(cursor.key().substr(prefix_.size()));
    ByteReader value(cursor.value());
    Entry entry{.number = key.big_endian<uint64_t>()};
    entry.mark = Lsn{value.fixed<uint64_t>()};
    entry.commit_time_us = value.fixed<int64_t>();
    if (!key.at_end() || value.failed()) {
      return Status::corruption("what waits for a sink cannot be read");
    }
    ZBatch changes = TRY(decode_rows(value.rest(), schema_.types()));
    entry.bytes = sizeof(Entry) + held_bytes(changes);
    entry.changes = std::make_shared<const ZBatch>(std::move(changes));
    bytes_ += entry.bytes;
    entries_.push_back(std::move(entry));
    TRY(cursor.status());
  }
  if (!entries_.empty()) {
    first_stored_ = entries_.front().number;
    next_number_ = entries_.back().number + 1;
  }
  next_staged_ = next_number_;
  prepared_ = first_stored_ - 1;
  written_ = prepared_;
  token_ = token;
  staged_token_ = token;
  if (!token.empty()) {
    to_commit_ = std::move(token);
  }
  return {};
}

void SinkFeed::start(std::function<void()> wake) {
  wake_ = std::move(wake);
  prepared_us_ = steady_us();
  thread_ = std::thread([this] { run(); });
}

// --- the step thread ---

bool SinkFeed::has_room() const {
  std::lock_guard lock(mutex_);
  return bytes_ < kBytesMax;
}

void SinkFeed::add(Lsn mark, int64_t commit_time_us, const ZBatch& changes) {
  size_t rows = changes.rows.rows;
  if (rows == 0) {
    return;
  }
  if (rows <= kRowsMax || has_retractions(std::span(&changes, 1))) {
    add_entry(mark, commit_time_us, owned(changes));
    return;
  }
  for (size_t first = 0; first < rows; first += kRowsMax) {
    std::vector<uint32_t> chosen(std::min(kRowsMax, rows - first));
    std::iota(chosen.begin(), chosen.end(), static_cast<uint32_t>(first));
    ZBatch part{changes.rows.select(chosen), {}};
    if (!changes.weights.empty()) {
      auto begin = changes.weights.begin() + static_cast<std::ptrdiff_t>(first);
      part.weights.assign(begin, begin + static_cast<std::ptrdiff_t>(chosen.size()));
    }
    add_entry(mark, commit_time_us, owned(part));
  }
}

void SinkFeed::add_entry(Lsn mark, int64_t commit_time_us, ZBatch changes) {
  Entry entry{.mark = mark,
              .commit_time_us = commit_time_us,
              .bytes = sizeof(Entry) + held_bytes(changes),
              .changes = std::make_shared<const ZBatch>(std::move(changes))};
  {
    std::lock_guard lock(mutex_);
    entry.number = next_number_++;
    bytes_ += entry.bytes;
    entries_.push_back(std::move(entry));
  }
  ready_.notify_all();
}

bool SinkFeed::is_prepared() {
  std::lock_guard lock(mutex_);
  if (prepared_ + 1 == next_number_ || !last_error_.ok()) {
    return true;
  }
  is_asked_ = true;
  ready_.notify_all();
  return false;
}

bool SinkFeed::has_news() const {
  std::lock_guard lock(mutex_);
  return !is_token_staged_ || next_staged_ < next_number_;
}

std::string SinkFeed::stage(StoreBatch& batch) {
  std::vector<Entry> waiting;
  std::string token;
  {
    std::lock_guard lock(mutex_);
    for (; first_stored_ < std::min(prepared_ + 1, next_staged_); ++first_stored_) {
      batch.erase(entry_key(first_stored_));
    }
    first_stored_ = std::max(first_stored_, prepared_ + 1);
    std::ranges::copy_if(entries_, std::back_inserter(waiting),
                         [&](const Entry& entry) { return entry.number >= next_staged_; });
    next_staged_ = next_number_;
    token = token_;
    staged_token_ = token_;
    is_token_staged_ = true;
  }
  for (const Entry& entry : waiting) {
    std::string value;
    append_fixed(entry.mark.value, value);
    append_fixed(entry.commit_time_us, value);
    batch.put(entry_key(entry.number), value += encode_rows(*entry.changes));
  }
  return token;
}

void SinkFeed::staged_is_durable() {
  std::lock_guard lock(mutex_);
  if (!staged_token_.empty()) {
    to_commit_ = staged_token_;
    ready_.notify_all();
  }
}

Status SinkFeed::finish() {
  if (!thread_.joinable()) {
    return {};
  }
  std::unique_lock lock(mutex_);
  is_finishing_ = true;
  not_before_us_ = 0;
  ready_.notify_all();
  ready_.wait(lock, [&] { return is_over_; });
  return last_error_;
}

Status SinkFeed::last_error() const {
  std::lock_guard lock(mutex_);
  return last_error_;
}

uint64_t SinkFeed::waiting_bytes() const {
  std::lock_guard lock(mutex_);
  return bytes_;
}

// --- the sink's thread ---

void SinkFeed::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    Task task = next_task(lock);
    if (task == Task::kStop) {
      return;
    }
    Status status = perform(task, lock);
    if (status.ok() && (task == failed_ || task == Task::kFinish)) {
      last_error_ = Status();
      failed_.reset();
      pause_us_ = 0;
    }
    if (!status.ok()) {
      last_error_ = status;
      failed_ = task;
    }
    if (is_finishing_ && (task == Task::kFinish || !status.ok())) {
      is_over_ = true;
      ready_.notify_all();
      return;
    }
    if (status.ok()) {
      continue;
    }
    // All that is not prepared is written again, after restore().
    is_restored_ = false;
    written_ = prepared_;
    bool is_for_good = status.code() != StatusCode::kUnavailable;
    pause_us_ = std::clamp(pause_us_ * 2, kPauseMinUs, kPauseMaxUs);
    not_before_us_ = is_for_good ? INT64_MAX : steady_us() + pause_us_;
    wake_();
  }
}

std::optional<SinkFeed::Task> SinkFeed::due_task(int64_t now) const {
  if (now < not_before_us_) {
    return std::nullopt;
  }
  if (!is_restored_) {
    return Task::kRestore;
  }
  if (to_commit_) {
    return Task::kCommit;
  }
  if (is_finishing_) {
    return Task::kFinish;
  }
  if (is_stopping_ && store_ != nullptr) {
    return std::nullopt;  // what is not written waits in the store
  }
  if (written_ + 1 < next_number_) {
    return Task::kWrite;
  }
  bool is_waiting = prepared_ < written_;
  bool is_asked =
      is_asked_ || (store_ == nullptr && (is_stopping_ || now >= prepared_us_ + interval_us_));
  if ((is_waiting && is_asked) || (sink_due_us_ && now >= *sink_due_us_)) {
    return Task::kPrepare;
  }
  return is_stopping_ ? std::optional(Task::kFinish) : std::nullopt;
}

SinkFeed::Task SinkFeed::next_task(std::unique_lock<std::mutex>& lock) {
  while (true) {
    int64_t now = steady_us();
    if (std::optional<Task> task = due_task(now)) {
      return *task;
    }
    if (is_stopping_) {
      return Task::kStop;
    }
    int64_t until = INT64_MAX;
    if (now < not_before_us_) {
      until = not_before_us_;
    } else if (prepared_ < written_ && store_ == nullptr) {
      until = prepared_us_ + interval_us_;
    } else if (sink_due_us_) {
      until = *sink_due_us_;
    }
    if (until == INT64_MAX) {
      ready_.wait(lock);
    } else {
      ready_.wait_for(lock, std::chrono::microseconds(until - now));
    }
  }
}

Status SinkFeed::perform(Task task, std::unique_lock<std::mutex>& lock) {
  switch (task) {
    case Task::kStop:
      return {};
    case Task::kRestore: {
      std::string token = token_;
      lock.unlock();
      Status status = sink_->restore(token);
      std::optional<int64_t> due = due_of(*sink_);
      lock.lock();
      is_restored_ = status.ok();
      sink_due_us_ = due;
      return status;
    }
    case Task::kCommit:
      return commit(lock);
    case Task::kWrite:
      return write(lock);
    case Task::kPrepare:
      return prepare(lock);
    case Task::kFinish: {
      is_finishing_ = true;
      lock.unlock();
      Status status = sink_->finish();
      lock.lock();
      return status;
    }
  }
  CHECK(false);
}

Status SinkFeed::write(std::unique_lock<std::mutex>& lock) {
  auto next = std::ranges::upper_bound(entries_, written_, {}, &Entry::number);
  CHECK(next != entries_.end());
  Entry entry = *next;
  lock.unlock();
  SinkChanges update{entry.mark, entry.commit_time_us, to_changelog(*entry.changes, key_)};
  Status status = check_not_null(update.changes.rows, schema_);
  if (status.ok()) {
    status = sink_->write(update);
  }
  std::optional<int64_t> due = due_of(*sink_);
  lock.lock();
  if (status.ok()) {
    written_ = entry.number;
    sink_due_us_ = due;
  }
  return status;
}

Status SinkFeed::prepare(std::unique_lock<std::mutex>& lock) {
  is_asked_ = false;
  uint64_t covered = written_;
  lock.unlock();
  Result<std::string> token = sink_->prepare();
  std::optional<int64_t> due = due_of(*sink_);
  lock.lock();
  prepared_us_ = steady_us();
  if (!token.ok()) {
    return std::move(token).status();
  }
  sink_due_us_ = due;
  prepared_ = covered;
  while (!entries_.empty() && entries_.front().number <= prepared_) {
    bytes_ -= entries_.front().bytes;
    entries_.pop_front();
  }
  if (token_ != *token) {
    token_ = *token;
    is_token_staged_ = false;
  }
  if (store_ == nullptr) {
    to_commit_ = token_;
    is_token_staged_ = true;
  }
  wake_();
  return {};
}

Status SinkFeed::commit(std::unique_lock<std::mutex>& lock) {
  std::string token = *to_commit_;
  lock.unlock();
  Status status = sink_->commit(token);
  lock.lock();
  if (status.ok() && to_commit_ == token) {
    to_commit_.reset();
  }
  return status;
}

}  // namespace tidemark
