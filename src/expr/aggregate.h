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

enum class AggregateKind : uint8_t {
  kCountStar,
  kCount,
  kSum,
  kAvg,
  kMin,
  kMax,
  kVarPop,
  kVarSamp,
  kStddevPop,
  kStddevSamp,
  kBoolAnd,
  kBoolOr,
  kListAgg,  // parameter: the separator
  kArrayAgg,
  kCollect,
  kFirstValue,
  kLastValue,
  kPercentileCont,  // parameter: the fraction, a double from 0 to 1
  kPercentileDisc,  // likewise
};

struct AggregateFunction {
  std::string_view name;
  AggregateKind kind;
  std::string_view usage;
  std::string_view text;
};

std::span<const AggregateFunction> all_aggregates();
const AggregateFunction* find_aggregate(std::string_view name);

// Whether it is written f(fraction) WITHIN GROUP (ORDER BY x).
bool takes_within_group(AggregateKind kind);
// Whether NULLs can be among its values; others pass them over.
bool sees_nulls(AggregateKind kind);
// Whether the order of the values counts: ORDER BY may stand inside.
bool is_order_sensitive(AggregateKind kind);

// SUM keeps the input's type (DECIMAL: 38 digits); AVG, variances and deviations too (DECIMAL:
// scale at least 6); COUNT is BIGINT NOT NULL. A result that does not fit its type is an error of
// its group, never wrapped.
Result<Type> aggregate_result_type(const AggregateFunction& function, const Type& input);

}  // namespace tidemark
