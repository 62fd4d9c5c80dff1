#include "types/type.h"

#include <fmt/core.h>

namespace tidemark {

Type Type::array(Type element) {
  Type type = of(TypeKind::kArray);
  type.children.push_back(std::move(element));
  return type;
}

Type Type::map(Type key, Type value) {
  Type type = of(TypeKind::kMap);
  type.children.push_back(std::move(key));
  type.children.push_back(std::move(value));
  return type;
}

Type Type::not_null() const {
  Type type = *this;
  type.nullable = false;
  return type;
}

Type Type::as_nullable() const {
  Type type = *this;
  type.nullable = true;
  return type;
}

PhysicalKind Type::physical() const {
  switch (kind) {
    case TypeKind::kNull:
    case TypeKind::kBoolean:
      return PhysicalKind::kBool;
    case TypeKind::kTinyint:
    case TypeKind::kSmallint:
    case TypeKind::kInt:
    case TypeKind::kDate:
    case TypeKind::kIntervalMonth:
      return PhysicalKind::kInt32;
    case TypeKind::kBigint:
    case TypeKind::kTime:
    case TypeKind::kTimestamp:
    case TypeKind::kTimestampLtz:
    case TypeKind::kIntervalDay:
      return PhysicalKind::kInt64;
    case TypeKind::kFloat:
      return PhysicalKind::kFloat;
    case TypeKind::kDouble:
      return PhysicalKind::kDouble;
    case TypeKind::kDecimal:
      return PhysicalKind::kInt128;
    case TypeKind::kChar:
    case TypeKind::kVarchar:
    case TypeKind::kBinary:
    case TypeKind::kVarbinary:
    case TypeKind::kArray:
    case TypeKind::kMap:
    case TypeKind::kMultiset:
    case TypeKind::kRow:
      return PhysicalKind::kString;
  }
  CHECK(false);
}

size_t physical_width(PhysicalKind kind) {
  switch (kind) {
    case PhysicalKind::kBool:
      return 1;
    case PhysicalKind::kInt32:
    case PhysicalKind::kFloat:
      return 4;
    case PhysicalKind::kInt64:
    case PhysicalKind::kDouble:
      return 8;
    case PhysicalKind::kInt128:
    case PhysicalKind::kString:
      return 16;
  }
  CHECK(false);
}

std::string Type::to_string_without_null() const {
  auto sized = [&](const char* name) { return fmt::format("{}({})", name, length); };
  auto fraction = [&](const char* name) { return fmt::format("{}({})", name, precision); };
  switch (kind) {
    case TypeKind::kNull:
      return "NULL";
    case TypeKind::kBoolean:
      return "BOOLEAN";
    case TypeKind::kTinyint:
      return "TINYINT";
    case TypeKind::kSmallint:
      return "SMALLINT";
    case TypeKind::kInt:
      return "INT";
    case TypeKind::kBigint:
      return "BIGINT";
    case TypeKind::kFloat:
      return "FLOAT";
    case TypeKind::kDouble:
      return "DOUBLE";
    case TypeKind::kDecimal:
      return fmt::format("DECIMAL({}, {})", precision, scale);
    case TypeKind::kChar:
      return sized("CHAR");
    case TypeKind::kVarchar:
      return length == kLengthMax ? "STRING" : sized("VARCHAR");
    case TypeKind::kBinary:
      return sized("BINARY");
    case TypeKind::kVarbinary:
      return length == kLengthMax ? "BYTES" : sized("VARBINARY");
    case TypeKind::kDate:
      return "DATE";
    case TypeKind::kTime:
      return fraction("TIME");
    case TypeKind::kTimestamp:
      return fraction("TIMESTAMP");
    case TypeKind::kTimestampLtz:
      return fraction("TIMESTAMP_LTZ");
    case TypeKind::kIntervalMonth:
      return "INTERVAL YEAR TO MONTH";
    case TypeKind::kIntervalDay:
      return "INTERVAL DAY TO SECOND(6)";
    case TypeKind::kArray:
      return "ARRAY<" + children[0].to_string() + ">";
    case TypeKind::kMap:
      return "MAP<" + children[0].to_string() + ", " + children[1].to_string() + ">";
    case TypeKind::kMultiset:
      return "MULTISET<" + children[0].to_string() + ">";
    case TypeKind::kRow: {
      std::string text = "ROW<";
      for (size_t i = 0; i < children.size(); ++i) {
        text +=
            fmt::format("{}`{}` {}", i == 0 ? "" : ", ", field_names[i], children[i].to_string());
      }
      return text + ">";
    }
  }
  CHECK(false);
}

std::string Type::to_string() const {
  return nullable ? to_string_without_null() : to_string_without_null() + " NOT NULL";
}

bool Type::same_as(const Type& other) const {
  return kind == other.kind && precision == other.precision && scale == other.scale &&
         length == other.length && children == other.children && field_names == other.field_names;
}

std::optional<size_t> Schema::find(std::string_view name) const {
  for (size_t i = 0; i < fields.size(); ++i) {
    if (fields[i].name == name) {
      return i;
    }
  }
  return std::nullopt;
}

std::vector<Type> Schema::types() const {
  std::vector<Type> types;
  types.reserve(fields.size());
  for (const Field& field : fields) {
    types.push_back(field.type);
  }
  return types;
}

std::vector<std::string> Schema::names() const {
  std::vector<std::string> result;
  for (const Field& field : fields) {
    result.push_back(field.name);
  }
  return result;
}

}  // namespace tidemark
