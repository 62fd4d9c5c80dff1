// Postgres's operators and functions of jsonb, over JSON as text. What is taken out of a document
// is written as Postgres writes a jsonb.

#include <charconv>
#include <map>

#include "expr/functions/families.h"
#include "expr/functions/json_documents.h"
#include "expr/functions/nested_arguments.h"
#include "expr/functions/shape.h"

namespace tidemark {

namespace {

using Arguments = std::span<const Argument>;

const JsonValue* member_or_element(const JsonValue& value, std::string_view step) {
  if (value.kind != JsonKind::kArray) {
    return value.member(step);
  }
  int64_t index = 0;
  auto [end, error] = std::from_chars(step.data(), step.data() + step.size(), index);
  if (error != std::errc() || end != step.data() + step.size()) {
    return nullptr;
  }
  int64_t size = static_cast<int64_t>(value.elements.size());
  index = index < 0 ? size + index : index;
  return index >= 0 && index < size ? &value.elements[static_cast<size_t>(index)] : nullptr;
}

// As JSON, or as text (JSON's null is NULL then).
template <bool kText>
bool write_found(const JsonValue* found, std::string& out) {
  if (found == nullptr || (kText && found->kind == JsonKind::kNull)) {
    return false;
  }
  if (kText && found->kind == JsonKind::kString) {
    out = found->text;
  } else {
    append_json(*found, JsonLayout::kJsonb, out);
  }
  return true;
}

// j -> 'name', j -> n; with kText ->>.
template <bool kText>
void get(const KernelFrame& frame, Arguments a) {
  Documents documents;
  bool by_number = frame.argument_types[1].is_integer();
  fill_text(frame, [&](size_t row, std::string& out) {
    const JsonValue* value = documents.parse(a[0].string_at(row));
    if (value == nullptr) {
      fail_not_json(frame, row, a[0].string_at(row));
      return true;
    }
    if (!by_number) {
      bool object = value->kind == JsonKind::kObject;
      return write_found<kText>(object ? value->member(a[1].string_at(row)) : nullptr, out);
    }
    int32_t place = a[1].at<int32_t>(row);
    if (value->is_scalar()) {  // Postgres keeps a scalar as an array of one
      return write_found<kText>(place == 0 || place == -1 ? value : nullptr, out);
    }
    bool array = value->kind == JsonKind::kArray;
    return write_found<kText>(array ? member_or_element(*value, std::to_string(place)) : nullptr,
                              out);
  });
}

template <bool kText>
Result<BoundFunction> bind_get(std::span<const Type> types) {
  if (types.size() == 2 && types[1].is_integer()) {
    return bind_shape<"si", 's', get<kText>, true>(types);
  }
  return bind_shape<"ss", 's', get<kText>, true>(types);
}

// '{a,b,0}' of Postgres, or an ARRAY<STRING>, or the other arguments, as steps.
template <bool kText>
void get_path(const KernelFrame& frame, Arguments a) {
  Documents documents;
  fill_text(frame, [&](size_t row, std::string& out) {
    const JsonValue* value = documents.parse(a[0].string_at(row));
    if (value == nullptr) {
      fail_not_json(frame, row, a[0].string_at(row));
      return true;
    }
    Column steps(Type::string());
    if (frame.argument_types[1].kind == TypeKind::kArray) {
      unpack_array(a[1].string_at(row), steps);
    } else {
      for (size_t i = 1; i < a.size(); ++i) {
        steps.append_string(a[i].string_at(row));
      }
    }
    for (size_t i = 0; i < steps.size() && value != nullptr; ++i) {
      value = steps.is_null(i) ? nullptr : member_or_element(*value, steps.string_at(i));
    }
    return write_found<kText>(value, out);
  });
}

template <bool kText>
Result<BoundFunction> bind_get_path(std::span<const Type> types) {
  if (types.size() != 2 || !letter_takes('s', types[0])) {
    return Status::invalid_argument("takes JSON and a path such as '{a,0}'");
  }
  return BoundFunction{get_path<kText>,
                       Type::string(),
                       {Type::string(), Type::array(Type::string())},
                       NullRule::kStrict,
                       true};
}

// PostgreSQL manual, 8.14.3: objects by members, arrays by elements in any order; a scalar is in an
// array at the top.
bool contains_json(const JsonValue& a, const JsonValue& b, bool top) {
  if (b.kind == JsonKind::kObject) {
    return a.kind == JsonKind::kObject &&
           std::all_of(b.members.begin(), b.members.end(), [&](const auto& member) {
             const JsonValue* own = a.member(member.first);
             return own != nullptr && contains_json(*own, member.second, false);
           });
  }
  auto has = [&](const JsonValue& wanted) {
    return std::any_of(a.elements.begin(), a.elements.end(), [&](const JsonValue& own) {
      return own.is_scalar() == wanted.is_scalar() &&
             (wanted.is_scalar() ? same_json(own, wanted) : contains_json(own, wanted, false));
    });
  };
  if (b.kind == JsonKind::kArray) {
    return a.kind == JsonKind::kArray && std::all_of(b.elements.begin(), b.elements.end(), has);
  }
  return a.kind == JsonKind::kArray ? top && has(b) : same_json(a, b);
}

template <bool kExchanged>
void contains_jsonb(const KernelFrame& frame, Arguments a) {
  Documents documents, others;
  fill<uint8_t>(frame, [&](size_t row) {
    const JsonValue* x = documents.parse(a[kExchanged ? 1 : 0].string_at(row));
    const JsonValue* y = others.parse(a[kExchanged ? 0 : 1].string_at(row));
    if (x == nullptr || y == nullptr) {
      fail_not_json(frame, row, a[(x == nullptr) != kExchanged ? 0 : 1].string_at(row));
      return false;
    }
    return contains_json(*x, *y, true);
  });
}

void length_of_jsonb(const KernelFrame& frame, Arguments a) {
  Documents documents;
  fill<int32_t>(frame, [&](size_t row) {
    const JsonValue* value = documents.parse(a[0].string_at(row));
    if (value == nullptr || value->kind != JsonKind::kArray) {
      frame.fail(row, fmt::format("not a JSON array: '{}'", a[0].string_at(row)));
      return size_t{0};
    }
    return value->elements.size();
  });
}

void type_name(const KernelFrame& frame, Arguments a) {
  constexpr std::string_view kNames[] = {"null", "boolean", "number", "string", "array", "object"};
  Documents documents;
  fill_text(frame, [&](size_t row, std::string& out) {
    const JsonValue* value = documents.parse(a[0].string_at(row));
    if (value == nullptr) {
      fail_not_json(frame, row, a[0].string_at(row));
      return true;
    }
    out = kNames[static_cast<size_t>(value->kind)];
    return true;
  });
}

enum class Part { kElements, kElementTexts, kKeys };

// The parts of a document as an array, for UNNEST and the table functions.
template <Part kPart>
void parts(const KernelFrame& frame, Arguments a) {
  Documents documents;
  fill_text(frame, [&](size_t row, std::string& out) {
    const JsonValue* value = documents.parse(a[0].string_at(row));
    JsonKind wanted = kPart == Part::kKeys ? JsonKind::kObject : JsonKind::kArray;
    if (value == nullptr || value->kind != wanted) {
      frame.fail(row, fmt::format("not a JSON {}: '{}'", kPart == Part::kKeys ? "object" : "array",
                                  a[0].string_at(row)));
      return true;
    }
    Column found(Type::string());
    std::string text;
    for (const JsonValue& element : value->elements) {
      text.clear();
      bool shown = kPart == Part::kElementTexts ? write_found<true>(&element, text)
                                                : write_found<false>(&element, text);
      shown ? found.append_string(text) : found.append_null();
    }
    std::map<std::pair<size_t, std::string>, bool> keys;  // as a jsonb orders them
    for (const auto& [name, member] : value->members) {
      keys.emplace(std::pair(name.size(), name), true);
    }
    for (const auto& [key, unused] : keys) {
      found.append_string(key.second);
    }
    out = pack_array(found);
    return true;
  });
}

template <Part kPart>
Result<BoundFunction> bind_parts(std::span<const Type> types) {
  BoundFunction bound = TRY((bind_shape<"s", 's', parts<kPart>, true>(types)));
  bound.result = Type::array(Type::string());
  return bound;
}

constexpr Function kJsonbFunctions[] = {
    {"->", "json", "json -> key, json -> n",
     "The member or element as JSON; NULL if there is none (Postgres).", "'{\"a\": [1]}' -> 'a'",
     "[1]", bind_get<false>},
    {"->>", "json", "json ->> key, json ->> n", "The same as text.", "'{\"a\": \"x\"}' ->> 'a'",
     "x", bind_get<true>},
    {"#>", "json", "json #> '{a,0}'", "What is at the path, as JSON (Postgres).",
     "'{\"a\": [1, 2]}' #> '{a,1}'", "2", bind_get_path<false>},
    {"#>>", "json", "json #>> '{a,0}'", "The same as text.", "'{\"a\": [\"x\"]}' #>> '{a,0}'", "x",
     bind_get_path<true>},
    {"JSONB_EXTRACT_PATH", "json", "JSONB_EXTRACT_PATH(json, step, ...)",
     "What is at the end of the steps, as JSON (Postgres).",
     "JSONB_EXTRACT_PATH('{\"a\": [1, 2]}', 'a', '1')", "2",
     bind_shape<"ss*", 's', get_path<false>, true>},
    {"JSONB_EXTRACT_PATH_TEXT", "json", "JSONB_EXTRACT_PATH_TEXT(json, step, ...)",
     "The same as text.", "JSONB_EXTRACT_PATH_TEXT('{\"a\": \"x\"}', 'a')", "x",
     bind_shape<"ss*", 's', get_path<true>, true>},
    {"@>", "json", "a @> b", "Whether the JSON a contains_jsonb b (Postgres).",
     "'{\"a\": [1, 2], \"b\": 3}' @> '{\"a\": [2]}'", "true",
     bind_shape<"ss", 'b', contains_jsonb<false>, true>},
    {"<@", "json", "a <@ b", "Whether the JSON b contains_jsonb a (Postgres).", "'1' <@ '[1, 2]'",
     "true", bind_shape<"ss", 'b', contains_jsonb<true>, true>},
    {"JSONB_ARRAY_LENGTH", "json", "JSONB_ARRAY_LENGTH(json)",
     "How many elements a JSON array has (Postgres).", "JSONB_ARRAY_LENGTH('[1, 2]')", "2",
     bind_shape<"s", 'i', length_of_jsonb, true>},
    {"JSONB_TYPEOF", "json", "JSONB_TYPEOF(json)",
     "null, boolean, number, string, array or object (Postgres).", "JSONB_TYPEOF('[1]')", "array",
     bind_shape<"s", 's', type_name, true>},
    {"JSONB_ARRAY_ELEMENTS", "json", "JSONB_ARRAY_ELEMENTS(json)",
     "The elements: rows in FROM and in a select list, elsewhere an array (Postgres).",
     "ARRAY(SELECT JSONB_ARRAY_ELEMENTS('[1, 2]'))", "{1,2}", bind_parts<Part::kElements>, true,
     true},
    {"JSONB_ARRAY_ELEMENTS_TEXT", "json", "JSONB_ARRAY_ELEMENTS_TEXT(json)", "The same as text.",
     "ARRAY(SELECT JSONB_ARRAY_ELEMENTS_TEXT('[1, \"a\"]'))", "{1,a}",
     bind_parts<Part::kElementTexts>, true, true},
    {"JSONB_OBJECT_KEYS", "json", "JSONB_OBJECT_KEYS(json)",
     "The names of an object's members: rows in FROM and in a select list, elsewhere an array "
     "(Postgres).",
     "ARRAY(SELECT JSONB_OBJECT_KEYS('{\"b\": 1, \"a\": 2}'))", "{a,b}", bind_parts<Part::kKeys>,
     true, true},
};

}  // namespace

std::span<const Function> jsonb_functions() {
  return kJsonbFunctions;
}

}  // namespace tidemark
