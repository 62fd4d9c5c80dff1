// Instants and wall clocks.

#include "expr/functions/calendar.h"
#include "expr/functions/families.h"
#include "expr/functions/java_pattern.h"
#include "expr/functions/shape.h"

namespace tidemark {

namespace {

using Arguments = std::span<const Argument>;

// TIMESTAMP AT TIME ZONE z: the instant at which clocks in z show it; TIMESTAMP_LTZ: what they
// show.
template <bool kToInstant>
void at_time_zone(const KernelFrame& frame, Arguments a) {
  fill<int64_t>(frame, [&](size_t row) -> int64_t {
    int64_t us = a[0].at<int64_t>(row);
    std::string_view zone = a[1].string_at(row);
    Result<int64_t> moved =
        kToInstant ? instant_from_timestamp(us, zone) : timestamp_from_instant(us, zone);
    if (!moved.ok()) {
      frame.fail(row, fmt::format("no such time zone: '{}'", zone));
      return 0;
    }
    return *moved;
  });
}

Result<BoundFunction> bind_at_time_zone(std::span<const Type> types) {
  if (types.size() != 2) {
    return Status::invalid_argument("takes a timestamp and a zone");
  }
  if (types[0].kind == TypeKind::kTimestampLtz) {
    Type type = Type::timestamp_ltz(types[0].precision);
    return BoundFunction{at_time_zone<false>,
                         Type::timestamp(type.precision),
                         {type, Type::string()},
                         NullRule::kStrict,
                         true};
  }
  return bind_shape<"Ts", 'L', at_time_zone<true>, true>(types);
}

// Flink: text of the one zone's clock as text of the other's; NULL if it is no timestamp.
void convert_tz(const KernelFrame& frame, Arguments a) {
  constexpr std::string_view kPattern = "yyyy-MM-dd HH:mm:ss";
  fill_text(frame, [&](size_t row, std::string& out) {
    std::optional<int64_t> local = parse_by_pattern(a[0].string_at(row), kPattern);
    if (!local) {
      return false;
    }
    Result<int64_t> instant = instant_from_timestamp(*local, a[1].string_at(row));
    Result<int64_t> there =
        instant.ok() ? timestamp_from_instant(*instant, a[2].string_at(row)) : std::move(instant);
    if (!there.ok()) {
      frame.fail(row, fmt::format("no such time zone: '{}'",
                                  instant.ok() ? a[2].string_at(row) : a[1].string_at(row)));
      return true;
    }
    append_formatted(*there, kPattern, out);
    return true;
  });
}

constexpr Function kTimeZoneFunctions[] = {
    {"AT TIME ZONE", "datetime", "t AT TIME ZONE zone",
     "The instant at which clocks in the zone show a TIMESTAMP; what they show at a TIMESTAMP_LTZ "
     "(Postgres).",
     "TIMESTAMP '2020-07-01 12:00:00' AT TIME ZONE 'Europe/Berlin'", "2020-07-01 10:00:00+00",
     bind_at_time_zone},
    {"CONVERT_TZ", "datetime", "CONVERT_TZ(s, from, to)",
     "A text yyyy-MM-dd HH:mm:ss of one zone's clock as that of another's; NULL if it is none.",
     "CONVERT_TZ('1970-01-01 00:00:00', 'UTC', 'America/Los_Angeles')", "1969-12-31 16:00:00",
     bind_shape<"sss", 's', convert_tz, true>},
};

}  // namespace

std::span<const Function> time_zone_functions() {
  return kTimeZoneFunctions;
}

}  // namespace tidemark
