// Text values, as output functions write them under our session settings, into columns.

#include <charconv>

#include <fmt/core.h>

#include "types/datetime.h"
#include "types/decimal.h"
#include "types/nested.h"
#include "types/pg_codec.h"

namespace tidemark {

namespace {

using Function = PgDecoder::Function;

Status not_a(const PgDecoder& decoder, std::string_view text) {
  return Status::data_error(fmt::format(
      "value does not fit {}: {}", decoder.target().to_string_without_null(), text.substr(0, 64)));
}

template <typename To>
Status parse_number(const PgDecoder& decoder, std::string_view text, Column& out) {
  To value{};
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    return not_a(decoder, text);
  }
  out.append<To>(value);
  return {};
}

// Through double: text of a float8 may be below the smallest float.
Status parse_float(const PgDecoder& decoder, std::string_view text, Column& out) {
  if (decoder.source().kind == PgKind::kFloat4) {
    return parse_number<float>(decoder, text, out);
  }
  double value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    return not_a(decoder, text);
  }
  out.append<float>(static_cast<float>(value));
  return {};
}

Status parse_bool_text(const PgDecoder& decoder, std::string_view text, Column& out) {
  if (text != "t" && text != "f") {
    return not_a(decoder, text);
  }
  out.append<uint8_t>(text == "t");
  return {};
}

Status parse_decimal(const PgDecoder& decoder, std::string_view text, Column& out) {
  const Type& type = decoder.target();
  Result<Int128> value = decimal_parse(text, type.precision, type.scale, true);
  if (!value.ok()) {
    return not_a(decoder, text);
  }
  out.append<Int128>(*value);
  return {};
}

Status parse_date_text(const PgDecoder&, std::string_view text, Column& out) {
  out.append<int32_t>(TRY(parse_date(text)));
  return {};
}
Status parse_time_text(const PgDecoder&, std::string_view text, Column& out) {
  out.append<int64_t>(TRY(parse_time(text)));
  return {};
}
Status parse_timestamp_text(const PgDecoder&, std::string_view text, Column& out) {
  out.append<int64_t>(TRY(parse_timestamp(text)));
  return {};
}
Status parse_instant_text(const PgDecoder&, std::string_view text, Column& out) {
  out.append<int64_t>(TRY(parse_timestamp_ltz(text, "UTC")));
  return {};
}

int hex_value(char c) {
  return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// byteaout with bytea_output = hex: \x0102
Status parse_bytea(const PgDecoder& decoder, std::string_view text, Column& out) {
  if (!text.starts_with("\\x") || text.size() % 2 != 0) {
    return not_a(decoder, text);
  }
  std::string bytes;
  for (size_t i = 2; i < text.size(); i += 2) {
    int high = hex_value(text[i]), low = hex_value(text[i + 1]);
    if (high < 0 || low < 0) {
      return not_a(decoder, text);
    }
    bytes += static_cast<char>(high * 16 + low);
  }
  out.append_string(bytes);
  return {};
}

Status take_text(const PgDecoder&, std::string_view text, Column& out) {
  out.append_string(text);
  return {};
}

// boolout writes t and f, the cast to text true and false; we show the latter everywhere.
Status take_bool_text(const PgDecoder&, std::string_view text, Column& out) {
  out.append_string(text == "t" ? "true" : text == "f" ? "false" : text);
  return {};
}

// array_out: {1,NULL,"a \"b\""}, nested for further dimensions; bounds that do not start at 1 come
// first, as in [0:2]={...}.
struct ArrayTextReader {
  const PgDecoder& decoder;
  std::string_view rest;

  Status fail() const { return Status::data_error("malformed array: " + decoder.source().name); }
  bool take(char c) {
    if (rest.empty() || rest[0] != c) {
      return false;
    }
    rest.remove_prefix(1);
    return true;
  }

  Status read_element(Column& elements) {
    if (!take('"')) {
      size_t end = rest.find_first_of(",}");
      if (end == std::string_view::npos) {
        return fail();
      }
      std::string_view text = rest.substr(0, end);
      rest.remove_prefix(end);
      if (text == "NULL") {
        elements.append_null();
        return {};
      }
      return decoder.element().decode_text(text, elements);
    }
    std::string text;
    while (!rest.empty() && rest[0] != '"') {
      take('\\');
      if (rest.empty()) {
        return fail();
      }
      text += rest[0];
      rest.remove_prefix(1);
    }
    if (!take('"')) {
      return fail();
    }
    return decoder.element().decode_text(text, elements);
  }

  Result<std::string> pack(const Type& type) {
    if (!take('{')) {
      return fail();
    }
    Column elements(type.children[0]);
    bool is_nested = type.children[0].kind == TypeKind::kArray;
    while (!take('}')) {
      if (elements.size() != 0 && !take(',')) {
        return fail();
      }
      if (is_nested != rest.starts_with('{')) {
        return Status::data_error(fmt::format("array of other dimensions than declared as {}",
                                              decoder.target().to_string_without_null()));
      }
      if (is_nested) {
        elements.append_string(TRY(pack(type.children[0])));
      } else {
        TRY(read_element(elements));
      }
    }
    return pack_array(elements);
  }
};

Status parse_array(const PgDecoder& decoder, std::string_view text, Column& out) {
  if (text.starts_with('[')) {
    size_t equals = text.find('=');
    text = equals == std::string_view::npos ? text : text.substr(equals + 1);
  }
  ArrayTextReader reader{.decoder = decoder, .rest = text};
  std::string packed = TRY(reader.pack(decoder.target()));
  if (!reader.rest.empty()) {
    return reader.fail();
  }
  out.append_string(packed);
  return {};
}

Function number_function(const Type& target) {
  switch (target.kind) {
    case TypeKind::kTinyint:
    case TypeKind::kSmallint:
    case TypeKind::kInt:
      return parse_number<int32_t>;
    case TypeKind::kBigint:
      return parse_number<int64_t>;
    case TypeKind::kFloat:
      return parse_float;
    case TypeKind::kDouble:
      return parse_number<double>;
    case TypeKind::kDecimal:
      return parse_decimal;
    default:
      return nullptr;
  }
}

}  // namespace

PgDecoder::Function pg_text_function(const PgType& source, const Type& target) {
  if (target.is_character()) {
    return source.kind == PgKind::kBool ? take_bool_text : take_text;
  }
  switch (source.kind) {
    case PgKind::kBool:
      return target.kind == TypeKind::kBoolean ? parse_bool_text : nullptr;
    case PgKind::kBytea:
      return target.is_binary() ? parse_bytea : nullptr;
    case PgKind::kInt2:
    case PgKind::kInt4:
    case PgKind::kInt8:
    case PgKind::kOid:
      return number_function(target);
    case PgKind::kFloat4:
    case PgKind::kFloat8:
      return target.is_approximate() ? number_function(target) : nullptr;
    case PgKind::kNumeric:
      return target.kind == TypeKind::kDecimal || target.kind == TypeKind::kInt ||
                     target.kind == TypeKind::kBigint
                 ? number_function(target)
                 : nullptr;
    case PgKind::kDate:
      return target.kind == TypeKind::kDate ? parse_date_text : nullptr;
    case PgKind::kTime:
      return target.kind == TypeKind::kTime ? parse_time_text : nullptr;
    case PgKind::kTimestamp:
      return target.kind == TypeKind::kTimestamp ? parse_timestamp_text : nullptr;
    case PgKind::kTimestampTz:
      return target.kind == TypeKind::kTimestampLtz ? parse_instant_text : nullptr;
    case PgKind::kArray:
      return target.kind == TypeKind::kArray ? parse_array : nullptr;
    default:
      return nullptr;
  }
}

}  // namespace tidemark
