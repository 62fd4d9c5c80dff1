#pragma once
// SQL types: Flink's, as declared in DDL (Flink SQL documentation, "Data Types"), and how each is
// laid out in memory. A Type is a small value; columns of the same type share one physical layout.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace tidemark {

enum class TypeKind : uint8_t {
  kNull,  // the type of a bare NULL
  kBoolean,
  kTinyint,
  kSmallint,
  kInt,
  kBigint,
  kFloat,      // 4 bytes
  kDouble,     // 8 bytes
  kDecimal,    // precision 1..38, scale 0..precision
  kChar,       // length in code points
  kVarchar,    // STRING is VARCHAR(kLengthMax)
  kBinary,     // length in bytes
  kVarbinary,  // BYTES is VARBINARY(kLengthMax)
  kDate,
  kTime,
  kTimestamp,      // without time zone
  kTimestampLtz,   // an instant, shown in the session's zone
  kIntervalMonth,  // YEAR TO MONTH
  kIntervalDay,    // DAY TO SECOND
  kArray,          // children[0]
  kMap,            // children[0] -> children[1]
  kMultiset,       // children[0]
  kRow,            // children, field_names
};

// How values lie in a Column.
//   kBool    1 byte, 0 or 1
//   kInt32   TINYINT, SMALLINT, INT; DATE: days since 2000-01-01; INTERVAL YEAR TO MONTH: months
//   kInt64   BIGINT; TIME: microseconds of the day; TIMESTAMP(_LTZ): microseconds since 2000-01-01;
//            INTERVAL DAY TO SECOND: microseconds
//   kInt128  DECIMAL: the unscaled value (see decimal.h for NaN and the infinities)
//   kString  StringRef: text as UTF-8, bytes, and the packed form of ARRAY, MAP, MULTISET, ROW
// The epoch is Postgres's own (2000-01-01), so that its values are taken over unchanged; the
// smallest and largest values of DATE and TIMESTAMP are -infinity and infinity, as there.
enum class PhysicalKind : uint8_t { kBool, kInt32, kInt64, kFloat, kDouble, kInt128, kString };

constexpr int32_t kLengthMax = 2147483647;
constexpr int32_t kDecimalPrecisionMax = 38;

struct Type {
  TypeKind kind = TypeKind::kNull;
  bool nullable = true;
  int32_t precision = 0;  // DECIMAL: digits; TIME, TIMESTAMP: fraction digits
  int32_t scale = 0;      // DECIMAL only
  int32_t length = 0;     // CHAR, VARCHAR, BINARY, VARBINARY
  std::vector<Type> children;
  std::vector<std::string> field_names;  // ROW only
  // How PostgreSQL's catalog names the type, where it is not by the kind: 26 (oid) of a BIGINT in
  // pg_class. 0: by the kind. Only for clients; types that differ in it are the same.
  uint32_t wire_oid = 0;

  static Type of(TypeKind kind) { return Type{.kind = kind}; }
  static Type null() { return of(TypeKind::kNull); }
  static Type boolean() { return of(TypeKind::kBoolean); }
  static Type integer() { return of(TypeKind::kInt); }
  static Type bigint() { return of(TypeKind::kBigint); }
  static Type float32() { return of(TypeKind::kFloat); }
  static Type float64() { return of(TypeKind::kDouble); }
  static Type string() { return Type{.kind = TypeKind::kVarchar, .length = kLengthMax}; }
  static Type varchar(int32_t n) { return Type{.kind = TypeKind::kVarchar, .length = n}; }
  static Type character(int32_t n) { return Type{.kind = TypeKind::kChar, .length = n}; }
  static Type bytes() { return Type{.kind = TypeKind::kVarbinary, .length = kLengthMax}; }
  static Type date() { return of(TypeKind::kDate); }
  static Type time(int32_t p = 0) { return Type{.kind = TypeKind::kTime, .precision = p}; }
  static Type timestamp(int32_t p = 6) {
    return Type{.kind = TypeKind::kTimestamp, .precision = p};
  }
  static Type timestamp_ltz(int32_t p = 6) {
    return Type{.kind = TypeKind::kTimestampLtz, .precision = p};
  }
  static Type decimal(int32_t p, int32_t s) {
    return Type{.kind = TypeKind::kDecimal, .precision = p, .scale = s};
  }
  static Type array(Type element);
  static Type map(Type key, Type value);

  Type not_null() const;
  Type as_nullable() const;

  PhysicalKind physical() const;
  bool is_integer() const { return kind >= TypeKind::kTinyint && kind <= TypeKind::kBigint; }
  bool is_numeric() const { return kind >= TypeKind::kTinyint && kind <= TypeKind::kDecimal; }
  bool is_approximate() const { return kind == TypeKind::kFloat || kind == TypeKind::kDouble; }
  bool is_character() const { return kind == TypeKind::kChar || kind == TypeKind::kVarchar; }
  bool is_binary() const { return kind == TypeKind::kBinary || kind == TypeKind::kVarbinary; }
  bool is_timestamp() const {
    return kind == TypeKind::kTimestamp || kind == TypeKind::kTimestampLtz;
  }
  bool is_temporal() const { return kind >= TypeKind::kDate && kind <= TypeKind::kTimestampLtz; }
  bool is_interval() const {
    return kind == TypeKind::kIntervalMonth || kind == TypeKind::kIntervalDay;
  }
  bool is_nested() const { return kind >= TypeKind::kArray; }

  // Flink's spelling: "DECIMAL(10, 2)", "VARCHAR(50)", "STRING", "INT NOT NULL", "ARRAY<INT>".
  std::string to_string() const;
  // The same, without NOT NULL at the outermost level.
  std::string to_string_without_null() const;

  // Equal in all but nullability at the outermost level.
  bool same_as(const Type& other) const;
  bool operator==(const Type& other) const { return nullable == other.nullable && same_as(other); }
};

// Bytes of one value of the physical kind.
size_t physical_width(PhysicalKind kind);

struct Field {
  std::string name;
  Type type;
  bool operator==(const Field&) const = default;
};

// The named, typed columns of a table, view or stream.
struct Schema {
  std::vector<Field> fields;

  size_t size() const { return fields.size(); }
  const Field& operator[](size_t i) const { return fields[i]; }
  // The index of the field with this exact name.
  std::optional<size_t> find(std::string_view name) const;
  std::vector<std::string> names() const;
  std::vector<Type> types() const;
  bool operator==(const Schema&) const = default;
};

}  // namespace tidemark
