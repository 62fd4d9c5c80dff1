#include "engine/subscription.h"

#include <chrono>

namespace tidemark {

namespace {

size_t bytes_of(const ViewUpdate& update) {
  size_t bytes = sizeof(ViewUpdate) + update.changes.kinds.size();
  for (const ColumnRef& column : update.changes.rows.columns) {
    bytes += column->held_bytes();
  }
  return bytes;
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
    queue_.push_back(std::move(update));
    wake = wake_;
  }
  ready_.notify_one();
  if (wake) {
    wake();
  }
}

}  // namespace tidemark
