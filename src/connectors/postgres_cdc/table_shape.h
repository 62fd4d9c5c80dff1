#pragma once
// What a reader's content depends on beyond the rows of the stream: which table it was, which
// columns, and the files its rows were in. Two shapes of one table tell whether something happened
// that sends no rows: a partition attached, detached, dropped or truncated, a column rewritten, the
// table replaced by another one of its name.
//
//   rewritten   pg_class.relfilenode of the table and its partitions: TRUNCATE (which is in the
//               stream, but for that of one partition), VACUUM FULL and CLUSTER (which change no
//               value), ALTER TABLE that rewrites
//   attribute   pg_attribute.xmin of a column: any ALTER of it
//
// A rewrite by ALTER COLUMN changes both.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "connectors/postgres_cdc/table_info.h"

namespace tidemark {

struct TableShape {
  struct Column {
    std::string name;  // as the reader asked for it; the source may call it otherwise by now
    int16_t number = 0;
    uint32_t attribute = 0;
    friend bool operator==(const Column&, const Column&) = default;
  };
  uint32_t oid = 0;
  uint64_t parts = 0;      // a hash of the leaf partitions' oids
  uint64_t rewritten = 0;  // a hash of their files
  bool has_parts = false;
  std::vector<Column> columns;

  const Column* find(std::string_view name) const;
  friend bool operator==(const TableShape&, const TableShape&) = default;
};

// `names[i]` is what the reader calls column `indexes[i]` of the table.
TableShape shape_of(const TableInfo& table, const std::vector<std::string>& names,
                    const std::vector<size_t>& indexes);

// Why content that was read at `before` is not that of a table which is `now` so; empty if it is,
// given all rows of the stream between.
std::string why_read_anew(const TableShape& before, const TableShape& now);

// The shapes of a source's readers, by the names they were declared with: kept with its position.
struct KnownTable {
  std::string schema;
  std::string table;
  TableShape shape;
  friend bool operator==(const KnownTable&, const KnownTable&) = default;
};
void append_known_tables(const std::vector<KnownTable>& tables, std::string& out);
// nullopt: malformed.
std::optional<std::vector<KnownTable>> read_known_tables(ByteReader& in);

}  // namespace tidemark
