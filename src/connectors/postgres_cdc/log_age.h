#pragma once
// How long the oldest log that is held has been waiting, from looks at where the log ended.
//
// Thread rule: one thread at a time.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <utility>

#include "types/lsn.h"

namespace tidemark {

class LogAge {
 public:
  // At `now_us` the log ended at `current`, and was wanted from `confirmed` on.
  void note(int64_t now_us, Lsn current, Lsn confirmed) {
    looks_.emplace_back(now_us, current);
    while (!looks_.empty() && looks_.front().second <= confirmed) {
      looks_.pop_front();
    }
    if (looks_.size() > kLooksMax) {
      std::deque<std::pair<int64_t, Lsn>> kept;
      for (size_t i = 0; i < looks_.size(); i += 2) {
        kept.push_back(looks_[i]);
      }
      looks_ = std::move(kept);
    }
  }
  // Since when some of it has been waiting, about; 0: nothing is.
  int64_t since_us() const { return looks_.empty() ? 0 : looks_.front().first; }

 private:
  static constexpr size_t kLooksMax = 1024;
  std::deque<std::pair<int64_t, Lsn>> looks_;
};

}  // namespace tidemark
