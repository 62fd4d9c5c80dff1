#pragma once
// Whether views are behind what the sources have committed. Those who answer reads look here, and
// rest a little meanwhile (docs/decisions/0026_reads_give_way.md).
//
// Thread rule: note() is the step thread's; exists() from any thread.

#include <atomic>
#include <cstdint>

namespace tidemark {

class Backlog {
 public:
  // There is one now, by the engine's steady clock. It lasts for a while, in which the next part of
  // it arrives and is noted, or it is over.
  void note(int64_t now_us) { until_us_.store(now_us + kHoldUs, std::memory_order_relaxed); }
  bool exists(int64_t now_us) const { return now_us < until_us_.load(std::memory_order_relaxed); }

  static constexpr int64_t kHoldUs = 20'000;  // some turns of the step loop

 private:
  std::atomic<int64_t> until_us_{INT64_MIN};
};

}  // namespace tidemark
