#pragma once
// What time it is for the engine. A simulation has a clock of its own.
//
// Thread rule: any thread.

#include <cstdint>

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

// Of the system's clock.
inline int64_t steady_us() {
  return system_clock().steady_us();
}

}  // namespace tidemark
