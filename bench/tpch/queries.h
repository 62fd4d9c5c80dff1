#pragma once
// TPC-H's 22 queries with their validation parameters (clause 2.4). Orders and limits are left out
// where a view has none of its own (q1 and others only sort their answer).

#include <span>
#include <string>
#include <vector>

#include "bench/tpch/generator.h"

namespace tidemark {

struct TpchQuery {
  int number;
  std::string text;
};

std::span<const TpchQuery> tpch_queries();

}  // namespace tidemark
