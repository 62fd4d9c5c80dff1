#include "engine/checkpoint_writer.h"

#include <chrono>

namespace tidemark {

namespace {
constexpr std::chrono::milliseconds kPauseMin{100};
constexpr std::chrono::milliseconds kPauseMax{5000};
}  // namespace

CheckpointWriter::CheckpointWriter(Store& store, CrashPoint& crash, std::function<void()> wake,
                                   Thread thread)
    : store_(store), crash_(crash), wake_(std::move(wake)) {
  if (thread == Thread::kOwn) {
    thread_ = std::thread([this] { run(); });
  }
}

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

void CheckpointWriter::write() {
  {
    std::lock_guard lock(mutex_);
    if (!batch_) {
      return;
    }
  }
  crash_.pass("write");
  Status status = store_.write(*batch_, &crash_);  // nobody else touches it meanwhile
  crash_.pass("written");
  {
    std::lock_guard lock(mutex_);
    last_error_ = status;
    if (!status.ok()) {
      return;
    }
    batch_.reset();
    is_finished_ = true;
  }
  wake_();
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
    write();
    lock.lock();
    if (last_error_.ok()) {
      pause = kPauseMin;
    } else if (ready_.wait_for(lock, pause, [&] { return is_stopping_; })) {
      return;
    } else {
      pause = std::min(pause * 2, kPauseMax);
    }
  }
}

}  // namespace tidemark
