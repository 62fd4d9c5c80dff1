#include "expr/json_list.h"

#include <map>

#include "expr/functions/json_documents.h"
#include "types/nested.h"
#include "types/text.h"

namespace tidemark {

namespace {

void append_item(const Column& values, size_t row, bool holds_json, std::string& out) {
  if (holds_json && !values.is_null(row)) {
    out += values.string_at(row);
  } else {
    append_value_as_json(values, row, out);
  }
}

std::string list_text(const KernelFrame& frame, std::string_view bytes, JsonListSpec spec) {
  Column values(frame.argument_types[0].children[0]);
  unpack_array(bytes, values);
  std::string out = "[";
  for (size_t i = 0; i < values.size(); ++i) {
    if (!(spec.absent_on_null && values.is_null(i))) {
      out += out.size() == 1 ? "" : ",";
      append_item(values, i, spec.holds_json, out);
    }
  }
  return out + "]";
}

std::string object_text(const KernelFrame& frame, std::string_view bytes, JsonListSpec spec,
                        size_t row) {
  const Type& entry = frame.argument_types[0].children[0];
  std::map<std::string, std::string> members;
  for (std::string_view packed : packed_elements(bytes, entry)) {
    packed.remove_prefix(5);  // the row's flag and length
    Column key(entry.children[0]), value(entry.children[1]);
    unpack_element(packed, key);
    unpack_element(packed, value);
    if (key.is_null(0)) {
      frame.fail(row, "JSON_OBJECTAGG: a key is NULL");
      return "";
    }
    if (spec.absent_on_null && value.is_null(0)) {
      continue;
    }
    std::string name = text_of(key, 0), text;
    append_item(value, 0, spec.holds_json, text);
    members[std::move(name)] = std::move(text);
  }
  std::string out = "{";
  for (const auto& [name, text] : members) {
    out += out.size() == 1 ? "" : ",";
    append_json_string(name, out);
    out += ':' + text;
  }
  return out + "}";
}

// The second argument, a constant, has a bit for each member of JsonListSpec.
void json_list(const KernelFrame& frame, std::span<const Argument> arguments) {
  for (size_t row = 0; row < frame.rows; ++row) {
    int32_t bits = arguments[1].at<int32_t>(row);
    JsonListSpec spec{(bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0};
    std::string text = spec.is_object ? "{}" : "[]";
    if (!arguments[0].is_null(row)) {
      std::string_view bytes = arguments[0].string_at(row);
      text = spec.is_object ? object_text(frame, bytes, spec, row) : list_text(frame, bytes, spec);
    }
    frame.out.mutable_data<StringRef>()[row] = frame.out.intern(text);
  }
}

// Not in the table of functions: only the binder calls it.
constexpr Function kJsonList{"JSON_LIST", "", "", "", "", "", nullptr};

}  // namespace

ExprRef make_json_list(ExprRef array, JsonListSpec spec) {
  int32_t bits =
      (spec.is_object ? 1 : 0) | (spec.absent_on_null ? 2 : 0) | (spec.holds_json ? 4 : 0);
  ExprRef plan = make_literal(bits, Type::integer());
  Type type = Type::string().not_null();
  BoundFunction bound{
      json_list, type, {array->type, plan->type}, NullRule::kCalled, spec.is_object};
  return std::make_shared<const Expr>(
      Expr{type, CallExpr{&kJsonList, std::move(bound), {std::move(array), std::move(plan)}}});
}

}  // namespace tidemark
