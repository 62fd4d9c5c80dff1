#include "plan/bind/bind_type.h"

#include <fmt/core.h>

#include "base/nearest.h"
#include "base/overloaded.h"

namespace tidemark {

namespace {

struct NamedRule {
  std::string_view name;
  TypeKind kind;
  int parameters_max;
  uint32_t wire_oid = 0;  // of types that only PostgreSQL's catalog has
};

constexpr NamedRule kRules[] = {
    {"BOOLEAN", TypeKind::kBoolean, 0},
    {"BOOL", TypeKind::kBoolean, 0},
    {"TINYINT", TypeKind::kTinyint, 0},
    {"SMALLINT", TypeKind::kSmallint, 0},
    {"INT2", TypeKind::kSmallint, 0},
    {"INT", TypeKind::kInt, 0},
    {"INTEGER", TypeKind::kInt, 0},
    {"INT4", TypeKind::kInt, 0},
    {"BIGINT", TypeKind::kBigint, 0},
    {"INT8", TypeKind::kBigint, 0},
    {"FLOAT", TypeKind::kFloat, 0},
    {"REAL", TypeKind::kFloat, 0},
    {"FLOAT4", TypeKind::kFloat, 0},
    {"DOUBLE", TypeKind::kDouble, 0},
    {"FLOAT8", TypeKind::kDouble, 0},
    {"DECIMAL", TypeKind::kDecimal, 2},
    {"DEC", TypeKind::kDecimal, 2},
    {"NUMERIC", TypeKind::kDecimal, 2},
    {"CHAR", TypeKind::kChar, 1},
    {"CHARACTER", TypeKind::kChar, 1},
    {"BPCHAR", TypeKind::kChar, 1},
    {"VARCHAR", TypeKind::kVarchar, 1},
    {"STRING", TypeKind::kVarchar, 0},
    {"TEXT", TypeKind::kVarchar, 0},
    {"UUID", TypeKind::kVarchar, 0},
    {"JSON", TypeKind::kVarchar, 0},
    {"JSONB", TypeKind::kVarchar, 0},
    {"NAME", TypeKind::kVarchar, 0, 19},
    {"OID", TypeKind::kBigint, 0, 26},
    {"XID", TypeKind::kBigint, 0, 28},
    {"REGCLASS", TypeKind::kBigint, 0, 2205},
    {"REGTYPE", TypeKind::kBigint, 0, 2206},
    {"REGPROC", TypeKind::kBigint, 0, 24},
    {"REGNAMESPACE", TypeKind::kBigint, 0, 4089},
    {"REGROLE", TypeKind::kBigint, 0, 4096},
    {"PG_LSN", TypeKind::kVarchar, 0},
    {"INET", TypeKind::kVarchar, 0},
    {"BINARY", TypeKind::kBinary, 1},
    {"VARBINARY", TypeKind::kVarbinary, 1},
    {"BYTES", TypeKind::kVarbinary, 0},
    {"BYTEA", TypeKind::kVarbinary, 0},
    {"DATE", TypeKind::kDate, 0},
    {"TIME", TypeKind::kTime, 1},
    {"TIMESTAMP", TypeKind::kTimestamp, 1},
    {"TIMESTAMP_LTZ", TypeKind::kTimestampLtz, 1},
    {"TIMESTAMPTZ", TypeKind::kTimestampLtz, 1},
    {"TIMESTAMP WITH TIME ZONE", TypeKind::kTimestampLtz, 1},
};

Status range_error(const sql::TypeName& name, std::string message) {
  return Status::invalid_argument(std::move(message)).with_position(name.position);
}

Result<Type> bind_named(const sql::TypeName& name, const sql::NamedType& named) {
  std::string upper;
  for (char c : named.name.last()) {
    upper += static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c);
  }
  const NamedRule* rule = nullptr;
  for (const NamedRule& candidate : kRules) {
    rule = candidate.name == upper ? &candidate : rule;
  }
  if (rule == nullptr) {
    std::vector<std::string> names;
    for (const NamedRule& candidate : kRules) {
      names.emplace_back(candidate.name);
    }
    auto nearest = nearest_name(upper, names);
    return Status::invalid_argument(fmt::format("unknown type: {}", named.name.last()))
        .with_hint(nearest ? fmt::format("did you mean {}?", *nearest)
                           : "types are listed in docs/reference/types.md")
        .with_position(name.position);
  }
  if (static_cast<int>(named.parameters.size()) > rule->parameters_max) {
    return range_error(
        name, fmt::format("{} takes at most {} parameters", rule->name, rule->parameters_max));
  }
  auto parameter = [&](size_t i, int32_t otherwise) {
    return named.parameters.size() > i ? static_cast<int32_t>(named.parameters[i]) : otherwise;
  };
  Type type = Type::of(rule->kind);
  type.wire_oid = rule->wire_oid;
  switch (rule->kind) {
    case TypeKind::kDecimal:
      type.precision = parameter(0, 10);
      type.scale = parameter(1, 0);
      if (type.precision < 1 || type.precision > kDecimalPrecisionMax ||
          type.scale > type.precision) {
        return range_error(
            name,
            fmt::format("DECIMAL precision is 1 to 38 and scale at most the precision: ({}, {})",
                        type.precision, type.scale));
      }
      break;
    case TypeKind::kChar:
    case TypeKind::kBinary:
      type.length = parameter(0, 1);
      break;
    case TypeKind::kVarchar:
    case TypeKind::kVarbinary:
      // Flink's default length is 1; Postgres's is none. Without a length nothing is cut here.
      type.length = parameter(0, kLengthMax);
      break;
    case TypeKind::kTime:
      type.precision = parameter(0, 0);
      break;
    case TypeKind::kTimestamp:
    case TypeKind::kTimestampLtz:
      type.precision = parameter(0, 6);
      break;
    default:
      break;
  }
  if (type.precision > 9 && rule->kind != TypeKind::kDecimal) {
    return range_error(
        name, fmt::format("{} has 0 to 9 fraction digits: {}", rule->name, type.precision));
  }
  if (type.length < 0 || ((type.is_character() || type.is_binary()) && type.length == 0)) {
    return range_error(name, "length must be at least 1");
  }
  return type;
}

}  // namespace

Result<Type> bind_type(const sql::TypeName& name) {
  Type type = TRY(std::visit(
      Overloaded{
          [&](const sql::NamedType& named) { return bind_named(name, named); },
          [&](const sql::ArrayType& array) -> Result<Type> {
            return Type::array(TRY(bind_type(*array.element)));
          },
          [&](const sql::MultisetType& multiset) -> Result<Type> {
            Type result = Type::of(TypeKind::kMultiset);
            result.children.push_back(TRY(bind_type(*multiset.element)));
            return result;
          },
          [&](const sql::MapType& map) -> Result<Type> {
            return Type::map(TRY(bind_type(*map.key)), TRY(bind_type(*map.value)));
          },
          [&](const sql::RowType& row) -> Result<Type> {
            Type result = Type::of(TypeKind::kRow);
            for (size_t i = 0; i < row.fields.size(); ++i) {
              result.children.push_back(TRY(bind_type(*row.fields[i].type)));
              result.field_names.push_back(row.fields[i].name.text.empty()
                                               ? fmt::format("f{}", i)
                                               : row.fields[i].name.text);
            }
            return result;
          },
          [&](const sql::StructuredType&) -> Result<Type> {
            return Status::unsupported("STRUCTURED types are not supported yet")
                .with_position(name.position);
          },
          [&](const sql::RawType&) -> Result<Type> {
            return Status::unsupported("RAW types hold Java objects and are not supported")
                .with_position(name.position);
          },
          [&](const sql::IntervalType& interval) -> Result<Type> {
            bool months = interval.units && (interval.units->first == sql::TimeUnit::kYear ||
                                             interval.units->first == sql::TimeUnit::kMonth ||
                                             interval.units->first == sql::TimeUnit::kQuarter);
            return Type::of(months ? TypeKind::kIntervalMonth : TypeKind::kIntervalDay);
          },
      },
      name.node));
  type.nullable = !name.not_null;
  return type;
}

}  // namespace tidemark
