// The schema `tidemark`: views with their freshness, sources, operators, readers, settings, slots.

#include <algorithm>

#include "base/clock.h"
#include "engine/settings.h"
#include "engine/system/snapshot.h"
#include "engine/system/system_table.h"

namespace tidemark {

namespace {

SystemCell time_or_null(int64_t time_us) {
  return time_us == 0 ? SystemCell(std::monostate()) : SystemCell(time_us);
}

// A new version of a view that is being built: how far it is, or why it does not go on.
SystemCell new_version_text(const SystemDataflow* build) {
  if (build == nullptr) {
    return std::monostate();
  }
  return build->message.empty() ? build->state : build->state + ": " + build->message;
}

void fill_views(const SystemSnapshot& snapshot, SystemRows& rows) {
  for (const ObjectRef& object : snapshot.objects) {
    const SystemDataflow* dataflow = snapshot.dataflow_of(object->id);
    if (!object->is_materialized_view() || dataflow == nullptr) {
      continue;
    }
    std::optional<int64_t> lag = lag_us(dataflow->commit_time_us, dataflow->published_us);
    uint64_t state_bytes = 0;
    for (const SystemDataflow::Operator& node : dataflow->operators) {
      state_bytes += node.state_bytes;
    }
    rows.add({{"schema", snapshot.schema_name(*object)},
              {"name", object->name.object},
              {"state", dataflow->state},
              {"mark", dataflow->is_live ? SystemCell(dataflow->mark.to_string())
                                         : SystemCell(std::monostate())},
              {"commit_time", time_or_null(dataflow->commit_time_us)},
              {"lag_ms", lag ? SystemCell(*lag / 1000) : SystemCell(std::monostate())},
              {"rows", static_cast<int64_t>(dataflow->rows)},
              {"readers", static_cast<int64_t>(dataflow->subscribers)},
              {"state_bytes", static_cast<int64_t>(state_bytes)},
              {"message", dataflow->message},
              {"new_version", new_version_text(snapshot.build_of(object->id))}});
  }
}

void fill_sources(const SystemSnapshot& snapshot, SystemRows& rows) {
  for (const SystemSource& source : snapshot.sources) {
    rows.add({{"name", source.name},
              {"state", source.state},
              {"position", source.position.to_string()},
              {"slot", source.slot},
              {"publication", source.publication},
              {"message", source.message},
              {"held_bytes", static_cast<int64_t>(source.held_bytes)},
              {"held_since", time_or_null(source.held_since_us)},
              {"read_ahead_bytes", static_cast<int64_t>(source.read_ahead_bytes)},
              {"budget_bytes", static_cast<int64_t>(source.budget_bytes)},
              {"budget_policy", source.budget_policy}});
  }
}

void fill_slots(const SystemSnapshot& snapshot, SystemRows& rows) {
  for (const SystemSource& source : snapshot.sources) {
    rows.add({{"source", source.name},
              {"slot", source.slot},
              {"publication", source.publication},
              {"received", source.position.to_string()},
              {"confirmed", source.acknowledged.to_string()},
              {"kept_bytes", static_cast<int64_t>(source.kept_bytes)},
              {"wal_status", source.wal_status}});
  }
}

// How far behind the end of its source's log each view's mark is, what has been received of it, and
// what has been confirmed: the source keeps its log from there on.
void fill_lag(const SystemSnapshot& snapshot, SystemRows& rows) {
  auto add = [&](const char* what, const std::string& name, const SystemSource& source, Lsn at) {
    bool is_known = source.current.valid();
    uint64_t bytes = is_known && at < source.current ? source.current.value - at.value : 0;
    SystemCell none = std::monostate();
    rows.add({{"what", std::string(what)},
              {"name", name},
              {"source", source.name},
              {"position", at.to_string()},
              {"current", is_known ? SystemCell(source.current.to_string()) : none},
              {"lag_bytes", is_known ? SystemCell(static_cast<int64_t>(bytes)) : none}});
  };
  for (const SystemSource& source : snapshot.sources) {
    for (const SystemDataflow& dataflow : snapshot.dataflows) {
      if (dataflow.object != 0 && !dataflow.is_build && dataflow.is_live &&
          dataflow.source == source.name) {
        add(dataflow.is_job ? "job" : "view", dataflow.name, source, dataflow.mark);
      }
    }
    add("received", source.name, source, source.position);
    add("confirmed", source.name, source, source.acknowledged);
  }
}

void fill_operators(const SystemSnapshot& snapshot, SystemRows& rows) {
  for (const SystemDataflow& dataflow : snapshot.dataflows) {
    int64_t node = 0;
    for (const SystemDataflow::Operator& op : dataflow.operators) {
      rows.add({{"job", static_cast<int64_t>(dataflow.id)},
                {"view", dataflow.name},
                {"node", node++},
                {"operator", op.name},
                {"rows_in", static_cast<int64_t>(op.rows_in)},
                {"rows_out", static_cast<int64_t>(op.rows_out)},
                {"state_bytes", static_cast<int64_t>(op.state_bytes)}});
    }
  }
}

void fill_subscriptions(const SystemSnapshot& snapshot, SystemRows& rows) {
  for (const SystemDataflow& dataflow : snapshot.dataflows) {
    if (dataflow.subscribers != 0) {
      rows.add({{"job", static_cast<int64_t>(dataflow.id)},
                {"name", dataflow.name},
                {"state", dataflow.state},
                {"mark", dataflow.is_live ? SystemCell(dataflow.mark.to_string())
                                          : SystemCell(std::monostate())},
                {"readers", static_cast<int64_t>(dataflow.subscribers)},
                {"started", time_or_null(dataflow.started_us)}});
    }
  }
}

void fill_own_settings(const SystemSnapshot& snapshot, SystemRows& rows) {
  for (const OptionSpec& spec : all_settings()) {
    if (!spec.name.ends_with(".*")) {
      rows.add({{"name", std::string(spec.name)},
                {"value", snapshot.setting(spec.name)},
                {"default_value", std::string(spec.default_value)},
                {"has_effect", spec.effect == OptionSpec::Effect::kUsed},
                {"text", std::string(spec.text)}});
    }
  }
}

constexpr SystemTable kOwnTables[] = {
    {"tidemark", "views", 12050,
     "schema:text name:text state:text mark:text commit_time:timestamptz lag_ms:int8 rows:int8 "
     "readers:int8 state_bytes:int8 message:text new_version:text",
     fill_views},
    {"tidemark", "sources", 12051,
     "name:text state:text position:text slot:text publication:text message:text held_bytes:int8 "
     "held_since:timestamptz read_ahead_bytes:int8 budget_bytes:int8 budget_policy:text",
     fill_sources},
    {"tidemark", "operators", 12052,
     "job:int8 view:text node:int4 operator:text rows_in:int8 rows_out:int8 state_bytes:int8",
     fill_operators},
    {"tidemark", "subscriptions", 12053,
     "job:int8 name:text state:text mark:text readers:int8 started:timestamptz",
     fill_subscriptions},
    {"tidemark", "settings", 12054,
     "name:text value:text default_value:text has_effect:bool text:text", fill_own_settings},
    {"tidemark", "slots", 12055,
     "source:text slot:text publication:text received:text confirmed:text kept_bytes:int8 "
     "wal_status:text",
     fill_slots},
    {"tidemark", "lag", 12056,
     "what:text name:text source:text position:text current:text lag_bytes:int8", fill_lag},
};

}  // namespace

std::span<const SystemTable> own_tables() {
  return kOwnTables;
}

}  // namespace tidemark
