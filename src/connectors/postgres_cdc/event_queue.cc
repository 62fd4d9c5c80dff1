#include "connectors/postgres_cdc/event_queue.h"

#include <chrono>

namespace tidemark {

size_t held_bytes(const RowBatch& rows) {
  size_t bytes = 64;
  for (const ColumnRef& column : rows.columns) {
    bytes += column->held_bytes();
  }
  return bytes;
}

bool EventQueue::push(SourceEvent event, const Interrupt& interrupt) {
  while (!push_for(event, 100'000)) {
    if (interrupt.requested()) {
      return false;
    }
  }
  return !interrupt.requested();
}

bool EventQueue::push_for(SourceEvent& event, int64_t time_us) {
  bool was_empty = false;
  {
    std::unique_lock lock(mutex_);
    // An event larger than the queue goes in alone.
    bool has_room = room_.wait_for(lock, std::chrono::microseconds(time_us), [&] {
      return bytes_ == 0 || bytes_ + event.bytes <= bytes_max_;
    });
    if (!has_room) {
      return false;
    }
    was_empty = events_.empty();
    append(std::move(event));
  }
  if (was_empty) {
    wake_();
  }
  return true;
}

void EventQueue::push_now(SourceEvent event) {
  bool was_empty = false;
  {
    std::lock_guard lock(mutex_);
    was_empty = events_.empty();
    bool replaces = !was_empty && std::holds_alternative<ProgressEvent>(event.body) &&
                    std::holds_alternative<ProgressEvent>(events_.back().body);
    if (replaces) {
      events_.back() = std::move(event);
      return;
    }
    append(std::move(event));
  }
  if (was_empty) {
    wake_();
  }
}

bool EventQueue::is_empty() const {
  std::lock_guard lock(mutex_);
  return events_.empty();
}

void EventQueue::append(SourceEvent event) {
  bytes_ += event.bytes;
  events_.push_back(std::move(event));
}

bool EventQueue::drain(size_t bytes_max, const std::function<void(SourceEvent&&)>& take) {
  std::deque<SourceEvent> taken;
  bool more = false;
  {
    std::lock_guard lock(mutex_);
    size_t bytes = 0;
    while (!events_.empty() && (bytes == 0 || bytes + events_.front().bytes <= bytes_max)) {
      bytes += events_.front().bytes;
      taken.push_back(std::move(events_.front()));
      events_.pop_front();
    }
    bytes_ -= bytes;
    more = !events_.empty();
  }
  room_.notify_all();
  for (SourceEvent& event : taken) {
    take(std::move(event));
  }
  return more;
}

}  // namespace tidemark
