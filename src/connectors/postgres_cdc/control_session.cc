#include "connectors/postgres_cdc/control_session.h"

#include <algorithm>
#include <random>

#include <fmt/core.h>
#include <sys/socket.h>

namespace tidemark {

namespace {

constexpr int64_t kWriterPollUs = 5'000;

// Stable across processes, unlike std::hash.
int64_t advisory_key(std::string_view name) {
  uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
  for (char c : name) {
    hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3;
  }
  return static_cast<int64_t>(hash);
}

std::string fresh_name() {
  std::random_device device;
  return fmt::format("tidemark_{:08x}", device());
}

std::string table_list(const std::vector<TableInfo>& tables) {
  std::string list;
  std::vector<uint32_t> seen;
  for (const TableInfo& table : tables) {
    if (std::ranges::find(seen, table.oid) == seen.end()) {
      seen.push_back(table.oid);
      // A partitioned table is never ONLY: its partitions belong to it.
      list += (list.empty() ? "" : ", ") + std::string(table.kind == 'p' ? "" : "ONLY ") +
              table.qualified_name();
    }
  }
  return list;
}

std::string publication_options(int server_version) {
  return server_version >= 13'00'00 ? " WITH (publish_via_partition_root = true)" : "";
}

std::string oid_list(const TableInfo& table) {
  std::string list = std::to_string(table.oid);
  for (const TablePart& part : table.parts) {
    list += "," + std::to_string(part.oid);
  }
  return list;
}

}  // namespace

std::string create_publication_sql(const std::string& name, const std::vector<TableInfo>& tables) {
  return fmt::format("CREATE PUBLICATION {} FOR TABLE {}{};", quote_identifier(name),
                     table_list(tables), publication_options(13'00'00));
}

Status ControlSession::open() {
  std::lock_guard lock(mutex_);
  if (connection_ && !connection_->is_broken()) {
    return {};
  }
  return connect_locked();
}

Status ControlSession::connect_locked() {
  disconnect_locked();
  exists_ = false;
  connection_ =
      TRY(PostgresConnection::open(TRY(address_.now()), ConnectionMode::kSource, &interrupt_));
  {
    std::lock_guard lock(socket_mutex_);
    socket_ = connection_->socket();
  }
  if (!durable_name_.empty()) {
    return take_durable_name_locked();
  }
  if (!options_.publication.empty()) {
    name_ = options_.publication;
    return {};
  }
  return take_name_locked();
}

void ControlSession::disconnect_locked() {
  {
    std::lock_guard lock(socket_mutex_);
    socket_ = -1;
  }
  connection_.reset();
}

void ControlSession::cut() {
  std::lock_guard lock(socket_mutex_);
  if (socket_ >= 0) {
    shutdown(socket_, SHUT_RDWR);
  }
}

Status ControlSession::take_name_locked() {
  QueryResult left =
      TRY(query_locked("SELECT pubname FROM pg_catalog.pg_publication WHERE pubname ~ "
                       "'^tidemark_[0-9a-f]{8}$' AND NOT puballtables "
                       "AND pg_catalog.pg_has_role(pubowner, 'USAGE') AND "
                       "COALESCE(pg_catalog.obj_description(oid, 'pg_publication'), '') <> " +
                       quote_literal(kKeptComment) + " ORDER BY pubname = " + quote_literal(name_) +
                       " DESC, pubname"));
  for (size_t i = 0; i < left.rows(); ++i) {
    std::string name(left.text(i, 0));
    if (!TRY(lock_name_locked(name))) {
      continue;  // its owner lives
    }
    if (!exists_) {
      name_ = name;
      exists_ = true;
      continue;
    }
    TRY(query_locked("DROP PUBLICATION IF EXISTS " + quote_identifier(name)));
    TRY(query_locked(fmt::format("SELECT pg_catalog.pg_advisory_unlock({})", advisory_key(name))));
  }
  while (!exists_) {
    name_ = fresh_name();
    if (TRY(lock_name_locked(name_))) {
      break;
    }
  }
  return {};
}

Result<bool> ControlSession::lock_name_locked(const std::string& name) {
  QueryResult lock = TRY(
      query_locked(fmt::format("SELECT pg_catalog.pg_try_advisory_lock({})", advisory_key(name))));
  return lock.boolean(0, 0);
}

bool ControlSession::is_open() const {
  std::lock_guard lock(mutex_);
  return connection_ && !connection_->is_broken();
}

int ControlSession::server_version() const {
  std::lock_guard lock(mutex_);
  return connection_ ? connection_->server_version() : 0;
}

std::string ControlSession::name() const {
  std::lock_guard lock(mutex_);
  return name_;
}

std::string ControlSession::last_sqlstate() const {
  std::lock_guard lock(mutex_);
  return connection_ ? connection_->sqlstate() : std::string();
}

Result<QueryResult> ControlSession::query_locked(const std::string& sql) {
  if (!connection_) {
    return Status::unavailable("not connected");
  }
  return connection_->query(sql);
}

Result<TableInfo> ControlSession::table_info(const std::string& schema, const std::string& table,
                                             uint32_t known) {
  std::lock_guard lock(mutex_);
  if (!connection_) {
    return Status::unavailable("not connected");
  }
  return read_table_info(*connection_, schema, table, known);
}

// pg_index.indkey is in it for keys, pg_class.relfilenode for what was rewritten.
Result<std::vector<std::string>> ControlSession::catalog_digests(
    const std::vector<Watched>& tables) {
  std::lock_guard lock(mutex_);
  std::string watched;
  for (size_t i = 0; i < tables.size(); ++i) {
    watched +=
        fmt::format("{}({}, {}, {}, {}::pg_catalog.oid)", watched.empty() ? "" : ", ", i,
                    quote_literal(tables[i].schema), quote_literal(tables[i].table), tables[i].oid);
  }
  QueryResult found = TRY(query_locked(fmt::format(
      R"(SELECT pg_catalog.concat_ws(':', c.oid, c.relname, c.relnamespace, c.relkind, c.relreplident, c.relpersistence,
  (SELECT pg_catalog.string_agg(pg_catalog.concat_ws('/', a.attnum, a.xmin, a.attname), ',' ORDER BY a.attnum)
   FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
  (SELECT pg_catalog.string_agg(pg_catalog.concat_ws('/', i.indexrelid, i.indkey, i.indisprimary, i.indisreplident), ',' ORDER BY i.indexrelid)
   FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid AND (i.indisprimary OR i.indisreplident)),
  (SELECT pg_catalog.string_agg(pg_catalog.concat_ws('/', p.oid, p.relfilenode, p.relreplident), ',' ORDER BY p.oid)
   FROM pg_catalog.pg_class p
   WHERE p.oid = c.oid OR p.oid IN (SELECT t.relid FROM pg_catalog.pg_partition_tree(c.oid) t)),
  (SELECT r.oid FROM pg_catalog.pg_publication_rel r JOIN pg_catalog.pg_publication b ON b.oid = r.prpubid
   WHERE b.pubname = {0} AND r.prrelid = c.oid))
FROM (VALUES {1}) w(i, schema, name, oid)
LEFT JOIN pg_catalog.pg_class c ON c.oid = COALESCE(
  (SELECT n.oid FROM (SELECT k.oid, s.nspname, k.relname FROM pg_catalog.pg_class k JOIN pg_catalog.pg_namespace s ON s.oid = k.relnamespace
                      WHERE k.relname = w.name) n WHERE n.nspname = w.schema), w.oid)
ORDER BY w.i)",
      quote_literal(name_), watched)));
  std::vector<std::string> digests;
  for (size_t i = 0; i < found.rows(); ++i) {
    digests.emplace_back(found.text(i, 0));
  }
  if (digests.size() != tables.size()) {
    return Status::corruption("the source's catalogs have a table twice");
  }
  return digests;
}

Status ControlSession::publication_error(Status status, const std::vector<TableInfo>& tables) {
  if (connection_->sqlstate() != "42501") {  // insufficient_privilege
    return std::move(status).with_context("cannot make the publication");
  }
  return Status(status.code(), "no right to make the publication: " + status.message())
      .with_hint(fmt::format(
          "let a DBA run: {} and declare the table with 'publication.name' = 'tidemark'",
          create_publication_sql("tidemark", tables)));
}

Status ControlSession::publish_only(const std::vector<TableInfo>& tables) {
  std::lock_guard lock(mutex_);
  if (!connection_) {
    return Status::unavailable("not connected");
  }
  if (!options_.publication.empty()) {
    return check_ready_made(*connection_, name_, tables);
  }
  std::string sql;
  if (exists_) {
    sql = fmt::format("ALTER PUBLICATION {} SET TABLE {}", quote_identifier(name_),
                      table_list(tables));
  } else {
    sql = fmt::format("CREATE PUBLICATION {} FOR TABLE {}{}", quote_identifier(name_),
                      table_list(tables), publication_options(connection_->server_version()));
    if (!durable_name_.empty()) {
      sql += fmt::format("; COMMENT ON PUBLICATION {} IS {}", quote_identifier(name_),
                         quote_literal(kKeptComment));
    }
  }
  Result<QueryResult> made = query_locked(sql);
  if (!made.ok()) {
    return publication_error(std::move(made).status(), tables);
  }
  exists_ = true;
  return {};
}

Result<bool> ControlSession::publish_also(const TableInfo& table) {
  std::lock_guard lock(mutex_);
  if (!connection_) {
    return Status::unavailable("not connected");
  }
  if (!options_.publication.empty()) {
    TRY(check_ready_made(*connection_, name_, {table}));
    return false;
  }
  QueryResult present =
      TRY(query_locked(fmt::format("SELECT 1 FROM pg_catalog.pg_publication_rel r JOIN "
                                   "pg_catalog.pg_publication p ON p.oid = r.prpubid "
                                   "WHERE p.pubname = {} AND r.prrelid = {}",
                                   quote_literal(name_), table.oid)));
  if (present.rows() != 0) {
    return false;
  }
  Result<QueryResult> added = query_locked(fmt::format(
      "ALTER PUBLICATION {} ADD TABLE {}", quote_identifier(name_), table_list({table})));
  if (!added.ok()) {
    return publication_error(std::move(added).status(), {table});
  }
  return true;
}

Status ControlSession::unpublish(const TableInfo& table) {
  std::lock_guard lock(mutex_);
  if (!options_.publication.empty()) {
    return {};
  }
  // One implicit transaction; an ALTER that has to wait would keep others from this connection.
  return query_locked(
             fmt::format("SET LOCAL lock_timeout = '100ms'; ALTER PUBLICATION {} DROP TABLE {}",
                         quote_identifier(name_), table_list({table})))
      .status();
}

Status ControlSession::refresh_publication() {
  std::lock_guard lock(mutex_);
  if (!options_.publication.empty()) {
    return {};
  }
  return query_locked(
             fmt::format("ALTER PUBLICATION {} SET (publish = 'insert, update, delete, truncate')",
                         quote_identifier(name_)))
      .status();
}

Status check_ready_made(PostgresConnection& connection, const std::string& name,
                        const std::vector<TableInfo>& tables) {
  std::string quoted = quote_identifier(name);
  QueryResult found =
      TRY(connection.query("SELECT pubinsert AND pubupdate AND pubdelete AND pubtruncate, "
                           "COALESCE((pg_catalog.to_jsonb(p) ->> 'pubviaroot')::bool, false) "
                           "FROM pg_catalog.pg_publication p WHERE pubname = " +
                           quote_literal(name)));
  if (found.rows() == 0) {
    return Status::not_found(fmt::format("the source has no publication {}", name))
        .with_hint(create_publication_sql(name, tables));
  }
  if (!found.boolean(0, 0)) {
    return Status::invalid_argument(
               fmt::format("publication {} leaves out some kinds of changes", name))
        .with_hint(fmt::format(
            "ALTER PUBLICATION {} SET (publish = 'insert, update, delete, truncate');", quoted));
  }
  for (const TableInfo& table : tables) {
    if (table.kind == 'p' && !found.boolean(0, 1)) {
      return Status::invalid_argument(
                 fmt::format("publication {} does not publish partitions through their root", name))
          .with_hint(
              fmt::format("ALTER PUBLICATION {} SET (publish_via_partition_root = true);", quoted));
    }
    // to_jsonb: row filters and column lists exist from PostgreSQL 15 on.
    QueryResult covered = TRY(connection.query(fmt::format(
        "SELECT (SELECT count(*) FROM pg_catalog.pg_publication_tables t WHERE t.pubname = {0} AND "
        "t.schemaname = {1} "
        "AND t.tablename = {2}), (SELECT count(*) FROM pg_catalog.pg_publication_rel r JOIN "
        "pg_catalog.pg_publication p "
        "ON p.oid = r.prpubid WHERE p.pubname = {0} AND r.prrelid = {3} AND "
        "(pg_catalog.to_jsonb(r) ->> 'prqual' IS NOT NULL OR pg_catalog.to_jsonb(r) ->> 'prattrs' "
        "IS NOT NULL))",
        quote_literal(name), quote_literal(table.schema), quote_literal(table.name), table.oid)));
    if (covered.integer(0, 0) == 0) {
      return Status::invalid_argument(
                 fmt::format("publication {} does not have table {}", name, table.display_name()))
          .with_hint(
              fmt::format("ALTER PUBLICATION {} ADD TABLE {};", quoted, table.qualified_name()));
    }
    if (covered.integer(0, 1) != 0) {
      return Status::invalid_argument(
                 fmt::format("publication {} has only some rows or columns of {}", name,
                             table.display_name()))
          .with_hint(fmt::format(
              "ALTER PUBLICATION {0} DROP TABLE {1}; ALTER PUBLICATION {0} ADD TABLE {1};", quoted,
              table.qualified_name()));
    }
  }
  return {};
}

Status ControlSession::wait_for_writers(const TableInfo& table, const Interrupt& interrupt) {
  std::string running;
  {
    std::lock_guard lock(mutex_);
    QueryResult writers = TRY(
        query_locked(fmt::format("SELECT DISTINCT pg_catalog.quote_literal(virtualtransaction) "
                                 "FROM pg_catalog.pg_locks WHERE locktype = 'relation' "
                                 "AND database = (SELECT oid FROM pg_catalog.pg_database WHERE "
                                 "datname = pg_catalog.current_database()) "
                                 "AND relation IN ({}) AND granted AND mode IN "
                                 "('RowExclusiveLock', 'ShareRowExclusiveLock', 'ExclusiveLock', "
                                 "'AccessExclusiveLock')",
                                 oid_list(table))));
    for (size_t i = 0; i < writers.rows(); ++i) {
      running += (running.empty() ? "" : ",") + std::string(writers.text(i, 0));
    }
  }
  while (!running.empty()) {
    {
      std::lock_guard lock(mutex_);
      QueryResult left =
          TRY(query_locked(fmt::format("SELECT 1 FROM pg_catalog.pg_locks WHERE locktype = "
                                       "'relation' AND relation IN ({}) AND granted "
                                       "AND mode IN ('RowExclusiveLock', 'ShareRowExclusiveLock', "
                                       "'ExclusiveLock', 'AccessExclusiveLock') "
                                       "AND virtualtransaction IN ({}) LIMIT 1",
                                       oid_list(table), running)));
      if (left.rows() == 0) {
        break;
      }
    }
    if (sleep_unless_interrupted(interrupt, kWriterPollUs)) {
      return Status::cancelled("interrupted");
    }
  }
  return {};
}

Result<Lsn> ControlSession::current_position() {
  std::optional<Lsn> inserted, flushed;
  {
    std::lock_guard lock(mutex_);
    QueryResult positions = TRY(query_locked(
        "SELECT pg_catalog.pg_current_wal_insert_lsn(), pg_catalog.pg_current_wal_flush_lsn()"));
    inserted = Lsn::parse(positions.text(0, 0));
    flushed = Lsn::parse(positions.text(0, 1));
  }
  if (!inserted || !flushed) {
    return Status::unavailable("cannot ask the source for its position");
  }
  if (*inserted > *flushed) {
    Status forced = force_flush();
    (void)forced.ok();  // without the right to, the log is flushed a little later
  }
  return *inserted;
}

Status ControlSession::force_flush() {
  std::lock_guard lock(mutex_);
  // A commit that has written to the log is flushed; one that has only a transaction id is not.
  return query_locked(
             "BEGIN; SET LOCAL synchronous_commit = local; "
             "SELECT pg_catalog.pg_logical_emit_message(true, 'tidemark', ''); COMMIT")
      .status();
}

Result<std::optional<Lsn>> ControlSession::slot_confirmed(const std::string& slot) {
  std::lock_guard lock(mutex_);
  QueryResult found = TRY(query_locked(
      "SELECT confirmed_flush_lsn, plugin, database = pg_catalog.current_database(), active_pid "
      "FROM pg_catalog.pg_replication_slots WHERE slot_name = " +
      quote_literal(slot)));
  if (found.rows() == 0) {
    return std::optional<Lsn>();
  }
  if (found.text(0, 1) != "pgoutput" || !found.boolean(0, 2)) {
    return Status::invalid_argument(
        fmt::format("slot {} is not a pgoutput slot of this database", slot));
  }
  return std::optional(Lsn::parse(found.text(0, 0)).value_or(Lsn{}));
}

}  // namespace tidemark
