// Functions of maps.

#include "expr/functions/families.h"
#include "expr/functions/nested_arguments.h"
#include "expr/functions/shape.h"

namespace tidemark {

namespace {

using Arguments = std::span<const Argument>;

// Keys and values of a map, one column each.
struct Entries {
  Column keys, values;

  explicit Entries(const Type& map) : keys(map.children[0]), values(map.children[1]) {}
  Entries(const Type& map, std::string_view bytes) : Entries(map) {
    unpack_map(bytes, keys, values);
  }
};

template <bool kKeys>
void side(const KernelFrame& frame, Arguments a) {
  fill_text(frame, [&](size_t row, std::string& out) {
    Entries entries(frame.argument_types[0], a[0].string_at(row));
    out = pack_array(kKeys ? entries.keys : entries.values);
    return true;
  });
}

template <bool kKeys>
Result<BoundFunction> bind_side(std::span<const Type> types) {
  if (types.size() != 1 || types[0].kind != TypeKind::kMap) {
    return Status::invalid_argument("takes a map");
  }
  return BoundFunction{side<kKeys>,
                       Type::array(types[0].children[kKeys ? 0 : 1]),
                       {types[0].as_nullable()},
                       NullRule::kStrict,
                       false};
}

void entries(const KernelFrame& frame, Arguments a) {
  fill_text(frame, [&](size_t row, std::string& out) {
    Entries all(frame.argument_types[0], a[0].string_at(row));
    Column rows(frame.result.children[0]);
    for (size_t i = 0; i < all.keys.size(); ++i) {
      std::string packed;
      pack_element(all.keys, i, packed);
      pack_element(all.values, i, packed);
      rows.append_string(packed);
    }
    out = pack_array(rows);
    return true;
  });
}

Result<BoundFunction> bind_entries(std::span<const Type> types) {
  if (types.size() != 1 || types[0].kind != TypeKind::kMap) {
    return Status::invalid_argument("takes a map");
  }
  Type row = Type::of(TypeKind::kRow);
  row.children = types[0].children;
  row.field_names = {"key", "value"};
  return BoundFunction{
      entries, Type::array(row), {types[0].as_nullable()}, NullRule::kStrict, false};
}

void from_arrays(const KernelFrame& frame, Arguments a) {
  fill_text(frame, [&](size_t row, std::string& out) {
    Entries all(frame.result);
    unpack_array(a[0].string_at(row), all.keys);
    unpack_array(a[1].string_at(row), all.values);
    if (all.keys.size() != all.values.size()) {
      frame.fail(row, fmt::format("MAP_FROM_ARRAYS of {} keys and {} values", all.keys.size(),
                                  all.values.size()));
      return true;
    }
    out = pack_map(all.keys, all.values);
    return true;
  });
}

Result<BoundFunction> bind_from_arrays(std::span<const Type> types) {
  if (types.size() != 2 || types[0].kind != TypeKind::kArray || types[1].kind != TypeKind::kArray) {
    return Status::invalid_argument("takes an array of keys and an array of values");
  }
  return BoundFunction{from_arrays,
                       Type::map(types[0].children[0], types[1].children[0]),
                       {types[0].as_nullable(), types[1].as_nullable()},
                       NullRule::kStrict,
                       true};
}

void union_of(const KernelFrame& frame, Arguments a) {
  fill_text(frame, [&](size_t row, std::string& out) {
    Entries all(frame.result);
    for (const Argument& map : a) {
      unpack_map(map.string_at(row), all.keys, all.values);
    }
    out = pack_map(all.keys, all.values);
    return true;
  });
}

Result<BoundFunction> bind_union(std::span<const Type> types) {
  if (types.empty()) {
    return Status::invalid_argument("takes at least one map");
  }
  for (const Type& type : types) {
    if (type.kind != TypeKind::kMap || !type.same_as(types[0])) {
      return Status::invalid_argument(fmt::format("takes maps of one type, not {} and {}",
                                                  types[0].to_string_without_null(),
                                                  type.to_string_without_null()));
    }
  }
  return BoundFunction{union_of, types[0].as_nullable(),
                       std::vector<Type>(types.size(), types[0].as_nullable()), NullRule::kStrict,
                       false};
}

// Pairs are separated by `,`, key and value by `=`, unless said otherwise.
void from_text(const KernelFrame& frame, Arguments a) {
  fill_text(frame, [&](size_t row, std::string& out) {
    std::string_view text = a[0].string_at(row);
    std::string_view between = a.size() > 1 ? a[1].string_at(row) : ",";
    std::string_view equals = a.size() > 2 ? a[2].string_at(row) : "=";
    Entries all(frame.result);
    for (bool more = !text.empty(); more;) {
      size_t end = between.empty() ? std::string_view::npos : text.find(between);
      std::string_view pair = text.substr(0, end);
      more = end != std::string_view::npos;
      text.remove_prefix(more ? end + between.size() : text.size());
      size_t at = equals.empty() ? std::string_view::npos : pair.find(equals);
      all.keys.append_string(pair.substr(0, at));
      if (at == std::string_view::npos) {
        all.values.append_null();
      } else {
        all.values.append_string(pair.substr(at + equals.size()));
      }
    }
    out = pack_map(all.keys, all.values);
    return true;
  });
}

constexpr Function kMapFunctions[] = {
    {"MAP_KEYS", "nested", "MAP_KEYS(m)", "The keys, as an array.", "MAP_KEYS(MAP['a', 1])", "{a}",
     bind_side<true>},
    {"MAP_VALUES", "nested", "MAP_VALUES(m)", "The values, as an array.", "MAP_VALUES(MAP['a', 1])",
     "{1}", bind_side<false>},
    {"MAP_ENTRIES", "nested", "MAP_ENTRIES(m)", "The entries, as an array of rows.",
     "CARDINALITY(MAP_ENTRIES(MAP['a', 1]))", "1", bind_entries},
    {"MAP_FROM_ARRAYS", "nested", "MAP_FROM_ARRAYS(keys, values)",
     "A map of keys and values of equal number.", "MAP_FROM_ARRAYS(ARRAY['a'], ARRAY[1])", "{a=1}",
     bind_from_arrays},
    {"MAP_UNION", "nested", "MAP_UNION(a, b, ...)",
     "All entries; of equal keys that of the later map.", "MAP_UNION(MAP['a', 1], MAP['a', 2])",
     "{a=2}", bind_union},
    {"STR_TO_MAP", "nested", "STR_TO_MAP(s [, between pairs, between key and value])",
     "A map of text like k1=v1,k2=v2.", "STR_TO_MAP('a=1,b=2')['b']", "2",
     [](std::span<const Type> types) -> Result<BoundFunction> {
       BoundFunction bound = TRY((bind_shape<"s?ss", 's', from_text>(types)));
       bound.result = Type::map(Type::string(), Type::string());
       return bound;
     }},
};

}  // namespace

std::span<const Function> map_functions() {
  return kMapFunctions;
}

}  // namespace tidemark
