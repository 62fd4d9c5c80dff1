#include <fmt/core.h>

#include "base/ascii.h"
#include "base/clock.h"
#include "connectors/registry.h"
#include "engine/durability.h"
#include "engine/execute/executor.h"
#include "engine/execute/name_filter.h"
#include "engine/function_text.h"
#include "engine/settings.h"
#include "engine/source_feed.h"
#include "engine/step_loop.h"
#include "engine/system/snapshot.h"
#include "sql/name_parts.h"
#include "types/datetime.h"

namespace tidemark {

namespace {

Schema text_schema(std::initializer_list<const char*> names) {
  Schema schema;
  for (const char* name : names) {
    schema.fields.push_back({name, Type::string()});
  }
  return schema;
}

std::string quote_literal(std::string_view text) {
  std::string quoted = "'";
  for (char c : text) {
    quoted += c;
    quoted += c == '\'' ? "'" : "";
  }
  return quoted + "'";
}

bool is_secret(std::string_view key) {
  return key.find("password") != std::string_view::npos ||
         key.find("secret") != std::string_view::npos;
}

std::string options_text(const Options& options) {
  std::string text;
  for (const auto& [key, value] : options) {
    text += fmt::format("{}  {} = {}", text.empty() ? "" : ",\n", quote_literal(key),
                        quote_literal(is_secret(key) ? "******" : value));
  }
  return text;
}

// The operators of its graph; the last of a part that is no arrangement says who reads it, as
// arrangements do themselves.
std::vector<Graph::NodeInfo> operators_of(const Dataflow& dataflow) {
  std::vector<Graph::NodeInfo> operators = dataflow.graph->nodes();
  if (dataflow.is_part() && dataflow.part->arrange == nullptr && !operators.empty()) {
    operators.back().name += fmt::format(", shared by {}", dataflow.downstream.size());
  }
  return operators;
}

// What stands in front of a graph.
std::string source_name(const Dataflow& dataflow) {
  return dataflow.is_part() ? fmt::format("Source, shared by {}", dataflow.downstream.size())
                            : "Source";
}

}  // namespace

Result<StatementResult> StatementExecutor::run(const sql::Describe& statement) {
  if (statement.kind != sql::ObjectKind::kTable && statement.kind != sql::ObjectKind::kView &&
      statement.kind != sql::ObjectKind::kMaterializedView) {
    return Status::unsupported("DESCRIBE of this kind of object is not supported yet")
        .with_position(statement.name.position());
  }
  ObjectRef object = TRY(find(statement.name));
  std::string key;
  for (size_t part : object->primary_key) {
    key += (key.empty() ? "" : ", ") + object->schema[part].name;
  }
  std::vector<std::vector<std::string>> rows;
  for (size_t i = 0; i < object->schema.size(); ++i) {
    const Field& field = object->schema[i];
    bool in_key = std::find(object->primary_key.begin(), object->primary_key.end(), i) !=
                  object->primary_key.end();
    rows.push_back({field.name, field.type.to_string_without_null(),
                    field.type.nullable ? "TRUE" : "FALSE",
                    in_key ? fmt::format("PRI({})", key) : "", "", ""});
  }
  return table("DESCRIBE", text_schema({"name", "type", "null", "key", "extras", "watermark"}),
               std::move(rows));
}

Result<StatementResult> StatementExecutor::run(const sql::Show& statement) {
  using enum sql::ShowKind;
  std::vector<std::vector<std::string>> rows;
  auto names = [&](const char* header, const std::vector<std::string>& list) {
    for (const std::string& name : list) {
      if (passes(statement.filter, name)) {
        rows.push_back({name});
      }
    }
    return table("SHOW", text_schema({header}), std::move(rows));
  };
  std::string catalog = session_.catalog_, database = session_.database_;
  std::vector<std::string> from = sql::parts_of(statement.from);
  if (statement.kind == kTables || statement.kind == kViews ||
      statement.kind == kMaterializedViews || statement.kind == kMaterializedTables) {
    database = from.empty() ? database : from.back();
    catalog = from.size() > 1 ? from[0] : catalog;
    Result<std::vector<std::pair<std::string, std::string>>> listed =
        catalog_.list(catalog, database);
    if (!listed.ok()) {
      return from.empty() ? listed.status()
                          : listed.status().with_position(statement.from.position());
    }
    std::vector<std::string> list;
    for (const auto& [name, kind] : *listed) {
      bool wanted = statement.kind == kTables || (statement.kind == kViews && kind == "view") ||
                    kind == "materialized view";
      wanted = wanted && !(statement.kind == kViews && kind != "view");
      if (wanted) {
        list.push_back(name);
      }
    }
    return names(statement.kind == kTables  ? "table name"
                 : statement.kind == kViews ? "view name"
                                            : "materialized view name",
                 list);
  }
  StepLoop& loop = engine_.step_loop();
  switch (statement.kind) {
    case kCatalogs: {
      std::vector<std::string> list;
      for (const CatalogInfo& info : catalog_.catalogs()) {
        list.push_back(info.name);
      }
      return names("catalog name", list);
    }
    case kCurrentCatalog:
      return table("SHOW", text_schema({"current catalog name"}), {{session_.catalog_}});
    case kDatabases: {
      Result<std::vector<std::string>> list =
          catalog_.databases(from.empty() ? catalog : from.back());
      return list.ok() ? Outcome(names("database name", *list)) : Outcome(list.status());
    }
    case kCurrentDatabase:
      return table("SHOW", text_schema({"current database name"}), {{session_.database_}});
    case kColumns: {
      sql::Describe describe;
      describe.name = statement.from;
      StatementResult described = TRY(run(describe));
      return described;
    }
    case kFunctions:
    case kUserFunctions:
      return show_functions(statement);
    case kModules:
    case kFullModules:
      return names("module name", {"core"});
    case kUsers:
      return show_users();
    case kJars:
      return names("jars", {});
    case kJobs:
      return show_jobs();
    case kSources: {
      loop.run([&] {
        for (const auto& [key, feed] : loop.sources()) {
          SourceStatus status = feed->source().status();
          Status written =
              engine_.durability() != nullptr ? engine_.durability()->last_error() : Status();
          if (!written.ok()) {  // a full disk: what is read is not acknowledged
            status.message += (status.message.empty() ? "" : "; ") + written.message();
          }
          int64_t held_ms =
              status.held_since_us == 0 ? 0 : (now_us() - status.held_since_us) / 1000;
          rows.push_back({key, name_of(status.state), status.position.to_string(), status.slot_name,
                          status.publication_name, status.message,
                          std::to_string(status.held_bytes), std::to_string(held_ms),
                          std::to_string(status.read_ahead_bytes)});
        }
      });
      return table("SHOW",
                   text_schema({"source", "state", "received up to", "slot", "publication",
                                "message", "held bytes", "held ms", "read ahead bytes"}),
                   std::move(rows));
    }
    case kMemory: {
      loop.run([&] {
        for (auto& [id, dataflow] : loop.dataflows()) {
          for (const Graph::NodeInfo& node : operators_of(*dataflow)) {
            rows.push_back({dataflow->name, node.name, std::to_string(node.state_bytes)});
          }
          for (const TableFeed& feed : dataflow->tables) {
            rows.push_back({dataflow->name, source_name(*dataflow),
                            std::to_string(feed.upsert.state_bytes())});
          }
        }
      });
      return table("SHOW", text_schema({"job name", "operator", "state bytes"}), std::move(rows));
    }
    case kIndexes:
      return show_indexes(statement);
    case kFreshness:
      return show_freshness();
    case kSlots:
      return show_slots();
    case kSubscriptions:
      return show_subscriptions();
    default:
      return Status::unsupported("this SHOW statement is not supported yet");
  }
}

Result<StatementResult> StatementExecutor::show_freshness() {
  std::vector<std::vector<std::string>> rows;
  for (const SystemDataflow& dataflow : system_snapshot().dataflows) {
    if (dataflow.is_part) {
      continue;
    }
    std::string time;
    if (dataflow.commit_time_us != 0) {
      append_timestamp_ltz(dataflow.commit_time_us, bind_context().zone, time);
    }
    std::optional<int64_t> lag = lag_us(dataflow.commit_time_us, dataflow.published_us);
    rows.push_back({dataflow.name, dataflow.is_live ? dataflow.mark.to_string() : "", time,
                    lag ? std::to_string(*lag / 1000) : "", dataflow.state});
  }
  return table("SHOW", text_schema({"name", "mark", "commit time", "lag ms", "state"}),
               std::move(rows));
}

Result<StatementResult> StatementExecutor::show_slots() {
  std::vector<std::vector<std::string>> rows;
  for (const SystemSource& source : system_snapshot().sources) {
    rows.push_back({source.name, source.slot, source.publication, source.position.to_string(),
                    source.acknowledged.to_string(), std::to_string(source.kept_bytes),
                    source.wal_status});
  }
  return table("SHOW",
               text_schema({"source", "slot", "publication", "received up to", "confirmed",
                            "kept bytes", "wal status"}),
               std::move(rows));
}

Result<StatementResult> StatementExecutor::show_subscriptions() {
  std::vector<std::vector<std::string>> rows;
  for (const SystemDataflow& dataflow : system_snapshot().dataflows) {
    if (dataflow.subscribers != 0) {
      rows.push_back({std::to_string(dataflow.id), dataflow.name,
                      std::to_string(dataflow.subscribers),
                      dataflow.is_live ? dataflow.mark.to_string() : ""});
    }
  }
  return table("SHOW", text_schema({"job id", "name", "readers", "mark"}), std::move(rows));
}

Result<StatementResult> StatementExecutor::run(const sql::ShowCreate& statement) {
  if (statement.kind == sql::ObjectKind::kCatalog) {
    CatalogInfo info = TRY(catalog_.find_catalog(statement.name.last()));
    return table("SHOW", text_schema({"result"}),
                 {{fmt::format("CREATE CATALOG {} WITH (\n{}\n)", quote_name(info.name),
                               options_text(info.options))}});
  }
  ObjectRef object = statement.kind == sql::ObjectKind::kFunction
                         ? TRY(find_function(statement.name))
                         : TRY(find(statement.name));
  std::string text;
  if (object->is_function()) {
    text = create_function_text(*object);
  } else if (const auto* definition = std::get_if<TableDefinition>(&object->definition)) {
    text = fmt::format("CREATE TABLE {} (\n", object->name.to_string());
    for (size_t i = 0; i < object->schema.size(); ++i) {
      text += fmt::format("{}  {} {}", i == 0 ? "" : ",\n", quote_name(object->schema[i].name),
                          object->schema[i].type.to_string());
    }
    if (!object->primary_key.empty()) {
      std::string key;
      for (size_t part : object->primary_key) {
        key += (key.empty() ? "" : ", ") + quote_name(object->schema[part].name);
      }
      text += fmt::format(",\n  PRIMARY KEY ({}) NOT ENFORCED", key);
    }
    text += fmt::format("\n) WITH (\n{}\n)", options_text(definition->with));
  } else if (const auto* view = std::get_if<ViewDefinition>(&object->definition)) {
    text = fmt::format("CREATE VIEW {} AS {}", object->name.to_string(), view->query);
  } else {
    const auto& definition = std::get<MaterializedViewDefinition>(object->definition);
    std::string with = definition.options.empty()
                           ? ""
                           : fmt::format(" WITH (\n{}\n)", options_text(definition.options));
    text = fmt::format("CREATE MATERIALIZED VIEW {}{} AS {}", object->name.to_string(), with,
                       definition.query);
  }
  return table("SHOW", text_schema({"result"}), {{text}});
}

Result<StatementResult> StatementExecutor::run(const sql::ShowSetting& statement) {
  if (statement.name == "all") {
    std::vector<std::vector<std::string>> rows;
    for (const auto& [name, value] : settings()) {
      rows.push_back({name, value, ""});
    }
    return table("SHOW", text_schema({"name", "setting", "description"}), std::move(rows));
  }
  for (const auto& [name, value] : settings()) {
    if (ascii_lower(name) == ascii_lower(statement.name)) {
      return table("SHOW", Schema{{{name, Type::string()}}}, {{value}});
    }
  }
  return table("SHOW", Schema{{{statement.name, Type::string()}}},
               {{session_.setting(statement.name)}});
}

}  // namespace tidemark
