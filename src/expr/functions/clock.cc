// The clock functions give the time at which the query started: they are the same for every row and
// every change, so that a row that is taken back is the row that was shown.

#include "expr/functions/families.h"
#include "expr/functions/shape.h"
#include "types/datetime.h"

namespace tidemark {

namespace {

using Arguments = std::span<const Argument>;

enum class Clock { kTimestampLtz, kTimestamp, kDate, kTime };

template <Clock kClock>
void clock_kernel(const KernelFrame& frame, Arguments) {
  Result<int64_t> converted = timestamp_from_instant(frame.context.now_us, frame.context.zone);
  int64_t local = converted.ok() ? *converted : frame.context.now_us;
  for (size_t row = 0; row < frame.rows; ++row) {
    switch (kClock) {
      case Clock::kTimestampLtz:
        frame.out.mutable_data<int64_t>()[row] = round_micros(frame.context.now_us, 3);
        break;
      case Clock::kTimestamp:
        frame.out.mutable_data<int64_t>()[row] = round_micros(local, 3);
        break;
      case Clock::kDate:
        frame.out.mutable_data<int32_t>()[row] = day_of_timestamp(local);
        break;
      case Clock::kTime:
        frame.out.mutable_data<int64_t>()[row] = round_micros(time_of_timestamp(local), 0);
        break;
    }
  }
}

template <Clock kClock>
Result<BoundFunction> bind_clock(std::span<const Type> types) {
  if (!types.empty()) {
    return Status::invalid_argument("takes no arguments");
  }
  Type type = kClock == Clock::kTimestampLtz ? Type::timestamp_ltz(3)
              : kClock == Clock::kTimestamp  ? Type::timestamp(3)
              : kClock == Clock::kDate       ? Type::date()
                                             : Type::time(0);
  return BoundFunction{clock_kernel<kClock>, type.not_null(), {}, NullRule::kStrict, false};
}

constexpr Function kClockFunctions[] = {
    {"CURRENT_TIMESTAMP", "clock", "CURRENT_TIMESTAMP", "The time at which the query started.",
     "CURRENT_TIMESTAMP = NOW()", "true", bind_clock<Clock::kTimestampLtz>},
    {"NOW", "clock", "NOW()", "As CURRENT_TIMESTAMP.", "NOW() > TO_TIMESTAMP_LTZ(0, 0)", "true",
     bind_clock<Clock::kTimestampLtz>},
    {"CURRENT_ROW_TIMESTAMP", "clock", "CURRENT_ROW_TIMESTAMP()",
     "As CURRENT_TIMESTAMP: one time for all rows, so that they can be taken back.",
     "CURRENT_ROW_TIMESTAMP() = NOW()", "true", bind_clock<Clock::kTimestampLtz>},
    {"LOCALTIMESTAMP", "clock", "LOCALTIMESTAMP",
     "As CURRENT_TIMESTAMP, as wall-clock time in the session's zone.",
     "LOCALTIMESTAMP = LOCALTIMESTAMP", "true", bind_clock<Clock::kTimestamp>},
    {"CURRENT_DATE", "clock", "CURRENT_DATE",
     "The date on which the query started, in the session's zone.",
     "CURRENT_DATE = CAST(LOCALTIMESTAMP AS DATE)", "true", bind_clock<Clock::kDate>},
    {"CURRENT_TIME", "clock", "CURRENT_TIME",
     "The time of day at which the query started, in the session's zone.",
     "CURRENT_TIME = LOCALTIME", "true", bind_clock<Clock::kTime>},
    {"LOCALTIME", "clock", "LOCALTIME", "As CURRENT_TIME.", "LOCALTIME = CURRENT_TIME", "true",
     bind_clock<Clock::kTime>},
};

}  // namespace

std::span<const Function> clock_functions() {
  return kClockFunctions;
}

}  // namespace tidemark
