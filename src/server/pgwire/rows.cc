#include "server/pgwire/rows.h"

#include <fmt/core.h>

#include "server/pgwire/message.h"
#include "types/pg_codec.h"

namespace tidemark::pgwire {

namespace {

uint32_t array_oid(const Type& element) {
  switch (wire_type(element).oid) {
    case 16:
      return 1000;
    case 17:
      return 1001;
    case 20:
      return 1016;
    case 21:
      return 1005;
    case 23:
      return 1007;
    case 700:
      return 1021;
    case 701:
      return 1022;
    case 1042:
      return 1014;
    case 1043:
      return 1015;
    case 1082:
      return 1182;
    case 1083:
      return 1183;
    case 1114:
      return 1115;
    case 1184:
      return 1185;
    case 1700:
      return 1231;
    case 25:
      return 1009;
    case 26:
      return 1028;
    case 19:
      return 1003;
    case 18:
      return 1002;
    default:
      return wire_type(element).oid;  // an array of arrays has its element's type, as in Postgres
  }
}

// pg_type.typlen of the types that only pg_catalog's columns and declared parameters have.
int16_t named_width(const Type& type) {
  switch (type.wire_oid) {
    case 18:  // "char"
      return 1;
    case 19:  // name
      return 64;
    case 21:
      return 2;
    default:  // oid and the reg types; json, arrays and their kin
      return type.physical() == PhysicalKind::kString ? int16_t{-1} : int16_t{4};
  }
}

}  // namespace

WireType wire_type(const Type& type) {
  if (type.wire_oid != 0) {
    return {type.wire_oid, named_width(type), -1};
  }
  switch (type.kind) {
    case TypeKind::kBoolean:
      return {16, 1, -1};
    case TypeKind::kTinyint:
      return {21, 2, 1};
    case TypeKind::kSmallint:
      return {21, 2, -1};
    case TypeKind::kInt:
      return {23, 4, -1};
    case TypeKind::kBigint:
      return {20, 8, -1};
    case TypeKind::kFloat:
      return {700, 4, -1};
    case TypeKind::kDouble:
      return {701, 8, -1};
    case TypeKind::kDecimal:
      return {1700, -1, ((type.precision << 16) | type.scale) + 4};
    case TypeKind::kChar:
      return {1042, -1, type.length + 4};
    case TypeKind::kVarchar:
      return type.length == kLengthMax ? WireType{} : WireType{1043, -1, type.length + 4};
    case TypeKind::kBinary:
    case TypeKind::kVarbinary:
      return {17, -1, -1};
    case TypeKind::kDate:
      return {1082, 4, -1};
    case TypeKind::kTime:
      return {1083, 8, type.precision};
    case TypeKind::kTimestamp:
      return {1114, 8, type.precision};
    case TypeKind::kTimestampLtz:
      return {1184, 8, type.precision};
    case TypeKind::kArray:
      return {array_oid(type.children[0]), -1, -1};
    case TypeKind::kNull:
    case TypeKind::kIntervalMonth:  // written as Flink does, which Postgres's interval would not
                                    // read
    case TypeKind::kIntervalDay:
    case TypeKind::kMap:
    case TypeKind::kMultiset:
    case TypeKind::kRow:
      return {};
  }
  return {};
}

WireType result_type(const Type& type) {
  if (type.kind == TypeKind::kArray) {
    return {array_oid(type.children[0]), -1, -1};
  }
  PgKind kind = type.is_character() ? pg_kind_of(type.wire_oid) : PgKind::kUnknown;
  bool has_own_form = kind != PgKind::kUnknown && kind != PgKind::kText && kind != PgKind::kChar;
  return has_own_form ? WireType{} : wire_type(type);
}

Status ResultFormats::check(size_t columns) const {
  for (int16_t code : codes_) {
    if (code != 0 && code != 1) {
      return Status::invalid_argument(fmt::format("unknown format code of a result: {}", code))
          .with_sqlstate("08P01");
    }
  }
  if (codes_.size() > 1 && codes_.size() != columns) {
    return Status::invalid_argument(fmt::format("bind message has {} result formats but query has "
                                                "{} columns",
                                                codes_.size(), columns))
        .with_sqlstate("08P01");
  }
  return {};
}

void write_row_description(std::string& out, const Schema& schema, const ResultFormats& formats) {
  MessageWriter message(out, 'T');
  message.int16(static_cast<int16_t>(schema.size()));
  for (size_t i = 0; i < schema.size(); ++i) {
    WireType type = result_type(schema[i].type);
    message.text(schema[i].name);
    message.int32(0);  // no table
    message.int16(0);
    message.int32(static_cast<int32_t>(type.oid));
    message.int16(type.size);
    message.int32(type.modifier);
    message.int16(formats.is_binary(i) ? 1 : 0);
  }
}

void append_wire_text(const Column& column, size_t row, std::string& out,
                      const TextFormat& format) {
  if (column.type().kind == TypeKind::kBoolean) {
    out += column.data<uint8_t>()[row] != 0 ? 't' : 'f';
  } else {
    append_text(column, row, out, format);
  }
}

void append_wire_binary(const Column& column, size_t row, std::string& out,
                        const TextFormat& format) {
  const Type& type = column.type();
  uint32_t oid = wire_type(type).oid;
  if (type.kind == TypeKind::kBigint && oid != 20) {  // the oids, 4 bytes without a sign
    auto value = static_cast<uint32_t>(column.data<int64_t>()[row]);
    for (int shift = 24; shift >= 0; shift -= 8) {
      out += static_cast<char>(value >> shift);
    }
  } else if (oid == 25 || oid == 18 || oid == 19) {
    append_text(column, row, out, format);
  } else {
    append_pg_binary(column, row, out);
  }
}

size_t write_rows(std::string& out, const RowBatch& rows, size_t from, size_t to, size_t bytes_max,
                  const TextFormat& format, const ResultFormats& formats) {
  size_t row = from;
  size_t width = rows.columns.size();
  while (row < to && out.size() < bytes_max) {
    MessageWriter message(out, 'D');
    message.int16(static_cast<int16_t>(width));
    for (size_t c = 0; c < width; ++c) {
      const Column& column = *rows.columns[c];
      if (column.type().kind == TypeKind::kNull || column.is_null(row)) {
        message.null_value();
      } else if (formats.is_binary(c)) {
        message.value([&](std::string& to) { append_wire_binary(column, row, to, format); });
      } else {
        message.value([&](std::string& to) { append_wire_text(column, row, to, format); });
      }
    }
    ++row;
  }
  return row;
}

}  // namespace tidemark::pgwire
