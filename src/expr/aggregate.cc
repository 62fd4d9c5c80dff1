#include "expr/aggregate.h"

#include <fmt/core.h>

namespace tidemark {

namespace {

constexpr AggregateFunction kAggregates[] = {
    {"COUNT", AggregateKind::kCount, "COUNT(*), COUNT([DISTINCT] x)",
     "Number of rows, or of rows whose x is not NULL; with DISTINCT, of different values."},
    {"SUM", AggregateKind::kSum, "SUM([DISTINCT] x)",
     "Sum of the values that are not NULL; NULL if there are none. Sums of FLOAT and DOUBLE are "
     "exact and rounded once."},
    {"AVG", AggregateKind::kAvg, "AVG([DISTINCT] x)",
     "Mean of the values that are not NULL, in the type of x: integers are cut toward zero, as in "
     "Flink."},
    {"MIN", AggregateKind::kMin, "MIN(x)", "Smallest value that is not NULL."},
    {"MAX", AggregateKind::kMax, "MAX(x)", "Largest value that is not NULL."},
};

}  // namespace

std::span<const AggregateFunction> all_aggregates() {
  return kAggregates;
}

const AggregateFunction* find_aggregate(std::string_view name) {
  for (const AggregateFunction& function : kAggregates) {
    if (name.size() == function.name.size() &&
        std::equal(name.begin(), name.end(), function.name.begin(),
                   [](char a, char b) { return (a >= 'a' && a <= 'z' ? a - 32 : a) == b; })) {
      return &function;
    }
  }
  return nullptr;
}

Result<Type> aggregate_result_type(const AggregateFunction& function, const Type& input) {
  auto wrong = [&](std::string_view expected) {
    return Status::invalid_argument(fmt::format("{} takes {}, not {}", function.name, expected,
                                                input.to_string_without_null()));
  };
  switch (function.kind) {
    case AggregateKind::kCountStar:
    case AggregateKind::kCount:
      return Type::bigint().not_null();
    case AggregateKind::kSum:
      if (input.kind == TypeKind::kDecimal) {
        return Type::decimal(kDecimalPrecisionMax, input.scale);
      }
      return input.is_numeric() ? Result<Type>(input.as_nullable()) : wrong("a number");
    case AggregateKind::kAvg:
      if (input.kind == TypeKind::kDecimal) {
        return Type::decimal(kDecimalPrecisionMax, std::max(input.scale, 6));
      }
      return input.is_numeric() ? Result<Type>(input.as_nullable()) : wrong("a number");
    case AggregateKind::kMin:
    case AggregateKind::kMax:
      return input.is_nested() || input.kind == TypeKind::kNull ? wrong("a value that has an order")
                                                                : Result<Type>(input.as_nullable());
  }
  CHECK(false);
}

}  // namespace tidemark
