#include <fmt/core.h>

#include "sql/writer.h"

namespace tidemark::sql {

namespace {

std::string_view detail_text(ExplainDetail detail) {
  switch (detail) {
    case ExplainDetail::kEstimatedCost:
      return "ESTIMATED_COST";
    case ExplainDetail::kChangelogMode:
      return "CHANGELOG_MODE";
    case ExplainDetail::kJsonExecutionPlan:
      return "JSON_EXECUTION_PLAN";
    case ExplainDetail::kPlanAdvice:
      return "PLAN_ADVICE";
    case ExplainDetail::kAnalyze:
      return "ANALYZE";
    case ExplainDetail::kVerbose:
      return "VERBOSE";
  }
  return {};
}

struct StatementWriter {
  Writer& out;

  template <typename Node>
  void operator()(const Node& n) const
    requires requires(Writer& w) { w.node(n); }
  {
    out.node(n);
  }

  void quoted(std::string_view words, std::string_view text) const {
    out.raw(words);
    out.string(text);
  }
  void named(std::string_view words, const Name& name) const {
    out.raw(words);
    out.name(name);
  }
  void where(const ExprPtr& condition) const {
    if (condition) {
      out.raw(" WHERE ");
      out.expr(*condition);
    }
  }
  void alias(const std::optional<Identifier>& alias) const {
    if (alias) {
      out.raw(" AS ");
      out.name(*alias);
    }
  }

  void operator()(const QueryStatement& n) const { out.query(*n.query); }
  void operator()(const Insert& n) const {
    named(n.overwrite ? "INSERT OVERWRITE " : "INSERT INTO ", n.target);
    if (!n.hints.empty()) {
      out.raw(" ");
      out.hints(n.hints);
    }
    out.partition(n.partition);
    if (!n.columns.empty()) {
      out.raw(" (");
      out.joined(n.columns, ", ", [&](const Name& column) { out.name(column); });
      out.raw(")");
    }
    out.raw(" ");
    out.query(*n.query);
    switch (n.on_conflict) {
      case OnConflict::kUnspecified:
        break;
      case OnConflict::kNothing:
        out.raw(" ON CONFLICT DO NOTHING");
        break;
      case OnConflict::kError:
        out.raw(" ON CONFLICT DO ERROR");
        break;
      case OnConflict::kDeduplicate:
        out.raw(" ON CONFLICT DO DEDUPLICATE");
        break;
    }
  }
  void operator()(const StatementSet& n) const {
    out.raw("EXECUTE STATEMENT SET BEGIN ");
    for (const Insert& insert : n.inserts) {
      (*this)(insert);
      out.raw("; ");
    }
    out.raw("END");
  }
  void operator()(const Update& n) const {
    named("UPDATE ", n.target);
    alias(n.alias);
    out.raw(" SET ");
    out.joined(n.assignments, ", ", [&](const Assignment& assignment) {
      out.name(assignment.column);
      out.raw(" = ");
      out.expr(assignment.value);
    });
    where(n.where);
  }
  void operator()(const Delete& n) const {
    named("DELETE FROM ", n.target);
    alias(n.alias);
    where(n.where);
  }
  void operator()(const Truncate& n) const { named("TRUNCATE TABLE ", n.table); }
  void operator()(const Call& n) const {
    out.raw("CALL ");
    out.bare_call(n.call);
  }
  void operator()(const Analyze& n) const {
    named("ANALYZE TABLE ", n.table);
    out.partition(n.partition);
    out.raw(" COMPUTE STATISTICS");
    out.raw(n.all_columns ? " FOR ALL COLUMNS" : n.columns.empty() ? "" : " FOR COLUMNS ");
    out.joined(n.columns, ", ", [&](const Identifier& column) { out.name(column); });
  }
  void operator()(const CompilePlan& n) const {
    quoted(n.execute ? "COMPILE AND EXECUTE PLAN " : "COMPILE PLAN ", n.path);
    out.raw(n.if_not_exists ? " IF NOT EXISTS FOR " : " FOR ");
    out.statement(*n.statement);
  }
  void operator()(const ExecutePlan& n) const { quoted("EXECUTE PLAN ", n.path); }
  void operator()(const Explain& n) const {
    out.raw("EXPLAIN ");
    out.joined(n.details, ", ", [&](ExplainDetail detail) { out.raw(detail_text(detail)); });
    out.raw(n.details.empty() ? "" : " ");
    out.statement(*n.statement);
  }
  void operator()(const Subscribe& n) const {
    out.raw("SUBSCRIBE TO ");
    if (n.query) {
      out.query_in_parentheses(*n.query);
    } else {
      out.name(n.name);
    }
    out.with_options(n.options);
    if (n.as_of_mark) {
      quoted(" AS OF MARK ", *n.as_of_mark);
    }
  }
  void operator()(const VerifyView& n) const { named("VERIFY VIEW ", n.name); }
  void operator()(const WaitForLsn& n) const {
    quoted("WAIT FOR LSN ", n.lsn);
    out.with_options(n.options);
  }
  void operator()(const Use& n) const {
    switch (n.kind) {
      case UseKind::kCatalog:
        out.raw("USE CATALOG ");
        break;
      case UseKind::kDatabase:
        out.raw("USE ");
        break;
      case UseKind::kModules:
        out.raw("USE MODULES ");
        break;
    }
    out.joined(n.names, ", ", [&](const Name& name) { out.name(name); });
  }
  void operator()(const Set& n) const {
    out.raw(n.local ? "SET LOCAL" : "SET");
    if (n.option) {
      quoted(" ", n.option->key);
      out.raw(" = ");
      if (n.is_default) {
        out.raw("DEFAULT");
      } else {
        out.string(n.option->value);
      }
    }
  }
  void operator()(const Reset& n) const {
    out.raw("RESET");
    if (n.key) {
      quoted(" ", *n.key);
    }
  }
  void operator()(const LoadModule& n) const {
    out.raw("LOAD MODULE ");
    out.name(n.name);
    out.with_options(n.options);
  }
  void operator()(const UnloadModule& n) const {
    out.raw("UNLOAD MODULE ");
    out.name(n.name);
  }
  void operator()(const AddJar& n) const { quoted("ADD JAR ", n.path); }
  void operator()(const RemoveJar& n) const { quoted("REMOVE JAR ", n.path); }
  void operator()(const StopJob& n) const {
    quoted("STOP JOB ", n.id);
    out.raw(n.savepoint ? " WITH SAVEPOINT" : "");
    out.raw(n.drain ? " WITH DRAIN" : "");
  }
  void operator()(const Kill& n) const { quoted("KILL ", n.id); }
  void operator()(const Begin& n) const {
    out.raw(n.modes.empty() ? "BEGIN" : "BEGIN ");
    out.joined(n.modes, ", ", [&](const std::string& mode) { out.raw(mode); });
  }
  void operator()(const Commit&) const { out.raw("COMMIT"); }
  void operator()(const Rollback&) const { out.raw("ROLLBACK"); }
  void operator()(const Savepoint& n) const {
    out.raw(n.action == SavepointAction::kSet       ? "SAVEPOINT "
            : n.action == SavepointAction::kRelease ? "RELEASE SAVEPOINT "
                                                    : "ROLLBACK TO SAVEPOINT ");
    out.name(n.name);
  }
  void operator()(const DeclareCursor& n) const {
    out.raw("DECLARE ");
    out.name(n.name);
    out.raw(n.binary ? " BINARY" : "");
    out.raw(n.no_scroll ? " NO SCROLL CURSOR" : " CURSOR");
    out.raw(n.hold ? " WITH HOLD FOR " : " FOR ");
    out.statement(*n.statement);
  }
  void operator()(const Fetch& n) const {
    static constexpr const char* kDirections[] = {"", "BACKWARD ", "ABSOLUTE ", "RELATIVE "};
    out.raw(fmt::format("{} {}{} FROM ", n.is_move ? "MOVE" : "FETCH",
                        kDirections[static_cast<int>(n.direction)],
                        n.count ? std::to_string(*n.count) : "ALL"));
    out.name(n.cursor);
    out.with_options(n.options);
  }
  void operator()(const CloseCursor& n) const {
    out.raw(n.cursor ? "CLOSE " : "CLOSE ALL");
    if (n.cursor) {
      out.name(*n.cursor);
    }
  }
  void operator()(const Deallocate& n) const {
    out.raw(n.name ? "DEALLOCATE " : "DEALLOCATE ALL");
    if (n.name) {
      out.name(*n.name);
    }
  }
  void operator()(const DiscardAll&) const { out.raw("DISCARD ALL"); }
  void operator()(const Copy& n) const {
    out.raw("COPY ");
    if (const auto* name = std::get_if<Name>(&n.source)) {
      out.name(*name);
      if (!n.columns.empty()) {
        out.raw(" ");
        out.names(n.columns);
      }
    } else {
      out.raw("(");
      out.statement(**std::get_if<StatementPtr>(&n.source));
      out.raw(")");
    }
    out.raw(" TO STDOUT");
    out.with_options(n.options);
  }
  void operator()(const Help&) const { out.raw("HELP"); }
  void operator()(const Quit&) const { out.raw("QUIT"); }
  void operator()(const Clear&) const { out.raw("CLEAR"); }
  void operator()(const SourceFile& n) const { quoted("SOURCE ", n.path); }
};

}  // namespace

void Writer::statement(const Statement& statement) {
  std::visit(StatementWriter{*this}, statement.node);
}

}  // namespace tidemark::sql
