#include "expr/window.h"

#include <cstdlib>

namespace tidemark {

std::optional<NearestValues> nearest_values(WindowFunction function, bool ignore_nulls,
                                            const WindowFrame& frame,
                                            std::optional<int64_t> offset) {
  using Bound = WindowBound::Kind;
  if (!ignore_nulls) {
    return std::nullopt;
  }
  switch (function) {
    case WindowFunction::kLag:
    case WindowFunction::kLead:
      if (offset && *offset != 0) {
        return NearestValues{(function == WindowFunction::kLag) == (*offset > 0),
                             std::abs(*offset)};
      }
      return std::nullopt;
    // From the frame's near end, which is the row or lies on its other side.
    case WindowFunction::kLastValue:
      if (frame.start.kind == Bound::kUnboundedPreceding && frame.end.kind == Bound::kOffset &&
          frame.end.whole >= 0 && frame.end.real >= 0 && frame.exclude == WindowExclude::kNothing) {
        return NearestValues{true, 1};
      }
      return std::nullopt;
    case WindowFunction::kFirstValue:
      if (frame.end.kind == Bound::kUnboundedFollowing && frame.start.kind == Bound::kOffset &&
          frame.start.whole <= 0 && frame.start.real <= 0 &&
          frame.exclude == WindowExclude::kNothing) {
        return NearestValues{false, 1};
      }
      return std::nullopt;
    default:
      return std::nullopt;
  }
}

}  // namespace tidemark
