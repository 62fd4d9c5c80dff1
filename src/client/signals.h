#pragma once
// Signals as something to wait for, like a socket. block_signals() must come before the first
// thread starts, so that no thread is interrupted by them.

#include <optional>
#include <string>

#include "base/clock.h"

namespace tidemark {

// SIGINT, SIGTERM, SIGHUP, SIGWINCH and SIGPIPE from here on are only seen through Signals.
void block_signals();

class Signals {
 public:
  Signals();
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  int fd() const { return fd_; }
  // The next signal that came, if any.
  std::optional<int> take();

 private:
  int fd_;
};

// Waits for up to four descriptors (negative: none), or for the time (negative: for ever). Also
// returns when `output_fd` has lost its reader; true in that case.
struct WaitFor {
  int socket = -1;
  int signals = -1;
  int keys = -1;
  int output = -1;
};
bool wait_for(const WaitFor& what, int64_t time_us);

}  // namespace tidemark
