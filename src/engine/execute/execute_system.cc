// The engine as the system tables show it.

#include "engine/execute/executor.h"
#include "engine/settings.h"
#include "engine/source_feed.h"
#include "engine/step_loop.h"
#include "engine/system/snapshot.h"
#include "engine/system/system_table.h"
#include "zset/zset.h"

namespace tidemark {

namespace {

// Settings of PostgreSQL that clients look at and nobody can change here.
constexpr std::pair<const char*, const char*> kFixed[] = {
    {"server_version", "15.0"},
    {"server_version_num", "150000"},
    {"server_encoding", "UTF8"},
    {"max_identifier_length", "63"},
    {"max_index_keys", "32"},
    {"block_size", "8192"},
    {"integer_datetimes", "on"},
    {"is_superuser", "off"},
    {"transaction_isolation", "repeatable read"},
    {"default_transaction_isolation", "repeatable read"},
    {"transaction_read_only", "on"},
    {"default_transaction_read_only", "off"},
    {"in_hot_standby", "off"},
    {"lc_collate", "C"},
    {"lc_ctype", "C"},
    {"wal_level", "replica"},
    {"password_encryption", "scram-sha-256"},
};

}  // namespace

std::vector<std::pair<std::string, std::string>> StatementExecutor::settings() const {
  std::vector<std::pair<std::string, std::string>> list;
  for (auto [name, value] : kFixed) {
    list.emplace_back(name, value);
  }
  list.emplace_back("TimeZone", bind_context().zone);
  list.emplace_back("session_authorization", session_.user_);
  for (const OptionSpec& spec : all_settings()) {
    if (!spec.name.ends_with(".*")) {
      list.emplace_back(spec.name, session_.setting(spec.name));
    }
  }
  for (const auto& [key, value] : session_.settings_) {
    if (default_setting(key).empty()) {
      list.emplace_back(key, value);
    }
  }
  return list;
}

void StatementExecutor::take_dataflows(SystemSnapshot& snapshot) {
  StepLoop& loop = engine_.step_loop();
  loop.run([&] {
    for (auto& [id, dataflow] : loop.dataflows()) {
      SystemDataflow entry{.id = id, .object = dataflow->object, .name = dataflow->name};
      std::optional<std::string> error = dataflow->in_error ? dataflow->row_error() : std::nullopt;
      entry.source = dataflow->source_key;
      std::optional<Status> stopped = dataflow->stopped();
      entry.is_build = dataflow->is_build;
      entry.is_job = dataflow->sink != nullptr;
      entry.state = dataflow->failed     ? "failed"
                    : dataflow->in_error ? "error"
                    : dataflow->live     ? "running"
                                         : "initializing";
      entry.message = dataflow->failed ? dataflow->failed->message()
                      : stopped        ? stopped->message()
                                       : error.value_or("");
      entry.is_live = dataflow->live;
      entry.mark = dataflow->mark;
      entry.commit_time_us = dataflow->commit_time_us;
      entry.published_us = dataflow->published_us;
      entry.started_us = dataflow->started_us;
      entry.is_part = dataflow->is_part();
      entry.rows = entry.is_part ? 0 : dataflow->graph->output().row_count();
      entry.subscribers = dataflow->subscribers.size();
      for (const Graph::NodeInfo& node : dataflow->graph->nodes()) {
        entry.operators.push_back(
            {node.name, node.stats.rows_in, node.stats.rows_out, node.state_bytes});
      }
      snapshot.dataflows.push_back(std::move(entry));
    }
    for (const auto& [key, feed] : loop.sources()) {
      SourceStatus status = feed->source().status();
      snapshot.sources.push_back({.name = key,
                                  .state = name_of(status.state),
                                  .slot = status.slot_name,
                                  .publication = status.publication_name,
                                  .message = status.message,
                                  .position = status.position,
                                  .acknowledged = std::max(feed->acknowledged(), status.confirmed),
                                  .current = {},
                                  .held_bytes = status.held_bytes,
                                  .kept_bytes = status.kept_bytes,
                                  .read_ahead_bytes = status.read_ahead_bytes,
                                  .budget_bytes = status.budget_bytes,
                                  .held_since_us = status.held_since_us,
                                  .wal_status = status.wal_status,
                                  .budget_policy = status.budget_policy});
    }
  });
}

const SystemSnapshot& StatementExecutor::system_snapshot() {
  if (system_ != nullptr) {
    return *system_;
  }
  system_ = std::make_unique<SystemSnapshot>();
  SystemSnapshot& snapshot = *system_;
  snapshot.schemas = {{kOidPgCatalog, "pg_catalog"},
                      {kOidInformationSchema, "information_schema"},
                      {kOidTidemarkSchema, "tidemark"}};
  bool is_default = session_.catalog_ == kDefaultCatalog;
  if (is_default) {
    snapshot.schemas.push_back({kOidPublic, "public"});
  }
  if (Result<std::vector<std::string>> names = catalog_.databases(session_.catalog_); names.ok()) {
    int64_t oid = kOidFirstSchema;
    for (const std::string& name : *names) {
      if (!is_default || name != kDefaultDatabase) {
        snapshot.schemas.push_back({oid++, name});
      }
    }
  }
  for (const ObjectRef& object : catalog_.objects()) {
    if (object->name.catalog == session_.catalog_ && !object->is_job()) {
      snapshot.objects.push_back(object);
    }
  }
  for (const ObjectRef& function : catalog_.functions()) {
    if (function->name.catalog == session_.catalog_) {
      snapshot.functions.push_back(function);
    }
  }
  for (const ObjectRef& table : catalog_.system_tables()) {
    snapshot.objects.push_back(table);
  }
  for (const CatalogInfo& info : catalog_.catalogs()) {
    snapshot.catalogs.push_back(info.name);
  }
  snapshot.users = engine_.users().all();
  snapshot.settings = settings();
  snapshot.database = is_default ? std::string(kDatabaseName) : session_.catalog_;
  snapshot.schema =
      is_default && session_.database_ == kDefaultDatabase ? "public" : session_.database_;
  snapshot.user = session_.user_;
  take_dataflows(snapshot);
  return snapshot;
}

// Where the logs of the sources end now: a round trip to each that answers.
void StatementExecutor::ask_positions(SystemSnapshot& snapshot) {
  StepLoop& loop = engine_.step_loop();
  std::vector<std::pair<std::string, Source*>> asked;
  loop.run([&] {
    for (const auto& [key, feed] : loop.sources()) {
      // One with readers stays for longer than it takes to ask.
      if (!feed->readers.empty() && feed->source().status().state == SourceState::kStreaming) {
        asked.emplace_back(key, &feed->source());
      }
    }
  });
  for (auto& [key, source] : asked) {
    Result<Lsn> current = source->current_position();
    for (SystemSource& known : snapshot.sources) {
      if (current.ok() && known.name == key) {
        known.current = *current;
      }
    }
  }
}

ZBatch StatementExecutor::system_content(const CatalogObject& table) {
  size_t index = std::get<SystemTableDefinition>(table.definition).table;
  if (table.name.database == "tidemark" && table.name.object == "lag") {
    system_snapshot();
    ask_positions(*system_);
  }
  return ZBatch{system_rows(index, system_snapshot()), {}};
}

}  // namespace tidemark
