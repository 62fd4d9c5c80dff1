// GREATEST and LEAST, type tests. CASE, COALESCE, NULLIF and IF are not functions: the binder makes
// CASE of them, so that only the branch that is taken is evaluated.

#include "expr/functions/families.h"
#include "expr/functions/shape.h"

namespace tidemark {

namespace {

using Arguments = std::span<const Argument>;

template <bool kGreatest>
void extreme(const KernelFrame& frame, Arguments a) {
  for (const Argument& argument : a) {
    frame.out.share_heaps(*argument.column);
  }
  visit_physical(frame.result.physical(), [&](auto tag) {
    using T = decltype(tag);
    fill<T>(frame, [&](size_t row) {
      size_t best = 0;
      for (size_t i = 1; i < a.size(); ++i) {
        int order =
            compare_values(*a[i].column, row * a[i].stride, *a[best].column, row * a[best].stride);
        best = (kGreatest ? order > 0 : order < 0) ? i : best;
      }
      return a[best].template at<T>(row);
    });
  });
}

template <bool kGreatest>
Result<BoundFunction> bind_extreme(std::span<const Type> types) {
  if (types.empty()) {
    return Status::invalid_argument("takes at least one argument");
  }
  Type common = types[0];
  for (const Type& type : types) {
    common = TRY(common_type(common, type));
  }
  return BoundFunction{extreme<kGreatest>, common.as_nullable(),
                       std::vector<Type>(types.size(), common), NullRule::kStrict, false};
}

template <bool (*kTest)(std::string_view)>
void text_test(const KernelFrame& frame, Arguments a) {
  uint8_t* out = frame.out.mutable_data<uint8_t>();
  for (size_t row = 0; row < frame.rows; ++row) {
    out[row] = !a[0].is_null(row) && kTest(a[0].string_at(row));
  }
}

bool is_alpha(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
  });
}
bool is_digit(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}
bool is_decimal(std::string_view text) {
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) {
    text.remove_prefix(1);
  }
  size_t point = text.find('.');
  if (point == std::string_view::npos) {
    return is_digit(text);
  }
  std::string_view whole = text.substr(0, point), fraction = text.substr(point + 1);
  return (whole.empty() || is_digit(whole)) && (fraction.empty() || is_digit(fraction)) &&
         text.size() > 1;
}

void type_of(const KernelFrame& frame, Arguments) {
  std::string name = frame.argument_types[0].to_string();
  for (size_t row = 0; row < frame.rows; ++row) {
    frame.out.mutable_data<StringRef>()[row] = frame.out.intern(name);
  }
}

Result<BoundFunction> bind_type_of(std::span<const Type> types) {
  if (types.size() != 1) {
    return Status::invalid_argument("takes one argument");
  }
  return BoundFunction{type_of, Type::string().not_null(), {types[0]}, NullRule::kCalled, false};
}

constexpr Function kConditionalFunctions[] = {
    {"GREATEST", "conditional", "GREATEST(a, b, ...)", "The largest value; NULL if any is NULL.",
     "GREATEST(1, 3, 2)", "3", bind_extreme<true>},
    {"LEAST", "conditional", "LEAST(a, b, ...)", "The smallest value; NULL if any is NULL.",
     "LEAST('b', 'a')", "a", bind_extreme<false>},
    {"IS_ALPHA", "conditional", "IS_ALPHA(s)", "Whether the text is letters (a-z) only.",
     "IS_ALPHA('abc')", "true",
     bind_shape<"s", 'b', text_test<is_alpha>, false, NullRule::kCalled>},
    {"IS_DIGIT", "conditional", "IS_DIGIT(s)", "Whether the text is digits only.",
     "IS_DIGIT('12a')", "false",
     bind_shape<"s", 'b', text_test<is_digit>, false, NullRule::kCalled>},
    {"IS_DECIMAL", "conditional", "IS_DECIMAL(s)", "Whether the text is a decimal number.",
     "IS_DECIMAL('-1.5')", "true",
     bind_shape<"s", 'b', text_test<is_decimal>, false, NullRule::kCalled>},
    {"TYPEOF", "conditional", "TYPEOF(x)", "The type of x.", "TYPEOF(1)", "INT NOT NULL",
     bind_type_of},
};

}  // namespace

std::span<const Function> conditional_functions() {
  return kConditionalFunctions;
}

}  // namespace tidemark
