#include "sql/writer.h"

namespace tidemark::sql {

namespace {

std::string_view show_text(ShowKind kind) {
  switch (kind) {
    case ShowKind::kCatalogs:
      return "CATALOGS";
    case ShowKind::kCurrentCatalog:
      return "CURRENT CATALOG";
    case ShowKind::kDatabases:
      return "DATABASES";
    case ShowKind::kCurrentDatabase:
      return "CURRENT DATABASE";
    case ShowKind::kTables:
      return "TABLES";
    case ShowKind::kViews:
      return "VIEWS";
    case ShowKind::kMaterializedTables:
      return "MATERIALIZED TABLES";
    case ShowKind::kMaterializedViews:
      return "MATERIALIZED VIEWS";
    case ShowKind::kColumns:
      return "COLUMNS";
    case ShowKind::kPartitions:
      return "PARTITIONS";
    case ShowKind::kFunctions:
      return "FUNCTIONS";
    case ShowKind::kUserFunctions:
      return "USER FUNCTIONS";
    case ShowKind::kProcedures:
      return "PROCEDURES";
    case ShowKind::kModules:
      return "MODULES";
    case ShowKind::kFullModules:
      return "FULL MODULES";
    case ShowKind::kModels:
      return "MODELS";
    case ShowKind::kConnections:
      return "CONNECTIONS";
    case ShowKind::kJars:
      return "JARS";
    case ShowKind::kJobs:
      return "JOBS";
    case ShowKind::kSources:
      return "SOURCES";
    case ShowKind::kSinks:
      return "SINKS";
    case ShowKind::kMemory:
      return "MEMORY";
    case ShowKind::kFreshness:
      return "FRESHNESS";
    case ShowKind::kSlots:
      return "SLOTS";
    case ShowKind::kUsers:
      return "USERS";
    case ShowKind::kIndexes:
      return "INDEXES";
    case ShowKind::kSubscriptions:
      return "SUBSCRIPTIONS";
  }
  return {};
}

}  // namespace

void Writer::node(const Describe& n) {
  raw("DESCRIBE ");
  if (n.kind == ObjectKind::kJob) {
    raw("JOB ");
    string(n.name.last());
    return;
  }
  if (n.kind != ObjectKind::kTable) {
    object_kind(n.kind);
  }
  raw(n.extended ? "EXTENDED " : "");
  name(n.name);
}

void Writer::node(const Show& n) {
  raw("SHOW ");
  raw(show_text(n.kind));
  if (!n.from.parts.empty()) {
    raw(n.kind == ShowKind::kPartitions ? " " : " FROM ");
    name(n.from);
  }
  partition(n.partition);
  if (n.filter) {
    raw(n.filter->negated ? " NOT " : " ");
    raw(n.filter->kind == FilterKind::kLike ? "LIKE " : "ILIKE ");
    string(n.filter->pattern);
  }
}

void Writer::node(const ShowCreate& n) {
  raw("SHOW CREATE ");
  object_kind(n.kind);
  name(n.name);
}

void Writer::node(const ShowSetting& n) {
  raw("SHOW ");
  string(n.name);
}

}  // namespace tidemark::sql
