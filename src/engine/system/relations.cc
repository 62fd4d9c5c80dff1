// pg_class and what hangs on it: namespaces, columns, keys.

#include "engine/system/snapshot.h"
#include "engine/system/system_table.h"
#include "types/pg_type.h"

namespace tidemark {

namespace {

std::string relation_kind(const CatalogObject& object) {
  return object.is_view() ? "v" : object.is_materialized_view() ? "m" : "r";
}

void fill_namespaces(const SystemSnapshot& snapshot, SystemRows& rows) {
  for (const SystemSchema& schema : snapshot.schemas) {
    rows.add({{"oid", schema.oid}, {"nspname", schema.name}, {"nspowner", kOidOwner}});
  }
}

void fill_classes(const SystemSnapshot& snapshot, SystemRows& rows) {
  for (const ObjectRef& object : snapshot.objects) {
    int64_t oid = snapshot.oid_of(*object);
    const SystemDataflow* dataflow = snapshot.dataflow_of(object->id);
    bool has_rows = object->is_materialized_view() && dataflow != nullptr;
    rows.add(
        {{"oid", oid},
         {"relname", object->name.object},
         {"relnamespace", snapshot.schema_oid(*object)},
         {"relkind", relation_kind(*object)},
         {"relnatts", static_cast<int64_t>(object->schema.size())},
         {"relhasindex", !snapshot.indexes_of(*object).empty()},
         {"relhasrules", object->is_view()},
         {"relam", int64_t{object->is_view() ? 0 : 2}},
         {"relispopulated", !object->is_materialized_view() || (has_rows && dataflow->is_live)},
         {"reltuples", has_rows ? static_cast<double>(dataflow->rows) : -1.0}});
    for (const SystemIndex& index : snapshot.indexes_of(*object)) {
      rows.add({{"oid", index.oid},
                {"relname", index.name},
                {"relnamespace", snapshot.schema_oid(*object)},
                {"relkind", std::string("i")},
                {"relnatts", static_cast<int64_t>(index.columns->size())},
                {"relam", int64_t{403}},
                {"relispopulated", true}});
    }
  }
}

void add_attribute(SystemRows& rows, int64_t relation, const Field& field, size_t number) {
  uint32_t oid = field.type.wire_oid != 0 ? field.type.wire_oid : oid_of(field.type);
  bool is_array = field.type.kind == TypeKind::kArray;
  rows.add({{"attrelid", relation},
            {"attname", field.name},
            {"atttypid", static_cast<int64_t>(oid)},
            {"attlen", static_cast<int64_t>(pg_width_of(field.type))},
            {"attnum", static_cast<int64_t>(number)},
            {"attndims", int64_t{is_array ? 1 : 0}},
            {"atttypmod", static_cast<int64_t>(pg_modifier_of(field.type))},
            {"attnotnull", !field.type.nullable},
            {"attcollation", int64_t{field.type.is_character() ? 100 : 0}}});
}

void fill_attributes(const SystemSnapshot& snapshot, SystemRows& rows) {
  for (const ObjectRef& object : snapshot.objects) {
    int64_t oid = snapshot.oid_of(*object);
    for (size_t i = 0; i < object->schema.size(); ++i) {
      add_attribute(rows, oid, object->schema[i], i + 1);
    }
    for (const SystemIndex& index : snapshot.indexes_of(*object)) {
      for (size_t i = 0; i < index.columns->size(); ++i) {
        add_attribute(rows, index.oid, object->schema[(*index.columns)[i]], i + 1);
      }
    }
  }
}

std::vector<int64_t> numbers_of(const std::vector<size_t>& places) {
  std::vector<int64_t> numbers;
  for (size_t place : places) {
    numbers.push_back(static_cast<int64_t>(place) + 1);
  }
  return numbers;
}

void fill_indexes(const SystemSnapshot& snapshot, SystemRows& rows) {
  for (const ObjectRef& object : snapshot.objects) {
    for (const SystemIndex& index : snapshot.indexes_of(*object)) {
      auto count = static_cast<int64_t>(index.columns->size());
      rows.add({{"indexrelid", index.oid},
                {"indrelid", snapshot.oid_of(*object)},
                {"indnatts", count},
                {"indnkeyatts", count},
                {"indisunique", index.is_key},
                {"indisprimary", index.is_key},
                {"indkey", numbers_of(*index.columns)},
                {"indoption", std::vector<int64_t>(index.columns->size(), 0)}});
    }
  }
}

void fill_constraints(const SystemSnapshot& snapshot, SystemRows& rows) {
  for (const ObjectRef& object : snapshot.objects) {
    if (object->primary_key.empty()) {
      continue;
    }
    int64_t oid = snapshot.oid_of(*object);
    rows.add({{"oid", oid + kOidFirstIndex},
              {"conname", object->name.object + "_pkey"},
              {"connamespace", snapshot.schema_oid(*object)},
              {"conrelid", oid},
              {"conindid", oid + kOidFirstIndex},
              {"conkey", numbers_of(object->primary_key)}});
  }
}

constexpr SystemTable kRelationTables[] = {
    {"pg_catalog", "pg_namespace", 2615, "oid:oid nspname:name nspowner:oid nspacl:text[]=NULL",
     fill_namespaces},
    {"pg_catalog", "pg_class", 1259,
     "oid:oid relname:name relnamespace:oid reltype:oid reloftype:oid relowner:oid=10 relam:oid "
     "relfilenode:oid reltablespace:oid relpages:int4 reltuples:float4 relallvisible:int4 "
     "reltoastrelid:oid relhasindex:bool relisshared:bool relpersistence:char=p relkind:char=r "
     "relnatts:int2 relchecks:int2 relhasrules:bool relhastriggers:bool relhassubclass:bool "
     "relrowsecurity:bool relforcerowsecurity:bool relispopulated:bool relreplident:char=d "
     "relispartition:bool relrewrite:oid relfrozenxid:xid relminmxid:xid relacl:text[]=NULL "
     "reloptions:text[]=NULL relpartbound:text=NULL",
     fill_classes},
    {"pg_catalog", "pg_attribute", 1249,
     "attrelid:oid attname:name atttypid:oid attstattarget:int4=-1 attlen:int2 attnum:int2 "
     "attndims:int4 attcacheoff:int4=-1 atttypmod:int4=-1 attbyval:bool attalign:char=i "
     "attstorage:char=p attcompression:char attnotnull:bool atthasdef:bool atthasmissing:bool "
     "attidentity:char attgenerated:char attisdropped:bool attislocal:bool=true attinhcount:int4 "
     "attcollation:oid attacl:text[]=NULL attoptions:text[]=NULL attfdwoptions:text[]=NULL "
     "attmissingval:text[]=NULL",
     fill_attributes},
    {"pg_catalog", "pg_index", 2610,
     "indexrelid:oid indrelid:oid indnatts:int2 indnkeyatts:int2 indisunique:bool "
     "indnullsnotdistinct:bool indisprimary:bool indisexclusion:bool indimmediate:bool=true "
     "indisclustered:bool indisvalid:bool=true indcheckxmin:bool indisready:bool=true "
     "indislive:bool=true indisreplident:bool indkey:int2[] indcollation:oid[] indclass:oid[] "
     "indoption:int2[] indexprs:text=NULL indpred:text=NULL",
     fill_indexes},
    {"pg_catalog", "pg_constraint", 2606,
     "oid:oid conname:name connamespace:oid contype:char=p condeferrable:bool condeferred:bool "
     "convalidated:bool=true conrelid:oid contypid:oid conindid:oid conparentid:oid confrelid:oid "
     "confupdtype:char confdeltype:char confmatchtype:char conislocal:bool=true coninhcount:int4 "
     "connoinherit:bool conkey:int2[] confkey:int2[] conpfeqop:oid[] conppeqop:oid[] "
     "conffeqop:oid[] confdelsetcols:int2[] conexclop:oid[] conbin:text=NULL",
     fill_constraints},
};

}  // namespace

std::span<const SystemTable> relation_tables() {
  return kRelationTables;
}

}  // namespace tidemark
