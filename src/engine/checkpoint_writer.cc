#include "engine/checkpoint_writer.h"

#include <chrono>

namespace tidemark {

namespace {
constexpr std::chrono::milliseconds kPauseMin{100};
constexpr std::chrono::milliseconds kPauseMax{5000};
}  // namespace

CheckpointWriter::CheckpointWriter(Store& store, CrashPoint& crash, std::function<void()> wake)
    : store_(store), crash_(crash), wake_(std::move(wake)), thread_([this] { run(); }) {}

void CheckpointWriter::stop() {
  {
    std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  ready_.notify_all();
  if (thread_.joinable()) {
    thread_.join();
  }
}

void CheckpointWriter::begin(StoreBatch batch) {
  {
    std::lock_guard lock(mutex_);
    CHECK(!batch_ && !is_finished_);
    batch_.emplace(std::move(batch));
  }
  ready_.notify_all();
}

bool CheckpointWriter::is_writing() const {
  std::lock_guard lock(mutex_);
  return batch_.has_value() || is_finished_;
}

bool CheckpointWriter::take_finished() {
  std::lock_guard lock(mutex_);
  return std::exchange(is_finished_, false);
}

Status CheckpointWriter::last_error() const {
  std::lock_guard lock(mutex_);
  return last_error_;
}

void CheckpointWriter::run() {
  std::chrono::milliseconds pause = kPauseMin;
  std::unique_lock lock(mutex_);
  while (true) {
    ready_.wait(lock, [&] { return is_stopping_ || batch_; });
    if (!batch_) {
      return;
    }
    lock.unlock();
    crash_.pass("write");
    Status status = store_.write(*batch_);  // nobody else touches it meanwhile
    crash_.pass("written");
    lock.lock();
    last_error_ = status;
    if (status.ok()) {
      batch_.reset();
      is_finished_ = true;
      pause = kPauseMin;
      lock.unlock();
      wake_();
      lock.lock();
    } else if (ready_.wait_for(lock, pause, [&] { return is_stopping_; })) {
      return;
    } else {
      pause = std::min(pause * 2, kPauseMax);
    }
  }
}

}  // namespace tidemark
