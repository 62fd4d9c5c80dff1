#include "engine/plan_insert.h"

#include <fmt/core.h>

#include "base/reference.h"
#include "connectors/registry.h"
#include "engine/durability.h"
#include "engine/engine.h"
#include "expr/cast.h"
#include "plan/optimizer.h"
#include "sql/parser.h"

namespace tidemark {

namespace {

Status other_type(const Field& column, const Field& given) {
  return Status::invalid_argument(
             fmt::format("column {} of the sink is {}, and {} of the query is {}", column.name,
                         column.type.to_string_without_null(), given.name,
                         given.type.to_string_without_null()))
      .with_sqlstate("42804")  // datatype_mismatch
      .with_hint(fmt::format("CAST({} AS {}), if that is meant", given.name,
                             column.type.to_string_without_null()));
}

Status other_number(size_t given, const CatalogObject& sink, std::span<const size_t> columns) {
  std::string names;
  for (size_t column : columns) {
    names += (names.empty() ? "" : ", ") + sink.schema[column].name;
  }
  return Status::invalid_argument(fmt::format("the query has {} columns, and INSERT INTO {} takes "
                                              "{}: {}",
                                              given, sink.name.object, columns.size(), names))
      .with_sqlstate("42601")
      .with_hint("name the columns that are given: INSERT INTO t (a, b) SELECT ...");
}

}  // namespace

Result<BoundQuery> bind_insert(const sql::Query& query, const CatalogObject& sink,
                               std::span<const size_t> columns, const BindContext& context) {
  BoundQuery bound = TRY(bind_query(query, context));
  size_t given = bound.plan->schema.size() - bound.hidden;
  if (given != columns.size()) {
    return other_number(given, sink, columns);
  }
  std::vector<ExprRef> values;
  for (const Field& field : sink.schema.fields) {
    values.push_back(make_literal(std::monostate{}, field.type.as_nullable()));
  }
  for (size_t i = 0; i < given; ++i) {
    const Field& from = bound.plan->schema[i];
    const Field& to = sink.schema[columns[i]];
    if (from.type.kind == TypeKind::kNull) {
      continue;
    }
    if (!from.type.same_as(to.type) && !is_implicitly_castable(from.type, to.type)) {
      return other_type(to, from);
    }
    values[columns[i]] = make_cast(make_column(i, from.type), to.type);
  }
  bound.plan = optimize(make_project(bound.plan, std::move(values), sink.schema.names()));
  bound.hidden = 0;
  bound.order.clear();
  return bound;
}

Result<BoundQuery> bind_insert(BindContext context, const CatalogObject& job, size_t insert) {
  const auto& definition = std::get<JobDefinition>(job.definition);
  if (insert >= definition.inserts.size()) {
    return Status::corruption("a job has fewer INSERTs than it has run");
  }
  const JobDefinition::Insert& one = definition.inserts[insert];
  ObjectRef sink = context.catalog.find_by_id(one.sink);
  if (sink == nullptr || !sink->is_sink()) {
    return Status::not_found("the sink of a job is gone");
  }
  sql::QueryPtr query = TRY(sql::parse_query(one.query));
  context.current_catalog = job.context_catalog;
  context.current_database = job.context_database;
  return bind_insert(*query, *sink, one.columns, context);
}

Result<std::unique_ptr<Sink>> open_sink(Engine& engine, const CatalogObject& sink,
                                        std::string name) {
  const Options& with = std::get<TableDefinition>(sink.definition).with;
  Connector* connector = TRY(find_connector(with.at("connector")));
  SinkOpening opening{
      .with = TRY(resolve_references(with)), .schema = sink.schema, .name = std::move(name)};
  if (Durability* durability = engine.durability()) {
    opening.crash = &durability->crash_point();
  }
  return connector->open_sink(std::move(opening));
}

namespace {

Status write_changes(Sink& sink, const SinkChanges& changes) {
  TRY(sink.check());
  TRY(sink.restore(""));
  TRY(sink.write(changes));
  TRY(sink.commit(TRY(sink.prepare())));
  return sink.finish();
}

}  // namespace

Status write_rows(Sink& sink, const Schema& schema, RowBatch rows) {
  TRY(check_not_null(rows, schema));
  SinkChanges changes;
  changes.changes.kinds.assign(rows.rows, RowKind::kInsert);
  changes.changes.rows = std::move(rows);
  Status status = write_changes(sink, changes);
  if (!status.ok()) {
    Status removed = sink.restore("");  // what was begun; nobody reads it if that fails too
    (void)removed.ok();
  }
  return status;
}

Result<PlannedDataflow> plan_insert(Engine& engine, const BoundQuery& bound,
                                    const CatalogObject& job, size_t insert, std::string zone,
                                    Sharing sharing) {
  const auto& definition = std::get<JobDefinition>(job.definition);
  ObjectRef sink = engine.catalog().find_by_id(definition.inserts[insert].sink);
  if (sink == nullptr) {
    return Status::not_found("the sink has just been dropped");
  }
  PlannedDataflow planned =
      TRY(plan_dataflow(bound, 0, definition.title, std::move(zone), sharing));
  Dataflow& dataflow = planned.dataflow;
  dataflow.object = job.id;
  dataflow.is_kept = true;
  dataflow.insert = insert;
  std::optional<std::vector<size_t>> key = dataflow.key;
  if (!key && !sink->primary_key.empty()) {
    key = sink->primary_key;
  }
  std::string name = fmt::format("{}-{}", job.name.object, insert);
  dataflow.sink =
      std::make_unique<SinkFeed>(TRY(open_sink(engine, *sink, std::move(name))), sink->schema,
                                 std::move(key), engine.options().checkpoint_interval_us);
  return planned;
}

}  // namespace tidemark
