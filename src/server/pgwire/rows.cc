#include "server/pgwire/rows.h"

#include "server/pgwire/message.h"

namespace tidemark::pgwire {

namespace {

int32_t array_oid(const Type& element) {
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
    default:
      return wire_type(element).oid;  // an array of arrays has its element's type, as in Postgres
  }
}

}  // namespace

WireType wire_type(const Type& type) {
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

void write_column(MessageWriter& message, std::string_view name, WireType type) {
  message.text(name);
  message.int32(0);  // no table
  message.int16(0);
  message.int32(type.oid);
  message.int16(type.size);
  message.int32(type.modifier);
  message.int16(0);  // text
}

void write_row_description(std::string& out, const Schema& schema) {
  MessageWriter message(out, 'T');
  message.int16(static_cast<int16_t>(schema.size()));
  for (const Field& field : schema.fields) {
    write_column(message, field.name, wire_type(field.type));
  }
}

void write_value(MessageWriter& message, const Column& column, size_t row,
                 const TextFormat& format) {
  if (column.type().kind == TypeKind::kNull || column.is_null(row)) {
    message.null_value();
  } else if (column.type().kind == TypeKind::kBoolean) {
    bool truth = column.data<uint8_t>()[row] != 0;
    message.value([&](std::string& text) { text += truth ? 't' : 'f'; });
  } else {
    message.value([&](std::string& text) { append_text(column, row, text, format); });
  }
}

size_t write_rows(std::string& out, const RowBatch& rows, size_t from, size_t bytes_max,
                  const TextFormat& format) {
  size_t row = from;
  while (row < rows.rows && out.size() < bytes_max) {
    MessageWriter message(out, 'D');
    message.int16(static_cast<int16_t>(rows.columns.size()));
    for (const ColumnRef& column : rows.columns) {
      write_value(message, *column, row, format);
    }
    ++row;
  }
  return row;
}

}  // namespace tidemark::pgwire
