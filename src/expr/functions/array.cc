// Functions of arrays. Elements are compared, moved and counted as they are packed
// (types/nested.h): equal bytes are equal values, NULL is a value like any other.

#include <algorithm>
#include <set>

#include "expr/functions/families.h"
#include "expr/functions/nested_arguments.h"
#include "expr/functions/shape.h"
#include "expr/functions/utf8.h"
#include "types/text.h"

namespace tidemark {

namespace {

using Arguments = std::span<const Argument>;
using Elements = std::vector<std::string_view>;

Elements elements_at(const KernelFrame& frame, Arguments a, size_t i, size_t row) {
  return packed_elements(a[i].string_at(row), frame.argument_types[i].children[0]);
}

// f(row, elements of the first argument) changes the elements, which become the result.
template <typename F>
void map_elements(const KernelFrame& frame, Arguments a, F&& f) {
  fill_text(frame, [&](size_t row, std::string& out) {
    Elements elements = elements_at(frame, a, 0, row);
    f(row, elements);
    size_t bytes = 0;
    for (std::string_view element : elements) {
      bytes += element.size();
    }
    if (bytes > kValueBytesMax) {
      frame.fail(row, fmt::format("the array would have {} bytes", bytes));
      return false;
    }
    out = pack_elements(elements);
    return true;
  });
}

void cardinality(const KernelFrame& frame, Arguments a) {
  fill<int32_t>(frame, [&](size_t row) { return packed_count(a[0].string_at(row)); });
}

Result<BoundFunction> bind_cardinality(std::span<const Type> types) {
  if (types.size() != 1 || !types[0].is_nested() || types[0].kind == TypeKind::kRow) {
    return Status::invalid_argument("takes an array or a map");
  }
  return BoundFunction{
      cardinality, Type::integer(), {types[0].as_nullable()}, NullRule::kStrict, false};
}

// Postgres: NULL for an empty array, and for a dimension that is not there.
void array_length(const KernelFrame& frame, Arguments a) {
  fill<int32_t>(frame, [&](size_t row) {
    uint32_t count = packed_count(a[0].string_at(row));
    if (count == 0 || a[1].at<int32_t>(row) != 1) {
      frame.out.set_null(row);
    }
    return count;
  });
}

void element(const KernelFrame& frame, Arguments a) {
  store_packed(frame, [&](size_t row) -> std::optional<std::string_view> {
    Elements elements = elements_at(frame, a, 0, row);
    if (elements.size() > 1) {
      frame.fail(row, fmt::format("ELEMENT of an array of {} elements", elements.size()));
    }
    return elements.size() == 1 ? std::optional(elements[0]) : std::nullopt;
  });
}

// ARRAY_MAX and ARRAY_MIN pass over NULLs.
template <bool kMaximum>
void extreme_element(const KernelFrame& frame, Arguments a) {
  store_packed(frame, [&](size_t row) -> std::optional<std::string_view> {
    Elements elements = elements_at(frame, a, 0, row);
    Column values(frame.argument_types[0].children[0]);
    unpack_array(a[0].string_at(row), values);
    std::optional<size_t> best;
    for (size_t i = 0; i < elements.size(); ++i) {
      if (is_packed_null(elements[i])) {
        continue;
      }
      int order = best ? compare_values(values, i, values, *best) : 0;
      best = !best || (kMaximum ? order > 0 : order < 0) ? i : best;
    }
    return best ? std::optional(elements[*best]) : std::nullopt;
  });
}

// Functions of an array and a value.
void append(const KernelFrame& frame, Arguments a) {
  std::string value;
  map_elements(frame, a, [&](size_t row, Elements& elements) {
    value = packed_at(a[1], row);
    elements.push_back(value);
  });
}
void prepend(const KernelFrame& frame, Arguments a) {
  std::string value;
  map_elements(frame, a, [&](size_t row, Elements& elements) {
    value = packed_at(a[1], row);
    elements.insert(elements.begin(), value);
  });
}
void remove(const KernelFrame& frame, Arguments a) {
  map_elements(frame, a, [&](size_t row, Elements& elements) {
    std::erase(elements, std::string_view(packed_at(a[1], row)));
  });
}
void replace_elements(const KernelFrame& frame, Arguments a) {
  std::string with;
  map_elements(frame, a, [&](size_t row, Elements& elements) {
    with = packed_at(a[2], row);
    std::replace(elements.begin(), elements.end(), std::string_view(packed_at(a[1], row)),
                 std::string_view(with));
  });
}
size_t place_of(const KernelFrame& frame, Arguments a, size_t row) {
  Elements elements = elements_at(frame, a, 0, row);
  std::string wanted = packed_at(a[1], row);
  auto at = std::find(elements.begin(), elements.end(), wanted);
  return at == elements.end() ? 0 : static_cast<size_t>(at - elements.begin()) + 1;
}
void has_element(const KernelFrame& frame, Arguments a) {
  fill<uint8_t>(frame, [&](size_t row) {
    if (a[0].is_null(row)) {
      frame.out.set_null(row);
      return false;
    }
    return place_of(frame, a, row) != 0;
  });
}
void position_in_array(const KernelFrame& frame, Arguments a) {
  fill<int32_t>(frame, [&](size_t row) { return place_of(frame, a, row); });
}

// An array first, then so many values of its elements' type; the array must not be NULL, the values
// may be.
template <Kernel kKernel, size_t kValues>
Result<BoundFunction> bind_with_values(std::span<const Type> types) {
  if (types.size() != kValues + 1 || !(types[0].kind == TypeKind::kArray)) {
    return Status::invalid_argument(
        fmt::format("takes an array and {}", kValues == 1 ? "a value" : "two values"));
  }
  Type element = types[0].children[0];
  for (const Type& type : types.subspan(1)) {
    element = TRY(common_type(element, type)).as_nullable();
  }
  BoundFunction bound{kKernel, Type::array(element), {Type::array(element)}, NullRule::kCalled};
  bound.arguments.insert(bound.arguments.end(), kValues, element);
  return bound;
}

// NULL where the array is.
template <Kernel kKernel>
void null_with_array(const KernelFrame& frame, Arguments a) {
  for (size_t row = 0; row < frame.rows; ++row) {
    if (a[0].is_null(row)) {
      frame.out.set_null(row);
    }
  }
  kKernel(frame, a);
}

template <Kernel kKernel>
Result<BoundFunction> bind_contains(std::span<const Type> types) {
  BoundFunction bound = TRY((bind_with_values<kKernel, 1>(types)));
  bound.result = Type::boolean();
  return bound;
}
Result<BoundFunction> bind_position(std::span<const Type> types) {
  BoundFunction bound = TRY((bind_with_values<position_in_array, 1>(types)));
  bound.result = Type::integer();
  bound.null_rule = NullRule::kStrict;
  return bound;
}

// Functions of arrays alone, all of one type.
void keep_first(Elements& elements) {
  std::set<std::string_view> seen;
  std::erase_if(elements, [&](std::string_view each) { return !seen.insert(each).second; });
}
void distinct(const KernelFrame& frame, Arguments a) {
  map_elements(frame, a, [](size_t, Elements& elements) { keep_first(elements); });
}
void reverse_array(const KernelFrame& frame, Arguments a) {
  map_elements(frame, a,
               [](size_t, Elements& elements) { std::reverse(elements.begin(), elements.end()); });
}
void concat_arrays(const KernelFrame& frame, Arguments a) {
  map_elements(frame, a, [&](size_t row, Elements& elements) {
    for (size_t i = 1; i < a.size(); ++i) {
      Elements more = elements_at(frame, a, i, row);
      elements.insert(elements.end(), more.begin(), more.end());
    }
  });
}
void set_union(const KernelFrame& frame, Arguments a) {
  map_elements(frame, a, [&](size_t row, Elements& elements) {
    Elements more = elements_at(frame, a, 1, row);
    elements.insert(elements.end(), more.begin(), more.end());
    keep_first(elements);
  });
}
template <bool kKeepCommon>
void set_filter(const KernelFrame& frame, Arguments a) {
  map_elements(frame, a, [&](size_t row, Elements& elements) {
    Elements more = elements_at(frame, a, 1, row);
    std::set<std::string_view> other(more.begin(), more.end());
    std::erase_if(elements,
                  [&](std::string_view each) { return other.contains(each) != kKeepCommon; });
    keep_first(elements);
  });
}

template <Kernel kKernel, size_t kMin, size_t kMax>
Result<BoundFunction> bind_arrays(std::span<const Type> types) {
  if (types.size() < kMin || types.size() > kMax) {
    return Status::invalid_argument(fmt::format("takes {} arrays, not {}", kMin, types.size()));
  }
  Type common = Type::null();
  for (const Type& type : types) {
    if (type.kind != TypeKind::kArray && type.kind != TypeKind::kNull) {
      return Status::invalid_argument(
          fmt::format("expected an array, not {}", type.to_string_without_null()));
    }
    common = TRY(common_type(common, type)).as_nullable();
  }
  if (common.kind == TypeKind::kNull) {
    common = Type::array(Type::string());
  }
  return BoundFunction{kKernel, common, std::vector<Type>(types.size(), common), NullRule::kStrict,
                       false};
}

template <Kernel kKernel>
Result<BoundFunction> bind_to_element(std::span<const Type> types) {
  BoundFunction bound = TRY((bind_arrays<kKernel, 1, 1>(types)));
  bound.result = bound.arguments[0].children[0].as_nullable();
  bound.can_fail = kKernel == element;
  return bound;
}

// ARRAY_SLICE(a, from [, to]): 1-based, from the end if negative, both ends included.
void slice(const KernelFrame& frame, Arguments a) {
  map_elements(frame, a, [&](size_t row, Elements& elements) {
    int64_t size = static_cast<int64_t>(elements.size());
    auto place = [&](int64_t n) { return n < 0 ? size + n + 1 : n; };
    int64_t from = std::max<int64_t>(place(a[1].at<int32_t>(row)), 1);
    int64_t to = std::min(a.size() > 2 ? place(a[2].at<int32_t>(row)) : size, size);
    if (from > to) {
      elements.clear();
    } else {
      elements = Elements(elements.begin() + from - 1, elements.begin() + to);
    }
  });
}

// ARRAY_SORT(a [, ascending [, nulls first]]): NULLs first when ascending unless said otherwise.
void sort(const KernelFrame& frame, Arguments a) {
  map_elements(frame, a, [&](size_t row, Elements& elements) {
    bool ascending = a.size() < 2 || a[1].at<uint8_t>(row) != 0;
    bool nulls_first = a.size() < 3 ? ascending : a[2].at<uint8_t>(row) != 0;
    Column values(frame.argument_types[0].children[0]);
    unpack_array(a[0].string_at(row), values);
    std::vector<size_t> order(elements.size());
    for (size_t i = 0; i < order.size(); ++i) {
      order[i] = i;
    }
    std::stable_sort(order.begin(), order.end(), [&](size_t x, size_t y) {
      bool null_x = values.is_null(x), null_y = values.is_null(y);
      if (null_x || null_y) {
        return null_x != null_y && null_x == nulls_first;
      }
      int sign = compare_values(values, x, values, y);
      return ascending ? sign < 0 : sign > 0;
    });
    Elements sorted;
    for (size_t i : order) {
      sorted.push_back(elements[i]);
    }
    elements = std::move(sorted);
  });
}

template <Kernel kKernel, TypeKind kMore, size_t kMin>
Result<BoundFunction> bind_with_options(std::span<const Type> types) {
  if (types.size() < kMin || types.size() > 3 || types[0].kind != TypeKind::kArray) {
    return Status::invalid_argument("takes an array and up to two options");
  }
  BoundFunction bound{kKernel, types[0].as_nullable(), {types[0].as_nullable()}};
  for (const Type& type : types.subspan(1)) {
    bool fits = kMore == TypeKind::kInt ? type.is_integer() : type.kind == kMore;
    if (!fits && type.kind != TypeKind::kNull) {
      return Status::invalid_argument(fmt::format(
          "expected {}, not {}", Type::of(kMore).to_string(), type.to_string_without_null()));
    }
    bound.arguments.push_back(Type::of(kMore));
  }
  return bound;
}

// ARRAY_JOIN and ARRAY_TO_STRING: NULLs are left out, or replaced.
void join(const KernelFrame& frame, Arguments a) {
  fill_text(frame, [&](size_t row, std::string& out) {
    Column values(frame.argument_types[0].children[0]);
    unpack_array(a[0].string_at(row), values);
    bool first = true;
    for (size_t i = 0; i < values.size(); ++i) {
      if (values.is_null(i) && a.size() < 3) {
        continue;
      }
      out += first ? "" : a[1].string_at(row);
      out += values.is_null(i) ? std::string(a[2].string_at(row)) : text_of(values, i);
      first = false;
    }
    return true;
  });
}

Result<BoundFunction> bind_join(std::span<const Type> types) {
  if (types.size() < 2 || types.size() > 3 || types[0].kind != TypeKind::kArray ||
      types[0].children[0].is_nested()) {
    return Status::invalid_argument("takes an array of scalars, a separator and a text for NULL");
  }
  BoundFunction bound{join, Type::string(), {types[0].as_nullable()}};
  bound.arguments.insert(bound.arguments.end(), types.size() - 1, Type::string());
  return bound;
}

// SPLIT (Flink) and STRING_TO_ARRAY (Postgres, where an empty text has no parts).
template <bool kPostgres>
void split(const KernelFrame& frame, Arguments a) {
  fill_text(frame, [&](size_t row, std::string& out) {
    std::string_view text = a[0].string_at(row), separator = a[1].string_at(row);
    Column parts(Type::string());
    auto add = [&](std::string_view part) {
      bool null = a.size() > 2 && !a[2].is_null(row) && part == a[2].string_at(row);
      null ? parts.append_null() : parts.append_string(part);
    };
    if (separator.empty() && !kPostgres) {
      while (!text.empty()) {
        std::string_view before = text;
        take_point(text);
        add(before.substr(0, before.size() - text.size()));
      }
    } else if (!(kPostgres && text.empty())) {
      size_t found = separator.empty() ? std::string_view::npos : text.find(separator);
      for (; found != std::string_view::npos; found = text.find(separator)) {
        add(text.substr(0, found));
        text.remove_prefix(found + separator.size());
      }
      add(text);
    }
    out = pack_array(parts);
    return true;
  });
}

template <FixedString kShape, Kernel kKernel>
Result<BoundFunction> bind_split(std::span<const Type> types) {
  BoundFunction bound = TRY((bind_shape<kShape, 's', kKernel>(types)));
  bound.result = Type::array(Type::string());
  return bound;
}

// x op ANY (array): TRUE if for some element, else unknown if x or some element is NULL, else
// FALSE: also for a NULL over no elements.
enum class Comparison { kEqual, kNotEqual, kLess, kLessEqual, kGreater, kGreaterEqual };

template <Comparison kOp>
void compare_any(const KernelFrame& frame, Arguments a) {
  fill<uint8_t>(frame, [&](size_t row) {
    if (a[1].is_null(row)) {
      frame.out.set_null(row);
      return false;
    }
    Column values(frame.argument_types[0]);
    unpack_array(a[1].string_at(row), values);
    bool unknown = false;
    for (size_t i = 0; i < values.size(); ++i) {
      if (values.is_null(i) || a[0].is_null(row)) {
        unknown = true;
        continue;
      }
      int order = compare_values(*a[0].column, row * a[0].stride, values, i);
      bool holds = kOp == Comparison::kEqual       ? order == 0
                   : kOp == Comparison::kNotEqual  ? order != 0
                   : kOp == Comparison::kLess      ? order < 0
                   : kOp == Comparison::kLessEqual ? order <= 0
                   : kOp == Comparison::kGreater   ? order > 0
                                                   : order >= 0;
      if (holds) {
        return true;
      }
    }
    if (unknown) {
      frame.out.set_null(row);
    }
    return false;
  });
}

template <Comparison kOp>
Result<BoundFunction> bind_any_array(std::span<const Type> types) {
  if (types.size() != 2 || types[1].kind != TypeKind::kArray) {
    return Status::invalid_argument("expected an array or a query in ANY");
  }
  Type common = TRY(common_type(types[0], types[1].children[0])).as_nullable();
  return BoundFunction{
      compare_any<kOp>, Type::boolean(), {common, Type::array(common)}, NullRule::kCalled, false};
}

constexpr Function kArrayFunctions[] = {
    {"CARDINALITY", "nested", "CARDINALITY(a)", "How many elements or entries there are.",
     "CARDINALITY(ARRAY[1, NULL])", "2", bind_cardinality},
    {"ARRAY_LENGTH", "nested", "ARRAY_LENGTH(a, 1)",
     "How many elements there are; NULL for none (Postgres).", "ARRAY_LENGTH(ARRAY['a', 'b'], 1)",
     "2",
     [](std::span<const Type> types) -> Result<BoundFunction> {
       BoundFunction bound = TRY((bind_with_options<array_length, TypeKind::kInt, 2>(types)));
       bound.result = Type::integer();
       return bound;
     }},
    {"ELEMENT", "nested", "ELEMENT(a)",
     "The only element; NULL of an empty array; more than one is an error.", "ELEMENT(ARRAY[7])",
     "7", bind_to_element<element>},
    {"ARRAY_APPEND", "nested", "ARRAY_APPEND(a, x)", "The array with x behind it.",
     "ARRAY_APPEND(ARRAY[1], 2)", "{1,2}", bind_with_values<null_with_array<append>, 1>},
    {"ARRAY_PREPEND", "nested", "ARRAY_PREPEND(a, x)", "The array with x in front.",
     "ARRAY_PREPEND(ARRAY[1], 2)", "{2,1}", bind_with_values<null_with_array<prepend>, 1>},
    {"ARRAY_REMOVE", "nested", "ARRAY_REMOVE(a, x)", "Without every x.",
     "ARRAY_REMOVE(ARRAY[1, 2, 1], 1)", "{2}", bind_with_values<null_with_array<remove>, 1>},
    {"ARRAY_REPLACE", "nested", "ARRAY_REPLACE(a, x, y)", "y in place of every x (Postgres).",
     "ARRAY_REPLACE(ARRAY[1, 2], 1, 5)", "{5,2}",
     bind_with_values<null_with_array<replace_elements>, 2>},
    {"ARRAY_CONTAINS", "nested", "ARRAY_CONTAINS(a, x)",
     "Whether x is an element; NULL is a value like any other.",
     "ARRAY_CONTAINS(ARRAY['a', NULL], NULL)", "true", bind_contains<null_with_array<has_element>>},
    {"ARRAY_POSITION", "nested", "ARRAY_POSITION(a, x)",
     "Where x first stands (1-based), 0 if nowhere.", "ARRAY_POSITION(ARRAY['a', 'b'], 'b')", "2",
     bind_position},
    {"ARRAY_DISTINCT", "nested", "ARRAY_DISTINCT(a)", "Every value once, where it first stood.",
     "ARRAY_DISTINCT(ARRAY[2, 1, 2])", "{2,1}", bind_arrays<distinct, 1, 1>},
    {"ARRAY_REVERSE", "nested", "ARRAY_REVERSE(a)", "The elements in reverse_array order.",
     "ARRAY_REVERSE(ARRAY[1, 2, 3])", "{3,2,1}", bind_arrays<reverse_array, 1, 1>},
    {"ARRAY_CONCAT", "nested", "ARRAY_CONCAT(a, b, ...)", "All arrays, one after the other.",
     "ARRAY_CONCAT(ARRAY[1], ARRAY[2, 3])", "{1,2,3}", bind_arrays<concat_arrays, 1, SIZE_MAX>},
    {"ARRAY_CAT", "nested", "ARRAY_CAT(a, b)", "As ARRAY_CONCAT; also a || b (Postgres).",
     "ARRAY[1] || ARRAY[2]", "{1,2}", bind_arrays<concat_arrays, 2, 2>},
    {"ARRAY_UNION", "nested", "ARRAY_UNION(a, b)", "The different values of both.",
     "ARRAY_UNION(ARRAY[1, 2], ARRAY[2, 3])", "{1,2,3}", bind_arrays<set_union, 2, 2>},
    {"ARRAY_EXCEPT", "nested", "ARRAY_EXCEPT(a, b)", "The different values of a not in b.",
     "ARRAY_EXCEPT(ARRAY[1, 2, 1], ARRAY[2])", "{1}", bind_arrays<set_filter<false>, 2, 2>},
    {"ARRAY_INTERSECT", "nested", "ARRAY_INTERSECT(a, b)", "The different values in both.",
     "ARRAY_INTERSECT(ARRAY[1, 2], ARRAY[2, 3])", "{2}", bind_arrays<set_filter<true>, 2, 2>},
    {"ARRAY_SLICE", "nested", "ARRAY_SLICE(a, from [, to])",
     "The elements from one place to another (1-based, from the end if negative), both included.",
     "ARRAY_SLICE(ARRAY[1, 2, 3, 4], 2, -2)", "{2,3}", bind_with_options<slice, TypeKind::kInt, 2>},
    {"ARRAY_SORT", "nested", "ARRAY_SORT(a [, ascending [, nulls first]])",
     "In order; NULLs first when ascending, unless said otherwise.",
     "ARRAY_SORT(ARRAY[2, NULL, 3, 1], FALSE)", "{3,2,1,NULL}",
     bind_with_options<sort, TypeKind::kBoolean, 1>},
    {"ARRAY_MAX", "nested", "ARRAY_MAX(a)", "The largest value that is not NULL.",
     "ARRAY_MAX(ARRAY[1, 3, NULL])", "3", bind_to_element<extreme_element<true>>},
    {"ARRAY_MIN", "nested", "ARRAY_MIN(a)", "The smallest value that is not NULL.",
     "ARRAY_MIN(ARRAY['b', 'a'])", "a", bind_to_element<extreme_element<false>>},
    {"ARRAY_JOIN", "nested", "ARRAY_JOIN(a, separator [, null])",
     "The elements as one text; NULLs are left out, or replaced.",
     "ARRAY_JOIN(ARRAY['a', NULL, 'c'], '-', '?')", "a-?-c", bind_join},
    {"ARRAY_TO_STRING", "nested", "ARRAY_TO_STRING(a, separator [, null])",
     "As ARRAY_JOIN, of any scalars (Postgres).", "ARRAY_TO_STRING(ARRAY[1, NULL, 3], ',')", "1,3",
     bind_join},
    {"SPLIT", "nested", "SPLIT(s, separator)",
     "The parts of a text; its characters if the separator is empty.", "SPLIT('a,b', ',')", "{a,b}",
     bind_split<"ss", split<false>>},
    {"STRING_TO_ARRAY", "nested", "STRING_TO_ARRAY(s, separator [, null])",
     "The parts of a text, none of an empty one (Postgres).", "STRING_TO_ARRAY('a,,b', ',', '')",
     "{a,NULL,b}", bind_split<"ss?s", split<true>>},
    {"= ANY", "nested", "x = ANY (a), x = ALL (a)",
     "Whether it holds for some, or every, element; also with <> < <= > >= (Postgres).",
     "2 = ANY (ARRAY[1, 2])", "true", bind_any_array<Comparison::kEqual>},
    {"<> ANY", "nested", "x <> ANY (a)", "The same of <>.", "1 = ALL (ARRAY[1, 2])", "false",
     bind_any_array<Comparison::kNotEqual>},
    {"< ANY", "nested", "x < ANY (a)", "The same of <.", "1 < ANY (ARRAY[1, 2])", "true",
     bind_any_array<Comparison::kLess>},
    {"<= ANY", "nested", "x <= ANY (a)", "The same of <=.", "2 <= ANY (ARRAY[1, 2])", "true",
     bind_any_array<Comparison::kLessEqual>},
    {"> ANY", "nested", "x > ANY (a)", "The same of >.", "1 > ANY (ARRAY[1, 2])", "false",
     bind_any_array<Comparison::kGreater>},
    {">= ANY", "nested", "x >= ANY (a)", "The same of >=.", "2 > ALL (ARRAY[1, 2])", "false",
     bind_any_array<Comparison::kGreaterEqual>},
};

}  // namespace

std::span<const Function> array_functions() {
  return kArrayFunctions;
}

namespace {

// Postgres: a NULL array is nothing, an element that is NULL is an element.
void concatenate(const KernelFrame& frame, Arguments a) {
  std::string element;
  fill_text(frame, [&](size_t row, std::string& out) {
    Elements elements;
    bool any = false;
    for (size_t i = 0; i < 2; ++i) {
      if (frame.argument_types[i].kind != TypeKind::kArray) {
        element = packed_at(a[i], row);
        elements.push_back(element);
        any = true;
      } else if (!a[i].is_null(row)) {
        Elements more = elements_at(frame, a, i, row);
        elements.insert(elements.end(), more.begin(), more.end());
        any = true;
      }
    }
    out = pack_elements(elements);
    return any;
  });
}

}  // namespace

// What || does to arrays (string.cc has it for text): array and array, array and element.
Result<BoundFunction> bind_array_concatenation(std::span<const Type> types) {
  auto element_of = [](const Type& type) {
    return type.kind == TypeKind::kArray ? type.children[0] : type;
  };
  Type element = TRY(common_type(element_of(types[0]), element_of(types[1]))).as_nullable();
  BoundFunction bound{concatenate, Type::array(element), {}, NullRule::kCalled};
  for (const Type& type : types) {
    bool array = type.kind == TypeKind::kArray || type.kind == TypeKind::kNull;
    bound.arguments.push_back(array ? Type::array(element) : element);
  }
  return bound;
}

}  // namespace tidemark
