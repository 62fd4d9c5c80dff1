#include "connectors/postgres_cdc/table_shape.h"

#include <algorithm>

#include <fmt/core.h>

namespace tidemark {

namespace {

// FNV-1a over words: stable across processes, as these hashes are kept.
uint64_t hash_words(const std::vector<uint32_t>& words) {
  uint64_t hash = 0xcbf29ce484222325;
  for (uint32_t word : words) {
    hash = (hash ^ word) * 0x100000001b3;
  }
  return hash;
}

}  // namespace

const TableShape::Column* TableShape::find(std::string_view name) const {
  auto found = std::ranges::find(columns, name, &Column::name);
  return found == columns.end() ? nullptr : &*found;
}

TableShape shape_of(const TableInfo& table, const std::vector<std::string>& names,
                    const std::vector<size_t>& indexes) {
  TableShape shape;
  shape.oid = table.oid;
  shape.has_parts = table.kind == 'p';
  std::vector<uint32_t> oids, files;
  for (const TablePart& part : table.parts) {
    oids.push_back(part.oid);
    files.push_back(part.file);
  }
  shape.parts = hash_words(oids);
  shape.rewritten = hash_words(files);
  for (size_t i = 0; i < names.size(); ++i) {
    const TableColumn& column = table.columns[indexes[i]];
    shape.columns.push_back(
        {.name = names[i], .number = column.number, .attribute = column.attribute});
  }
  return shape;
}

std::string why_read_anew(const TableShape& before, const TableShape& now) {
  if (before.oid != now.oid) {
    return "another table has its name now";
  }
  if (before.parts != now.parts) {
    return "its partitions changed";
  }
  bool is_rewritten = before.rewritten != now.rewritten;
  if (is_rewritten && now.has_parts) {
    return "a partition was truncated or rewritten";
  }
  for (const TableShape::Column& column : now.columns) {
    const TableShape::Column* known = before.find(column.name);
    if (known == nullptr || known->number != column.number) {
      return fmt::format("column {} is another one now", column.name);
    }
    if (is_rewritten && known->attribute != column.attribute) {
      return fmt::format("column {} was rewritten", column.name);
    }
  }
  return {};
}

void append_known_tables(const std::vector<KnownTable>& tables, std::string& out) {
  append_varint(tables.size(), out);
  for (const KnownTable& known : tables) {
    append_bytes(known.schema, out);
    append_bytes(known.table, out);
    append_fixed(known.shape.oid, out);
    append_fixed(known.shape.parts, out);
    append_fixed(known.shape.rewritten, out);
    append_fixed(static_cast<uint8_t>(known.shape.has_parts), out);
    append_varint(known.shape.columns.size(), out);
    for (const TableShape::Column& column : known.shape.columns) {
      append_bytes(column.name, out);
      append_fixed(column.number, out);
      append_fixed(column.attribute, out);
    }
  }
}

std::optional<std::vector<KnownTable>> read_known_tables(ByteReader& in) {
  std::vector<KnownTable> tables;
  for (uint64_t left = in.varint(); left > 0 && !in.failed(); --left) {
    KnownTable& known = tables.emplace_back();
    known.schema = in.bytes();
    known.table = in.bytes();
    known.shape.oid = in.fixed<uint32_t>();
    known.shape.parts = in.fixed<uint64_t>();
    known.shape.rewritten = in.fixed<uint64_t>();
    known.shape.has_parts = in.fixed<uint8_t>() != 0;
    for (uint64_t columns = in.varint(); columns > 0 && !in.failed(); --columns) {
      TableShape::Column& column = known.shape.columns.emplace_back();
      column.name = in.bytes();
      column.number = in.fixed<int16_t>();
      column.attribute = in.fixed<uint32_t>();
    }
  }
  if (in.failed()) {
    return std::nullopt;
  }
  return tables;
}

}  // namespace tidemark
