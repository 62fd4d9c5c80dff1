// pg_type, pg_proc and the like: what does not depend on anybody's objects.

#include "base/ascii.h"
#include "engine/system/snapshot.h"
#include "engine/system/system_table.h"
#include "expr/aggregate.h"
#include "sql/keywords.h"
#include "types/pg_type.h"

namespace tidemark {

namespace {

// Of src/include/catalog/pg_type.dat of PostgreSQL 15: oid, array, name, length, category, by
// value.
struct TypeRow {
  int64_t oid, array;
  const char* name;
  int64_t length;
  const char* category;
  bool by_value;
};

constexpr TypeRow kTypeWords[] = {{16, 1000, "bool", 1, "B", true},
                                  {17, 1001, "bytea", -1, "U", false},
                                  {18, 1002, "char", 1, "Z", true},
                                  {19, 1003, "name", 64, "S", false},
                                  {20, 1016, "int8", 8, "N", true},
                                  {21, 1005, "int2", 2, "N", true},
                                  {22, 1006, "int2vector", -1, "A", false},
                                  {23, 1007, "int4", 4, "N", true},
                                  {24, 1008, "regproc", 4, "N", true},
                                  {25, 1009, "text", -1, "S", false},
                                  {26, 1028, "oid", 4, "N", true},
                                  {28, 1011, "xid", 4, "U", true},
                                  {30, 1013, "oidvector", -1, "A", false},
                                  {114, 199, "json", -1, "U", false},
                                  {142, 143, "xml", -1, "U", false},
                                  {194, 0, "pg_node_tree", -1, "Z", false},
                                  {650, 651, "cidr", -1, "I", false},
                                  {700, 1021, "float4", 4, "N", true},
                                  {701, 1022, "float8", 8, "N", true},
                                  {705, 0, "unknown", -2, "X", false},
                                  {774, 775, "macaddr8", 8, "U", false},
                                  {829, 1040, "macaddr", 6, "U", false},
                                  {869, 1041, "inet", -1, "I", false},
                                  {1033, 1034, "aclitem", 12, "U", false},
                                  {1042, 1014, "bpchar", -1, "S", false},
                                  {1043, 1015, "varchar", -1, "S", false},
                                  {1082, 1182, "date", 4, "D", true},
                                  {1083, 1183, "time", 8, "D", true},
                                  {1114, 1115, "timestamp", 8, "D", true},
                                  {1184, 1185, "timestamptz", 8, "D", true},
                                  {1186, 1187, "interval", 16, "T", false},
                                  {1266, 1270, "timetz", 12, "D", false},
                                  {1560, 1561, "bit", -1, "V", false},
                                  {1562, 1563, "varbit", -1, "V", false},
                                  {1700, 1231, "numeric", -1, "N", false},
                                  {2205, 2210, "regclass", 4, "N", true},
                                  {2206, 2211, "regtype", 4, "N", true},
                                  {2950, 2951, "uuid", 16, "U", false},
                                  {3220, 3221, "pg_lsn", 8, "U", true},
                                  {3802, 3807, "jsonb", -1, "U", false},
                                  {4089, 4090, "regnamespace", 4, "N", true},
                                  {4096, 4097, "regrole", 4, "N", true}};

void add_type(SystemRows& rows, int64_t oid, const std::string& name, int64_t length,
              const std::string& category, int64_t element, int64_t array, bool by_value) {
  bool is_array = element != 0 && category == "A";
  // Clients tell arrays by these functions.
  auto function = [&](int64_t oid) { return SystemCell(is_array ? oid : int64_t{0}); };
  rows.add({{"oid", oid},
            {"typname", name},
            {"typlen", length},
            {"typbyval", by_value},
            {"typcategory", category},
            {"typelem", element},
            {"typarray", array},
            {"typcollation", int64_t{category == "S" ? 100 : 0}},
            {"typinput", function(750)},
            {"typoutput", function(751)},
            {"typreceive", function(2400)},
            {"typsend", function(2401)}});
}

void fill_types(const SystemSnapshot&, SystemRows& rows) {
  for (const TypeRow& type : kTypeWords) {
    int64_t element = type.oid == 22 ? 21 : type.oid == 30 ? 26 : 0;
    add_type(rows, type.oid, type.name, type.length, type.category, element, type.array,
             type.by_value);
    if (type.array != 0) {
      add_type(rows, type.array, std::string("_") + type.name, -1, "A", type.oid, 0, false);
    }
  }
}

void add_sql_function(const SystemSnapshot& snapshot, const CatalogObject& function,
                      SystemRows& rows) {
  auto oid_in_pg = [](const Type& type) {
    return int64_t{type.wire_oid != 0 ? type.wire_oid : oid_of(type)};
  };
  const auto& definition = std::get<FunctionDefinition>(function.definition);
  std::vector<int64_t> types;
  std::vector<std::string> names;
  for (const Field& parameter : function.schema.fields) {
    types.push_back(oid_in_pg(parameter.type));
    names.push_back(parameter.name);
  }
  rows.add({{"oid", snapshot.oid_of(function)},
            {"proname", function.name.object},
            {"pronamespace", snapshot.schema_oid(function)},
            {"prolang", int64_t{14}},
            {"proisstrict", definition.strict},
            {"pronargs", static_cast<int64_t>(types.size())},
            {"prorettype", oid_in_pg(definition.result)},
            {"proargtypes", std::move(types)},
            {"proargnames", std::move(names)},
            {"prosrc", definition.body}});
}

void fill_functions(const SystemSnapshot& snapshot, SystemRows& rows) {
  for (const ObjectRef& function : snapshot.functions) {
    add_sql_function(snapshot, *function, rows);
  }
  constexpr std::pair<int64_t, const char*> kOfArrays[] = {
      {750, "array_in"}, {751, "array_out"}, {2400, "array_recv"}, {2401, "array_send"}};
  for (auto [number, name] : kOfArrays) {
    rows.add({{"oid", number}, {"proname", std::string(name)}});
  }
  int64_t oid = 14000;
  for (const Function* function : all_functions()) {
    bool is_operator =
        !function->name.empty() && (function->name[0] < 'A' || function->name[0] > 'Z');
    if (!is_operator && function->name.find(' ') == std::string_view::npos) {
      rows.add({{"oid", ++oid}, {"proname", ascii_lower(function->name)}});
    }
  }
  for (const AggregateFunction& aggregate : all_aggregates()) {
    rows.add(
        {{"oid", ++oid}, {"proname", ascii_lower(aggregate.name)}, {"prokind", std::string("a")}});
  }
}

void fill_access_methods(const SystemSnapshot&, SystemRows& rows) {
  rows.add({{"oid", int64_t{2}}, {"amname", std::string("heap")}, {"amtype", std::string("t")}});
  rows.add({{"oid", int64_t{403}}, {"amname", std::string("btree")}, {"amtype", std::string("i")}});
}

void fill_collations(const SystemSnapshot&, SystemRows& rows) {
  rows.add({{"oid", int64_t{100}},
            {"collname", std::string("default")},
            {"collprovider", std::string("d")}});
  rows.add(
      {{"oid", int64_t{950}}, {"collname", std::string("C")}, {"collprovider", std::string("c")}});
}

void fill_languages(const SystemSnapshot&, SystemRows& rows) {
  rows.add({{"oid", int64_t{12}}, {"lanname", std::string("internal")}});
  rows.add({{"oid", int64_t{14}}, {"lanname", std::string("sql")}});
}

// PostgreSQL's function of this name, whose call in FROM reads this.
void fill_keywords(const SystemSnapshot&, SystemRows& rows) {
  for (bool is_reserved : {true, false}) {
    for (std::string_view word :
         is_reserved ? sql::reserved_keywords() : sql::non_reserved_keywords()) {
      rows.add({{"word", ascii_lower(word)},
                {"catcode", std::string(is_reserved ? "R" : "U")},
                {"barelabel", !is_reserved},
                {"catdesc", std::string(is_reserved ? "reserved" : "unreserved")},
                {"baredesc", std::string(is_reserved ? "requires AS" : "can be bare label")}});
    }
  }
}

constexpr SystemTable kTypeTables[] = {
    {"pg_catalog", "pg_type", 1247,
     "oid:oid typname:name typnamespace:oid=11 typowner:oid=10 typlen:int2 typbyval:bool "
     "typtype:char=b typcategory:char typispreferred:bool typisdefined:bool=true typdelim:char=, "
     "typrelid:oid typsubscript:regproc typelem:oid typarray:oid typinput:regproc "
     "typoutput:regproc typreceive:regproc typsend:regproc typmodin:regproc typmodout:regproc "
     "typanalyze:regproc typalign:char=i typstorage:char=p typnotnull:bool typbasetype:oid "
     "typtypmod:int4=-1 typndims:int4 typcollation:oid typdefaultbin:text=NULL "
     "typdefault:text=NULL "
     "typacl:text[]=NULL",
     fill_types},
    {"pg_catalog", "pg_proc", 1255,
     "oid:oid proname:name pronamespace:oid=11 proowner:oid=10 prolang:oid=12 procost:float4=1 "
     "prorows:float4 provariadic:oid prosupport:regproc prokind:char=f prosecdef:bool "
     "proleakproof:bool proisstrict:bool proretset:bool provolatile:char=i proparallel:char=s "
     "pronargs:int2 pronargdefaults:int2 prorettype:oid=25 proargtypes:oid[] proallargtypes:oid[] "
     "proargmodes:text[] proargnames:text[] proargdefaults:text=NULL prosrc:text probin:text=NULL "
     "proconfig:text[]=NULL proacl:text[]=NULL",
     fill_functions},
    {"pg_catalog", "pg_am", 2601, "oid:oid amname:name amhandler:regproc amtype:char",
     fill_access_methods},
    {"pg_catalog", "pg_collation", 3456,
     "oid:oid collname:name collnamespace:oid=11 collowner:oid=10 collprovider:char "
     "collisdeterministic:bool=true collencoding:int4=-1 collcollate:text=C collctype:text=C "
     "colliculocale:text=NULL collversion:text=NULL",
     fill_collations},
    {"pg_catalog", "pg_language", 2612,
     "oid:oid lanname:name lanowner:oid=10 lanispl:bool lanpltrusted:bool lanplcallfoid:oid "
     "laninline:oid lanvalidator:oid lanacl:text[]=NULL",
     fill_languages},
    {"pg_catalog", "pg_get_keywords", 12024,
     "word:text catcode:char barelabel:bool catdesc:text baredesc:text", fill_keywords},
};

}  // namespace

std::span<const SystemTable> type_tables() {
  return kTypeTables;
}

}  // namespace tidemark
