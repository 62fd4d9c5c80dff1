#pragma once
// Tables that the engine makes up when they are read: pg_catalog and information_schema as
// PostgreSQL's clients expect them (columns of PostgreSQL 15's catalogs, those that clients read),
// and our own in the schema `tidemark`. They are relations like any other to the planner.
//
// Columns are declared in one text, "oid:oid relname:name relkind:char=r reltuples:float4 ...":
// name, type, and the value of rows that say nothing else. Without `=`, that is false, 0 or the
// empty text;
// `=NULL` is NULL.
//
// Thread rule: any thread; rows are made on the thread that reads.

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "catalog/catalog.h"
#include "types/column.h"

namespace tidemark {

struct SystemSnapshot;

// A cell: NULL, BOOLEAN, a number, text, an array of numbers or of texts.
using SystemCell = std::variant<std::monostate, bool, int64_t, double, std::string,
                                std::vector<int64_t>, std::vector<std::string>>;

class SystemRows {
 public:
  struct ColumnSpec {
    Field field;
    SystemCell otherwise;
  };
  explicit SystemRows(std::span<const ColumnSpec> specs);
  // Cells by column name; an unknown name is our bug.
  using Cell = std::pair<std::string_view, SystemCell>;
  void add(std::initializer_list<Cell> cells);
  RowBatch finish();

 private:
  std::span<const ColumnSpec> specs_;
  std::vector<Column> columns_;
};

struct SystemTable {
  std::string_view schema;
  std::string_view name;
  int64_t oid;  // PostgreSQL's own where it has one; else 12000 and up
  std::string_view columns;
  void (*fill)(const SystemSnapshot& snapshot, SystemRows& rows);  // null: always empty
};

// The families; system_catalog.cc lists them.
std::span<const SystemTable> relation_tables();     // pg_class, pg_attribute, ...
std::span<const SystemTable> type_tables();         // pg_type, pg_proc, ...
std::span<const SystemTable> server_tables();       // pg_database, pg_settings, ...
std::span<const SystemTable> convenience_tables();  // pg_tables, pg_views, ...
std::span<const SystemTable> empty_tables();        // what there is nothing of
std::span<const SystemTable> information_tables();  // information_schema
std::span<const SystemTable> own_tables();          // tidemark

// All of them, as catalog objects: SystemTableDefinition::table counts in this order.
std::span<const ObjectRef> system_objects();
const SystemTable& system_table(size_t index);
RowBatch system_rows(size_t index, const SystemSnapshot& snapshot);

}  // namespace tidemark
