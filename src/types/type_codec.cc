#include "types/type_codec.h"

namespace tidemark {

namespace {
constexpr int kDepthMax = 64;  // of nested types; more is damage

Type read_nested(ByteReader& in, int depth) {
  Type type;
  uint8_t kind = in.fixed<uint8_t>();
  if (kind > static_cast<uint8_t>(TypeKind::kRow) || depth > kDepthMax) {
    in.fail();
    return type;
  }
  type.kind = static_cast<TypeKind>(kind);
  type.nullable = in.fixed<uint8_t>() != 0;
  type.precision = in.fixed<int32_t>();
  type.scale = in.fixed<int32_t>();
  type.length = in.fixed<int32_t>();
  for (uint64_t left = in.varint(); left != 0 && !in.failed(); --left) {
    type.children.push_back(read_nested(in, depth + 1));
  }
  for (uint64_t left = in.varint(); left != 0 && !in.failed(); --left) {
    type.field_names.emplace_back(in.bytes());
  }
  return type;
}
}  // namespace

void append_type(const Type& type, std::string& out) {
  append_fixed(static_cast<uint8_t>(type.kind), out);
  append_fixed(static_cast<uint8_t>(type.nullable), out);
  append_fixed(type.precision, out);
  append_fixed(type.scale, out);
  append_fixed(type.length, out);
  append_varint(type.children.size(), out);
  for (const Type& child : type.children) {
    append_type(child, out);
  }
  append_varint(type.field_names.size(), out);
  for (const std::string& name : type.field_names) {
    append_bytes(name, out);
  }
}

Type read_type(ByteReader& in) {
  return read_nested(in, 0);
}

void append_schema(const Schema& schema, std::string& out) {
  append_varint(schema.size(), out);
  for (const Field& field : schema.fields) {
    append_bytes(field.name, out);
    append_type(field.type, out);
  }
}

Schema read_schema(ByteReader& in) {
  Schema schema;
  for (uint64_t left = in.varint(); left != 0 && !in.failed(); --left) {
    std::string name(in.bytes());
    schema.fields.push_back({std::move(name), read_type(in)});
  }
  return schema;
}

}  // namespace tidemark
