#include "connectors/postgres_cdc/table_info.h"

#include <algorithm>
#include <charconv>

#include <fmt/core.h>

#include "base/nearest.h"

namespace tidemark {

namespace {

constexpr const char* kTableQuery = R"(
SELECT c.oid, c.relkind, c.relpersistence, c.relreplident,
       pg_catalog.has_table_privilege(c.oid, 'SELECT') OR pg_catalog.has_any_column_privilege(c.oid, 'SELECT'),
       pg_catalog.pg_has_role(c.relowner, 'USAGE'), n.nspname, c.relname
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE (n.nspname = $1 AND c.relname = $2 OR c.oid = $3::pg_catalog.oid) AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
ORDER BY n.nspname = $1 AND c.relname = $2 DESC)";

// Whoever alters a table holds a lock on it until others see what was done, which is after the
// commit is in the log. So without such a lock all that is in the log now is seen by the queries
// that follow. The condition refers to `lsn`: it is evaluated after it.
constexpr const char* kIncludesQuery = R"(
WITH log AS (SELECT pg_catalog.pg_current_wal_insert_lsn() AS lsn)
SELECT lsn FROM log
WHERE NOT EXISTS (
  SELECT FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_database d ON d.oid = l.database
  WHERE log.lsn IS NOT NULL AND l.locktype = 'relation' AND l.relation = $1::pg_catalog.oid AND l.granted
    AND d.datname = pg_catalog.current_database()
    AND l.mode NOT IN ('AccessShareLock', 'RowShareLock', 'RowExclusiveLock')))";

// attndims is smallint from PostgreSQL 16 on. Domains are followed to their base type; an array of
// a domain has the base of its element.
constexpr const char* kColumnsQuery = R"(
WITH RECURSIVE attribute AS (
  SELECT a.attnum, a.attname, a.attnotnull, a.attndims::int4, a.atttypid AS declared, a.atttypid AS type, a.atttypmod AS modifier,
         pg_catalog.format_type(a.atttypid, a.atttypmod) AS shown,
         pg_catalog.to_jsonb(a) ->> 'attgenerated' AS generated, a.xmin::text AS version
  FROM pg_catalog.pg_attribute a
  WHERE a.attrelid = $1::pg_catalog.oid AND a.attnum > 0 AND NOT a.attisdropped
 UNION ALL
  SELECT b.attnum, b.attname, b.attnotnull OR t.typnotnull, GREATEST(b.attndims, t.typndims::int4), b.declared, t.typbasetype,
         CASE WHEN t.typtypmod >= 0 THEN t.typtypmod ELSE b.modifier END, b.shown, b.generated, b.version
  FROM attribute b JOIN pg_catalog.pg_type t ON t.oid = b.type
  WHERE t.typtype = 'd')
SELECT b.attnum, b.attname, b.attnotnull, b.attndims, b.declared, b.type, b.modifier, b.shown,
       COALESCE(b.generated, '') <> '', t.typtype, t.typname, t.typsend <> 0,
       CASE WHEN e.typtype = 'd' THEN e.typbasetype ELSE e.oid END, e.typtype, e.typname, b.version
FROM attribute b
JOIN pg_catalog.pg_type t ON t.oid = b.type
LEFT JOIN pg_catalog.pg_type e ON e.oid = t.typelem AND e.typarray = t.oid
WHERE t.typtype <> 'd'
ORDER BY b.attnum)";

constexpr const char* kKeysQuery = R"(
SELECT i.indisprimary, i.indisreplident, i.indkey
FROM pg_catalog.pg_index i
WHERE i.indrelid = $1::pg_catalog.oid AND (i.indisprimary OR i.indisreplident))";

constexpr const char* kPartsQuery = R"(
WITH RECURSIVE tree AS (
  SELECT $1::pg_catalog.oid AS oid
 UNION ALL
  SELECT i.inhrelid FROM tree JOIN pg_catalog.pg_inherits i ON i.inhparent = tree.oid)
SELECT c.oid, n.nspname, c.relname, c.relkind, c.relreplident, c.reltuples,
       EXISTS (SELECT FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid AND
                 ((c.relreplident = 'd' AND i.indisprimary) OR (c.relreplident = 'i' AND i.indisreplident))),
       c.relfilenode
FROM tree JOIN pg_catalog.pg_class c ON c.oid = tree.oid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind <> 'p'
ORDER BY c.oid)";

Status table_not_found(PostgresConnection& connection, const std::string& schema,
                       const std::string& table) {
  QueryResult others =
      TRY(connection.query("SELECT n.nspname, c.relname FROM pg_catalog.pg_class c JOIN "
                           "pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
                           "WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^pg_' AND n.nspname <> "
                           "'information_schema' ORDER BY 1, 2"));
  std::vector<std::string> same_schema, all;
  std::string list;
  for (size_t i = 0; i < others.rows(); ++i) {
    all.push_back(fmt::format("{}.{}", others.text(i, 0), others.text(i, 1)));
    if (others.text(i, 0) == schema) {
      same_schema.emplace_back(others.text(i, 1));
      list += (list.empty() ? "" : ", ") + same_schema.back();
    }
  }
  Status status = Status::not_found(fmt::format("the source has no table {}.{}", schema, table));
  if ((schema + table).find_first_of("[](){}|*+?\\^$") != std::string::npos) {
    return std::move(status).with_hint(
        "schema-name and table-name are taken literally; regular expressions are not supported "
        "yet");
  }
  if (auto nearest = nearest_name(table, same_schema)) {
    return std::move(status).with_hint(fmt::format("did you mean {}.{}?", schema, *nearest));
  }
  if (auto nearest = nearest_name(schema + "." + table, all)) {
    return std::move(status).with_hint(fmt::format("did you mean {}?", *nearest));
  }
  return std::move(status).with_hint(list.empty()
                                         ? fmt::format("there is no table in schema {}", schema)
                                         : fmt::format("tables of schema {}: {}", schema, list));
}

PgKind kind_of(uint32_t oid, std::string_view typtype, std::string_view name) {
  if (typtype == "e" || name == "citext") {
    return PgKind::kText;
  }
  return pg_kind_of(oid);
}

TableColumn column_from(const QueryResult& row, size_t i) {
  TableColumn column;
  column.name = row.text(i, 1);
  column.not_null = row.boolean(i, 2);
  column.declared_oid = static_cast<uint32_t>(row.integer(i, 4));
  column.number = static_cast<int16_t>(row.integer(i, 0));
  column.attribute = static_cast<uint32_t>(row.integer(i, 15));
  PgType& type = column.type;
  type.oid = static_cast<uint32_t>(row.integer(i, 5));
  type.modifier = static_cast<int32_t>(row.integer(i, 6));
  type.name = row.text(i, 7);
  column.is_generated = row.boolean(i, 8);
  type.has_binary = row.boolean(i, 11);
  if (!row.is_null(i, 12)) {
    type.element_oid = static_cast<uint32_t>(row.integer(i, 12));
    std::string_view element_type = row.text(i, 13) == "d" ? "b" : row.text(i, 13);
    type.element_kind = kind_of(type.element_oid, element_type, row.text(i, 14));
    // An array whose elements are known only as text is itself taken as text.
    type.kind = type.element_kind == PgKind::kUnknown ? PgKind::kUnknown : PgKind::kArray;
    type.dimensions = std::max<int>(1, static_cast<int>(row.integer(i, 3)));
  } else {
    type.kind = kind_of(type.oid, row.text(i, 9), row.text(i, 10));
  }
  return column;
}

// The columns of an index: "1 3" in pg_index.indkey are attribute numbers.
std::vector<size_t> columns_of_index(std::string_view indkey, const std::vector<int64_t>& numbers) {
  std::vector<size_t> columns;
  while (!indkey.empty()) {
    size_t end = std::min(indkey.find(' '), indkey.size());
    int64_t number = 0;
    std::from_chars(indkey.data(), indkey.data() + end, number);
    auto found = std::ranges::find(numbers, number);
    if (found != numbers.end()) {
      columns.push_back(static_cast<size_t>(found - numbers.begin()));
    }
    indkey.remove_prefix(std::min(end + 1, indkey.size()));
  }
  return columns;
}

Status read_keys(PostgresConnection& connection, const std::vector<int64_t>& numbers,
                 TableInfo& table) {
  QueryResult keys =
      TRY(connection.query(kKeysQuery, std::vector<std::string>{std::to_string(table.oid)}));
  for (size_t i = 0; i < keys.rows(); ++i) {
    std::vector<size_t> columns = columns_of_index(keys.text(i, 2), numbers);
    if (keys.boolean(i, 0)) {
      table.primary_key = columns;
    }
    if ((table.identity == 'd' && keys.boolean(i, 0)) ||
        (table.identity == 'i' && keys.boolean(i, 1))) {
      table.identity_key = columns;
      table.has_key = true;
    }
  }
  for (size_t column : table.identity_key) {
    table.columns[column].in_key = true;
  }
  return {};
}

Status read_parts(PostgresConnection& connection, TableInfo& table) {
  QueryResult parts =
      TRY(connection.query(kPartsQuery, std::vector<std::string>{std::to_string(table.oid)}));
  for (size_t i = 0; i < parts.rows(); ++i) {
    uint32_t oid = static_cast<uint32_t>(parts.integer(i, 0));
    if (table.kind != 'p' && oid != table.oid) {
      continue;  // children by plain inheritance are tables of their own
    }
    if (parts.text(i, 3) != "r") {
      return Status::unsupported(fmt::format("a partition of {} is not a plain table: {}.{}",
                                             table.display_name(), parts.text(i, 1),
                                             parts.text(i, 2)));
    }
    // A table that is its own part has what it had a query ago, though it may be altered meanwhile.
    char identity = oid == table.oid ? table.identity : parts.text(i, 4)[0];
    double rows = -1;
    std::from_chars(parts.text(i, 5).data(), parts.text(i, 5).data() + parts.text(i, 5).size(),
                    rows);
    table.parts.push_back(TablePart{.oid = oid,
                                    .file = static_cast<uint32_t>(parts.integer(i, 7)),
                                    .schema = std::string(parts.text(i, 1)),
                                    .name = std::string(parts.text(i, 2)),
                                    .identity = identity,
                                    .has_key = parts.boolean(i, 6),
                                    .rows_estimate = rows});
  }
  return {};
}

Status no_identity(std::string_view shown, const std::string& qualified, std::string_view why) {
  return Status::invalid_argument(
             fmt::format("updates and deletes of {} would not say which row: {}", shown, why))
      .with_hint(fmt::format("ALTER TABLE {} REPLICA IDENTITY FULL;", qualified));
}

}  // namespace

std::optional<size_t> TableInfo::find(std::string_view column) const {
  for (size_t i = 0; i < columns.size(); ++i) {
    if (columns[i].name == column) {
      return i;
    }
  }
  return std::nullopt;
}

Result<TableInfo> read_table_info(PostgresConnection& connection, const std::string& schema,
                                  const std::string& table, uint32_t known) {
  Lsn includes;
  if (known != 0) {
    QueryResult now =
        TRY(connection.query(kIncludesQuery, std::vector<std::string>{std::to_string(known)}));
    includes = now.rows() == 0 ? Lsn{} : Lsn::parse(now.text(0, 0)).value_or(Lsn{});
  }
  QueryResult found = TRY(connection.query(
      kTableQuery, std::vector<std::string>{schema, table, std::to_string(known)}));
  if (found.rows() == 0) {
    return table_not_found(connection, schema, table);
  }
  TableInfo info;
  info.oid = static_cast<uint32_t>(found.integer(0, 0));
  info.schema = found.text(0, 6);
  info.name = found.text(0, 7);
  info.kind = found.text(0, 1)[0];
  info.persistence = found.text(0, 2)[0];
  info.identity = found.text(0, 3)[0];
  info.may_select = found.boolean(0, 4);
  info.is_owner = found.boolean(0, 5);
  if (info.oid == known && info.kind == 'r') {  // partitions have locks of their own
    info.includes = includes;
  }
  QueryResult columns =
      TRY(connection.query(kColumnsQuery, std::vector<std::string>{std::to_string(info.oid)}));
  std::vector<int64_t> numbers;
  for (size_t i = 0; i < columns.rows(); ++i) {
    numbers.push_back(columns.integer(i, 0));
    info.columns.push_back(column_from(columns, i));
  }
  TRY(read_keys(connection, numbers, info));
  if (info.kind == 'r' || info.kind == 'p') {
    TRY(read_parts(connection, info));
  }
  return info;
}

Status check_table(const TableInfo& table) {
  std::string shown = table.display_name();
  switch (table.kind) {
    case 'v':
    case 'm':
      return Status::invalid_argument(
                 fmt::format("{} is a view: the change stream has tables only", shown))
          .with_hint("read its tables, and repeat the view's query here");
    case 'f':
      return Status::invalid_argument(
          fmt::format("{} is a foreign table: its changes are not in this server's log", shown));
    default:
      break;
  }
  if (table.persistence == 'u') {
    return Status::invalid_argument(
               fmt::format("{} is unlogged: its changes are not in the server's log", shown))
        .with_hint(fmt::format("ALTER TABLE {} SET LOGGED;", table.qualified_name()));
  }
  if (table.persistence == 't') {
    return Status::invalid_argument(fmt::format("{} is a temporary table", shown));
  }
  if (!table.may_select) {
    return Status::invalid_argument(fmt::format("no right to read {}", shown))
        .with_hint(fmt::format("GRANT SELECT ON {} TO <role>;", table.qualified_name()));
  }
  if (table.identity == 'n') {
    return no_identity(shown, table.qualified_name(), "its replica identity is NOTHING");
  }
  if (table.identity != 'f' && !table.has_key) {
    return no_identity(shown, table.qualified_name(),
                       "it has no primary key, and its replica identity is not FULL");
  }
  // A partition's own identity decides what the log holds; the root's decides how it is sent.
  for (const TablePart& part : table.parts) {
    if (part.identity == 'f' || (table.identity != 'f' && part.identity != 'n' && part.has_key)) {
      continue;
    }
    return no_identity(part.schema + "." + part.name, quote_qualified(part.schema, part.name),
                       table.identity == 'f'
                           ? "its root has replica identity FULL, this partition has not"
                           : "this partition has no usable replica identity");
  }
  return {};
}

}  // namespace tidemark
