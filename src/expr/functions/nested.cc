// Values of ARRAY, MAP and ROW: how they are made, and what is in them.

#include "types/nested.h"

#include <algorithm>

#include "expr/functions/families.h"
#include "expr/functions/shape.h"

namespace tidemark {

namespace {

using Arguments = std::span<const Argument>;

void append_count(size_t count, std::string& out) {
  uint32_t value = static_cast<uint32_t>(count);
  out.append(reinterpret_cast<const char*>(&value), 4);
}

// Makes a packed element the result of a row.
void give(const KernelFrame& frame, size_t row, std::string_view element) {
  Column value(frame.result);
  unpack_element(element, value);
  if (value.is_null(0)) {
    frame.out.set_null(row);
  } else {
    frame.out.assign_copy(row, value, 0);
  }
}

void make_array(const KernelFrame& frame, Arguments a) {
  fill_text(frame, [&](size_t row, std::string& out) {
    append_count(a.size(), out);
    for (const Argument& argument : a) {
      pack_element(*argument.column, row * argument.stride, out);
    }
    return true;
  });
}

Result<BoundFunction> bind_array_value(std::span<const Type> types) {
  Type common = Type::null();
  for (const Type& type : types) {
    common = TRY(common_type(common, type));
  }
  if (common.kind == TypeKind::kNull) {
    return Status::invalid_argument("takes at least one value that has a type")
        .with_hint("write CAST(NULL AS INT), for example");
  }
  common = common.as_nullable();
  return BoundFunction{make_array, Type::array(common).not_null(),
                       std::vector<Type>(types.size(), common), NullRule::kCalled, false};
}

// Entries are ordered by the bytes of their keys, so that equal maps are equal bytes. Of entries
// with the same key the last one counts.
void make_map(const KernelFrame& frame, Arguments a) {
  fill_text(frame, [&](size_t row, std::string& out) {
    std::vector<std::pair<std::string, std::string>> entries;
    for (size_t i = 0; i < a.size(); i += 2) {
      if (a[i].is_null(row)) {
        frame.fail(row, "a key of a MAP is NULL");
        return false;
      }
      auto& [key, value] = entries.emplace_back();
      pack_element(*a[i].column, row * a[i].stride, key);
      pack_element(*a[i + 1].column, row * a[i + 1].stride, value);
    }
    std::stable_sort(entries.begin(), entries.end(),
                     [](const auto& x, const auto& y) { return x.first < y.first; });
    auto is_last = [&](size_t i) {
      return i + 1 == entries.size() || entries[i + 1].first != entries[i].first;
    };
    size_t count = 0;
    for (size_t i = 0; i < entries.size(); ++i) {
      count += is_last(i) ? 1 : 0;
    }
    append_count(count, out);
    for (size_t i = 0; i < entries.size(); ++i) {
      if (is_last(i)) {
        out += entries[i].first + entries[i].second;
      }
    }
    return true;
  });
}

Result<BoundFunction> bind_map(std::span<const Type> types) {
  Type key = Type::null(), value = Type::null();
  for (size_t i = 0; i < types.size(); ++i) {
    Type& common = i % 2 == 0 ? key : value;
    common = TRY(common_type(common, types[i]));
  }
  if (types.empty() || types.size() % 2 != 0 || key.kind == TypeKind::kNull ||
      value.kind == TypeKind::kNull) {
    return Status::invalid_argument("takes keys and values that have types, in pairs");
  }
  BoundFunction bound{make_map,
                      Type::map(key.not_null(), value.as_nullable()).not_null(),
                      {},
                      NullRule::kCalled,
                      true};
  for (size_t i = 0; i < types.size(); ++i) {
    bound.arguments.push_back(i % 2 == 0 ? key.as_nullable() : value.as_nullable());
  }
  return bound;
}

void make_row(const KernelFrame& frame, Arguments a) {
  fill_text(frame, [&](size_t row, std::string& out) {
    for (const Argument& argument : a) {
      pack_element(*argument.column, row * argument.stride, out);
    }
    return true;
  });
}

Result<BoundFunction> bind_row(std::span<const Type> types) {
  Type type = Type::of(TypeKind::kRow);
  BoundFunction bound{make_row, {}, {}, NullRule::kCalled, false};
  for (const Type& given : types) {
    Type field = given.kind == TypeKind::kNull ? Type::string() : given.as_nullable();
    type.field_names.push_back(fmt::format("EXPR${}", type.children.size()));
    type.children.push_back(field);
    bound.arguments.push_back(field);
  }
  bound.result = type.not_null();
  return bound;
}

// Places count from 1; outside there is NULL.
void element_of_array(const KernelFrame& frame, Arguments a) {
  for (size_t row = 0; row < frame.rows; ++row) {
    if (frame.out.is_null(row)) {
      continue;
    }
    std::string_view bytes = a[0].string_at(row);
    int64_t place = a[1].at<int64_t>(row), count = packed_count(bytes);
    bytes.remove_prefix(4);
    if (place < 1 || place > count) {
      frame.out.set_null(row);
      continue;
    }
    for (int64_t i = 1; i < place; ++i) {
      take_packed(bytes, frame.result);
    }
    give(frame, row, take_packed(bytes, frame.result));
  }
}

void element_of_map(const KernelFrame& frame, Arguments a) {
  for (size_t row = 0; row < frame.rows; ++row) {
    if (frame.out.is_null(row)) {
      continue;
    }
    std::string_view bytes = a[0].string_at(row);
    std::string wanted;
    pack_element(*a[1].column, row * a[1].stride, wanted);
    uint32_t count = packed_count(bytes);
    bytes.remove_prefix(4);
    bool found = false;
    for (uint32_t i = 0; i < count && !found; ++i) {
      found = take_packed(bytes, frame.argument_types[1]) == wanted;
      std::string_view value = take_packed(bytes, frame.result);
      if (found) {
        give(frame, row, value);
      }
    }
    if (!found) {
      frame.out.set_null(row);
    }
  }
}

Result<BoundFunction> bind_element(std::span<const Type> types) {
  if (types.size() == 2 && types[0].kind == TypeKind::kArray &&
      (types[1].is_integer() || types[1].kind == TypeKind::kNull)) {
    return BoundFunction{element_of_array,
                         types[0].children[0].as_nullable(),
                         {types[0], Type::bigint()},
                         NullRule::kStrict,
                         false};
  }
  if (types.size() == 2 && types[0].kind == TypeKind::kMap) {
    Type key = types[0].children[0].as_nullable();
    Type common = TRY(common_type(key, types[1]));
    if (common.physical() != key.physical() || common.scale != key.scale) {
      return Status::invalid_argument(fmt::format("the keys are {}, not {}",
                                                  key.to_string_without_null(),
                                                  types[1].to_string_without_null()));
    }
    return BoundFunction{element_of_map,
                         types[0].children[1].as_nullable(),
                         {types[0], key},
                         NullRule::kStrict,
                         false};
  }
  return Status::invalid_argument("takes an ARRAY and a place, or a MAP and a key");
}

// The second argument is the place of the field, from 0; the binder has found it by its name.
void field_of_row(const KernelFrame& frame, Arguments a) {
  const std::vector<Type>& fields = frame.argument_types[0].children;
  for (size_t row = 0; row < frame.rows; ++row) {
    if (frame.out.is_null(row)) {
      continue;
    }
    std::string_view bytes = a[0].string_at(row);
    int32_t place = a[1].at<int32_t>(row);
    for (int32_t i = 0; i < place; ++i) {
      take_packed(bytes, fields[static_cast<size_t>(i)]);
    }
    give(frame, row, take_packed(bytes, frame.result));
  }
}

Result<BoundFunction> bind_row_field(std::span<const Type> types) {
  if (types.size() != 2 || types[0].kind != TypeKind::kRow) {
    return Status::invalid_argument("takes a ROW and a field");
  }
  return BoundFunction{field_of_row, Type::null(), {types[0], types[1]}, NullRule::kStrict, false};
}

constexpr int64_t kSeriesMax = 1'000'000;  // values in one row; each takes 9 bytes

template <typename T>
void make_series(const KernelFrame& frame, Arguments a) {
  fill_text(frame, [&](size_t row, std::string& out) {
    Int128 from = a[0].at<T>(row), to = a[1].at<T>(row);
    Int128 step = 1;
    if (a.size() == 3) {
      step = a[2].at<T>(row);
    }
    if (step == 0) {
      frame.fail(row, "the step of GENERATE_SERIES is 0");
      return false;
    }
    Int128 count = (step > 0 ? to < from : to > from) ? 0 : (to - from) / step + 1;
    if (count > kSeriesMax) {
      frame.fail(row, fmt::format("GENERATE_SERIES gives more than {} values", kSeriesMax));
      return false;
    }
    append_count(static_cast<size_t>(count), out);
    for (Int128 i = 0; i < count; ++i) {
      T value = static_cast<T>(from + i * step);
      out += '\0';
      out.append(reinterpret_cast<const char*>(&value), sizeof(T));
    }
    return true;
  });
}

Result<BoundFunction> bind_series(std::span<const Type> types) {
  if (types.size() == 3 && types[0].is_timestamp() && types[1].is_timestamp() &&
      types[2].kind == TypeKind::kIntervalDay) {
    Type common = TRY(common_type(types[0], types[1]));
    return BoundFunction{make_series<int64_t>,
                         Type::array(common.as_nullable()),
                         {common.as_nullable(), common.as_nullable(), types[2]},
                         NullRule::kStrict,
                         true};
  }
  if (types.size() != 2 && types.size() != 3) {
    return Status::invalid_argument(fmt::format("takes 2 or 3 arguments, not {}", types.size()));
  }
  bool is_big = false;
  for (const Type& type : types) {
    if (!type.is_integer() && type.kind != TypeKind::kNull) {
      return Status::invalid_argument("takes whole numbers, or timestamps and an interval");
    }
    is_big = is_big || type.kind == TypeKind::kBigint;
  }
  Type value = is_big ? Type::bigint() : Type::integer();
  return BoundFunction{is_big ? make_series<int64_t> : make_series<int32_t>, Type::array(value),
                       std::vector<Type>(types.size(), value), NullRule::kStrict, true};
}

void same_array(const KernelFrame& frame, Arguments a) {
  fill_text(frame, [&](size_t row, std::string& out) {
    out = a[0].string_at(row);
    return true;
  });
}

Result<BoundFunction> bind_unnest(std::span<const Type> types) {
  bool is_list = types.size() == 1 &&
                 (types[0].kind == TypeKind::kArray || types[0].kind == TypeKind::kMultiset);
  if (!is_list || types[0].children[0].kind == TypeKind::kNull) {
    return Status::invalid_argument("takes an array");
  }
  return BoundFunction{same_array, types[0].as_nullable(), {types[0].as_nullable()}};
}

constexpr Function kNestedFunctions[] = {
    {"ARRAY[]", "nested", "ARRAY[x, ...]", "An array of values of one type.",
     "ARRAY[1, NULL, 2 + 1]", "{1,NULL,3}", bind_array_value},
    {"MAP[]", "nested", "MAP[key, value, ...]",
     "A map; of entries with the same key the last one counts.", "MAP['a', 1, 'b', 2]['b']", "2",
     bind_map},
    {"ROW", "nested", "ROW(x, ...), (x, y, ...)", "A row of values; its fields are EXPR$0 and on.",
     "ROW(1, 'a')", "(1,a)", bind_row},
    {"[]", "nested", "array[place], map[key]",
     "The element at a place, counted from 1, or of a key; NULL if there is none.",
     "ARRAY['a', 'b'][2]", "b", bind_element},
    {"FIELD", "nested", "row.field", "A field of a ROW.", "ROW(1, 'a').EXPR$1", "a",
     bind_row_field},
    {"GENERATE_SERIES", "nested", "GENERATE_SERIES(from, to [, step])",
     "The values from one to the other: rows in FROM and in a select list, elsewhere an array.",
     "ARRAY(SELECT GENERATE_SERIES(1, 7, 3))", "{1,4,7}", bind_series, true, true},
    {"UNNEST", "nested", "UNNEST(array)",
     "The elements of an array: rows in FROM and in a select list.",
     "ARRAY(SELECT UNNEST(ARRAY['a', 'b']))", "{a,b}", bind_unnest, true, true},
};

}  // namespace

std::span<const Function> nested_functions() {
  return kNestedFunctions;
}

}  // namespace tidemark
