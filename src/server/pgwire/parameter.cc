#include "server/pgwire/parameter.h"

#include <algorithm>
#include <string>

#include <fmt/core.h>

#include "server/pgwire/rows.h"
#include "sql/lexer.h"
#include "types/nested.h"
#include "types/pg_codec.h"
#include "types/text.h"

namespace tidemark::pgwire {

namespace {

constexpr uint32_t kOidUnknown = 705;
constexpr uint32_t kOidOid = 26;

bool is_catalog_number(uint32_t oid) {
  // oid, and regproc, regclass, regtype, regrole, regnamespace and their kin.
  return oid == kOidOid || oid == 24 || (oid >= 2202 && oid <= 2206) || oid == 4096 || oid == 4089;
}

// As PostgreSQL reads a TIMESTAMP: an offset behind the time says nothing. pgjdbc sends one with
// every java.sql.Timestamp.
std::string without_offset(std::string_view text) {
  size_t begin = text.find_first_of("+-Zz", std::min(text.find(':'), text.size()));
  if (begin == std::string_view::npos) {
    return std::string(text);
  }
  size_t end = std::min(text.find(' ', begin), text.size());  // " BC"
  return std::string(text.substr(0, begin)).append(text.substr(end));
}

// Text is UTF-8 without zero bytes, in arrays too: all that computes with it relies on that.
bool has_text(const Column& column, size_t row) {
  const Type& type = column.type();
  if (column.is_null(row)) {
    return true;
  }
  if (type.is_character()) {
    std::string_view text = column.string_at(row);
    return !sql::find_invalid_utf8(text) && text.find('\0') == text.npos;
  }
  if (type.kind != TypeKind::kArray) {
    return true;
  }
  Column elements(type.children[0]);
  unpack_array(column.string_at(row), elements);
  for (size_t i = 0; i < elements.size(); ++i) {
    if (!has_text(elements, i)) {
      return false;
    }
  }
  return true;
}

}  // namespace

Result<Type> parameter_type(uint32_t oid) {
  if (oid == 0 || oid == kOidUnknown) {
    return Type::null();
  }
  if (is_catalog_number(oid)) {
    Type type = Type::bigint();
    type.wire_oid = oid;
    return type;
  }
  PgType known = pg_builtin(oid);
  if (known.kind == PgKind::kUnknown) {
    return Status::unsupported(fmt::format("parameters of type {} are not supported", oid))
        .with_hint("send the value as text, or cast it: $1::TEXT");
  }
  Type type = type_of_pg(known);
  bool is_text =
      type.kind == TypeKind::kVarchar && oid != kOidText && oid != kOidVarchar && oid != kOidBpchar;
  if (is_text) {
    type.wire_oid = oid;  // json, uuid, ...: taken as their text
  }
  return type;
}

uint32_t parameter_oid(const Type& type) {
  return wire_type(type).oid;
}

Result<Value> decode_parameter(const Type& type, std::string_view bytes, bool is_binary,
                               std::string_view zone) {
  Column column(type);
  Status status;
  uint32_t oid = parameter_oid(type);
  if (!is_binary) {
    status = type.kind == TypeKind::kTimestamp
                 ? append_parsed(without_offset(bytes), column)
                 : append_parsed(bytes, column, TextFormat{.zone = zone});
  } else {
    PgType source = pg_builtin(is_catalog_number(oid) ? kOidOid : oid);
    Result<PgDecoder> decoder = PgDecoder::make(source, type);
    if (!decoder.ok() || !decoder->has_binary()) {
      return Status::unsupported(
          fmt::format("parameters of type {} are not taken in binary", type.to_string()));
    }
    status = decoder->decode_binary(bytes, column);
  }
  if (!status.ok()) {
    return Status::data_error(status.message())
        .with_sqlstate(is_binary            ? "22P03"
                       : type.is_temporal() ? "22007"
                                            : "22P02");
  }
  if (!has_text(column, 0)) {
    return Status::data_error("invalid byte sequence for encoding \"UTF8\"")
        .with_sqlstate("22021");  // character_not_in_repertoire
  }
  return column.value_at(0);
}

}  // namespace tidemark::pgwire
