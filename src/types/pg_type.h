#pragma once
// PostgreSQL's types as its catalog and its protocol name them, and the SQL type that each becomes.
// OIDs are those of src/include/catalog/pg_type.dat, the same in every version.

#include <cstdint>
#include <optional>
#include <string>

#include "types/type.h"

namespace tidemark {

// How a type's values look on the wire.
enum class PgKind : uint8_t {
  kUnknown,  // known only as text
  kBool,
  kBytea,
  kChar,  // "char": one byte
  kText,  // text, varchar, char(n), name, json, xml, citext, enums: the bytes of the text itself
  kInt2,
  kInt4,
  kInt8,
  kOid,  // unsigned: oid, xid
  kFloat4,
  kFloat8,
  kNumeric,
  kDate,
  kTime,
  kTimeTz,
  kTimestamp,
  kTimestampTz,
  kInterval,
  kUuid,
  kJsonb,
  kInet,
  kMacaddr,
  kBit,
  kLsn,
  kArray,
};

constexpr uint32_t kOidBool = 16;
constexpr uint32_t kOidBytea = 17;
constexpr uint32_t kOidInt8 = 20;
constexpr uint32_t kOidInt2 = 21;
constexpr uint32_t kOidInt4 = 23;
constexpr uint32_t kOidText = 25;
constexpr uint32_t kOidFloat4 = 700;
constexpr uint32_t kOidFloat8 = 701;
constexpr uint32_t kOidBpchar = 1042;
constexpr uint32_t kOidVarchar = 1043;
constexpr uint32_t kOidDate = 1082;
constexpr uint32_t kOidTime = 1083;
constexpr uint32_t kOidTimestamp = 1114;
constexpr uint32_t kOidTimestampTz = 1184;
constexpr uint32_t kOidInterval = 1186;
constexpr uint32_t kOidNumeric = 1700;

// A column's type at the source, domains replaced by what they stand on.
struct PgType {
  uint32_t oid = 0;
  int32_t modifier = -1;  // pg_attribute.atttypmod
  PgKind kind = PgKind::kUnknown;
  bool has_binary =
      true;  // has a send function; without one the server sends text even in binary mode
  uint32_t element_oid = 0;  // arrays
  PgKind element_kind = PgKind::kUnknown;
  int dimensions = 0;  // arrays, as declared; at least 1
  std::string name;    // "character varying(50)", for messages

  bool operator==(const PgType&) const = default;
};

// The kind of a built-in scalar type; kUnknown for all others.
PgKind pg_kind_of(uint32_t oid);
// A built-in type by its OID, arrays included.
PgType pg_builtin(uint32_t oid, int32_t modifier = -1);
// NUMERIC's precision and scale, absent for plain NUMERIC.
struct PgNumericModifier {
  int precision;
  int scale;  // may be negative, or above precision (PostgreSQL 15)
};
std::optional<PgNumericModifier> pg_numeric_modifier(int32_t modifier);

// The SQL type that holds every value of the source's type where one does; plain NUMERIC is taken
// as DECIMAL(38, 18) as Flink has it. Nullable.
Type type_of_pg(const PgType& type);

// The PostgreSQL type under which values of `type` are sent to a client.
uint32_t oid_of(const Type& type);
int32_t pg_modifier_of(const Type& type);
// Bytes as pg_type.typlen has it; -1: variable.
int16_t pg_width_of(const Type& type);

}  // namespace tidemark
