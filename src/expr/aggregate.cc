#include "expr/aggregate.h"

#include <fmt/core.h>

namespace tidemark {

namespace {

constexpr AggregateFunction kAggregates[] = {
    {"COUNT", AggregateKind::kCount, "COUNT(*), COUNT([DISTINCT] x, ..)",
     "Number of rows, or of rows whose x is not NULL; with DISTINCT, of different values."},
    {"APPROX_COUNT_DISTINCT", AggregateKind::kCount, "APPROX_COUNT_DISTINCT(x)",
     "COUNT(DISTINCT x): exact."},
    {"SUM", AggregateKind::kSum, "SUM([DISTINCT] x)",
     "Sum of the values that are not NULL; NULL if there are none. Sums of FLOAT and DOUBLE are "
     "exact and rounded once."},
    {"AVG", AggregateKind::kAvg, "AVG([DISTINCT] x)",
     "Mean of the values that are not NULL, in the type of x: integers are cut toward zero, as in "
     "Flink."},
    {"MIN", AggregateKind::kMin, "MIN(x)", "Smallest value that is not NULL."},
    {"MAX", AggregateKind::kMax, "MAX(x)", "Largest value that is not NULL."},
    {"VAR_POP", AggregateKind::kVarPop, "VAR_POP([DISTINCT] x)",
     "Variance of the values that are not NULL, in the type that AVG has; exact, rounded once."},
    {"VAR_SAMP", AggregateKind::kVarSamp, "VAR_SAMP([DISTINCT] x)",
     "Variance of a sample: divided by the number of values less one; NULL for one value."},
    {"VARIANCE", AggregateKind::kVarSamp, "VARIANCE([DISTINCT] x)", "VAR_SAMP."},
    {"STDDEV_POP", AggregateKind::kStddevPop, "STDDEV_POP([DISTINCT] x)",
     "Square root of VAR_POP before its rounding."},
    {"STDDEV_SAMP", AggregateKind::kStddevSamp, "STDDEV_SAMP([DISTINCT] x)",
     "Square root of VAR_SAMP before its rounding; NULL for one value."},
    {"STDDEV", AggregateKind::kStddevSamp, "STDDEV([DISTINCT] x)", "STDDEV_SAMP."},
    {"BOOL_AND", AggregateKind::kBoolAnd, "BOOL_AND(condition)",
     "Whether all values that are not NULL are TRUE; NULL if there are none."},
    {"EVERY", AggregateKind::kBoolAnd, "EVERY(condition)", "BOOL_AND."},
    {"BOOL_OR", AggregateKind::kBoolOr, "BOOL_OR(condition)",
     "Whether a value is TRUE; NULL if all are NULL."},
    {"LISTAGG", AggregateKind::kListAgg,
     "LISTAGG([DISTINCT] text [, separator]) [WITHIN GROUP (ORDER BY ..)]",
     "The texts that are not NULL, joined by the separator (','), in order; without ORDER BY in "
     "the order of the texts."},
    {"STRING_AGG", AggregateKind::kListAgg, "STRING_AGG([DISTINCT] text, separator [ORDER BY ..])",
     "LISTAGG."},
    {"ARRAY_AGG", AggregateKind::kArrayAgg, "ARRAY_AGG([DISTINCT] x [ORDER BY ..] [IGNORE NULLS])",
     "An array of all values, NULLs included, in order; without ORDER BY in the order of the "
     "values. NULL for no row."},
    {"COLLECT", AggregateKind::kCollect, "COLLECT([DISTINCT] x)",
     "A MULTISET of all values that are not NULL. NULL for no row."},
    {"FIRST_VALUE", AggregateKind::kFirstValue, "FIRST_VALUE(x [ORDER BY ..]) [RESPECT NULLS]",
     "The first value in order that is not NULL; without ORDER BY the smallest."},
    {"LAST_VALUE", AggregateKind::kLastValue, "LAST_VALUE(x [ORDER BY ..]) [RESPECT NULLS]",
     "The last value in order that is not NULL; without ORDER BY the largest."},
    {"PERCENTILE_CONT", AggregateKind::kPercentileCont,
     "PERCENTILE_CONT(fraction) WITHIN GROUP (ORDER BY x)",
     "The value at this fraction of the ordered values, between two neighbours if it falls there."},
    {"PERCENTILE", AggregateKind::kPercentileCont, "PERCENTILE(x, fraction)",
     "PERCENTILE_CONT(fraction) WITHIN GROUP (ORDER BY x)."},
    {"PERCENTILE_DISC", AggregateKind::kPercentileDisc,
     "PERCENTILE_DISC(fraction) WITHIN GROUP (ORDER BY x)",
     "The first of the ordered values whose place reaches this fraction."},
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

bool takes_within_group(AggregateKind kind) {
  return kind == AggregateKind::kPercentileCont || kind == AggregateKind::kPercentileDisc;
}

bool sees_nulls(AggregateKind kind) {
  return kind == AggregateKind::kArrayAgg || kind == AggregateKind::kFirstValue ||
         kind == AggregateKind::kLastValue;
}

bool is_order_sensitive(AggregateKind kind) {
  return kind == AggregateKind::kListAgg || kind == AggregateKind::kArrayAgg ||
         kind == AggregateKind::kCollect || kind == AggregateKind::kFirstValue ||
         kind == AggregateKind::kLastValue;
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
    case AggregateKind::kVarPop:
    case AggregateKind::kVarSamp:
    case AggregateKind::kStddevPop:
    case AggregateKind::kStddevSamp:
      if (input.kind == TypeKind::kDecimal) {
        return Type::decimal(kDecimalPrecisionMax, std::max(input.scale, 6));
      }
      return input.is_numeric() ? Result<Type>(input.as_nullable()) : wrong("a number");
    case AggregateKind::kBoolAnd:
    case AggregateKind::kBoolOr:
      return input.kind == TypeKind::kBoolean ? Result<Type>(Type::boolean()) : wrong("a BOOLEAN");
    case AggregateKind::kListAgg:
      return input.is_character() ? Result<Type>(Type::string())
                                  : wrong("text (CAST it to STRING)");
    case AggregateKind::kArrayAgg:
      return input.kind == TypeKind::kNull ? wrong("a value that has a type")
                                           : Result<Type>(Type::array(input));
    case AggregateKind::kCollect: {
      Type result = Type::of(TypeKind::kMultiset);
      result.children.push_back(input.not_null());
      return input.kind == TypeKind::kNull ? wrong("a value that has a type")
                                           : Result<Type>(std::move(result));
    }
    case AggregateKind::kPercentileCont:
      return input.is_numeric() ? Result<Type>(Type::float64()) : wrong("a number");
    case AggregateKind::kFirstValue:
    case AggregateKind::kLastValue:
      return input.kind == TypeKind::kNull ? wrong("a value that has a type")
                                           : Result<Type>(input.as_nullable());
    case AggregateKind::kPercentileDisc:
    case AggregateKind::kMin:
    case AggregateKind::kMax:
      return input.is_nested() || input.kind == TypeKind::kNull ? wrong("a value that has an order")
                                                                : Result<Type>(input.as_nullable());
  }
  CHECK(false);
}

}  // namespace tidemark
