#include "connectors/postgres_cdc/durable_upstream.h"

#include <algorithm>
#include <charconv>

#include <fmt/core.h>

namespace tidemark {

namespace {

constexpr int64_t kSlotPollUs = 20'000;
constexpr int kSlotPolls = 250;  // 5 s; a walsender that is asked to end does so in milliseconds
constexpr int kRemoveTimeoutMs = 5'000;

template <typename T>
bool parse_whole(std::string_view text, T& value) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

}  // namespace

std::string SourceToken::encode() const {
  std::string token;
  append_bytes(identity.system, token);
  append_fixed(identity.timeline, token);
  append_fixed(identity.publication_oid, token);
  append_known_tables(tables, token);
  return token;
}

std::optional<SourceToken> SourceToken::parse(std::string_view token) {
  ByteReader in(token);
  SourceToken parsed;
  parsed.identity.system = in.bytes();
  parsed.identity.timeline = in.fixed<uint32_t>();
  parsed.identity.publication_oid = in.fixed<uint32_t>();
  auto tables = read_known_tables(in);
  if (!tables || !in.at_end()) {
    return std::nullopt;
  }
  parsed.tables = std::move(*tables);
  return parsed;
}

Result<ServerPosition> identify_server(PostgresConnection& connection) {
  // PostgreSQL 15 manual, IDENTIFY_SYSTEM: systemid, timeline, xlogpos ("current WAL flush
  // location"), dbname.
  QueryResult found = TRY(connection.query("IDENTIFY_SYSTEM"));
  ServerPosition server;
  server.identity.system = found.text(0, 0);
  server.identity.timeline = static_cast<uint32_t>(found.integer(0, 1));
  server.flushed = Lsn::parse(found.text(0, 2)).value_or(Lsn{});
  return server;
}

Result<bool> timeline_contains(PostgresConnection& connection, uint32_t server_timeline,
                               uint32_t timeline, Lsn position) {
  if (server_timeline == timeline) {
    return true;
  }
  if (server_timeline < timeline) {
    return false;
  }
  // A line for each timeline before this one: its number, where it was left, and why
  // (readTimeLineHistory, "parentTLI switchpoint reason").
  QueryResult found = TRY(connection.query(fmt::format("TIMELINE_HISTORY {}", server_timeline)));
  std::string_view history = found.text(0, 1);
  while (!history.empty()) {
    std::string_view line = history.substr(0, history.find('\n'));
    history.remove_prefix(std::min(line.size() + 1, history.size()));
    size_t tab = line.find('\t');
    uint32_t parent = 0;
    if (tab == std::string_view::npos || !parse_whole(line.substr(0, tab), parent) ||
        parent != timeline) {
      continue;
    }
    std::string_view rest = line.substr(tab + 1);
    std::optional<Lsn> left_at = Lsn::parse(rest.substr(0, rest.find('\t')));
    return left_at && position <= *left_at;
  }
  return false;
}

Result<SlotState> read_slot(PostgresConnection& connection, const std::string& slot) {
  // to_jsonb: wal_status exists from PostgreSQL 13 on. It is 'lost' for every kind of invalidation
  // (pg_get_replication_slots).
  QueryResult found = TRY(connection.query(
      "SELECT confirmed_flush_lsn, plugin = 'pgoutput' AND database = "
      "pg_catalog.current_database(), restart_lsn IS NULL OR "
      "COALESCE(pg_catalog.to_jsonb(s) ->> 'wal_status' = 'lost', false), active_pid "
      "FROM pg_catalog.pg_replication_slots s WHERE slot_name = " +
      quote_literal(slot)));
  SlotState state;
  if (found.rows() == 0) {
    return state;
  }
  state.exists = true;
  state.confirmed = Lsn::parse(found.text(0, 0)).value_or(Lsn{});
  state.is_usable = found.boolean(0, 1);
  state.is_lost = found.boolean(0, 2);
  state.active_pid = static_cast<int>(found.integer(0, 3));
  return state;
}

Result<SlotUse> read_slot_use(PostgresConnection& connection, const std::string& slot) {
  QueryResult found = TRY(connection.query(
      "SELECT CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_replay_lsn() "
      "ELSE pg_catalog.pg_current_wal_lsn() END, confirmed_flush_lsn, restart_lsn, "
      "COALESCE(pg_catalog.to_jsonb(s) ->> 'wal_status', '') "
      "FROM pg_catalog.pg_replication_slots s WHERE slot_name = " +
      quote_literal(slot)));
  if (found.rows() == 0) {
    return Status::not_found("there is no slot " + slot);
  }
  return SlotUse{.current = Lsn::parse(found.text(0, 0)).value_or(Lsn{}),
                 .confirmed = Lsn::parse(found.text(0, 1)).value_or(Lsn{}),
                 .kept_from = Lsn::parse(found.text(0, 2)).value_or(Lsn{}),
                 .wal_status = std::string(found.text(0, 3))};
}

Status free_slot(PostgresConnection& connection, const std::string& slot,
                 const std::function<bool(int pid)>& may_end, const Interrupt& interrupt) {
  int ended = 0;
  for (int poll = 0; poll < kSlotPolls; ++poll) {
    SlotState state = TRY(read_slot(connection, slot));
    if (state.active_pid == 0) {
      return {};
    }
    if (!may_end(state.active_pid)) {
      return Status::unavailable(
          fmt::format("slot {} is in use by process {} of the server", slot, state.active_pid));
    }
    if (std::exchange(ended, state.active_pid) != state.active_pid) {
      TRY(connection
              .execute(fmt::format("SELECT pg_catalog.pg_terminate_backend({})", state.active_pid))
              .with_context(fmt::format("cannot end process {}, which holds slot {}",
                                        state.active_pid, slot)));
    }
    if (sleep_unless_interrupted(interrupt, kSlotPollUs)) {
      return Status::cancelled("interrupted");
    }
  }
  return Status::unavailable(
      fmt::format("slot {} is held by process {} of the server, which does not end", slot, ended));
}

Status drop_slot(PostgresConnection& connection, const std::string& slot,
                 const std::function<bool(int pid)>& may_end, const Interrupt& interrupt) {
  TRY(free_slot(connection, slot, may_end, interrupt));
  return connection
      .execute(
          "SELECT pg_catalog.pg_drop_replication_slot(slot_name) FROM "
          "pg_catalog.pg_replication_slots WHERE slot_name = " +
          quote_literal(slot))
      .with_context("cannot drop replication slot " + slot);
}

void remove_upstream(const PostgresCdcOptions& options, const ServerAddress& address,
                     const std::string& durable_name) {
  Result<PostgresAddress> now = address.now();
  if (!now.ok()) {
    return;
  }
  now->connect_timeout_ms = std::min(now->connect_timeout_ms, kRemoveTimeoutMs);
  Result<PostgresConnection> connection = PostgresConnection::open(*now, ConnectionMode::kSource);
  if (!connection.ok()) {
    return;
  }
  Interrupt none;
  Status removed = connection->execute(fmt::format("SET lock_timeout = {}", kRemoveTimeoutMs));
  if (options.slot.empty()) {
    removed = drop_slot(
        *connection, durable_name, [](int) { return true; }, none);
  }
  if (options.publication.empty()) {
    removed = connection->execute("DROP PUBLICATION IF EXISTS " + quote_identifier(durable_name));
  }
  (void)removed.ok();
}

}  // namespace tidemark
