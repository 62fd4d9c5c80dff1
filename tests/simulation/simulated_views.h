#pragma once
// The views of a simulation, and what they are to show: plain loops over the upstream's content.

#include <cstdint>
#include <map>
#include <span>
#include <string>

#include "tests/simulation/upstream.h"

namespace tidemark {

using SimulatedRows = std::map<std::string, int64_t>;  // a row's cells with | between -> how often

struct SimulatedView {
  const char* name;
  const char* query;
  SimulatedRows (*answer)(const UpstreamContent&);
  const char* other_query = nullptr;  // what it may be changed to
  SimulatedRows (*other_answer)(const UpstreamContent&) = nullptr;
};

// In an order in which they can be made.
std::span<const SimulatedView> simulated_views();

}  // namespace tidemark
