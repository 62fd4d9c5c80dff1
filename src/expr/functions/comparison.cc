// Comparison and null tests. Text compares by bytes; NaN equals NaN and is above all numbers, and
// -0 equals 0, as in Postgres.

#include <cmath>

#include <fmt/core.h>

#include "expr/cast.h"
#include "expr/functions/families.h"

namespace tidemark {

namespace {

struct Equal {
  template <typename T>
  static bool apply(const T& a, const T& b) {
    if constexpr (std::is_floating_point_v<T>) {
      return a == b || (std::isnan(a) && std::isnan(b));
    } else {
      return a == b;
    }
  }
};
struct NotEqual {
  template <typename T>
  static bool apply(const T& a, const T& b) {
    return !Equal::apply(a, b);
  }
};
struct Less {
  template <typename T>
  static bool apply(const T& a, const T& b) {
    if constexpr (std::is_floating_point_v<T>) {
      return a < b || (!std::isnan(a) && std::isnan(b));
    } else if constexpr (std::is_same_v<T, StringRef>) {
      return a.view() < b.view();
    } else {
      return a < b;
    }
  }
};
struct Greater {
  template <typename T>
  static bool apply(const T& a, const T& b) {
    return Less::apply(b, a);
  }
};
struct LessEqual {
  template <typename T>
  static bool apply(const T& a, const T& b) {
    return !Less::apply(b, a);
  }
};
struct GreaterEqual {
  template <typename T>
  static bool apply(const T& a, const T& b) {
    return !Less::apply(a, b);
  }
};

template <typename Operator>
constexpr bool kIsEquality = std::is_same_v<Operator, Equal> || std::is_same_v<Operator, NotEqual>;

// Only a short text equals a short one, and then both words do: no branch, which would be
// mispredicted where some rows have the constant and some have not.
template <typename Operator>
void compare_to_short(const StringRef* texts, StringRef constant, size_t rows, uint8_t* out) {
  for (size_t i = 0; i < rows; ++i) {
    uint64_t differs = (texts[i].head() ^ constant.head()) | (texts[i].tail() ^ constant.tail());
    out[i] = Operator::apply(differs, uint64_t{0});
  }
}

template <typename Operator, typename T>
void compare_kernel(const KernelFrame& frame, std::span<const Argument> arguments) {
  uint8_t* out = frame.out.mutable_data<uint8_t>();
  const T* a = arguments[0].column->data<T>();
  const T* b = arguments[1].column->data<T>();
  if (arguments[1].is_constant() && !arguments[0].is_constant()) {
    T constant = b[0];
    if constexpr (std::is_same_v<T, StringRef> && kIsEquality<Operator>) {
      if (constant.is_inline()) {
        compare_to_short<Operator>(a, constant, frame.rows, out);
        return;
      }
    }
    for (size_t i = 0; i < frame.rows; ++i) {
      out[i] = Operator::apply(a[i], constant);
    }
    return;
  }
  size_t stride_a = arguments[0].stride, stride_b = arguments[1].stride;
  for (size_t i = 0; i < frame.rows; ++i) {
    out[i] = Operator::apply(a[i * stride_a], b[i * stride_b]);
  }
}

Status arity_error(std::string_view what) {
  return Status::invalid_argument(std::string(what));
}

Result<Type> comparable_type(std::span<const Type> arguments) {
  if (arguments.size() != 2) {
    return arity_error("a comparison takes two values");
  }
  const Type& a = arguments[0];
  const Type& b = arguments[1];
  if ((a.is_character() && b.is_numeric()) || (a.is_numeric() && b.is_character())) {
    return Status::invalid_argument(
               fmt::format("cannot compare {} with {}: text is not converted to numbers implicitly",
                           a.to_string_without_null(), b.to_string_without_null()))
        .with_hint("write a number without quotes, or convert one side with CAST");
  }
  if ((a.kind == TypeKind::kArray && b.is_character()) ||
      (a.is_character() && b.kind == TypeKind::kArray)) {
    return Type::string();  // '{1,2}' is how an array is written
  }
  Result<Type> common = common_type(a, b);
  if (!common.ok()) {
    return Status::invalid_argument(fmt::format("cannot compare {} with {}",
                                                a.to_string_without_null(),
                                                b.to_string_without_null()))
        .with_hint("convert one side with CAST");
  }
  return common;
}

template <typename Operator>
Result<BoundFunction> bind_comparison(std::span<const Type> arguments) {
  Type common = TRY(comparable_type(arguments));
  BoundFunction bound;
  bound.result = Type::boolean();
  bound.arguments = {common, common};
  visit_physical(common.physical(),
                 [&](auto tag) { bound.kernel = compare_kernel<Operator, decltype(tag)>; });
  return bound;
}

template <bool kDistinct>
void distinct_kernel(const KernelFrame& frame, std::span<const Argument> arguments) {
  uint8_t* out = frame.out.mutable_data<uint8_t>();
  for (size_t i = 0; i < frame.rows; ++i) {
    out[i] = same_value(*arguments[0].column, i * arguments[0].stride, *arguments[1].column,
                        i * arguments[1].stride) != kDistinct;
  }
}

template <bool kDistinct>
Result<BoundFunction> bind_distinct(std::span<const Type> arguments) {
  Type common = TRY(comparable_type(arguments));
  return BoundFunction{distinct_kernel<kDistinct>,
                       Type::boolean().not_null(),
                       {common, common},
                       NullRule::kCalled,
                       false};
}

template <bool kNull>
void null_kernel(const KernelFrame& frame, std::span<const Argument> arguments) {
  uint8_t* out = frame.out.mutable_data<uint8_t>();
  for (size_t i = 0; i < frame.rows; ++i) {
    out[i] = arguments[0].is_null(i) == kNull;
  }
}

template <bool kNull>
Result<BoundFunction> bind_null_test(std::span<const Type> arguments) {
  if (arguments.size() != 1) {
    return arity_error("takes one value");
  }
  return BoundFunction{
      null_kernel<kNull>, Type::boolean().not_null(), {arguments[0]}, NullRule::kCalled, false};
}

// IS [NOT] TRUE and IS [NOT] FALSE.
template <bool kWanted, bool kNegated>
void truth_kernel(const KernelFrame& frame, std::span<const Argument> arguments) {
  uint8_t* out = frame.out.mutable_data<uint8_t>();
  for (size_t i = 0; i < frame.rows; ++i) {
    bool is = !arguments[0].is_null(i) && (arguments[0].at<uint8_t>(i) != 0) == kWanted;
    out[i] = is != kNegated;
  }
}

template <bool kWanted, bool kNegated>
Result<BoundFunction> bind_truth_test(std::span<const Type> arguments) {
  if (arguments.size() != 1 ||
      (arguments[0].kind != TypeKind::kBoolean && arguments[0].kind != TypeKind::kNull)) {
    return Status::invalid_argument("expected a BOOLEAN");
  }
  return BoundFunction{truth_kernel<kWanted, kNegated>,
                       Type::boolean().not_null(),
                       {Type::boolean()},
                       NullRule::kCalled,
                       false};
}

void not_kernel(const KernelFrame& frame, std::span<const Argument> arguments) {
  uint8_t* out = frame.out.mutable_data<uint8_t>();
  for (size_t i = 0; i < frame.rows; ++i) {
    out[i] = !arguments[0].at<uint8_t>(i);
  }
}

Result<BoundFunction> bind_not(std::span<const Type> arguments) {
  if (arguments.size() != 1 ||
      (arguments[0].kind != TypeKind::kBoolean && arguments[0].kind != TypeKind::kNull)) {
    return Status::invalid_argument("NOT expects a BOOLEAN");
  }
  return BoundFunction{not_kernel, Type::boolean(), {Type::boolean()}, NullRule::kStrict, false};
}

constexpr Function kComparisonFunctions[] = {
    {"=", "comparison", "a = b", "TRUE if both values are equal.", "1 = 1.0", "true",
     bind_comparison<Equal>},
    {"<>", "comparison", "a <> b", "TRUE if the values differ; also written !=.", "'a' <> 'b'",
     "true", bind_comparison<NotEqual>},
    {"<", "comparison", "a < b", "TRUE if a is less than b.", "1 < 2", "true",
     bind_comparison<Less>},
    {"<=", "comparison", "a <= b", "TRUE if a is at most b.", "2 <= 2", "true",
     bind_comparison<LessEqual>},
    {">", "comparison", "a > b", "TRUE if a is greater than b.", "'b' > 'a'", "true",
     bind_comparison<Greater>},
    {">=", "comparison", "a >= b", "TRUE if a is at least b.", "1 >= 2", "false",
     bind_comparison<GreaterEqual>},
    {"IS DISTINCT FROM", "comparison", "a IS DISTINCT FROM b",
     "As <>, but NULL is a value like any other.", "NULL IS DISTINCT FROM 1", "true",
     bind_distinct<true>},
    {"IS NOT DISTINCT FROM", "comparison", "a IS NOT DISTINCT FROM b",
     "As =, but NULL is a value like any other.", "1 IS NOT DISTINCT FROM 1", "true",
     bind_distinct<false>},
    {"IS NULL", "comparison", "x IS NULL", "TRUE if x is NULL.", "NULL IS NULL", "true",
     bind_null_test<true>},
    {"IS NOT NULL", "comparison", "x IS NOT NULL", "TRUE if x is not NULL.", "1 IS NOT NULL",
     "true", bind_null_test<false>},
    {"IS TRUE", "logic", "b IS TRUE", "TRUE if b is TRUE, FALSE if it is FALSE or unknown.",
     "(1 = 1) IS TRUE", "true", bind_truth_test<true, false>},
    {"IS NOT TRUE", "logic", "b IS NOT TRUE", "TRUE if b is FALSE or unknown.",
     "(1 = 1) IS NOT TRUE", "false", bind_truth_test<true, true>},
    {"IS FALSE", "logic", "b IS FALSE", "TRUE if b is FALSE.", "(1 = 1) IS FALSE", "false",
     bind_truth_test<false, false>},
    {"IS NOT FALSE", "logic", "b IS NOT FALSE", "TRUE if b is TRUE or unknown.",
     "(1 = 1) IS NOT FALSE", "true", bind_truth_test<false, true>},
    {"NOT", "logic", "NOT b", "The opposite of b; unknown stays unknown.", "NOT (1 = 2)", "true",
     bind_not},
};

}  // namespace

std::span<const Function> comparison_functions() {
  return kComparisonFunctions;
}

}  // namespace tidemark
