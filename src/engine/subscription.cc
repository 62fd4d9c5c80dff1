#include "engine/subscription.h"

#include <algorithm>
#include <chrono>

#include "zset/changelog.h"
#include "zset/consolidate.h"

namespace tidemark {

namespace {

constexpr size_t kAddedUp = 64;  // updates, at least

size_t bytes_of(const ViewUpdate& update) {
  size_t bytes = sizeof(ViewUpdate) + update.changes.kinds.size();
  for (const ColumnRef& column : update.changes.rows.columns) {
    bytes += column->held_bytes();
  }
  return bytes;
}

// Adds up the newest updates, if there are enough of them: a row that changes again and again waits
// once. Those before them that are much larger stay as they are, so that a change is not added up
// more often than the sums can double. The first changes may be the whole content, which is for a
// reader to know from the rest.
void add_up(std::deque<ViewUpdate>& queue, size_t& bytes, size_t bytes_max) {
  auto content = std::ranges::find(queue, ViewUpdate::Kind::kChanges, &ViewUpdate::kind);
  auto from = queue.end();
  size_t held = 0;
  while (from - content > 1) {
    size_t next = bytes_of(*std::prev(from));
    if (held + next > bytes_max || (held != 0 && next > 2 * held)) {
      break;
    }
    held += next;
    --from;
  }
  if (queue.end() - from < static_cast<ptrdiff_t>(kAddedUp)) {
    return;
  }
  std::vector<ZBatch> parts;
  for (auto update = from; update != queue.end(); ++update) {
    if (update->kind == ViewUpdate::Kind::kChanges) {
      parts.push_back(from_changelog(update->changes));
    }
  }
  ViewUpdate sum = std::move(queue.back());  // has the newest mark
  sum.changes = to_changelog(owned(consolidate(parts)), std::nullopt);
  sum.kind = sum.changes.kinds.empty() ? ViewUpdate::Kind::kProgress : ViewUpdate::Kind::kChanges;
  queue.erase(from, queue.end());
  bytes += bytes_of(sum);
  bytes -= held;
  queue.push_back(std::move(sum));
}

}  // namespace

void Subscription::set_wake(std::function<void()> wake) {
  bool now = false;
  {
    std::lock_guard lock(mutex_);
    wake_ = wake;
    now = !queue_.empty();
  }
  if (now && wake) {
    wake();
  }
}

std::optional<ViewUpdate> Subscription::next(int64_t timeout_us) {
  std::unique_lock lock(mutex_);
  auto ready = [&] { return !queue_.empty() || cancelled_; };
  if (timeout_us < 0) {
    ready_.wait(lock, ready);
  } else if (timeout_us > 0) {
    ready_.wait_for(lock, std::chrono::microseconds(timeout_us), ready);
  }
  if (queue_.empty()) {
    return std::nullopt;
  }
  ViewUpdate update = std::move(queue_.front());
  queue_.pop_front();
  bytes_ -= bytes_of(update);
  return update;
}

void Subscription::put_first(std::vector<ViewUpdate> updates) {
  std::lock_guard lock(mutex_);
  for (auto update = updates.rbegin(); update != updates.rend(); ++update) {
    bytes_ += bytes_of(*update);
    queue_.push_front(std::move(*update));
  }
}

void Subscription::cancel() {
  {
    std::lock_guard lock(mutex_);
    cancelled_ = true;
  }
  ready_.notify_all();
}

bool Subscription::cancelled() const {
  std::lock_guard lock(mutex_);
  return cancelled_ || ended_;
}

void Subscription::push(ViewUpdate update) {
  std::function<void()> wake;
  {
    std::lock_guard lock(mutex_);
    if (cancelled_ || ended_) {
      return;
    }
    // A mark, or a count of snapshot rows, takes the place of the one before it.
    if (!queue_.empty() && queue_.back().kind == update.kind &&
        (update.kind == ViewUpdate::Kind::kProgress || update.kind == ViewUpdate::Kind::kSnapshot ||
         update.kind == ViewUpdate::Kind::kStale)) {
      bytes_ -= bytes_of(queue_.back());
      queue_.pop_back();
    }
    size_t bytes = bytes_of(update);
    // The first content may be of any size; after it the reader has to keep up.
    if (bytes_ + bytes > bytes_max_ && !queue_.empty()) {
      update = ViewUpdate();
      update.kind = ViewUpdate::Kind::kEnd;
      update.status =
          Status::unavailable("the reader of this query fell too far behind and was cut off")
              .with_hint("read faster, or ask for a smaller result");
      queue_.clear();
      bytes_ = 0;
      bytes = bytes_of(update);
    }
    ended_ = update.kind == ViewUpdate::Kind::kEnd;
    bytes_ += bytes;
    bool has_changes = update.kind == ViewUpdate::Kind::kChanges;
    queue_.push_back(std::move(update));
    if (has_changes && bytes_ > bytes_max_ / 8) {  // the reader is behind
      add_up(queue_, bytes_, bytes_max_ / 16);
    }
    wake = wake_;
  }
  ready_.notify_one();
  if (wake) {
    wake();
  }
}

}  // namespace tidemark
