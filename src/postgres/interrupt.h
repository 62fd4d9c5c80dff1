#pragma once
// Ends blocking waits from another thread. Every wait of a connection polls its socket together
// with an Interrupt; once requested it stays requested, so that no wait begun later can miss it.
//
// Thread rule: any thread may call request; any thread may wait on fd().

#include <atomic>
#include <cstdint>

namespace tidemark {

class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  void request();
  bool requested() const { return requested_.load(std::memory_order_acquire); }
  int fd() const { return fd_; }

 private:
  int fd_;
  std::atomic<bool> requested_{false};
};

// Wakes one waiting thread; unlike an Interrupt it is reset by the thread that it woke.
class WakeSignal {
 public:
  WakeSignal();
  ~WakeSignal();
  WakeSignal(const WakeSignal&) = delete;
  WakeSignal& operator=(const WakeSignal&) = delete;

  void wake();
  void reset();
  int fd() const { return fd_; }

 private:
  int fd_;
};

// Waits until `interrupt` or for the time given; true if it was requested.
bool sleep_unless_interrupted(const Interrupt& interrupt, int64_t time_us);

}  // namespace tidemark
