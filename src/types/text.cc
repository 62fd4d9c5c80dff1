#include "types/text.h"

#include <charconv>
#include <cmath>

#include <fmt/core.h>

#include "types/datetime.h"
#include "types/decimal.h"
#include "types/nested.h"

namespace tidemark {

namespace {

template <typename T>
void append_floating(T value, int plain_exponent_max, std::string& out) {
  if (std::isnan(value)) {
    out += "NaN";
    return;
  }
  if (std::isinf(value)) {
    out += value < 0 ? "-Infinity" : "Infinity";
    return;
  }
  // d.ddde+xx from the library, laid out anew by Postgres's rule.
  char buffer[64];
  auto [end, error] =
      std::to_chars(buffer, buffer + sizeof(buffer), value, std::chars_format::scientific);
  CHECK(error == std::errc());
  std::string_view text(buffer, static_cast<size_t>(end - buffer));
  if (text.front() == '-') {
    out += '-';
    text.remove_prefix(1);
  }
  size_t e = text.find('e');
  std::string digits(1, text[0]);
  if (e > 1) {
    digits += text.substr(2, e - 2);
  }
  int exponent = 0;
  std::string_view exponent_text = text.substr(e + 1);
  if (exponent_text.front() == '+') {
    exponent_text.remove_prefix(1);
  }
  std::from_chars(exponent_text.data(), exponent_text.data() + exponent_text.size(), exponent);
  int count = static_cast<int>(digits.size());
  if (exponent < -4 || exponent > plain_exponent_max) {
    out += digits[0];
    if (count > 1) {
      out += '.';
      out.append(digits, 1);
    }
    fmt::format_to(std::back_inserter(out), "e{}{:02}", exponent < 0 ? '-' : '+',
                   std::abs(exponent));
  } else if (exponent < 0) {
    out += "0.";
    out.append(static_cast<size_t>(-exponent - 1), '0');
    out += digits;
  } else if (exponent + 1 >= count) {
    out += digits;
    out.append(static_cast<size_t>(exponent + 1 - count), '0');
  } else {
    out.append(digits, 0, static_cast<size_t>(exponent + 1));
    out += '.';
    out.append(digits, static_cast<size_t>(exponent + 1));
  }
}

void append_binary(std::string_view bytes, std::string& out) {
  constexpr char kHex[] = "0123456789abcdef";
  out += "\\x";
  for (char c : bytes) {
    out += kHex[static_cast<uint8_t>(c) >> 4];
    out += kHex[static_cast<uint8_t>(c) & 15];
  }
}

// PostgreSQL manual, "Array Input and Output Syntax": what has to be quoted inside braces.
bool needs_quotes(std::string_view text) {
  if (text.empty()) {
    return true;
  }
  if (text.size() == 4 && (text[0] | 0x20) == 'n' && (text[1] | 0x20) == 'u' &&
      (text[2] | 0x20) == 'l' && (text[3] | 0x20) == 'l') {
    return true;
  }
  return text.find_first_of("{}\",\\ \t\n\r\v\f()=") != std::string_view::npos;
}

void append_quoted(std::string_view text, std::string& out) {
  if (!needs_quotes(text)) {
    out += text;
    return;
  }
  out += '"';
  for (char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
    }
    out += c;
  }
  out += '"';
}

void append_part(const Column& elements, size_t row, std::string& out, TextFormat format) {
  if (elements.is_null(row)) {
    out += "NULL";
  } else if (elements.type().kind == TypeKind::kArray) {
    append_text(elements, row, out, format);
  } else {
    append_quoted(text_of(elements, row, format), out);
  }
}

void append_nested(const Type& type, std::string_view bytes, std::string& out, TextFormat format) {
  switch (type.kind) {
    case TypeKind::kArray:
    case TypeKind::kMultiset: {
      Column elements(type.children[0]);
      unpack_array(bytes, elements);
      out += '{';
      for (size_t i = 0; i < elements.size(); ++i) {
        out += i == 0 ? "" : ",";
        append_part(elements, i, out, format);
      }
      out += '}';
      return;
    }
    case TypeKind::kMap: {
      Column keys(type.children[0]), values(type.children[1]);
      unpack_map(bytes, keys, values);
      out += '{';
      for (size_t i = 0; i < keys.size(); ++i) {
        out += i == 0 ? "" : ",";
        append_part(keys, i, out, format);
        out += '=';
        append_part(values, i, out, format);
      }
      out += '}';
      return;
    }
    case TypeKind::kRow: {
      out += '(';
      for (size_t i = 0; i < type.children.size(); ++i) {
        Column field(type.children[i]);
        unpack_element(bytes, field);
        out += i == 0 ? "" : ",";
        if (!field.is_null(0)) {
          append_part(field, 0, out, format);
        }
      }
      out += ')';
      return;
    }
    default:
      CHECK(false);
  }
}

std::string_view trim(std::string_view text) {
  auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; };
  while (!text.empty() && blank(text.front())) {
    text.remove_prefix(1);
  }
  while (!text.empty() && blank(text.back())) {
    text.remove_suffix(1);
  }
  return text;
}

Status not_a(const Column& column, std::string_view text) {
  constexpr size_t kShownMax = 100;
  std::string shown(text.substr(0, kShownMax));
  return Status::data_error(fmt::format("not a value of {}: '{}'{}",
                                        column.type().to_string_without_null(), shown,
                                        text.size() > kShownMax ? "..." : ""));
}

Status parse_integer(std::string_view text, Column& column) {
  std::string_view digits = trim(text);
  if (!digits.empty() && digits.front() == '+') {
    digits.remove_prefix(1);
  }
  int64_t value = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error == std::errc::result_out_of_range) {
    return Status::data_error(
        fmt::format("out of range of {}: '{}'", column.type().to_string_without_null(), text));
  }
  if (error != std::errc() || end != digits.data() + digits.size() || digits.empty()) {
    return not_a(column, text);
  }
  int bits = column.type().kind == TypeKind::kTinyint    ? 8
             : column.type().kind == TypeKind::kSmallint ? 16
             : column.type().kind == TypeKind::kInt      ? 32
                                                         : 64;
  if (bits < 64 && (value >= (int64_t{1} << (bits - 1)) || value < -(int64_t{1} << (bits - 1)))) {
    return Status::data_error(
        fmt::format("out of range of {}: '{}'", column.type().to_string_without_null(), text));
  }
  if (bits == 64) {
    column.append(value);
  } else {
    column.append(static_cast<int32_t>(value));
  }
  return {};
}

template <typename T>
Status parse_floating(std::string_view text, Column& column) {
  std::string_view digits = trim(text);
  bool plus = !digits.empty() && digits.front() == '+';
  digits.remove_prefix(plus ? 1 : 0);
  T value = 0;
  // from_chars reads "inf", "infinity" and "nan" in any case as well.
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error == std::errc::result_out_of_range) {
    return Status::data_error(
        fmt::format("out of range of {}: '{}'", column.type().to_string_without_null(), text));
  }
  if (error != std::errc() || end != digits.data() + digits.size() || digits.empty()) {
    return not_a(column, text);
  }
  column.append(value);
  return {};
}

Status parse_boolean(std::string_view text, Column& column) {
  std::string lower;
  for (char c : trim(text)) {
    lower += static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  }
  for (std::string_view yes : {"true", "t", "yes", "y", "on", "1"}) {
    if (lower == yes) {
      column.append<uint8_t>(1);
      return {};
    }
  }
  for (std::string_view no : {"false", "f", "no", "n", "off", "0"}) {
    if (lower == no) {
      column.append<uint8_t>(0);
      return {};
    }
  }
  return not_a(column, text);
}

Status parse_bytes(std::string_view text, Column& column) {
  if (!text.starts_with("\\x")) {
    column.append_string(text);
    return {};
  }
  auto nibble = [](char c) {
    return c >= '0' && c <= '9'                     ? c - '0'
           : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10
                                                    : -1;
  };
  std::string bytes;
  for (size_t i = 2; i < text.size(); i += 2) {
    int high = nibble(text[i]);
    int low = i + 1 < text.size() ? nibble(text[i + 1]) : -1;
    if (high < 0 || low < 0) {
      return not_a(column, text);
    }
    bytes += static_cast<char>(high * 16 + low);
  }
  column.append_string(bytes);
  return {};
}

// Reads "{...}" at the front of `text` into a packed array and advances past it.
Result<std::string> parse_array(std::string_view& text, const Type& type, TextFormat format) {
  auto bad = [&] { return Status::data_error(fmt::format("not an array: '{}'", text)); };
  const Type& element = type.children[0];
  Column elements(element);
  text = trim(text);
  if (text.empty() || text.front() != '{') {
    return bad();
  }
  text.remove_prefix(1);
  text = trim(text);
  bool first = true;
  while (!text.empty() && text.front() != '}') {
    if (!first) {
      if (text.front() != ',') {
        return bad();
      }
      text.remove_prefix(1);
      text = trim(text);
    }
    first = false;
    if (element.kind == TypeKind::kArray) {
      elements.append_string(TRY(parse_array(text, element, format)));
    } else if (!text.empty() && text.front() == '"') {
      std::string raw;
      size_t i = 1;
      for (; i < text.size() && text[i] != '"'; ++i) {
        i += text[i] == '\\' && i + 1 < text.size() ? 1 : 0;
        raw += text[i];
      }
      if (i >= text.size()) {
        return bad();
      }
      text.remove_prefix(i + 1);
      TRY(append_parsed(raw, elements, format));
    } else {
      size_t end = text.find_first_of(",}");
      if (end == std::string_view::npos) {
        return bad();
      }
      std::string_view raw = trim(text.substr(0, end));
      if (raw.size() == 4 && (raw == "NULL" || raw == "null")) {
        elements.append_null();
      } else if (raw.starts_with('{')) {
        return Status::data_error(
            fmt::format("array has more dimensions than {}", type.to_string_without_null()));
      } else {
        TRY(append_parsed(raw, elements, format));
      }
      text.remove_prefix(end);
    }
    text = trim(text);
  }
  if (text.empty()) {
    return bad();
  }
  text.remove_prefix(1);
  return pack_array(elements);
}

}  // namespace

void append_double(double value, std::string& out) {
  append_floating(value, 14, out);
}
void append_float(float value, std::string& out) {
  append_floating(value, 5, out);
}

void append_text(const Column& column, size_t row, std::string& out, TextFormat format) {
  if (column.is_null(row)) {
    return;
  }
  switch (column.type().kind) {
    case TypeKind::kNull:
      return;
    case TypeKind::kBoolean:
      out += column.data<uint8_t>()[row] ? "true" : "false";
      return;
    case TypeKind::kTinyint:
    case TypeKind::kSmallint:
    case TypeKind::kInt:
      fmt::format_to(std::back_inserter(out), "{}", column.data<int32_t>()[row]);
      return;
    case TypeKind::kBigint:
      fmt::format_to(std::back_inserter(out), "{}", column.data<int64_t>()[row]);
      return;
    case TypeKind::kFloat:
      append_float(column.data<float>()[row], out);
      return;
    case TypeKind::kDouble:
      append_double(column.data<double>()[row], out);
      return;
    case TypeKind::kDecimal:
      decimal_append(column.data<Int128>()[row], column.type().scale, out);
      return;
    case TypeKind::kChar:
    case TypeKind::kVarchar:
      out += column.string_at(row);
      return;
    case TypeKind::kBinary:
    case TypeKind::kVarbinary:
      append_binary(column.string_at(row), out);
      return;
    case TypeKind::kDate:
      append_date(column.data<int32_t>()[row], out);
      return;
    case TypeKind::kTime:
      append_time(column.data<int64_t>()[row], out);
      return;
    case TypeKind::kTimestamp:
      append_timestamp(column.data<int64_t>()[row], out);
      return;
    case TypeKind::kTimestampLtz:
      append_timestamp_ltz(column.data<int64_t>()[row], format.zone, out);
      return;
    case TypeKind::kIntervalMonth:
      append_interval_months(column.data<int32_t>()[row], out);
      return;
    case TypeKind::kIntervalDay:
      append_interval_micros(column.data<int64_t>()[row], out);
      return;
    case TypeKind::kArray:
    case TypeKind::kMap:
    case TypeKind::kMultiset:
    case TypeKind::kRow:
      append_nested(column.type(), column.string_at(row), out, format);
      return;
  }
  CHECK(false);
}

std::string text_of(const Column& column, size_t row, TextFormat format) {
  std::string out;
  append_text(column, row, out, format);
  return out;
}

Status append_parsed(std::string_view text, Column& column, TextFormat format) {
  const Type& type = column.type();
  switch (type.kind) {
    case TypeKind::kNull:
      column.append_null();
      return {};
    case TypeKind::kBoolean:
      return parse_boolean(text, column);
    case TypeKind::kTinyint:
    case TypeKind::kSmallint:
    case TypeKind::kInt:
    case TypeKind::kBigint:
      return parse_integer(text, column);
    case TypeKind::kFloat:
      return parse_floating<float>(text, column);
    case TypeKind::kDouble:
      return parse_floating<double>(text, column);
    case TypeKind::kDecimal:
      column.append(TRY(decimal_parse(text, type.precision, type.scale)));
      return {};
    case TypeKind::kChar:
    case TypeKind::kVarchar:
      column.append_string(text);
      return {};
    case TypeKind::kBinary:
    case TypeKind::kVarbinary:
      return parse_bytes(text, column);
    case TypeKind::kDate:
      column.append(TRY(parse_date(text)));
      return {};
    case TypeKind::kTime:
      column.append(TRY(parse_time(text)));
      return {};
    case TypeKind::kTimestamp:
      column.append(TRY(parse_timestamp(text)));
      return {};
    case TypeKind::kTimestampLtz:
      column.append(TRY(parse_timestamp_ltz(text, format.zone)));
      return {};
    case TypeKind::kArray: {
      std::string_view rest = text;
      std::string packed = TRY(parse_array(rest, type, format));
      if (!trim(rest).empty()) {
        return not_a(column, text);
      }
      column.append_string(packed);
      return {};
    }
    case TypeKind::kIntervalMonth:
    case TypeKind::kIntervalDay:
    case TypeKind::kMap:
    case TypeKind::kMultiset:
    case TypeKind::kRow:
      return Status::unsupported(
          fmt::format("reading {} from text is not supported yet", type.to_string_without_null()));
  }
  CHECK(false);
}

}  // namespace tidemark
