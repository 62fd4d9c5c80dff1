#pragma once
// Threads that help another one with work that falls into pieces, such as parts of a large batch.
// Pieces do not depend on each other and each writes to a place of its own, so that it cannot be
// seen which thread took which, nor how many there are.
//
// Thread rule: for_each() from one thread, the owner's.

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace tidemark {

// Rows of a batch that is cut by columns or functions: pieces of fewer are not worth a wake.
constexpr size_t kSharedRows = 4096;

class Workers {
 public:
  // Threads that work together: `count` less one are added at the first need. 1: the owner alone.
  explicit Workers(size_t count) : count_(count) {}
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  size_t count() const { return count_; }
  // Calls f(0) to f(pieces - 1), on this thread and the others, in any order. When it returns all
  // have returned, and what they wrote can be read. f must not come back here. To wake another
  // thread costs some 10 us: pieces are to be worth that.
  void for_each(size_t pieces, const std::function<void(size_t)>& f);

 private:
  void serve();

  const size_t count_;
  std::atomic<size_t> next_ = 0;  // the first piece that nobody has taken
  std::mutex mutex_;              // guards all below
  std::condition_variable ready_, done_;
  const std::function<void(size_t)>* work_ = nullptr;  // null: there is none (any more)
  size_t pieces_ = 0;
  uint64_t round_ = 0;  // of for_each()
  size_t helping_ = 0;  // threads that are in work_
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

// As Workers::for_each; null: on this thread.
void for_each_piece(Workers* workers, size_t pieces, const std::function<void(size_t)>& f);

}  // namespace tidemark
