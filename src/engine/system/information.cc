// pg_tables, pg_views and their kin, and information_schema (SQL:2016 part 11, as PostgreSQL 15 has
// it): the same facts under other names.

#include "engine/system/snapshot.h"
#include "engine/system/system_table.h"
#include "types/pg_type.h"

namespace tidemark {

namespace {

std::string query_of(const CatalogObject& object) {
  if (const auto* view = std::get_if<ViewDefinition>(&object.definition)) {
    return view->query;
  }
  if (const auto* view = std::get_if<MaterializedViewDefinition>(&object.definition)) {
    return view->query;
  }
  return "";
}

void fill_tables(const SystemSnapshot& snapshot, SystemRows& rows) {
  for (const ObjectRef& object : snapshot.objects) {
    if (object->is_table() || object->is_system_table()) {
      rows.add({{"schemaname", snapshot.schema_name(*object)},
                {"tablename", object->name.object},
                {"hasindexes", !snapshot.indexes_of(*object).empty()}});
    }
  }
}

void fill_views_of_information(const SystemSnapshot& snapshot, SystemRows& rows) {
  for (const ObjectRef& object : snapshot.objects) {
    if (object->is_view()) {
      rows.add({{"schemaname", snapshot.schema_name(*object)},
                {"viewname", object->name.object},
                {"definition", query_of(*object)}});
    }
  }
}

void fill_matviews(const SystemSnapshot& snapshot, SystemRows& rows) {
  for (const ObjectRef& object : snapshot.objects) {
    if (object->is_materialized_view()) {
      const SystemDataflow* dataflow = snapshot.dataflow_of(object->id);
      rows.add({{"schemaname", snapshot.schema_name(*object)},
                {"matviewname", object->name.object},
                {"hasindexes", !snapshot.indexes_of(*object).empty()},
                {"ispopulated", dataflow != nullptr && dataflow->is_live},
                {"definition", query_of(*object)}});
    }
  }
}

void fill_no_indexes(const SystemSnapshot& snapshot, SystemRows& rows) {
  for (const ObjectRef& object : snapshot.objects) {
    for (const SystemIndex& index : snapshot.indexes_of(*object)) {
      rows.add({{"schemaname", snapshot.schema_name(*object)},
                {"tablename", object->name.object},
                {"indexname", index.name},
                {"indexdef", snapshot.definition(index.oid).value_or("")}});
    }
  }
}

constexpr SystemTable kConvenience[] = {
    {"pg_catalog", "pg_tables", 12020,
     "schemaname:name tablename:name tableowner:name=tidemark tablespace:name=NULL hasindexes:bool "
     "hasrules:bool hastriggers:bool rowsecurity:bool",
     fill_tables},
    {"pg_catalog", "pg_views", 12021,
     "schemaname:name viewname:name viewowner:name=tidemark definition:text",
     fill_views_of_information},
    {"pg_catalog", "pg_matviews", 12022,
     "schemaname:name matviewname:name matviewowner:name=tidemark tablespace:name=NULL "
     "hasindexes:bool ispopulated:bool definition:text",
     fill_matviews},
    {"pg_catalog", "pg_indexes", 12023,
     "schemaname:name tablename:name indexname:name tablespace:name=NULL indexdef:text",
     fill_no_indexes},
};

void fill_schemata(const SystemSnapshot& snapshot, SystemRows& rows) {
  for (const SystemSchema& schema : snapshot.schemas) {
    rows.add({{"catalog_name", snapshot.database}, {"schema_name", schema.name}});
  }
}

// A materialized view counts as a table here, so that tools that know no others show it.
std::string table_type(const CatalogObject& object) {
  return object.is_view() ? "VIEW" : "BASE TABLE";
}

void fill_information_tables(const SystemSnapshot& snapshot, SystemRows& rows) {
  for (const ObjectRef& object : snapshot.objects) {
    rows.add({{"table_catalog", snapshot.database},
              {"table_schema", snapshot.schema_name(*object)},
              {"table_name", object->name.object},
              {"table_type", table_type(*object)}});
  }
}

void fill_information_views(const SystemSnapshot& snapshot, SystemRows& rows) {
  for (const ObjectRef& object : snapshot.objects) {
    if (object->is_view()) {
      rows.add({{"table_catalog", snapshot.database},
                {"table_schema", snapshot.schema_name(*object)},
                {"table_name", object->name.object},
                {"view_definition", query_of(*object)}});
    }
  }
}

// data_type and udt_name of information_schema.columns.
std::pair<std::string, std::string> type_names(const Type& type) {
  uint32_t oid = type.wire_oid != 0 ? type.wire_oid : oid_of(type);
  constexpr std::pair<uint32_t, const char*> kInternal[] = {
      {16, "bool"},          {17, "bytea"},      {18, "char"},     {19, "name"},
      {20, "int8"},          {21, "int2"},       {23, "int4"},     {25, "text"},
      {26, "oid"},           {700, "float4"},    {701, "float8"},  {1042, "bpchar"},
      {1043, "varchar"},     {1082, "date"},     {1083, "time"},   {1114, "timestamp"},
      {1184, "timestamptz"}, {1186, "interval"}, {1700, "numeric"}};
  auto internal_name = [&](uint32_t wanted) -> std::string {
    for (auto [known, name] : kInternal) {
      if (known == wanted) {
        return name;
      }
    }
    return "text";
  };
  if (type.kind == TypeKind::kArray) {
    return {"ARRAY", "_" + internal_name(oid_of(type.children[0]))};
  }
  return {pg_builtin(oid).name, internal_name(oid)};
}

void fill_columns(const SystemSnapshot& snapshot, SystemRows& rows) {
  for (const ObjectRef& object : snapshot.objects) {
    for (size_t i = 0; i < object->schema.size(); ++i) {
      const Field& field = object->schema[i];
      auto [data_type, udt_name] = type_names(field.type);
      auto number_or_null = [](bool is_there, int64_t number) {
        return is_there ? SystemCell(number) : SystemCell(std::monostate());
      };
      const Type& type = field.type;
      bool has_length = type.is_character() && type.length != kLengthMax;
      bool is_decimal = type.kind == TypeKind::kDecimal;
      int64_t bits = type.kind == TypeKind::kBigint   ? 64
                     : type.kind == TypeKind::kInt    ? 32
                     : type.kind == TypeKind::kFloat  ? 24
                     : type.kind == TypeKind::kDouble ? 53
                                                      : 16;
      rows.add({{"table_catalog", snapshot.database},
                {"table_schema", snapshot.schema_name(*object)},
                {"table_name", object->name.object},
                {"column_name", field.name},
                {"ordinal_position", static_cast<int64_t>(i) + 1},
                {"is_nullable", std::string(type.nullable ? "YES" : "NO")},
                {"data_type", data_type},
                {"udt_name", udt_name},
                {"udt_catalog", snapshot.database},
                {"character_maximum_length", number_or_null(has_length, type.length)},
                {"numeric_precision",
                 number_or_null(type.is_numeric(), is_decimal ? type.precision : bits)},
                {"numeric_precision_radix", number_or_null(type.is_numeric(), is_decimal ? 10 : 2)},
                {"numeric_scale", number_or_null(is_decimal || type.is_integer(), type.scale)},
                {"datetime_precision",
                 number_or_null(type.is_temporal(),
                                type.kind == TypeKind::kDate ? 0 : type.precision)}});
    }
  }
}

void fill_key_constraints(const SystemSnapshot& snapshot, SystemRows& rows) {
  for (const ObjectRef& object : snapshot.objects) {
    if (!object->primary_key.empty()) {
      std::string schema = snapshot.schema_name(*object);
      rows.add({{"constraint_catalog", snapshot.database},
                {"constraint_schema", schema},
                {"constraint_name", object->name.object + "_pkey"},
                {"table_catalog", snapshot.database},
                {"table_schema", schema},
                {"table_name", object->name.object},
                {"constraint_type", std::string("PRIMARY KEY")}});
    }
  }
}

void fill_key_columns(const SystemSnapshot& snapshot, SystemRows& rows) {
  for (const ObjectRef& object : snapshot.objects) {
    std::string schema = snapshot.schema_name(*object);
    int64_t place = 0;
    for (size_t part : object->primary_key) {
      rows.add({{"constraint_catalog", snapshot.database},
                {"constraint_schema", schema},
                {"constraint_name", object->name.object + "_pkey"},
                {"table_catalog", snapshot.database},
                {"table_schema", schema},
                {"table_name", object->name.object},
                {"column_name", object->schema[part].name},
                {"ordinal_position", ++place}});
    }
  }
}

constexpr SystemTable kInformation[] = {
    {"information_schema", "schemata", 12030,
     "catalog_name:name schema_name:name schema_owner:name=tidemark "
     "default_character_set_catalog:name=NULL default_character_set_schema:name=NULL "
     "default_character_set_name:name=NULL sql_path:text=NULL",
     fill_schemata},
    {"information_schema", "tables", 12031,
     "table_catalog:name table_schema:name table_name:name table_type:text "
     "self_referencing_column_name:name=NULL reference_generation:text=NULL "
     "user_defined_type_catalog:name=NULL user_defined_type_schema:name=NULL "
     "user_defined_type_name:name=NULL is_insertable_into:text=NO is_typed:text=NO "
     "commit_action:text=NULL",
     fill_information_tables},
    {"information_schema", "views", 12032,
     "table_catalog:name table_schema:name table_name:name view_definition:text "
     "check_option:text=NONE is_updatable:text=NO is_insertable_into:text=NO "
     "is_trigger_updatable:text=NO is_trigger_deletable:text=NO "
     "is_trigger_insertable_into:text=NO",
     fill_information_views},
    {"information_schema", "columns", 12033,
     "table_catalog:name table_schema:name table_name:name column_name:name ordinal_position:int4 "
     "column_default:text=NULL is_nullable:text data_type:text character_maximum_length:int4 "
     "character_octet_length:int4=NULL numeric_precision:int4 numeric_precision_radix:int4 "
     "numeric_scale:int4 datetime_precision:int4 interval_type:text=NULL "
     "interval_precision:int4=NULL character_set_name:name=NULL collation_name:name=NULL "
     "domain_name:name=NULL udt_catalog:name udt_schema:name=pg_catalog udt_name:name "
     "dtd_identifier:name=NULL is_self_referencing:text=NO is_identity:text=NO "
     "identity_generation:text=NULL is_generated:text=NEVER generation_expression:text=NULL "
     "is_updatable:text=NO",
     fill_columns},
    {"information_schema", "table_constraints", 12034,
     "constraint_catalog:name constraint_schema:name constraint_name:name table_catalog:name "
     "table_schema:name table_name:name constraint_type:text is_deferrable:text=NO "
     "initially_deferred:text=NO enforced:text=YES nulls_distinct:text=YES",
     fill_key_constraints},
    {"information_schema", "key_column_usage", 12035,
     "constraint_catalog:name constraint_schema:name constraint_name:name table_catalog:name "
     "table_schema:name table_name:name column_name:name ordinal_position:int4 "
     "position_in_unique_constraint:int4=NULL",
     fill_key_columns},
    {"information_schema", "constraint_column_usage", 12036,
     "table_catalog:name table_schema:name table_name:name column_name:name "
     "constraint_catalog:name constraint_schema:name constraint_name:name",
     nullptr},
    {"information_schema", "referential_constraints", 12037,
     "constraint_catalog:name constraint_schema:name constraint_name:name "
     "unique_constraint_catalog:name unique_constraint_schema:name unique_constraint_name:name "
     "match_option:text update_rule:text delete_rule:text",
     nullptr},
    {"information_schema", "routines", 12038,
     "specific_catalog:name specific_schema:name specific_name:name routine_catalog:name "
     "routine_schema:name routine_name:name routine_type:text data_type:text",
     nullptr},
    {"information_schema", "parameters", 12039,
     "specific_catalog:name specific_schema:name specific_name:name ordinal_position:int4 "
     "parameter_mode:text parameter_name:name data_type:text",
     nullptr},
    {"information_schema", "sequences", 12040,
     "sequence_catalog:name sequence_schema:name sequence_name:name data_type:text", nullptr},
    {"information_schema", "triggers", 12041,
     "trigger_catalog:name trigger_schema:name trigger_name:name event_manipulation:text "
     "event_object_schema:name event_object_table:name",
     nullptr},
    {"information_schema", "character_sets", 12042,
     "character_set_catalog:name character_set_schema:name character_set_name:name", nullptr},
    {"information_schema", "table_privileges", 12043,
     "grantor:name grantee:name table_catalog:name table_schema:name table_name:name "
     "privilege_type:text is_grantable:text",
     nullptr},
};

}  // namespace

std::span<const SystemTable> convenience_tables() {
  return kConvenience;
}

std::span<const SystemTable> information_tables() {
  return kInformation;
}

}  // namespace tidemark
