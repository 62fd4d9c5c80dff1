#pragma once
// Threads for work that may block. A thread is added when all are busy, up to a limit; past it,
// work waits its turn.
//
// Thread rule: run() from any thread.

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace tidemark {

class WorkerPool {
 public:
  explicit WorkerPool(size_t threads_max) : threads_max_(threads_max) {}
  ~WorkerPool();  // does the work that is left first

  void run(std::function<void()> work);

 private:
  void serve();

  const size_t threads_max_;
  std::mutex mutex_;  // guards all below
  std::condition_variable ready_;
  std::deque<std::function<void()>> queue_;
  std::vector<std::thread> threads_;
  size_t idle_ = 0;
  bool stopping_ = false;
};

}  // namespace tidemark
