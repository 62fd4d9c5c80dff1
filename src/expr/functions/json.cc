// Functions of JSON text: SQL's (as in Flink) and Postgres's operators. A JSON value is text here,
// as it comes from a source; what is taken out of one is written as Postgres writes a jsonb.
//
// The clauses of JSON_VALUE and its kin come as texts in front of the arguments
// (plan/bind/bind_json.cc): NULL, ERROR, EMPTY ARRAY, ..., or DEFAULT with the value behind them.

#include "expr/functions/families.h"
#include "expr/functions/json_documents.h"
#include "expr/functions/nested_arguments.h"
#include "expr/functions/shape.h"
#include "types/text.h"

namespace tidemark {

// Any SQL value as JSON.
void append_value_as_json(const Column& column, size_t row, std::string& out) {
  const Type& type = column.type();
  if (column.is_null(row)) {
    out += "null";
    return;
  }
  if (type.is_numeric()) {
    std::string text = text_of(column, row);
    bool finite = text.find_first_not_of("0123456789+-.eE") == std::string::npos;
    finite ? void(out += text) : append_json_string(text, out);
    return;
  }
  if (type.kind == TypeKind::kBoolean) {
    out += text_of(column, row);
    return;
  }
  if (!type.is_nested()) {
    append_json_string(text_of(column, row), out);
    return;
  }
  std::string_view bytes = column.string_at(row);
  if (type.kind == TypeKind::kRow) {
    out += '{';
    for (size_t i = 0; i < type.children.size(); ++i) {
      Column field(type.children[i]);
      unpack_element(bytes, field);
      out += i == 0 ? "" : ",";
      append_json_string(type.field_names[i], out);
      out += ':';
      append_value_as_json(field, 0, out);
    }
    out += '}';
    return;
  }
  if (type.kind == TypeKind::kMap) {
    Column keys(type.children[0]), values(type.children[1]);
    unpack_map(bytes, keys, values);
    out += '{';
    for (size_t i = 0; i < keys.size(); ++i) {
      out += i == 0 ? "" : ",";
      append_json_string(keys.is_null(i) ? "null" : text_of(keys, i), out);
      out += ':';
      append_value_as_json(values, i, out);
    }
    out += '}';
    return;
  }
  Column elements(type.children[0]);
  unpack_array(bytes, elements);
  out += '[';
  for (size_t i = 0; i < elements.size(); ++i) {
    out += i == 0 ? "" : ",";
    append_value_as_json(elements, i, out);
  }
  out += ']';
}

namespace {

using Arguments = std::span<const Argument>;

template <int kKind>  // of JsonKind; -1: any, -2: a scalar
void is_json(const KernelFrame& frame, Arguments a) {
  Documents documents;
  fill<uint8_t>(frame, [&](size_t row) {
    const JsonValue* value = documents.parse(a[0].string_at(row));
    return value != nullptr &&
           (kKind == -1 ||
            (kKind == -2 ? value->is_scalar() : static_cast<int>(value->kind) == kKind));
  });
}

// Arguments: behaviour ON ERROR, document, path.
void json_exists(const KernelFrame& frame, Arguments a) {
  Documents documents;
  fill<uint8_t>(frame, [&](size_t row) {
    const JsonPath* path = documents.path(frame, row, a[2].string_at(row));
    const JsonValue* document = documents.parse(a[1].string_at(row));
    if (path == nullptr) {
      return false;
    }
    bool found = document != nullptr && !documents.find(frame, row).empty();
    if (document != nullptr && (found || !path->strict)) {
      return found;
    }
    std::string_view behaviour = a[0].string_at(row);
    if (behaviour == "ERROR") {
      frame.fail(row, fmt::format("JSON_EXISTS: nothing at '{}'", a[2].string_at(row)));
    } else if (behaviour == "UNKNOWN") {
      frame.out.set_null(row);
    }
    return behaviour == "TRUE";
  });
}

struct Clauses {
  std::string_view on_empty, empty_default, on_error, error_default;
};

// Writes what the clause says; false: NULL.
bool apply_behaviour(const KernelFrame& frame, size_t row, std::string_view behaviour,
                     std::string_view otherwise, std::string_view what, std::string& out) {
  if (behaviour == "DEFAULT") {
    out = otherwise;
    return true;
  }
  if (behaviour == "ERROR") {
    frame.fail(row, std::string(what));
    return true;
  }
  out = behaviour == "EMPTY ARRAY" ? "[]" : behaviour == "EMPTY OBJECT" ? "{}" : "";
  return !out.empty();
}

// Arguments: ON EMPTY, its default, ON ERROR, its default, document, path; the defaults may be
// NULL.
void json_value(const KernelFrame& frame, Arguments a) {
  Documents documents;
  fill_text(frame, [&](size_t row, std::string& out) {
    if (a[4].is_null(row) || a[5].is_null(row)) {
      return false;
    }
    const JsonPath* path = documents.path(frame, row, a[5].string_at(row));
    const JsonValue* document = documents.parse(a[4].string_at(row));
    if (path == nullptr) {
      return true;
    }
    auto behave = [&](size_t clause, std::string_view what) {
      bool to_null = a[clause].string_at(row) == "DEFAULT" && a[clause + 1].is_null(row);
      return !to_null &&
             apply_behaviour(frame, row, a[clause].string_at(row),
                             a[clause + 1].is_null(row) ? "" : a[clause + 1].string_at(row), what,
                             out);
    };
    if (document == nullptr) {
      return behave(2, fmt::format("JSON_VALUE: not JSON: '{}'", a[4].string_at(row)));
    }
    std::vector<const JsonValue*> found = documents.find(frame, row);
    if (found.empty()) {
      return behave(path->strict ? 2 : 0,
                    fmt::format("JSON_VALUE: nothing at '{}'", a[5].string_at(row)));
    }
    if (found.size() > 1 || !found[0]->is_scalar()) {
      return behave(2, fmt::format("JSON_VALUE: not a scalar at '{}'", a[5].string_at(row)));
    }
    out = found[0]->text;
    return found[0]->kind != JsonKind::kNull;
  });
}

// Arguments: ON EMPTY, ON ERROR, wrapper, document, path.
void json_query(const KernelFrame& frame, Arguments a) {
  Documents documents;
  fill_text(frame, [&](size_t row, std::string& out) {
    const JsonPath* path = documents.path(frame, row, a[4].string_at(row));
    const JsonValue* document = documents.parse(a[3].string_at(row));
    if (path == nullptr) {
      return true;
    }
    auto behave = [&](size_t clause, std::string_view what) {
      return apply_behaviour(frame, row, a[clause].string_at(row), "", what, out);
    };
    if (document == nullptr) {
      return behave(1, fmt::format("JSON_QUERY: not JSON: '{}'", a[3].string_at(row)));
    }
    std::vector<const JsonValue*> found = documents.find(frame, row);
    if (found.empty() && path->is_definite()) {
      return behave(path->strict ? 1 : 0,
                    fmt::format("JSON_QUERY: nothing at '{}'", a[4].string_at(row)));
    }
    std::string_view wrapper = a[2].string_at(row);
    bool one = path->is_definite();
    bool container = !one || !found[0]->is_scalar();
    bool wrap = wrapper == "WITH UNCONDITIONAL ARRAY" ||
                (wrapper == "WITH CONDITIONAL ARRAY" && !container);
    if (!wrap && !container) {
      return behave(1, fmt::format("JSON_QUERY: a scalar at '{}'", a[4].string_at(row)));
    }
    out += wrap ? "[" : "";
    out += one ? "" : "[";
    for (size_t i = 0; i < found.size(); ++i) {
      out += i == 0 ? "" : ",";
      append_json(*found[i], JsonLayout::kCompact, out);
    }
    out += one ? "" : "]";
    out += wrap ? "]" : "";
    return true;
  });
}

void json_string(const KernelFrame& frame, Arguments a) {
  fill_text(frame, [&](size_t row, std::string& out) {
    append_value_as_json(*a[0].column, row * a[0].stride, out);
    return true;
  });
}

Result<BoundFunction> bind_any(Kernel kernel, std::span<const Type> types) {
  BoundFunction bound{kernel, Type::string(), {}, NullRule::kCalled, false};
  for (const Type& type : types) {
    bound.arguments.push_back(type.kind == TypeKind::kNull ? Type::string() : type.as_nullable());
  }
  return bound;
}

// The first argument says for each value whether it is JSON already (j) or not (v), after A or N
// for ABSENT or NULL ON NULL.
void append_built(std::string_view plan, size_t i, const Argument& value, size_t row,
                  std::string& out) {
  if (plan[i + 1] == 'j' && !value.is_null(row)) {
    out += value.string_at(row);
  } else {
    append_value_as_json(*value.column, row * value.stride, out);
  }
}

void json_object(const KernelFrame& frame, Arguments a) {
  fill_text(frame, [&](size_t row, std::string& out) {
    std::string_view plan = a[0].string_at(row);
    std::vector<std::pair<std::string, std::string>> members;
    for (size_t i = 1; i + 1 < a.size(); i += 2) {
      if (a[i].is_null(row)) {
        frame.fail(row, "JSON_OBJECT: a key is NULL");
        return true;
      }
      if (plan[0] == 'A' && a[i + 1].is_null(row)) {
        continue;
      }
      std::string key = text_of(*a[i].column, row * a[i].stride), value;
      append_built(plan, i / 2, a[i + 1], row, value);
      auto known = std::find_if(members.begin(), members.end(),
                                [&](const auto& member) { return member.first == key; });
      known != members.end() ? void(known->second = std::move(value))
                             : void(members.emplace_back(std::move(key), std::move(value)));
    }
    out = "{";
    for (const auto& [key, value] : members) {
      out += out.size() == 1 ? "" : ",";
      append_json_string(key, out);
      out += ':' + value;
    }
    out += '}';
    return true;
  });
}

void json_array(const KernelFrame& frame, Arguments a) {
  fill_text(frame, [&](size_t row, std::string& out) {
    std::string_view plan = a[0].string_at(row);
    out = "[";
    for (size_t i = 1; i < a.size(); ++i) {
      if (plan[0] == 'A' && a[i].is_null(row)) {
        continue;
      }
      out += out.size() == 1 ? "" : ",";
      append_built(plan, i - 1, a[i], row, out);
    }
    out += ']';
    return true;
  });
}

void json_quote(const KernelFrame& frame, Arguments a) {
  fill_text(frame, [&](size_t row, std::string& out) {
    append_json_string(a[0].string_at(row), out);
    return true;
  });
}

// What is not a JSON string stays as it is.
void json_unquote(const KernelFrame& frame, Arguments a) {
  Documents documents;
  fill_text(frame, [&](size_t row, std::string& out) {
    std::string_view text = a[0].string_at(row);
    const JsonValue* value = text.starts_with('"') ? documents.parse(text) : nullptr;
    out = value != nullptr && value->kind == JsonKind::kString ? value->text : std::string(text);
    return true;
  });
}

constexpr Function kJsonFunctions[] = {
    {"IS JSON", "json", "s IS [NOT] JSON [VALUE | SCALAR | ARRAY | OBJECT]",
     "Whether the text is JSON, of this kind.", "'[1]' IS JSON ARRAY", "true",
     bind_shape<"s", 'b', is_json<-1>>},
    {"IS JSON SCALAR", "json", "s IS JSON SCALAR", "Whether it is a JSON scalar.",
     "'1' IS JSON SCALAR", "true", bind_shape<"s", 'b', is_json<-2>>},
    {"IS JSON ARRAY", "json", "s IS JSON ARRAY", "Whether it is a JSON array.",
     "'{}' IS JSON ARRAY", "false", bind_shape<"s", 'b', is_json<int(JsonKind::kArray)>>},
    {"IS JSON OBJECT", "json", "s IS JSON OBJECT", "Whether it is a JSON object.",
     "'{}' IS JSON OBJECT", "true", bind_shape<"s", 'b', is_json<int(JsonKind::kObject)>>},
    {"JSON_EXISTS", "json", "JSON_EXISTS(json, path [TRUE | FALSE | UNKNOWN | ERROR ON ERROR])",
     "Whether the path leads to something.", "JSON_EXISTS('{\"a\": [1, 7]}', '$.a[?(@ > 5)]')",
     "true", bind_shape<"sss", 'b', json_exists, true>},
    {"JSON_VALUE", "json",
     "JSON_VALUE(json, path [RETURNING type] [NULL | ERROR | DEFAULT x ON EMPTY] [... ON ERROR])",
     "The scalar at the path, as STRING or the type.",
     "JSON_VALUE('{\"a\": {\"b\": 7}}', '$.a.b' RETURNING INT)", "7",
     bind_shape<"ssssss", 's', json_value, true, NullRule::kCalled>},
    {"JSON_QUERY", "json",
     "JSON_QUERY(json, path [WITH [CONDITIONAL] ARRAY WRAPPER] [NULL | EMPTY ARRAY | EMPTY OBJECT "
     "| "
     "ERROR ON EMPTY] [... ON ERROR])",
     "The object or array at the path, as JSON; of a path that may lead to several values their "
     "array.",
     "JSON_QUERY('{\"a\": [{\"b\": 1}, {\"b\": 2}]}', '$..b')", "[1,2]",
     bind_shape<"sssss", 's', json_query, true>},
    {"JSON_OBJECT", "json", "JSON_OBJECT([KEY] k VALUE v, ... [NULL | ABSENT ON NULL])",
     "A JSON object.", "JSON_OBJECT('a' VALUE 1, 'b' VALUE JSON_ARRAY(TRUE, NULL))",
     "{\"a\":1,\"b\":[true]}",
     [](std::span<const Type> types) { return bind_any(json_object, types); }},
    {"JSON_ARRAY", "json", "JSON_ARRAY(a, b, ... [NULL | ABSENT ON NULL])",
     "A JSON array; NULLs are left out unless said otherwise.", "JSON_ARRAY(1, 'a' NULL ON NULL)",
     "[1,\"a\"]", [](std::span<const Type> types) { return bind_any(json_array, types); }},
    {"JSON_STRING", "json", "JSON_STRING(x)", "Any value as JSON.", "JSON_STRING(ARRAY['a', NULL])",
     "[\"a\",null]",
     [](std::span<const Type> types) -> Result<BoundFunction> {
       if (types.size() != 1) {
         return Status::invalid_argument("takes one value");
       }
       BoundFunction bound = TRY(bind_any(json_string, types));
       bound.null_rule = NullRule::kStrict;
       return bound;
     }},
    {"TO_JSONB", "json", "TO_JSONB(x)", "As JSON_STRING (Postgres).", "TO_JSONB('a')", "\"a\"",
     [](std::span<const Type> types) -> Result<BoundFunction> {
       if (types.size() != 1) {
         return Status::invalid_argument("takes one value");
       }
       BoundFunction bound = TRY(bind_any(json_string, types));
       bound.null_rule = NullRule::kStrict;
       return bound;
     }},
    {"JSON_QUOTE", "json", "JSON_QUOTE(s)", "The text as a JSON string.", "JSON_QUOTE('a\"b')",
     "\"a\\\"b\"", bind_shape<"s", 's', json_quote>},
    {"JSON_UNQUOTE", "json", "JSON_UNQUOTE(s)",
     "The text of a JSON string; another text stays as it is.", "JSON_UNQUOTE('\"a\\u0062\"')",
     "ab", bind_shape<"s", 's', json_unquote>},
};

}  // namespace

std::span<const Function> json_functions() {
  return kJsonFunctions;
}

}  // namespace tidemark
