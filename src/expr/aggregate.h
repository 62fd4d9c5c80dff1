#pragma once
// Aggregate functions: what each takes and returns (Flink's rules). How they are maintained is the
// dataflow's matter (dataflow/operators/aggregate.h).

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "types/type.h"

namespace tidemark {

enum class AggregateKind : uint8_t { kCountStar, kCount, kSum, kAvg, kMin, kMax };

struct AggregateFunction {
  std::string_view name;
  AggregateKind kind;
  std::string_view usage;
  std::string_view text;
};

std::span<const AggregateFunction> all_aggregates();
const AggregateFunction* find_aggregate(std::string_view name);

// SUM keeps the input's type (DECIMAL: 38 digits), AVG too (DECIMAL: scale at least 6), COUNT is
// BIGINT NOT NULL. A result that does not fit its type is an error of its group, never wrapped.
Result<Type> aggregate_result_type(const AggregateFunction& function, const Type& input);

}  // namespace tidemark
