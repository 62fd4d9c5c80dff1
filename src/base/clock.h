#pragma once
// What time it is for the engine. A simulation has a clock of its own.
//
// Thread rule: any thread.

#include <algorithm>
#include <cstdint>
#include <optional>

namespace tidemark {

class Clock {
 public:
  virtual ~Clock() = default;
  // Microseconds since 2000-01-01 UTC, as the machine has it: somebody may set it, to and fro.
  virtual int64_t wall_us() const = 0;
  // Microseconds since some moment. It only goes on: how long something takes, and when it is due,
  // is measured by it.
  virtual int64_t steady_us() const = 0;
};

const Clock& system_clock();

// From a commit to its publication, both as wall_us and 0 where there has been none. The clocks of
// two machines may differ.
inline std::optional<int64_t> lag_us(int64_t commit_time_us, int64_t published_us) {
  return commit_time_us != 0 && published_us != 0
             ? std::optional(std::max<int64_t>(0, published_us - commit_time_us))
             : std::nullopt;
}

// Of the system's clock.
inline int64_t steady_us() {
  return system_clock().steady_us();
}

}  // namespace tidemark
