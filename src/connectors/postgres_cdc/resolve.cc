#include "connectors/postgres_cdc/resolve.h"

#include <algorithm>

#include <fmt/core.h>

#include "base/nearest.h"
#include "connectors/postgres_cdc/control_session.h"
#include "types/pg_codec.h"

namespace tidemark {

namespace {

constexpr const char* kServerQuery = R"(
SELECT pg_catalog.current_setting('wal_level'),
       r.rolsuper OR r.rolreplication OR EXISTS (
         SELECT FROM pg_catalog.pg_roles g WHERE g.rolname IN ('rds_replication', 'azure_pg_admin', 'cloudsqlsuperuser')
         AND pg_catalog.pg_has_role(r.oid, g.oid, 'MEMBER')),
       pg_catalog.current_setting('max_replication_slots')::int - (SELECT count(*) FROM pg_catalog.pg_replication_slots),
       pg_catalog.current_setting('max_wal_senders')::int - (SELECT count(*) FROM pg_catalog.pg_stat_replication),
       pg_catalog.pg_is_in_recovery(), r.rolname,
       EXISTS (SELECT FROM pg_catalog.pg_replication_slots s
               WHERE s.active AND s.database = pg_catalog.current_database() AND s.slot_name ~ '^tidemark_[0-9a-f]{8}')
FROM pg_catalog.pg_roles r WHERE r.rolname = CURRENT_USER)";

int integer_digits(PgKind kind) {
  switch (kind) {
    case PgKind::kInt2:
      return 5;
    case PgKind::kInt4:
    case PgKind::kOid:
      return 10;
    case PgKind::kInt8:
      return 19;
    default:
      return 0;
  }
}

bool holds_integer(PgKind kind, const Type& target) {
  int digits = integer_digits(kind);
  switch (target.kind) {
    case TypeKind::kSmallint:
      return kind == PgKind::kInt2;
    case TypeKind::kInt:
      return kind == PgKind::kInt2 || kind == PgKind::kInt4;
    case TypeKind::kBigint:
      return true;
    case TypeKind::kFloat:
      return kind == PgKind::kInt2;
    case TypeKind::kDouble:
      return kind != PgKind::kInt8;
    case TypeKind::kDecimal:
      return target.precision - target.scale >= digits;
    default:
      return false;
  }
}

bool holds_numeric(const PgType& source, const Type& target) {
  std::optional<PgNumericModifier> m = pg_numeric_modifier(source.modifier);
  int scale = m ? std::max(m->scale, 0) : 0;
  int whole_digits = m ? m->precision - m->scale : 0;
  switch (target.kind) {
    case TypeKind::kDecimal:
      // Plain NUMERIC has no limit: each value is checked when it comes.
      return !m || (target.scale >= scale && target.precision - target.scale >= whole_digits);
    case TypeKind::kInt:
      return m && scale == 0 && whole_digits <= 9;
    case TypeKind::kBigint:
      return m && scale == 0 && whole_digits <= 18;
    default:
      return false;
  }
}

// Whether every value of the source's type is a value of `target`.
bool holds(const PgType& source, PgKind kind, const Type& target) {
  if (target.is_character()) {
    return true;
  }
  switch (kind) {
    case PgKind::kBool:
      return target.kind == TypeKind::kBoolean;
    case PgKind::kBytea:
      return target.is_binary();
    case PgKind::kInt2:
    case PgKind::kInt4:
    case PgKind::kInt8:
    case PgKind::kOid:
      return holds_integer(kind, target);
    case PgKind::kFloat4:
      return target.is_approximate();
    case PgKind::kFloat8:
      return target.kind == TypeKind::kDouble;
    case PgKind::kNumeric:
      return holds_numeric(source, target);
    case PgKind::kDate:
      return target.kind == TypeKind::kDate;
    case PgKind::kTime:
      return target.kind == TypeKind::kTime;
    case PgKind::kTimestamp:
      return target.kind == TypeKind::kTimestamp;
    case PgKind::kTimestampTz:
      return target.kind == TypeKind::kTimestampLtz;
    case PgKind::kArray: {
      const Type* element = &target;
      int depth = 0;
      for (; element->kind == TypeKind::kArray; element = &element->children[0]) {
        ++depth;
      }
      return depth == std::max(source.dimensions, 1) &&
             holds(source, source.element_kind, *element);
    }
    default:
      return false;
  }
}

Status missing_column(const TableInfo& table, const std::string& name) {
  std::vector<std::string> names;
  std::string list;
  for (const TableColumn& column : table.columns) {
    names.push_back(column.name);
    list += (list.empty() ? "" : ", ") + column.name;
  }
  auto nearest = nearest_name(name, names);
  return Status::invalid_argument(
             fmt::format("the source's table {} has no column {}", table.display_name(), name))
      .with_hint((nearest ? fmt::format("did you mean {}? ", *nearest) : std::string()) +
                 "its columns: " + list);
}

Status generated_column(const TableInfo& table, const std::string& name) {
  return Status::invalid_argument(
             fmt::format("column {} of {} is generated: the change stream does not have it", name,
                         table.display_name()))
      .with_hint("leave it out, and compute it in the query");
}

void set_keys(const TableInfo& table, SourceTable& resolved) {
  if (!table.identity_is_full()) {
    for (size_t key : table.identity_key) {
      const TableColumn& column = table.columns[key];
      std::optional<size_t> found = resolved.schema.find(column.name);
      if (!found) {
        found = resolved.schema.size() + resolved.hidden.size();
        resolved.hidden.fields.push_back(
            {.name = column.name, .type = type_of_pg(column.type).not_null()});
      }
      resolved.row_key.push_back(*found);
    }
  }
  for (size_t key : table.primary_key) {
    std::optional<size_t> found = resolved.schema.find(table.columns[key].name);
    if (!found) {
      resolved.primary_key.clear();
      return;
    }
    resolved.primary_key.push_back(*found);
  }
}

Schema all_columns(const TableInfo& table, std::vector<std::string>& notices) {
  Schema schema;
  for (const TableColumn& column : table.columns) {
    if (column.is_generated) {
      notices.push_back(fmt::format(
          "column {} of {} is left out: it is generated, and the change stream does not have it",
          column.name, table.display_name()));
      continue;
    }
    schema.fields.push_back({.name = column.name, .type = type_of_pg(column.type)});
  }
  return schema;
}

}  // namespace

Status check_server(PostgresConnection& connection, const PostgresCdcOptions& options) {
  if (connection.server_version() < 10'00'00) {
    return Status::unsupported(
        fmt::format("pgoutput needs PostgreSQL 10 or newer, this server is {}",
                    connection.parameter("server_version")));
  }
  QueryResult server = TRY(connection.query(kServerQuery));
  if (server.rows() == 0) {
    return Status::invalid_argument("cannot read the role's rights");
  }
  if (server.text(0, 0) != "logical") {
    return Status::invalid_argument(
               fmt::format("the server's log has no logical changes: wal_level is {}",
                           server.text(0, 0)))
        .with_hint("ALTER SYSTEM SET wal_level = 'logical'; and restart the server");
  }
  if (!server.boolean(0, 1)) {
    return Status::invalid_argument(fmt::format("role {} may not replicate", server.text(0, 5)))
        .with_hint(fmt::format("ALTER ROLE {} REPLICATION;", quote_identifier(server.text(0, 5))));
  }
  if (server.boolean(0, 4) && connection.server_version() < 16'00'00) {
    return Status::unsupported(
        "the server is a standby: reading changes from one needs PostgreSQL 16");
  }
  // The slot there may be ours, for this table too; if it is another's, the source waits and says
  // so.
  bool may_be_open = server.boolean(0, 6) || !options.slot.empty();
  if (!may_be_open && server.integer(0, 2) <= 0) {
    return Status::unavailable("all replication slots of the server are taken")
        .with_hint(
            "drop one that nobody uses, or ALTER SYSTEM SET max_replication_slots = <more>; and "
            "restart the server");
  }
  if (!may_be_open && server.integer(0, 3) <= 0) {
    return Status::unavailable("all walsenders of the server are taken")
        .with_hint("ALTER SYSTEM SET max_wal_senders = <more>; and restart the server");
  }
  return {};
}

Status check_publication(PostgresConnection& connection, const PostgresCdcOptions& options,
                         const TableInfo& table) {
  if (!options.publication.empty()) {
    return check_ready_made(connection, options.publication, {table});
  }
  QueryResult right = TRY(
      connection.query("SELECT pg_catalog.has_database_privilege(pg_catalog.current_database(), "
                       "'CREATE'), CURRENT_USER, "
                       "pg_catalog.current_database()"));
  if (right.boolean(0, 0) && table.is_owner) {
    return {};
  }
  std::string_view why =
      table.is_owner ? "may not create publications in this database" : "does not own the table";
  return Status::invalid_argument(fmt::format("no right to publish {}: role {} {}",
                                              table.display_name(), right.text(0, 1), why))
      .with_hint(fmt::format(
          "let a DBA run: {} and declare the table with 'publication.name' = 'tidemark'",
          create_publication_sql("tidemark", {table})));
}

Result<DeliveredType> check_declared_type(const TableColumn& column, const Type& declared,
                                          bool narrow_floats) {
  const PgType& source = column.type;
  if (source.kind == PgKind::kFloat8 && declared.kind == TypeKind::kFloat) {
    if (narrow_floats) {
      return DeliveredType{.type = declared, .notice = ""};
    }
    Type kept = Type::float64();
    return DeliveredType{
        .type = kept,
        .notice =
            fmt::format("column {} is declared FLOAT (4 bytes) and double precision at the source: "
                        "it keeps the source's 8 bytes; SET 'table.exec.source.narrow-floats' = "
                        "'true' narrows it",
                        column.name)};
  }
  if (holds(source, source.kind, declared)) {
    return DeliveredType{.type = declared, .notice = ""};
  }
  return Status::invalid_argument(fmt::format("column {}: {} cannot hold the source's {}",
                                              column.name, declared.to_string_without_null(),
                                              source.name))
      .with_hint(fmt::format("declare it {}", type_of_pg(source).to_string_without_null()));
}

Result<SourceTable> resolve_postgres_table(PostgresConnection& connection,
                                           const PostgresCdcOptions& options,
                                           const std::optional<Schema>& declared,
                                           bool narrow_floats) {
  TRY(check_server(connection, options));
  TableInfo table = TRY(read_table_info(connection, options.schema, options.table));
  TRY(check_table(table));
  TRY(check_publication(connection, options, table));
  SourceTable resolved;
  resolved.source_key = options.source_key();
  resolved.display_name = table.display_name();
  Schema wanted = declared ? *declared : all_columns(table, resolved.notices);
  for (const Field& field : wanted.fields) {
    std::optional<size_t> found = table.find(field.name);
    if (!found) {
      return missing_column(table, field.name);
    }
    const TableColumn& column = table.columns[*found];
    if (column.is_generated) {
      return generated_column(table, field.name);
    }
    DeliveredType delivered = TRY(check_declared_type(column, field.type, narrow_floats));
    if (!delivered.notice.empty()) {
      resolved.notices.push_back(delivered.notice);
    }
    delivered.type.nullable = !column.not_null;
    resolved.schema.fields.push_back({.name = field.name, .type = delivered.type});
  }
  set_keys(table, resolved);
  return resolved;
}

}  // namespace tidemark
