#pragma once
// What pg_catalog says about one table: its columns with their types, keys, identity and
// partitions.

#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "postgres/connection.h"
#include "types/lsn.h"
#include "types/pg_type.h"

namespace tidemark {

struct TableColumn {
  std::string name;
  PgType type;                // domains replaced by what they stand on
  uint32_t declared_oid = 0;  // as the stream's Relation message names the type
  bool not_null = false;
  bool is_generated = false;
  bool in_key = false;     // part of the replica identity's key
  int16_t number = 0;      // pg_attribute.attnum: stays under RENAME
  uint32_t attribute = 0;  // pg_attribute.xmin: changes with every ALTER of the column
};

// What holds rows: the table itself, or a leaf partition of it.
struct TablePart {
  uint32_t oid = 0;
  uint32_t file = 0;  // pg_class.relfilenode
  std::string schema;
  std::string name;
  char identity = 'd';   // pg_class.relreplident
  bool has_key = false;  // the primary key or index that its identity uses
  double rows_estimate = -1;
};

struct TableInfo {
  uint32_t oid = 0;
  std::string schema;
  std::string name;
  char kind = 'r';         // pg_class.relkind
  char persistence = 'p';  // pg_class.relpersistence
  char identity = 'd';
  bool has_key = false;
  bool may_select = false;
  bool is_owner = false;
  std::vector<TableColumn> columns;
  std::vector<size_t> primary_key;   // indexes into columns
  std::vector<size_t> identity_key;  // likewise; empty under FULL
  std::vector<TablePart> parts;
  // What was committed before there is in all of this; invalid: not known.
  Lsn includes;

  std::string display_name() const { return schema + "." + name; }
  std::string qualified_name() const { return quote_qualified(schema, name); }
  std::optional<size_t> find(std::string_view column) const;
  // Whether old rows come whole.
  bool identity_is_full() const { return identity == 'f'; }
};

// kNotFound names the nearest table that exists. A table that had the oid `known` is taken for
// it if none has the name.
Result<TableInfo> read_table_info(PostgresConnection& connection, const std::string& schema,
                                  const std::string& table, uint32_t known = 0);

// Refuses what cannot be read exactly: views, unlogged tables, tables without a usable identity ...
// The statement that mends it is in the hint.
Status check_table(const TableInfo& table);

}  // namespace tidemark
