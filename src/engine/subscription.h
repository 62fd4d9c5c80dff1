#pragma once
// A reader of a view's changes: a queue between the step thread, which writes, and one serving
// thread. Each update is one published mark, whole. A reader that falls behind past its limit is
// cut off with an error rather than slowing the engine.

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <vector>

#include "base/status.h"
#include "types/change.h"
#include "types/lsn.h"

namespace tidemark {

struct ViewUpdate {
  enum class Kind : uint8_t {
    kChanges,   // the view at `mark`: apply `changes` (the first one is the whole content)
    kProgress,  // nothing changed up to `mark`
    kSnapshot,  // the first content is still being read: rows_done of rows_total (0: unknown)
    kStale,     // the source is away: what was shown stays exact at its mark; `message` says since
                // when and why
    kEnd,       // no more updates; `status` says why, OK at the asked end (--until caught-up)
  };
  Kind kind = Kind::kProgress;
  Lsn mark;
  int64_t commit_time_us = 0;  // of the last commit in it, since 2000-01-01; 0: no commit seen yet
  int64_t published_us = 0;    // when the step was published
  ChangeBatch changes;
  uint64_t rows_done = 0;
  uint64_t rows_total = 0;
  std::string message;
  Status status;
};

class Subscription {
 public:
  explicit Subscription(size_t bytes_max) : bytes_max_(bytes_max) {}

  // The serving side. `wake` is called, from the step thread, after something was added to an empty
  // queue.
  void set_wake(std::function<void()> wake);
  // The next update, waiting up to timeout_us for one (0: not at all; negative: for ever).
  std::optional<ViewUpdate> next(int64_t timeout_us);
  // What comes before all that is pushed.
  void put_first(std::vector<ViewUpdate> updates);
  // The reader is gone; the engine drops the subscription at its next look.
  void cancel();

  // The step thread's side.
  void push(ViewUpdate update);
  bool cancelled() const;

 private:
  mutable std::mutex mutex_;  // guards all below
  std::condition_variable ready_;
  std::deque<ViewUpdate> queue_;
  std::function<void()> wake_;
  size_t bytes_max_;
  size_t bytes_ = 0;
  bool cancelled_ = false;
  bool ended_ = false;
};

}  // namespace tidemark
