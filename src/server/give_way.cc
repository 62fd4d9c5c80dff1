#include "server/give_way.h"

#include <chrono>
#include <thread>

#include "base/clock.h"

namespace tidemark {

Pace real_pace() {
  return {.now_us = [] { return steady_us(); },
          .rest = [](int64_t us) { std::this_thread::sleep_for(std::chrono::microseconds(us)); }};
}

// One rest for all that was ready: clients that wait for their answers before they ask again cannot
// ask meanwhile, and are answered together.
void run_giving_way(boost::asio::io_context& io, const Backlog& backlog, const Pace& pace) {
  while (io.run_one() != 0) {
    int64_t began_us = pace.now_us();
    if (!backlog.exists(began_us)) {
      continue;
    }
    while (pace.now_us() - began_us < kWorkUs && io.poll_one() != 0) {
    }
    pace.rest(kRestUs);
  }
}

}  // namespace tidemark
