#include "engine/settings.h"

namespace tidemark {

namespace {

using Kind = OptionSpec::Kind;
using Effect = OptionSpec::Effect;

constexpr std::string_view kNoKnobs = "steps take what has arrived; there is nothing to tune";
constexpr std::string_view kOneProcess = "one process runs every view";
constexpr std::string_view kAlwaysVisible =
    "changes are visible at once; of checkpoints only the interval can be set";
constexpr std::string_view kNoTtl = "state is kept as long as its rows exist";

constexpr OptionSpec kSettings[] = {
    {"sql-client.execution.result-mode", Kind::kString, false, "table", Effect::kUsed,
     "how the client shows a live query: table, changelog or tableau"},
    {"sql-client.execution.max-table-result.rows", Kind::kInt, false, "1000000", Effect::kUsed,
     "rows that the client keeps in table mode"},
    {"sql-client.display.print-time-cost", Kind::kBool, false, "true", Effect::kUsed,
     "print how long a statement took"},
    {"sql-client.display.color-schema", Kind::kString, false, "DEFAULT", Effect::kIgnored,
     "the terminal's own colours are used"},
    {"sql-client.display.show-line-numbers", Kind::kBool, false, "false", Effect::kIgnored,
     "not shown"},
    {"sql-client.verbose", Kind::kBool, false, "false", Effect::kIgnored,
     "errors are always shown whole"},
    {"table.display.max-column-width", Kind::kInt, false, "30", Effect::kUsed,
     "widest column of text in tableau mode"},
    {"execution.runtime-mode", Kind::kString, false, "streaming", Effect::kUsed,
     "streaming: a SELECT stays live; batch: it answers once"},
    {"table.local-time-zone", Kind::kString, false, "UTC", Effect::kUsed,
     "zone in which TIMESTAMP_LTZ is shown and read"},
    {"table.exec.source.narrow-floats", Kind::kBool, false, "false", Effect::kUsed,
     "true: a FLOAT declared over a float8 column is cut to 4 bytes, as in Flink"},
    {"tidemark.until", Kind::kString, false, "", Effect::kUsed,
     "caught-up: a live query ends once it includes all that was committed when it began"},
    {"tidemark.min_mark", Kind::kString, false, "", Effect::kUsed,
     "reads wait until views show what was committed up to this LSN"},
    {"tidemark.share_state", Kind::kBool, false, "true", Effect::kUsed,
     "false: a view or query that is begun keeps all its state for itself"},
    {"tidemark.connection_id", Kind::kString, false, "", Effect::kUsed,
     "the number of this connection, for KILL"},
    {"statement_timeout", Kind::kString, false, "0", Effect::kUsed,
     "a statement that takes longer is ended: '2s', or milliseconds; 0: none"},
    {"application_name", Kind::kString, false, "", Effect::kUsed,
     "who this is, for those who look at the connections"},
    {"client_encoding", Kind::kString, false, "UTF8", Effect::kUsed, "UTF8 is the only one"},
    {"DateStyle", Kind::kString, false, "ISO, MDY", Effect::kUsed, "dates are shown as ISO"},
    {"IntervalStyle", Kind::kString, false, "postgres", Effect::kIgnored, "not changed"},
    {"extra_float_digits", Kind::kString, false, "1", Effect::kUsed,
     "floats are always shown whole"},
    {"bytea_output", Kind::kString, false, "hex", Effect::kUsed, "bytes are shown as hex"},
    {"standard_conforming_strings", Kind::kString, false, "on", Effect::kUsed, "always on"},
    {"search_path", Kind::kString, false, "\"$user\", public", Effect::kUsed,
     "the first database of it that exists is the current one"},
    {"client_min_messages", Kind::kString, false, "notice", Effect::kUsed, "not followed"},
    {"idle_in_transaction_session_timeout", Kind::kString, false, "0", Effect::kUsed,
     "not followed"},
    {"lock_timeout", Kind::kString, false, "0", Effect::kUsed, "there are no locks"},
    {"table.exec.sink.not-null-enforcer", Kind::kString, false, "ERROR", Effect::kUsed,
     "what an INSERT that is begun now does with NULL where its sink says NOT NULL: ERROR stops "
     "it, DROP leaves the row out"},
    {"pipeline.name", Kind::kString, false, "", Effect::kUsed,
     "name of the next query in SHOW JOBS"},
    {"parallelism.default", Kind::kInt, false, "1", Effect::kIgnored, kOneProcess},
    {"pipeline.max-parallelism", Kind::kInt, false, "", Effect::kIgnored, kOneProcess},
    {"table.exec.resource.default-parallelism", Kind::kInt, false, "-1", Effect::kIgnored,
     kOneProcess},
    {"execution.checkpointing.interval", Kind::kDuration, false, "1 s", Effect::kUsed,
     "how often what changed is written to the data directory; of the whole server"},
    {"execution.checkpointing.*", Kind::kString, false, "", Effect::kIgnored, kAlwaysVisible},
    {"execution.savepoint.path", Kind::kString, false, "", Effect::kIgnored, kAlwaysVisible},
    {"execution.state-recovery.path", Kind::kString, false, "", Effect::kIgnored, kAlwaysVisible},
    {"state.backend", Kind::kString, false, "", Effect::kIgnored, "there is one state store"},
    {"state.backend.type", Kind::kString, false, "", Effect::kIgnored, "there is one state store"},
    {"restart-strategy.*", Kind::kString, false, "", Effect::kIgnored,
     "sources reconnect by themselves"},
    {"restart-strategy", Kind::kString, false, "", Effect::kIgnored,
     "sources reconnect by themselves"},
    {"table.exec.state.ttl", Kind::kString, false, "0", Effect::kIgnored, kNoTtl},
    {"table.exec.mini-batch.*", Kind::kString, false, "", Effect::kIgnored, kNoKnobs},
    {"table.optimizer.*", Kind::kString, false, "", Effect::kIgnored, kNoKnobs},
    {"table.exec.*", Kind::kString, false, "", Effect::kIgnored, kNoKnobs},
    {"table.dml-sync", Kind::kBool, false, "false", Effect::kIgnored,
     "INSERT begins a job that does not end by itself; STOP JOB ends it"},
    {"table.sql-dialect", Kind::kString, false, "default", Effect::kIgnored,
     "there is one dialect"},
    {"table.dynamic-table-options.enabled", Kind::kBool, false, "true", Effect::kIgnored,
     "OPTIONS hints are not supported yet"},
    {"table.planner", Kind::kString, false, "", Effect::kIgnored, "there is one planner"},
};

}  // namespace

std::span<const OptionSpec> all_settings() {
  return kSettings;
}

std::string default_setting(std::string_view key) {
  return option_or_default({}, kSettings, key);
}

}  // namespace tidemark
