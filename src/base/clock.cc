#include "base/clock.h"

#include <chrono>

namespace tidemark {

namespace {

constexpr int64_t k2000Us = 946'684'800'000'000;  // since 1970

template <typename C>
int64_t microseconds() {
  return std::chrono::duration_cast<std::chrono::microseconds>(C::now().time_since_epoch()).count();
}

class SystemClock final : public Clock {
 public:
  int64_t wall_us() const override { return microseconds<std::chrono::system_clock>() - k2000Us; }
  int64_t steady_us() const override { return microseconds<std::chrono::steady_clock>(); }
};

}  // namespace

const Clock& system_clock() {
  static const SystemClock clock;
  return clock;
}

}  // namespace tidemark
