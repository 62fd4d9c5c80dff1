#pragma once
// The ordered, bounded queue between a source's threads and poll(). Bounded in bytes: producers
// wait while it is full, so a slow consumer slows the server's sending and nothing else.
//
// Thread rule: any number of producers, one consumer.

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <variant>

#include "connectors/connector.h"
#include "connectors/postgres_cdc/table_shape.h"
#include "postgres/interrupt.h"

namespace tidemark {

struct BegunAnewEvent {};
struct ResetEvent {};
struct SnapshotRowsEvent {
  RowBatch rows;
  SnapshotProgress progress;
};
struct SnapshotDoneEvent {};
struct ReaderReadyEvent {
  KnownTable known;  // what its table is like now
};
// Something about the reader's table changed that does not touch what was read of it.
struct ShapeEvent {
  KnownTable known;
};
struct ReaderStoppedEvent {
  Status status;
};
struct ChangesEvent {
  ChangeBatch batch;
};
struct TruncateEvent {};
struct CommitEvent {
  CommitInfo commit;
};
struct ProgressEvent {
  Lsn position;
  int64_t time_us;
};
struct ReaderFailedEvent {
  Status status;
};
struct StatusChangedEvent {};

struct SourceEvent {
  ReaderId reader = 0;
  size_t bytes = 64;  // about what it holds
  std::variant<BegunAnewEvent, ResetEvent, SnapshotRowsEvent, SnapshotDoneEvent, ReaderReadyEvent,
               ChangesEvent, TruncateEvent, CommitEvent, ProgressEvent, ReaderStoppedEvent,
               ReaderFailedEvent, ShapeEvent, StatusChangedEvent>
      body;
};

size_t held_bytes(const RowBatch& rows);

class EventQueue {
 public:
  EventQueue(size_t bytes_max, std::function<void()> wake)
      : bytes_max_(bytes_max), wake_(std::move(wake)) {}

  // Waits for room. False: interrupted, the event is dropped.
  bool push(SourceEvent event, const Interrupt& interrupt);
  // Waits for room at most this long; on false the event is still the caller's.
  bool push_for(SourceEvent& event, int64_t time_us);
  // Small events that must not wait. A progress event replaces one that is still the newest.
  void push_now(SourceEvent event);

  // Hands out events of about `bytes_max` in order, at least one if there is one. Events of removed
  // readers are for the caller to drop. True if more is waiting.
  bool drain(size_t bytes_max, const std::function<void(SourceEvent&&)>& take);
  bool is_empty() const;

 private:
  void append(SourceEvent event);

  const size_t bytes_max_;
  const std::function<void()> wake_;
  mutable std::mutex mutex_;  // guards all below
  std::condition_variable room_;
  std::deque<SourceEvent> events_;
  size_t bytes_ = 0;
};

}  // namespace tidemark
