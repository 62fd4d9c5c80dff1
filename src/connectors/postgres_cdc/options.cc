#include "connectors/postgres_cdc/options.h"

#include <fmt/core.h>

#include "catalog/append_only.h"

namespace tidemark {

namespace {

using Kind = OptionSpec::Kind;
constexpr int64_t kStatusIntervalMaxMs = 3'600'000;
constexpr auto kIgnored = OptionSpec::Effect::kIgnored;

constexpr std::string_view kNoChunks =
    "the snapshot is read in ranges of pages at one exported snapshot, not in key chunks";
constexpr std::string_view kNoPool =
    "a source uses one control connection, one walsender and two snapshot connections";
constexpr std::string_view kNoKeepalive =
    "keepalives of the server move the slot forward, no heartbeat is needed";

constexpr OptionSpec kSpecs[] = {
    {.name = "connector", .required = true, .text = "postgres-cdc"},
    {.name = "hostname",
     .required = true,
     .text = "name or address of the server, or the directory of its unix socket"},
    {.name = "port", .kind = Kind::kInt, .default_value = "5432", .text = "port of the server"},
    {.name = "username",
     .required = true,
     .text = "a role with LOGIN, REPLICATION and SELECT on the table"},
    {.name = "password",
     .text = "its password; without it, what libpq finds (PGPASSWORD, ~/.pgpass)",
     .is_changeable = true},
    {.name = "database-name",
     .required = true,
     .text = "the database; each has one slot, whatever number of tables is read"},
    {.name = "schema-name", .required = true, .text = "the table's schema"},
    {.name = "table-name",
     .required = true,
     .text = "the table; the root of a partitioned table stands for all its partitions"},
    {.name = kAppendOnlyOption,
     .kind = Kind::kBool,
     .default_value = "false",
     .text =
         "rows of the table only come, and TRUNCATE: MIN, MAX, FIRST_VALUE, LAST_VALUE, LIMIT and "
         "ROW_NUMBER up to a bound keep only what shows of them, and end with an error when a "
         "row is updated or deleted all the same"},
    {.name = "slot.name",
     .text = "a permanent slot, made if missing; without it a temporary slot is used, which the "
             "server drops with the connection"},
    {.name = "publication.name",
     .text = "a publication made beforehand; without it one is made for the used tables and "
             "dropped at the end"},
    {.name = "wal.budget",
     .kind = Kind::kSize,
     .default_value = "1GB",
     .text = "how much log the source may keep because views have not taken it yet; beyond it, "
             "wal.budget.policy says what is done. Of the table that opened the source"},
    {.name = "wal.budget.policy",
     .default_value = "spill",
     .text = "spill: what the source has is read ahead to the data directory, and its slot moves "
             "on; pause: the source keeps it, and that is said; release: the slot is given up, and "
             "its tables are read anew when views have taken what was received"},
    {.name = "connect.timeout",
     .kind = Kind::kDuration,
     .default_value = "30s",
     .text = "how long one attempt to connect may take",
     .is_changeable = true},
    {.name = "decoding.plugin.name",
     .effect = kIgnored,
     .text = "pgoutput is used always; every server has it"},
    {.name = "changelog-mode",
     .effect = kIgnored,
     .text = "old rows are completed from the state where the source does not send them"},
    {.name = "heartbeat.interval.ms",
     .kind = Kind::kDuration,
     .effect = kIgnored,
     .text = kNoKeepalive},
    {.name = "scan.incremental.snapshot.enabled",
     .kind = Kind::kBool,
     .effect = kIgnored,
     .text = "the snapshot is parallel and takes no lock always"},
    {.name = "scan.startup.mode",
     .effect = kIgnored,
     .text = "reading starts with a snapshot always, a view would be wrong without"},
    {.name = "scan.incremental.snapshot.chunk.size",
     .kind = Kind::kInt,
     .effect = kIgnored,
     .text = kNoChunks},
    {.name = "scan.snapshot.fetch.size",
     .kind = Kind::kInt,
     .effect = kIgnored,
     .text = "the snapshot is streamed by COPY"},
    {.name = "scan.incremental.snapshot.chunk.key-column", .effect = kIgnored, .text = kNoChunks},
    {.name = "chunk-meta.group.size", .kind = Kind::kInt, .effect = kIgnored, .text = kNoChunks},
    {.name = "chunk-key.even-distribution.factor.upper-bound",
     .kind = Kind::kDouble,
     .effect = kIgnored,
     .text = kNoChunks},
    {.name = "chunk-key.even-distribution.factor.lower-bound",
     .kind = Kind::kDouble,
     .effect = kIgnored,
     .text = kNoChunks},
    {.name = "connect.max-retries",
     .kind = Kind::kInt,
     .effect = kIgnored,
     .text = "a lost connection is retried until it is back"},
    {.name = "connection.pool.size", .kind = Kind::kInt, .effect = kIgnored, .text = kNoPool},
    {.name = "connect.pool.size", .kind = Kind::kInt, .effect = kIgnored, .text = kNoPool},
    {.name = "scan.incremental.close-idle-reader.enabled",
     .kind = Kind::kBool,
     .effect = kIgnored,
     .text = "snapshot connections are closed when they are done always"},
    {.name = "scan.incremental.snapshot.backfill.skip",
     .kind = Kind::kBool,
     .effect = kIgnored,
     .text = "there is no backfill: all tables are read at one position"},
    {.name = "scan.newly-added-table.enabled",
     .kind = Kind::kBool,
     .effect = kIgnored,
     .text = "tables can be added at any time"},
    {.name = "scan.lsn-commit.checkpoints-num-delay",
     .kind = Kind::kInt,
     .effect = kIgnored,
     .text = "the slot moves on as soon as a commit is durable here"},
    {.name = "scan.incremental.snapshot.unbounded-chunk-first.enabled",
     .kind = Kind::kBool,
     .effect = kIgnored,
     .text = kNoChunks},
    {.name = "scan.read-changelog-as-append-only.enabled",
     .kind = Kind::kBool,
     .effect = kIgnored,
     .text = "changes are changes here"},
    {.name = "scan.include-partitioned-tables.enabled",
     .kind = Kind::kBool,
     .effect = kIgnored,
     .text = "partitioned tables are read through their root always"},
    {.name = "debezium.slot.name", .text = "as slot.name"},
    {.name = "debezium.publication.name", .text = "as publication.name"},
    {.name = "debezium.status.update.interval.ms",
     .kind = Kind::kInt,
     .default_value = "10000",
     .text =
         "how often the server hears from us at least; a server that is silent so long is asked "
         "to answer, and after four times as long the connection counts as lost"},
    {.name = "debezium.database.sslmode",
     .text = "libpq's sslmode: disable, allow, prefer, require, verify-ca or verify-full"},
    {.name = "debezium.database.sslcert", .text = "file of the client's certificate"},
    {.name = "debezium.database.sslkey", .text = "file of the client's key"},
    {.name = "debezium.database.sslpassword",
     .text = "passphrase of the client's key",
     .is_changeable = true},
    {.name = "debezium.database.sslrootcert",
     .text = "file of the certificates that the server's is checked against"},
    {.name = "debezium.*", .effect = kIgnored, .text = "there is no Debezium inside"},
};

std::string value_of(const Options& with, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    auto found = with.find(name);
    if (found != with.end()) {
      return found->second;
    }
  }
  return {};
}

}  // namespace

std::string_view name_of(WalPolicy policy) {
  switch (policy) {
    case WalPolicy::kSpill:
      return "spill";
    case WalPolicy::kPause:
      return "pause";
    case WalPolicy::kRelease:
      return "release";
  }
  CHECK(false);
}

std::span<const OptionSpec> postgres_cdc_option_specs() {
  return kSpecs;
}

std::string PostgresCdcOptions::source_key() const {
  std::string key = fmt::format("postgres-cdc|{}|{}|{}|{}|{}|{}", address.host, address.port,
                                address.database, address.user, publication, slot);
  for (const auto& [name, value] : address.parameters) {
    if (name != "sslpassword") {
      key += "|" + name + "=" + value;
    }
  }
  return key;
}

Status check_slot_name(std::string_view name) {
  if (name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") != std::string_view::npos ||
      name.size() > 63) {
    return Status::invalid_argument(fmt::format(
        "slot.name may have lower case letters, digits and underscores, at most 63: '{}'", name));
  }
  return {};
}

namespace {

Status parse_wal_budget(const Options& with, PostgresCdcOptions& options) {
  std::string budget = value_of(with, {"wal.budget"});
  if (!budget.empty()) {
    options.wal_budget_bytes = TRY(parse_size_bytes(budget));
  }
  std::string asked = value_of(with, {"wal.budget.policy"});
  if (asked.empty()) {
    return {};
  }
  for (WalPolicy policy : {WalPolicy::kSpill, WalPolicy::kPause, WalPolicy::kRelease}) {
    if (asked == name_of(policy)) {
      options.wal_policy = policy;
      return {};
    }
  }
  return Status::invalid_argument(
      fmt::format("wal.budget.policy is spill, pause or release, not '{}'", asked));
}

}  // namespace

Result<PostgresCdcOptions> parse_postgres_cdc_options(const Options& with) {
  PostgresCdcOptions options;
  PostgresAddress& address = options.address;
  address.host = value_of(with, {"hostname"});
  address.port = value_of(with, {"port"});
  if (address.port.empty()) {
    address.port = "5432";
  }
  address.database = value_of(with, {"database-name"});
  address.user = value_of(with, {"username"});
  address.password = value_of(with, {"password"});
  for (const auto& [name, value] : {std::pair{"hostname", &address.host},
                                    {"database-name", &address.database},
                                    {"username", &address.user}}) {
    if (value->empty()) {
      return Status::invalid_argument(
          fmt::format("missing required option of postgres-cdc: '{}'", name));
    }
  }
  std::string timeout = value_of(with, {"connect.timeout"});
  if (!timeout.empty()) {
    address.connect_timeout_ms = static_cast<int>(TRY(parse_duration_us(timeout)) / 1000);
  }
  for (const char* keyword : {"sslmode", "sslcert", "sslkey", "sslpassword", "sslrootcert"}) {
    auto found = with.find(std::string("debezium.database.") + keyword);
    if (found != with.end()) {
      address.parameters.emplace_back(keyword, found->second);
    }
  }
  std::string interval = value_of(with, {"debezium.status.update.interval.ms"});
  if (!interval.empty()) {
    int64_t interval_ms = TRY(parse_int(interval));
    if (interval_ms < 1 || interval_ms > kStatusIntervalMaxMs) {
      return Status::invalid_argument(fmt::format(
          "debezium.status.update.interval.ms may be 1 to {}: {}", kStatusIntervalMaxMs, interval));
    }
    options.status_interval_us = interval_ms * 1000;
  }
  TRY(parse_wal_budget(with, options));
  options.schema = value_of(with, {"schema-name"});
  options.table = value_of(with, {"table-name"});
  options.slot = value_of(with, {"slot.name", "debezium.slot.name"});
  options.publication = value_of(with, {"publication.name", "debezium.publication.name"});
  TRY(check_slot_name(options.slot));
  return options;
}

}  // namespace tidemark
