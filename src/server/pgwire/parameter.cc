#include "server/pgwire/parameter.h"

#include <algorithm>
#include <optional>
#include <string>

#include <fmt/core.h>

#include "base/ascii.h"
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

// A UUID in any form that PostgreSQL reads (its manual, "UUID Type": in braces or not, hyphens
// after any four digits or none), in the one that it writes; nothing: it is none.
std::optional<std::string> canonical_uuid(std::string_view given) {
  if (given.size() >= 2 && given.starts_with('{') && given.ends_with('}')) {
    given = given.substr(1, given.size() - 2);
  }
  std::string lower = ascii_lower(given), uuid;
  std::string_view rest = lower;
  for (size_t digit = 0; digit < 32; ++digit) {
    if (digit != 0 && digit % 4 == 0 && rest.starts_with('-')) {
      rest.remove_prefix(1);
    }
    if (rest.empty() || std::string_view("0123456789abcdef").find(rest[0]) == rest.npos) {
      return std::nullopt;
    }
    bool begins_group = digit >= 8 && digit <= 20 && digit % 4 == 0;
    uuid.append(begins_group ? "-" : "").append(1, rest[0]);
    rest.remove_prefix(1);
  }
  return rest.empty() ? std::optional(uuid) : std::nullopt;
}

// UUIDs are text here: equal ones must have the same. psycopg sends those of a list without
// hyphens.
Status append_uuids(const Column& given, size_t row, Column& out) {
  if (given.is_null(row)) {
    out.append_null();
    return {};
  }
  std::string_view bytes = given.string_at(row);
  if (given.type().kind == TypeKind::kArray) {
    Column elements(given.type().children[0]), uuids(given.type().children[0]);
    unpack_array(bytes, elements);
    for (size_t i = 0; i < elements.size(); ++i) {
      TRY(append_uuids(elements, i, uuids));
    }
    out.append_string(pack_array(uuids));
    return {};
  }
  std::optional<std::string> uuid = canonical_uuid(bytes);
  if (!uuid) {
    return Status::data_error(fmt::format("invalid input syntax for type uuid: \"{}\"", bytes))
        .with_sqlstate("22P02");
  }
  out.append_string(*uuid);
  return {};
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
  bool is_plain_text = oid == kOidVarchar || oid == kOidBpchar;
  if (wire_type(type).oid != oid && !is_plain_text) {
    type.wire_oid = oid;  // json, uuid, ..., which are taken as their text, and arrays of them
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
  PgType declared = pg_builtin(oid);
  if (declared.kind == PgKind::kUuid || declared.element_kind == PgKind::kUuid) {
    Column uuids(type);
    TRY(append_uuids(column, 0, uuids));
    return uuids.value_at(0);
  }
  return column.value_at(0);
}

}  // namespace tidemark::pgwire
