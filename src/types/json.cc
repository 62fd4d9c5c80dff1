#include "types/json.h"

#include <algorithm>
#include <charconv>

#include <fmt/core.h>
#include <simdjson.h>

namespace tidemark {

namespace {

namespace ondemand = simdjson::ondemand;

// RFC 8259, 6: [-] int [frac] [exp].
bool is_json_number(std::string_view text) {
  size_t at = 0;
  auto digits = [&] {
    size_t from = at;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9') {
      ++at;
    }
    return at - from;
  };
  at += at < text.size() && text[at] == '-' ? 1 : 0;
  bool zero = at < text.size() && text[at] == '0';
  size_t whole = digits();
  if (whole == 0 || (zero && whole > 1)) {
    return false;
  }
  if (at < text.size() && text[at] == '.') {
    ++at;
    if (digits() == 0) {
      return false;
    }
  }
  if (at < text.size() && (text[at] | 0x20) == 'e') {
    ++at;
    at += at < text.size() && (text[at] == '-' || text[at] == '+') ? 1 : 0;
    if (digits() == 0) {
      return false;
    }
  }
  return at == text.size();
}

// RFC 8259, 2: blanks.
std::string_view trimmed(std::string_view text) {
  auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; };
  while (!text.empty() && blank(text.front())) {
    text.remove_prefix(1);
  }
  while (!text.empty() && blank(text.back())) {
    text.remove_suffix(1);
  }
  return text;
}

// A token that is neither text nor begins an array or object.
bool read_token(std::string_view token, JsonValue& out) {
  out.text = token;
  out.kind = token == "null"                       ? JsonKind::kNull
             : token == "true" || token == "false" ? JsonKind::kBoolean
                                                   : JsonKind::kNumber;
  return out.kind != JsonKind::kNumber || is_json_number(token);
}

template <typename Node>
bool read_string(Node&& node, JsonValue& out) {
  std::string_view text;
  if (node.get_string().get(text) != simdjson::SUCCESS) {
    return false;
  }
  out.kind = JsonKind::kString;
  out.text = text;
  return true;
}

bool read_value(ondemand::value node, JsonValue& out);

bool read_array(ondemand::array array, JsonValue& out) {
  out.kind = JsonKind::kArray;
  for (auto element : array) {
    ondemand::value value;
    if (element.get(value) != simdjson::SUCCESS ||
        !read_value(value, out.elements.emplace_back())) {
      return false;
    }
  }
  return true;
}

bool read_object(ondemand::object object, JsonValue& out) {
  out.kind = JsonKind::kObject;
  for (simdjson::simdjson_result<ondemand::field> each : object) {
    std::string_view name;
    ondemand::value value;
    if (each.unescaped_key().get(name) != simdjson::SUCCESS) {
      return false;
    }
    auto& member = out.members.emplace_back(std::string(name), JsonValue());
    if (each.value().get(value) != simdjson::SUCCESS || !read_value(value, member.second)) {
      return false;
    }
  }
  return true;
}

bool read_value(ondemand::value node, JsonValue& out) {
  ondemand::json_type type;
  if (node.type().get(type) != simdjson::SUCCESS) {
    return false;
  }
  switch (type) {
    case ondemand::json_type::array: {
      ondemand::array array;
      return node.get_array().get(array) == simdjson::SUCCESS && read_array(array, out);
    }
    case ondemand::json_type::object: {
      ondemand::object object;
      return node.get_object().get(object) == simdjson::SUCCESS && read_object(object, out);
    }
    case ondemand::json_type::string:
      return read_string(node, out);
    case ondemand::json_type::number: {
      std::string_view token = trimmed(node.raw_json_token());
      double checked = 0;  // moves on, and notices what follows; digits are kept as written
      auto error = node.get_double().get(checked);
      return (error == simdjson::SUCCESS || error == simdjson::NUMBER_ERROR) &&
             read_token(token, out);
    }
    case ondemand::json_type::boolean: {
      bool value = false;
      bool good = node.get_bool().get(value) == simdjson::SUCCESS;
      return good && read_token(value ? "true" : "false", out);
    }
    case ondemand::json_type::null: {
      // A bool in some versions, with an error in others.
      bool null = false;
      auto error = simdjson::simdjson_result<bool>(node.is_null()).get(null);
      return error == simdjson::SUCCESS && null && read_token("null", out);
    }
  }
  return false;
}

bool at_end(ondemand::document& document) {
  return document.current_location().error() == simdjson::OUT_OF_BOUNDS;
}

// text: the document, without blanks around it.
bool read_document(ondemand::document& document, std::string_view text, JsonValue& out) {
  bool scalar = true;
  if (document.is_scalar().get(scalar) != simdjson::SUCCESS) {
    return false;
  }
  if (!scalar) {
    ondemand::value root;
    if (document.get_value().get(root) != simdjson::SUCCESS || !read_value(root, out)) {
      return false;
    }
    return at_end(document);
  }
  ondemand::json_type type;
  if (document.type().get(type) != simdjson::SUCCESS) {
    return false;
  }
  if (type == ondemand::json_type::string) {
    return read_string(document, out) && at_end(document);
  }
  return read_token(text, out);
}

}  // namespace

struct JsonParser::Buffers {
  ondemand::parser parser;
  std::string padded;
};

JsonParser::JsonParser() : buffers_(std::make_unique<Buffers>()) {}
JsonParser::~JsonParser() = default;

Result<JsonValue> JsonParser::parse(std::string_view text) {
  auto fail = [&] {
    constexpr size_t kShownMax = 100;
    return Status::data_error(fmt::format("not JSON: '{}{}'", text.substr(0, kShownMax),
                                          text.size() > kShownMax ? "..." : ""));
  };
  buffers_->padded.assign(text);
  buffers_->padded.resize(text.size() + simdjson::SIMDJSON_PADDING);
  ondemand::document document;
  auto error = buffers_->parser
                   .iterate(simdjson::padded_string_view(buffers_->padded.data(), text.size(),
                                                         buffers_->padded.size()))
                   .get(document);
  JsonValue value;
  if (error != simdjson::SUCCESS || !read_document(document, trimmed(text), value)) {
    return fail();
  }
  return value;
}

JsonValue::JsonValue() = default;
JsonValue::JsonValue(const JsonValue&) = default;
JsonValue::JsonValue(JsonValue&&) noexcept = default;
JsonValue& JsonValue::operator=(const JsonValue&) = default;
JsonValue& JsonValue::operator=(JsonValue&&) noexcept = default;
JsonValue::~JsonValue() = default;

const JsonValue* JsonValue::member(std::string_view name) const {
  for (size_t i = members.size(); i-- > 0;) {
    if (members[i].first == name) {
      return &members[i].second;
    }
  }
  return nullptr;
}

void append_json_string(std::string_view text, std::string& out) {
  out += '"';
  for (char c : text) {
    switch (c) {
      case '"':
      case '\\':
        out += '\\';
        out += c;
        break;
      case '\b':
        out += "\\b";
        break;
      case '\f':
        out += "\\f";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          out += fmt::format("\\u{:04x}", static_cast<int>(c));
        } else {
          out += c;
        }
    }
  }
  out += '"';
}

namespace {

void append_object(const JsonValue& value, JsonLayout layout, std::string& out) {
  std::vector<const std::pair<std::string, JsonValue>*> members;
  for (const auto& member : value.members) {
    members.push_back(&member);
  }
  if (layout == JsonLayout::kJsonb) {
    // Of equal names the last stays.
    std::stable_sort(members.begin(), members.end(), [](const auto* a, const auto* b) {
      return std::pair(a->first.size(), std::string_view(a->first)) <
             std::pair(b->first.size(), std::string_view(b->first));
    });
    size_t kept = 0;
    for (size_t i = 0; i < members.size(); ++i) {
      kept -= kept > 0 && members[kept - 1]->first == members[i]->first ? 1 : 0;
      members[kept++] = members[i];
    }
    members.resize(kept);
  }
  out += '{';
  for (size_t i = 0; i < members.size(); ++i) {
    out += i == 0 ? "" : layout == JsonLayout::kJsonb ? ", " : ",";
    append_json_string(members[i]->first, out);
    out += layout == JsonLayout::kJsonb ? ": " : ":";
    append_json(members[i]->second, layout, out);
  }
  out += '}';
}

}  // namespace

void append_json(const JsonValue& value, JsonLayout layout, std::string& out) {
  switch (value.kind) {
    case JsonKind::kNull:
    case JsonKind::kBoolean:
    case JsonKind::kNumber:
      out += value.text;
      return;
    case JsonKind::kString:
      append_json_string(value.text, out);
      return;
    case JsonKind::kArray:
      out += '[';
      for (size_t i = 0; i < value.elements.size(); ++i) {
        out += i == 0 ? "" : layout == JsonLayout::kJsonb ? ", " : ",";
        append_json(value.elements[i], layout, out);
      }
      out += ']';
      return;
    case JsonKind::kObject:
      append_object(value, layout, out);
      return;
  }
}

namespace {

// A number as sign, digits without zeros at the ends, and the power of ten of the last digit.
struct Magnitude {
  bool negative = false;
  std::string digits;
  int64_t exponent = 0;
  bool operator==(const Magnitude&) const = default;
};

Magnitude magnitude_of(std::string_view text) {
  Magnitude result;
  result.negative = text[0] == '-';
  size_t mark = std::min(text.find_first_of("eE"), text.size());
  if (mark < text.size()) {
    std::string_view power = text.substr(mark + (text[mark + 1] == '+' ? 2 : 1));
    std::from_chars(power.data(), power.data() + power.size(), result.exponent);
  }
  bool fraction = false;
  for (char c : text.substr(0, mark)) {
    fraction = fraction || c == '.';
    if (c >= '0' && c <= '9') {
      result.exponent -= fraction ? 1 : 0;
      if (c != '0' || !result.digits.empty()) {
        result.digits += c;
      }
    }
  }
  while (!result.digits.empty() && result.digits.back() == '0') {
    result.digits.pop_back();
    ++result.exponent;
  }
  return result.digits.empty() ? Magnitude() : result;
}

}  // namespace

std::strong_ordering compare_json_numbers(std::string_view a, std::string_view b) {
  Magnitude x = magnitude_of(a), y = magnitude_of(b);
  auto sign = [](const Magnitude& of) { return of.digits.empty() ? 0 : of.negative ? -1 : 1; };
  if (sign(x) != sign(y) || sign(x) == 0) {
    return sign(x) <=> sign(y);
  }
  // The power of ten above the first digit, then the digits from there.
  auto above = [](const Magnitude& of) {
    return of.exponent + static_cast<int64_t>(of.digits.size());
  };
  if (x.negative) {
    std::swap(x, y);
  }
  return above(x) != above(y) ? above(x) <=> above(y) : x.digits <=> y.digits;
}

bool same_json(const JsonValue& a, const JsonValue& b) {
  if (a.kind != b.kind) {
    return false;
  }
  if (a.kind == JsonKind::kNumber) {
    return magnitude_of(a.text) == magnitude_of(b.text);
  }
  if (a.kind == JsonKind::kArray) {
    return std::equal(a.elements.begin(), a.elements.end(), b.elements.begin(), b.elements.end(),
                      same_json);
  }
  auto has_all = [](const JsonValue& x, const JsonValue& y) {
    return std::all_of(x.members.begin(), x.members.end(), [&](const auto& member) {
      const JsonValue* own = x.member(member.first);
      const JsonValue* other = y.member(member.first);
      return other != nullptr && same_json(*own, *other);
    });
  };
  return a.text == b.text && has_all(a, b) && has_all(b, a);
}

}  // namespace tidemark
