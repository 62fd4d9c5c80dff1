#include "base/workers.h"

namespace tidemark {

Workers::~Workers() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  ready_.notify_all();
  for (std::thread& thread : threads_) {
    thread.join();
  }
}

void for_each_piece(Workers* workers, size_t pieces, const std::function<void(size_t)>& f) {
  if (workers != nullptr) {
    workers->for_each(pieces, f);
    return;
  }
  for (size_t piece = 0; piece < pieces; ++piece) {
    f(piece);
  }
}

void Workers::for_each(size_t pieces, const std::function<void(size_t)>& f) {
  if (count_ < 2 || pieces < 2) {
    for_each_piece(nullptr, pieces, f);
    return;
  }
  {
    std::lock_guard lock(mutex_);
    next_ = 0;  // nobody is in an earlier round any more
    work_ = &f;
    pieces_ = pieces;
    ++round_;
    while (threads_.size() + 1 < count_) {
      threads_.emplace_back([this] { serve(); });
    }
  }
  ready_.notify_all();
  for (size_t piece = next_++; piece < pieces; piece = next_++) {
    f(piece);
  }
  std::unique_lock lock(mutex_);
  work_ = nullptr;  // who wakes only now has nothing to do
  done_.wait(lock, [this] { return helping_ == 0; });
}

void Workers::serve() {
  uint64_t seen = 0;
  std::unique_lock lock(mutex_);
  while (true) {
    ready_.wait(lock, [&] { return stopping_ || (work_ != nullptr && round_ != seen); });
    if (stopping_) {
      return;
    }
    seen = round_;
    const std::function<void(size_t)>& work = *work_;
    size_t pieces = pieces_;
    ++helping_;
    lock.unlock();
    for (size_t piece = next_++; piece < pieces; piece = next_++) {
      work(piece);
    }
    lock.lock();
    if (--helping_ == 0) {
      done_.notify_one();
    }
  }
}

}  // namespace tidemark
