#pragma once
// Writes checkpoints off the step thread: one batch at a time, atomic and synced. A write that
// fails (a full disk) is tried again until it succeeds: the batch is the only copy of what changed.
//
// Thread rule: the step thread, but for its own, which a simulation's has not.

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

#include "base/crash_point.h"
#include "state/store.h"

namespace tidemark {

class CheckpointWriter {
 public:
  enum class Thread : uint8_t { kOwn, kCaller };
  // `wake` is called from the writer's thread when a write has ended.
  CheckpointWriter(Store& store, CrashPoint& crash, std::function<void()> wake, Thread thread);
  ~CheckpointWriter() { stop(); }
  // After the running write, which is not tried again if it fails.
  void stop();

  // Not while one is being written.
  void begin(StoreBatch batch);
  // Tries to write what was begun, if anything. Called by the thread that writes.
  void write();
  bool is_writing() const;
  // True once, after the batch is on disk.
  bool take_finished();
  // Why the batch is not on disk yet, if a write failed.
  Status last_error() const;

 private:
  void run();

  Store& store_;
  CrashPoint& crash_;
  std::function<void()> wake_;
  mutable std::mutex mutex_;  // guards all below
  std::condition_variable ready_;
  std::optional<StoreBatch> batch_;
  bool is_finished_ = false;
  bool is_stopping_ = false;
  Status last_error_;
  std::thread thread_;  // last; none of its own: does not run
};

}  // namespace tidemark
