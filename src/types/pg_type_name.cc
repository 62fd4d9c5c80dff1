#include "types/pg_type_name.h"

#include <fmt/core.h>

#include "types/pg_type.h"

namespace tidemark {

namespace {

// Types that only pg_catalog's columns have (src/include/catalog/pg_type.dat of PostgreSQL 15).
std::string_view catalog_type_name(uint32_t oid) {
  constexpr std::pair<uint32_t, std::string_view> kNames[] = {
      {22, "int2vector"}, {24, "regproc"},     {30, "oidvector"},  {194, "pg_node_tree"},
      {1033, "aclitem"},  {1034, "aclitem[]"}, {2205, "regclass"}, {2206, "regtype"},
      {2249, "record"},   {2277, "anyarray"},  {2278, "void"}};
  for (auto [known, name] : kNames) {
    if (known == oid) {
      return name;
    }
  }
  return "???";
}

}  // namespace

std::optional<uint32_t> pg_type_by_name(const std::string& name) {
  constexpr std::pair<std::string_view, uint32_t> kShort[] = {
      {"bool", 16},    {"int8", 20},        {"int2", 21},          {"int4", 23},
      {"float4", 700}, {"float8", 701},     {"bpchar", 1042},      {"varchar", 1043},
      {"time", 1083},  {"timestamp", 1114}, {"timestamptz", 1184}, {"decimal", 1700},
      {"int", 23},     {"regclass", 2205}};
  for (auto [known, oid] : kShort) {
    if (known == name) {
      return oid;
    }
  }
  for (uint32_t oid = 16; oid < 4100; ++oid) {
    PgType type = pg_builtin(oid);
    if (!type.name.empty() && type.name == name) {
      return oid;
    }
  }
  return std::nullopt;
}

// As format_type() of PostgreSQL 15 (src/backend/utils/adt/format_type.c).
std::string pg_type_name(uint32_t oid, int32_t modifier) {
  if (oid == 0) {
    return "-";
  }
  PgType type = pg_builtin(oid, modifier);
  std::string name = type.name.empty() ? std::string(catalog_type_name(oid)) : type.name;
  bool is_array = name.ends_with("[]");
  if (modifier < 0) {
    return name;
  }
  std::string base = is_array ? name.substr(0, name.size() - 2) : name;
  if (base == "numeric") {
    if (std::optional<PgNumericModifier> m = pg_numeric_modifier(modifier)) {
      base += fmt::format("({},{})", m->precision, m->scale);
    }
  } else if (base == "character varying" || base == "character") {
    base += fmt::format("({})", modifier - 4);
  } else if (size_t blank = base.find(' ');
             base.starts_with("timestamp ") || base.starts_with("time ")) {
    base = fmt::format("{}({}){}", base.substr(0, blank), modifier, base.substr(blank));
  }
  return base + (is_array ? "[]" : "");
}

}  // namespace tidemark
