// SHOW and DESCRIBE.

#include "sql/parse.h"

namespace tidemark::sql {

namespace {

enum class ShowTail { kNone, kFrom, kTable };  // what may follow the words
struct ShowRow {
  std::string_view words;
  ShowKind kind;
  ShowTail tail;
};
constexpr ShowRow kShows[] = {
    {"CATALOGS", ShowKind::kCatalogs, ShowTail::kNone},
    {"CURRENT CATALOG", ShowKind::kCurrentCatalog, ShowTail::kNone},
    {"DATABASES", ShowKind::kDatabases, ShowTail::kFrom},
    {"CURRENT DATABASE", ShowKind::kCurrentDatabase, ShowTail::kNone},
    {"TABLES", ShowKind::kTables, ShowTail::kFrom},
    {"VIEWS", ShowKind::kViews, ShowTail::kFrom},
    {"MATERIALIZED TABLES", ShowKind::kMaterializedTables, ShowTail::kFrom},
    {"MATERIALIZED VIEWS", ShowKind::kMaterializedViews, ShowTail::kFrom},
    {"COLUMNS", ShowKind::kColumns, ShowTail::kFrom},
    {"PARTITIONS", ShowKind::kPartitions, ShowTail::kTable},
    {"FUNCTIONS", ShowKind::kFunctions, ShowTail::kFrom},
    {"USER FUNCTIONS", ShowKind::kUserFunctions, ShowTail::kFrom},
    {"PROCEDURES", ShowKind::kProcedures, ShowTail::kFrom},
    {"MODULES", ShowKind::kModules, ShowTail::kNone},
    {"FULL MODULES", ShowKind::kFullModules, ShowTail::kNone},
    {"MODELS", ShowKind::kModels, ShowTail::kFrom},
    {"CONNECTIONS", ShowKind::kConnections, ShowTail::kFrom},
    {"JARS", ShowKind::kJars, ShowTail::kNone},
    {"JOBS", ShowKind::kJobs, ShowTail::kNone},
    {"SOURCES", ShowKind::kSources, ShowTail::kFrom},
    {"SINKS", ShowKind::kSinks, ShowTail::kFrom},
    {"MEMORY", ShowKind::kMemory, ShowTail::kFrom},
    {"FRESHNESS", ShowKind::kFreshness, ShowTail::kFrom},
    {"SLOTS", ShowKind::kSlots, ShowTail::kFrom},
    {"USERS", ShowKind::kUsers, ShowTail::kNone},
    {"INDEXES", ShowKind::kIndexes, ShowTail::kFrom},
    {"SUBSCRIPTIONS", ShowKind::kSubscriptions, ShowTail::kNone},
};

struct ObjectRow {
  std::string_view words;
  ObjectKind kind;
};

Result<std::optional<ShowFilter>> read_filter(TokenStream& in) {
  ShowFilter filter;
  filter.negated = in.accept("NOT");
  if (in.accept("ILIKE")) {
    filter.kind = FilterKind::kIlike;
  } else if (!in.accept("LIKE")) {
    return filter.negated ? Result<std::optional<ShowFilter>>(in.unexpected(""))
                          : std::optional<ShowFilter>();
  }
  filter.pattern = TRY(in.string("a pattern in quotes"));
  return std::optional<ShowFilter>(std::move(filter));
}

Result<StatementNode> read_show_tail(TokenStream& in, const ShowRow& row) {
  Show show{.kind = row.kind};
  if (row.tail == ShowTail::kTable) {
    show.from = TRY(in.name("a table"));
    show.partition = TRY(read_partition(in));
  } else if (row.tail == ShowTail::kFrom && (in.accept("FROM") || in.accept("IN"))) {
    show.from = TRY(in.name("a name"));
  } else if (row.kind == ShowKind::kColumns) {
    return in.unexpected("");
  }
  show.filter = TRY(read_filter(in));
  return StatementNode(std::move(show));
}

Result<StatementNode> read_show_create(TokenStream& in) {
  static constexpr ObjectRow kKinds[] = {{"TABLE", ObjectKind::kTable},
                                         {"VIEW", ObjectKind::kView},
                                         {"MATERIALIZED TABLE", ObjectKind::kMaterializedTable},
                                         {"MATERIALIZED VIEW", ObjectKind::kMaterializedView},
                                         {"CATALOG", ObjectKind::kCatalog},
                                         {"DATABASE", ObjectKind::kDatabase},
                                         {"FUNCTION", ObjectKind::kFunction},
                                         {"MODEL", ObjectKind::kModel},
                                         {"CONNECTION", ObjectKind::kConnection}};
  for (const ObjectRow& row : kKinds) {
    if (in.accept(row.words)) {
      return StatementNode(ShowCreate{row.kind, TRY(in.name("a name"))});
    }
  }
  return in.unexpected("");
}

// SHOW search_path, SHOW TIME ZONE, SHOW TRANSACTION ISOLATION LEVEL, SHOW ALL
Result<StatementNode> read_show_setting(TokenStream& in) {
  if (in.accept_quietly("TIME ZONE")) {
    return StatementNode(ShowSetting{"timezone"});
  }
  if (in.accept_quietly("TRANSACTION ISOLATION LEVEL")) {
    return StatementNode(ShowSetting{"transaction_isolation"});
  }
  if (in.accept_quietly("ALL")) {
    return StatementNode(ShowSetting{"all"});
  }
  if (in.at_kind(TokenKind::kString)) {
    return StatementNode(ShowSetting{in.take().text});
  }
  Name name = TRY(in.name("what to show"));
  std::string text;
  for (const Identifier& part : name.parts) {
    text += (text.empty() ? "" : ".") + part.text;
  }
  return StatementNode(ShowSetting{std::move(text)});
}

}  // namespace

Result<StatementNode> read_show(TokenStream& in) {
  in.take();
  if (in.accept("CREATE")) {
    return read_show_create(in);
  }
  for (const ShowRow& row : kShows) {
    if (in.accept(row.words)) {
      return read_show_tail(in, row);
    }
  }
  return read_show_setting(in);
}

Result<StatementNode> read_describe(TokenStream& in) {
  static constexpr ObjectRow kKinds[] = {{"CATALOG", ObjectKind::kCatalog},
                                         {"DATABASE", ObjectKind::kDatabase},
                                         {"FUNCTION", ObjectKind::kFunction},
                                         {"MODEL", ObjectKind::kModel},
                                         {"CONNECTION", ObjectKind::kConnection}};
  in.take();
  Describe describe;
  if (in.at("JOB") && in.at_kind(TokenKind::kString, 1)) {
    in.take();
    describe.kind = ObjectKind::kJob;
    describe.name.parts.push_back({in.peek().text, in.position()});
    in.take();
    return StatementNode(std::move(describe));
  }
  for (const ObjectRow& row : kKinds) {
    bool names_object =
        in.at_identifier(1) && in.at(row.words);  // DESC model is the table named so
    if (describe.kind == ObjectKind::kTable && names_object) {
      in.take();
      describe.kind = row.kind;
    }
  }
  if (in.at("EXTENDED") && in.at_identifier(1)) {
    in.take();
    describe.extended = true;
  }
  if (describe.kind == ObjectKind::kTable) {
    in.accept_quietly("TABLE");
  }
  describe.name = TRY(in.name("a name"));
  return StatementNode(std::move(describe));
}

}  // namespace tidemark::sql
