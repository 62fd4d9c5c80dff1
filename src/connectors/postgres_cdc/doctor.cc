#include "connectors/postgres_cdc/doctor.h"

#include <fmt/core.h>

#include "connectors/postgres_cdc/durable_upstream.h"
#include "postgres/connection.h"

namespace tidemark {

namespace {

using Severity = Finding::Severity;
using Findings = std::vector<Finding>;
using Check = Status (*)(PostgresConnection&, Findings&);

constexpr int64_t kLagWarningBytes = int64_t{1} << 30;

std::string size_text(int64_t bytes) {
  constexpr const char* kUnits[] = {"B", "kB", "MB", "GB", "TB"};
  double size = static_cast<double>(bytes);
  size_t unit = 0;
  for (; size >= 1024 && unit + 1 < std::size(kUnits); ++unit) {
    size /= 1024;
  }
  return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.1f} {}", size, kUnits[unit]);
}

void add(Findings& findings, Severity severity, std::string title, std::string detail = "",
         std::string fix_sql = "") {
  findings.push_back({.severity = severity,
                      .title = std::move(title),
                      .detail = std::move(detail),
                      .fix_sql = std::move(fix_sql)});
}

Status check_version(PostgresConnection& connection, Findings& findings) {
  int major = connection.server_version() / 10000;
  std::string title = "the server is PostgreSQL " + connection.parameter("server_version");
  if (major < 10) {
    add(findings, Severity::kError, title, "pgoutput needs PostgreSQL 10 or newer");
  } else if (major < 14) {
    add(findings, Severity::kWarning, title,
        "changes come as text and large transactions only after their end; PostgreSQL 14 sends "
        "them in binary and in parts");
  } else {
    add(findings, Severity::kOk, title);
  }
  return {};
}

Status check_settings(PostgresConnection& connection, Findings& findings) {
  QueryResult r = TRY(connection.query(
      "SELECT pg_catalog.current_setting('wal_level'), "
      "pg_catalog.current_setting('synchronous_commit'), "
      "pg_catalog.current_setting('wal_writer_delay'), "
      "(SELECT setting::bigint FROM pg_catalog.pg_settings WHERE name = 'wal_sender_timeout'), "
      "(SELECT setting::bigint FROM pg_catalog.pg_settings WHERE name = 'max_slot_wal_keep_size'), "
      "pg_catalog.pg_is_in_recovery()"));
  if (r.text(0, 0) == "logical") {
    add(findings, Severity::kOk, "wal_level is logical");
  } else {
    add(findings, Severity::kError, fmt::format("wal_level is {}", r.text(0, 0)),
        "the server's log has no logical changes; the change needs a restart of the server",
        "ALTER SYSTEM SET wal_level = 'logical';");
  }
  if (r.boolean(0, 5)) {
    add(findings, connection.server_version() >= 16'00'00 ? Severity::kWarning : Severity::kError,
        "the server is a standby",
        "reading changes from a standby needs PostgreSQL 16, and a publication made on the "
        "primary");
  }
  if (r.text(0, 1) == "off") {
    add(findings, Severity::kWarning, "synchronous_commit is off",
        fmt::format("the log is sent after it is flushed, so that changes come up to three times "
                    "wal_writer_delay ({}) late",
                    r.text(0, 2)),
        "ALTER SYSTEM SET wal_writer_delay = '10ms'; SELECT pg_reload_conf();");
  }
  int64_t timeout_ms = r.integer(0, 3);
  if (timeout_ms != 0 && timeout_ms < 10'000) {
    add(findings, Severity::kWarning, fmt::format("wal_sender_timeout is {} ms", timeout_ms),
        "a short pause of the network ends the stream, and its tables are read again",
        "ALTER SYSTEM SET wal_sender_timeout = '60s'; SELECT pg_reload_conf();");
  } else {
    add(findings, Severity::kOk,
        timeout_ms == 0 ? "wal_sender_timeout is off"
                        : fmt::format("wal_sender_timeout is {} s", timeout_ms / 1000));
  }
  if (!r.is_null(0, 4) && r.integer(0, 4) < 0) {
    add(findings, Severity::kWarning, "max_slot_wal_keep_size is unlimited",
        "a slot that nobody reads keeps log until the disk is full; with a limit, the server gives "
        "up the slot instead",
        "ALTER SYSTEM SET max_slot_wal_keep_size = '50GB'; SELECT pg_reload_conf();");
  }
  return {};
}

Status check_rights(PostgresConnection& connection, Findings& findings) {
  QueryResult r =
      TRY(connection.query("SELECT r.rolname, r.rolsuper OR r.rolreplication OR EXISTS (SELECT "
                           "FROM pg_catalog.pg_roles g WHERE g.rolname IN "
                           "('rds_replication', 'azure_pg_admin', 'cloudsqlsuperuser') AND "
                           "pg_catalog.pg_has_role(r.oid, g.oid, 'MEMBER')), "
                           "pg_catalog.has_database_privilege(pg_catalog.current_database(), "
                           "'CREATE'), pg_catalog.current_database() "
                           "FROM pg_catalog.pg_roles r WHERE r.rolname = CURRENT_USER"));
  if (r.rows() == 0) {
    return Status::invalid_argument("cannot read the role's rights");
  }
  std::string role = quote_identifier(r.text(0, 0));
  if (r.boolean(0, 1)) {
    add(findings, Severity::kOk, fmt::format("role {} may replicate", r.text(0, 0)));
  } else {
    add(findings, Severity::kError, fmt::format("role {} may not replicate", r.text(0, 0)),
        "a slot cannot be made without", fmt::format("ALTER ROLE {} REPLICATION;", role));
  }
  if (r.boolean(0, 2)) {
    add(findings, Severity::kOk, fmt::format("role {} may make publications", r.text(0, 0)));
  } else {
    add(findings, Severity::kWarning,
        fmt::format("role {} may not make publications", r.text(0, 0)),
        "name a ready-made one with 'publication.name', or grant the right",
        fmt::format("GRANT CREATE ON DATABASE {} TO {};", quote_identifier(r.text(0, 3)), role));
  }
  return {};
}

Status check_capacity(PostgresConnection& connection, Findings& findings) {
  QueryResult r =
      TRY(connection.query("SELECT pg_catalog.current_setting('max_replication_slots')::int, "
                           "(SELECT count(*) FROM pg_catalog.pg_replication_slots), "
                           "pg_catalog.current_setting('max_wal_senders')::int, (SELECT count(*) "
                           "FROM pg_catalog.pg_stat_replication)"));
  struct Pool {
    const char* name;
    const char* setting;
    int64_t total, used;
  };
  for (const Pool& pool :
       {Pool{"replication slots", "max_replication_slots", r.integer(0, 0), r.integer(0, 1)},
        Pool{"walsenders", "max_wal_senders", r.integer(0, 2), r.integer(0, 3)}}) {
    std::string title = fmt::format("{} of {} {} are in use", pool.used, pool.total, pool.name);
    if (pool.used < pool.total) {
      add(findings, Severity::kOk, title);
    } else {
      add(findings, Severity::kError, title,
          "one must be free for each database; the change needs a restart of the server",
          fmt::format("ALTER SYSTEM SET {} = {};", pool.setting, pool.total + 5));
    }
  }
  return {};
}

Status check_slots(PostgresConnection& connection, Findings& findings) {
  // to_jsonb: wal_status exists from PostgreSQL 13 on.
  QueryResult r = TRY(connection.query(
      "SELECT s.slot_name, s.active, COALESCE(pg_catalog.pg_wal_lsn_diff(CASE "
      "WHEN pg_catalog.pg_is_in_recovery() THEN "
      "pg_catalog.pg_last_wal_replay_lsn() ELSE "
      "pg_catalog.pg_current_wal_lsn() END, s.restart_lsn), 0)::bigint, "
      "COALESCE(pg_catalog.to_jsonb(s) ->> 'wal_status', ''), EXISTS (SELECT "
      "FROM pg_catalog.pg_publication p WHERE p.pubname = s.slot_name AND "
      "pg_catalog.obj_description(p.oid, 'pg_publication') = " +
      quote_literal(kKeptComment) +
      "), COALESCE(pg_catalog.pg_wal_lsn_diff(CASE WHEN pg_catalog.pg_is_in_recovery() THEN "
      "pg_catalog.pg_last_wal_replay_lsn() ELSE pg_catalog.pg_current_wal_lsn() END, "
      "s.confirmed_flush_lsn), 0)::bigint FROM pg_catalog.pg_replication_slots s ORDER BY 1"));
  for (size_t i = 0; i < r.rows(); ++i) {
    std::string drop =
        fmt::format("SELECT pg_drop_replication_slot({});", quote_literal(r.text(i, 0)));
    bool is_kept = r.boolean(i, 4);
    if (is_kept) {
      drop += fmt::format(" DROP PUBLICATION {};", quote_identifier(r.text(i, 0)));
    }
    int64_t lag = r.integer(i, 2);
    std::string title = fmt::format("slot {} keeps {} of log, {} of it not confirmed", r.text(i, 0),
                                    size_text(lag), size_text(r.integer(i, 5)));
    if (r.text(i, 3) == "lost") {
      add(findings, Severity::kWarning, fmt::format("slot {} is lost", r.text(i, 0)),
          "the log it needs is gone", drop);
    } else if (!r.boolean(i, 1)) {
      add(findings, Severity::kWarning, title + ", and nobody reads it",
          is_kept ? "a tidemark server that is stopped goes on from it; if its data directory is "
                    "gone, drop it, as it grows until then"
                  : "it grows until somebody reads it or drops it",
          drop);
    } else if (lag > kLagWarningBytes) {
      add(findings, Severity::kWarning, title, "its reader is far behind");
    } else {
      add(findings, Severity::kOk, title);
    }
  }
  return {};
}

Status check_publications(PostgresConnection& connection, Findings& findings) {
  QueryResult r = TRY(connection.query(
      "SELECT p.pubname, EXISTS (SELECT FROM pg_catalog.pg_stat_activity a JOIN "
      "pg_catalog.pg_locks l ON l.pid = a.pid WHERE a.application_name = 'tidemark' AND "
      "l.locktype = 'advisory'), EXISTS (SELECT FROM pg_catalog.pg_replication_slots s WHERE "
      "s.slot_name = p.pubname), k.is_kept FROM pg_catalog.pg_publication p, LATERAL (SELECT "
      "COALESCE(pg_catalog.obj_description(p.oid, 'pg_publication') = " +
      quote_literal(kKeptComment) +
      ", false) AS is_kept) k WHERE p.pubname ~ '^tidemark_[0-9a-f]{8}$' OR k.is_kept ORDER BY 1"));
  for (size_t i = 0; i < r.rows(); ++i) {
    std::string drop = fmt::format("DROP PUBLICATION {};", quote_identifier(r.text(i, 0)));
    if (r.boolean(i, 3) && !r.boolean(i, 2)) {
      add(findings, Severity::kWarning,
          fmt::format("publication {} is kept for a slot that is gone", r.text(i, 0)),
          "it holds nothing; a tidemark server of that name makes it anew", drop);
    } else if (!r.boolean(i, 3) && !r.boolean(i, 1)) {
      add(findings, Severity::kWarning,
          fmt::format("publication {} was left by a process that was killed", r.text(i, 0)),
          "it holds nothing; the next run takes it over and drops it at its end", drop);
    }
  }
  return {};
}

Status check_tables(PostgresConnection& connection, Findings& findings) {
  QueryResult r = TRY(connection.query(
      "SELECT n.nspname, c.relname, c.relreplident, c.relpersistence, "
      "pg_catalog.has_table_privilege(c.oid, 'SELECT'), EXISTS (SELECT FROM pg_catalog.pg_index i "
      "WHERE i.indrelid = c.oid AND "
      "((c.relreplident = 'd' AND i.indisprimary) OR (c.relreplident = 'i' AND "
      "i.indisreplident))), CURRENT_USER "
      "FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
      "WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' "
      "AND c.relpersistence <> 't' "
      "ORDER BY 1, 2"));
  size_t readable = 0, full = 0;
  for (size_t i = 0; i < r.rows(); ++i) {
    std::string shown = fmt::format("{}.{}", r.text(i, 0), r.text(i, 1));
    std::string quoted = quote_qualified(r.text(i, 0), r.text(i, 1));
    if (r.text(i, 3) == "u") {
      add(findings, Severity::kWarning, fmt::format("table {} is unlogged", shown),
          "its changes are not in the log", fmt::format("ALTER TABLE {} SET LOGGED;", quoted));
    } else if (r.text(i, 2) != "f" && !r.boolean(i, 5)) {
      add(findings, Severity::kWarning,
          fmt::format("table {} has no usable replica identity", shown),
          "its updates and deletes would not say which row: it cannot be read",
          fmt::format("ALTER TABLE {} REPLICA IDENTITY FULL;", quoted));
    } else if (!r.boolean(i, 4)) {
      add(findings, Severity::kWarning, fmt::format("no right to read table {}", shown), "",
          fmt::format("GRANT SELECT ON {} TO {};", quoted, quote_identifier(r.text(i, 6))));
    } else {
      ++readable;
      full += r.text(i, 2) == "f" ? 1 : 0;
    }
  }
  add(findings, readable == 0 ? Severity::kWarning : Severity::kOk,
      fmt::format("{} of {} tables can be read", readable, r.rows()),
      fmt::format("{} with replica identity FULL, {} by their key", full, readable - full));
  return {};
}

}  // namespace

Result<std::vector<Finding>> run_doctor(const PostgresAddress& address) {
  PostgresConnection connection = TRY(PostgresConnection::open(address, ConnectionMode::kSource));
  Findings findings;
  for (Check check : {check_version, check_settings, check_rights, check_capacity, check_slots,
                      check_publications, check_tables}) {
    TRY(check(connection, findings));
  }
  return findings;
}

Result<std::vector<Finding>> run_doctor(const std::string& url) {
  return run_doctor(TRY(parse_postgres_url(url)));
}

}  // namespace tidemark
