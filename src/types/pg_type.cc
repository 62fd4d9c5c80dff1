#include "types/pg_type.h"

#include <algorithm>

namespace tidemark {

namespace {

struct Builtin {
  uint32_t oid;
  uint32_t array_oid;
  PgKind kind;
  const char* name;
};

constexpr Builtin kBuiltins[] = {
    {kOidBool, 1000, PgKind::kBool, "boolean"},
    {kOidBytea, 1001, PgKind::kBytea, "bytea"},
    {18, 1002, PgKind::kChar, "\"char\""},
    {19, 1003, PgKind::kText, "name"},
    {kOidInt8, 1016, PgKind::kInt8, "bigint"},
    {kOidInt2, 1005, PgKind::kInt2, "smallint"},
    {kOidInt4, 1007, PgKind::kInt4, "integer"},
    {kOidText, 1009, PgKind::kText, "text"},
    {26, 1028, PgKind::kOid, "oid"},
    {28, 1011, PgKind::kOid, "xid"},
    {114, 199, PgKind::kText, "json"},
    {142, 143, PgKind::kText, "xml"},
    {kOidFloat4, 1021, PgKind::kFloat4, "real"},
    {kOidFloat8, 1022, PgKind::kFloat8, "double precision"},
    {829, 1040, PgKind::kMacaddr, "macaddr"},
    {774, 775, PgKind::kMacaddr, "macaddr8"},
    {869, 1041, PgKind::kInet, "inet"},
    {650, 651, PgKind::kInet, "cidr"},
    {kOidBpchar, 1014, PgKind::kText, "character"},
    {kOidVarchar, 1015, PgKind::kText, "character varying"},
    {kOidDate, 1182, PgKind::kDate, "date"},
    {kOidTime, 1183, PgKind::kTime, "time without time zone"},
    {kOidTimestamp, 1115, PgKind::kTimestamp, "timestamp without time zone"},
    {kOidTimestampTz, 1185, PgKind::kTimestampTz, "timestamp with time zone"},
    {kOidInterval, 1187, PgKind::kInterval, "interval"},
    {1266, 1270, PgKind::kTimeTz, "time with time zone"},
    {1560, 1561, PgKind::kBit, "bit"},
    {1562, 1563, PgKind::kBit, "bit varying"},
    {kOidNumeric, 1231, PgKind::kNumeric, "numeric"},
    {2950, 2951, PgKind::kUuid, "uuid"},
    {3220, 3221, PgKind::kLsn, "pg_lsn"},
    {3802, 3807, PgKind::kJsonb, "jsonb"},
};

const Builtin* find_builtin(uint32_t oid) {
  auto found = std::ranges::find(kBuiltins, oid, &Builtin::oid);
  return found == std::end(kBuiltins) ? nullptr : found;
}

uint32_t array_oid_of(uint32_t oid) {
  const Builtin* builtin = find_builtin(oid);
  return builtin == nullptr ? 1009 : builtin->array_oid;
}

// pg_type.typmod of TIME and TIMESTAMP is the number of fraction digits, of varchar n + 4.
int32_t fraction_digits(int32_t modifier) {
  return modifier < 0 ? 6 : std::min(modifier, 6);
}

Type scalar_type(PgKind kind, uint32_t oid, int32_t modifier) {
  switch (kind) {
    case PgKind::kBool:
      return Type::boolean();
    case PgKind::kBytea:
      return Type::bytes();
    case PgKind::kInt2:
      return Type::of(TypeKind::kSmallint);
    case PgKind::kInt4:
      return Type::integer();
    case PgKind::kInt8:
    case PgKind::kOid:
      return Type::bigint();
    case PgKind::kFloat4:
      return Type::float32();
    case PgKind::kFloat8:
      return Type::float64();
    case PgKind::kNumeric: {
      std::optional<PgNumericModifier> m = pg_numeric_modifier(modifier);
      if (!m) {
        return Type::decimal(kDecimalPrecisionMax, 18);
      }
      // A negative scale means trailing zeros before the point; one above the precision, after it.
      int scale = std::max(m->scale, 0);
      int precision = std::max(m->precision - std::min(m->scale, 0), scale);
      return precision <= kDecimalPrecisionMax ? Type::decimal(precision, scale) : Type::string();
    }
    case PgKind::kDate:
      return Type::date();
    case PgKind::kTime:
      return Type::time(fraction_digits(modifier));
    case PgKind::kTimestamp:
      return Type::timestamp(fraction_digits(modifier));
    case PgKind::kTimestampTz:
      return Type::timestamp_ltz(fraction_digits(modifier));
    case PgKind::kText:
      if (oid == kOidVarchar && modifier > 4) {
        return Type::varchar(modifier - 4);
      }
      return oid == kOidBpchar && modifier > 4 ? Type::character(modifier - 4) : Type::string();
    default:
      return Type::string();
  }
}

}  // namespace

PgKind pg_kind_of(uint32_t oid) {
  const Builtin* builtin = find_builtin(oid);
  return builtin == nullptr ? PgKind::kUnknown : builtin->kind;
}

PgType pg_builtin(uint32_t oid, int32_t modifier) {
  if (const Builtin* builtin = find_builtin(oid)) {
    return PgType{.oid = oid, .modifier = modifier, .kind = builtin->kind, .name = builtin->name};
  }
  auto array = std::ranges::find(kBuiltins, oid, &Builtin::array_oid);
  if (array != std::end(kBuiltins)) {
    return PgType{.oid = oid,
                  .modifier = modifier,
                  .kind = PgKind::kArray,
                  .element_oid = array->oid,
                  .element_kind = array->kind,
                  .dimensions = 1,
                  .name = std::string(array->name) + "[]"};
  }
  return PgType{.oid = oid, .modifier = modifier};
}

std::optional<PgNumericModifier> pg_numeric_modifier(int32_t modifier) {
  if (modifier < 4) {
    return std::nullopt;
  }
  // src/backend/utils/adt/numeric.c of PostgreSQL 15: the scale is 11 bits with a sign.
  int32_t bits = modifier - 4;
  return PgNumericModifier{.precision = (bits >> 16) & 0xffff,
                           .scale = ((bits & 0x7ff) ^ 1024) - 1024};
}

Type type_of_pg(const PgType& type) {
  if (type.kind != PgKind::kArray) {
    return scalar_type(type.kind, type.oid, type.modifier);
  }
  Type nested = scalar_type(type.element_kind, type.element_oid, type.modifier);
  for (int i = 0; i < std::max(type.dimensions, 1); ++i) {
    nested = Type::array(nested);
  }
  return nested;
}

uint32_t oid_of(const Type& type) {
  switch (type.kind) {
    case TypeKind::kBoolean:
      return kOidBool;
    case TypeKind::kTinyint:
    case TypeKind::kSmallint:
      return kOidInt2;
    case TypeKind::kInt:
      return kOidInt4;
    case TypeKind::kBigint:
      return kOidInt8;
    case TypeKind::kFloat:
      return kOidFloat4;
    case TypeKind::kDouble:
      return kOidFloat8;
    case TypeKind::kDecimal:
      return kOidNumeric;
    case TypeKind::kChar:
      return kOidBpchar;
    case TypeKind::kVarchar:
      return type.length == kLengthMax ? kOidText : kOidVarchar;
    case TypeKind::kBinary:
    case TypeKind::kVarbinary:
      return kOidBytea;
    case TypeKind::kDate:
      return kOidDate;
    case TypeKind::kTime:
      return kOidTime;
    case TypeKind::kTimestamp:
      return kOidTimestamp;
    case TypeKind::kTimestampLtz:
      return kOidTimestampTz;
    case TypeKind::kIntervalMonth:
    case TypeKind::kIntervalDay:
      return kOidInterval;
    case TypeKind::kArray: {
      const Type* element = &type.children[0];
      while (element->kind == TypeKind::kArray) {
        element = &element->children[0];
      }
      return array_oid_of(oid_of(*element));
    }
    case TypeKind::kNull:
    case TypeKind::kMap:
    case TypeKind::kMultiset:
    case TypeKind::kRow:
      return kOidText;
  }
  CHECK(false);
}

int32_t pg_modifier_of(const Type& type) {
  if (type.kind == TypeKind::kDecimal) {
    return ((type.precision << 16) | type.scale) + 4;
  }
  bool has_length = type.kind == TypeKind::kChar ||
                    (type.kind == TypeKind::kVarchar && type.length != kLengthMax);
  return has_length ? type.length + 4 : -1;
}

int16_t pg_width_of(const Type& type) {
  switch (oid_of(type)) {
    case kOidBool:
      return 1;
    case kOidInt2:
      return 2;
    case kOidInt4:
    case kOidFloat4:
    case kOidDate:
      return 4;
    case kOidInt8:
    case kOidFloat8:
    case kOidTime:
    case kOidTimestamp:
    case kOidTimestampTz:
      return 8;
    case kOidInterval:
      return 16;
    default:
      return -1;
  }
}

}  // namespace tidemark
