// ALTER of views, and what CREATE OR REPLACE has in common with it: a new definition for an object
// that others may depend on.

#include <algorithm>

#include <fmt/core.h>

#include "base/overloaded.h"
#include "engine/bind_view.h"
#include "engine/durability.h"
#include "engine/execute/executor.h"
#include "engine/plan_dataflow.h"
#include "engine/step_loop.h"
#include "engine/view_build.h"
#include "engine/view_options.h"
#include "sql/parser.h"

namespace tidemark {

namespace {

Status not_supported(std::string_view what, size_t position) {
  return Status::unsupported(fmt::format("{} is not supported yet", what)).with_position(position);
}

// A value of the new type is one of the old: whoever was bound against the old one may read it.
bool fits(const Type& now, const Type& before) {
  return now.same_as(before) && (before.nullable || !now.nullable);
}

Status other_type(const Field& before, const Type& now) {
  return Status::invalid_argument(fmt::format("column {} would be {} instead of {}", before.name,
                                              now.to_string(), before.type.to_string()));
}

// The columns that a plan reads of the object must be as they were.
Status check_scans(const LogicalPlan& plan, const CatalogObject& old) {
  const auto* scan = std::get_if<ScanNode>(&plan.node);
  if (scan != nullptr && scan->object->id == old.id) {
    for (size_t column : scan->columns) {
      const Field& now = scan->object->schema[column];
      std::optional<size_t> before = old.schema.find(now.name);
      if (!before || !fits(now.type, old.schema[*before].type)) {
        return before ? other_type(old.schema[*before], now.type)
                      : Status::invalid_argument(
                            fmt::format("it would read column {}, which is new", now.name));
      }
    }
  }
  for (const PlanRef& input : inputs_of(plan)) {
    TRY(check_scans(*input, old));
  }
  return {};
}

}  // namespace

Result<StatementResult> StatementExecutor::run(const sql::Alter& statement) {
  if (statement.kind == sql::ObjectKind::kTable) {
    return alter_table(statement);
  }
  if (statement.kind == sql::ObjectKind::kCatalog) {
    return alter_catalog(statement);
  }
  bool is_materialized = statement.kind == sql::ObjectKind::kMaterializedView;
  if (!is_materialized && statement.kind != sql::ObjectKind::kView) {
    return not_supported("ALTER of this kind of object", statement.name.position());
  }
  std::string tag = is_materialized ? "ALTER MATERIALIZED VIEW" : "ALTER VIEW";
  Result<ObjectRef> found = find(statement.name);
  if (!found.ok()) {
    if (statement.if_exists && found.status().code() == StatusCode::kNotFound) {
      notice(fmt::format("no such object: {}", statement.name.last()));
      return done(tag);
    }
    return found.status();
  }
  ObjectRef object = *found;
  if (is_materialized ? !object->is_materialized_view() : !object->is_view()) {
    return Status::invalid_argument(
               fmt::format("{} is a {}", object->name.object, object->kind_text()))
        .with_sqlstate("42809")
        .with_position(statement.name.position());
  }
  if (const auto* query = std::get_if<sql::AlterQuery>(&statement.action)) {
    TRY(alter_query(object, *query->query));
    return done(tag);
  }
  if (const auto* rename_to = std::get_if<sql::RenameObject>(&statement.action)) {
    TRY(rename(object, *rename_to));
    return done(tag);
  }
  const auto* set = std::get_if<sql::SetOptions>(&statement.action);
  const auto* reset = std::get_if<sql::ResetOptions>(&statement.action);
  if (!is_materialized || (set == nullptr && reset == nullptr)) {
    return not_supported("this " + tag, statement.name.position());
  }
  tidemark::Options options = std::get<MaterializedViewDefinition>(object->definition).options;
  if (set != nullptr) {
    for (const auto& [key, value] : to_options(set->options)) {
      options[key] = value;
    }
  } else {
    for (const std::string& key : reset->keys) {
      options.erase(key);
    }
  }
  return alter_options(object, std::move(options), tag);
}

// Comment and options stay.
Status StatementExecutor::alter_query(const ObjectRef& object, const sql::Query& query) {
  bool is_plain = object->is_view();
  NewView view = TRY(is_plain ? new_view(query, {}) : new_materialized_view(query, {}));
  view.object.comment = object->comment;
  view.object.temporary = object->temporary;
  TRY(check_unchanging(view.bound.objects));
  if (is_plain) {
    return replace_view(object, std::move(view));
  }
  std::get<MaterializedViewDefinition>(view.object.definition).options =
      std::get<MaterializedViewDefinition>(object->definition).options;
  return replace_materialized_view(object, std::move(view));
}

Status StatementExecutor::rename(const ObjectRef& object, const sql::RenameObject& action) {
  ObjectName to = TRY(full_name(action.to));
  bool is_bare = action.to.parts.size() == 1;
  if (!is_bare && (to.catalog != object->name.catalog || to.database != object->name.database)) {
    return Status::unsupported("a view is renamed within its database")
        .with_position(action.to.position());
  }
  Result<ObjectRef> renamed = catalog_.rename(object->name, to.object);
  if (!renamed.ok()) {
    return renamed.status().with_position(action.to.position());
  }
  StepLoop& loop = engine_.step_loop();
  loop.run([&] {
    if (Dataflow* shown = loop.find_view(object->id)) {
      shown->name = to.object;
    }
    if (Dataflow* build = loop.find_build(object->id)) {
      build->name = new_version_name(to.object);
    }
  });
  return keep_object(object->id);
}

Result<StatementResult> StatementExecutor::alter_options(const ObjectRef& view,
                                                         tidemark::Options options,
                                                         std::string tag) {
  for (const std::string& text : TRY(check_view_options(options))) {
    notice(text);
  }
  StepLoop& loop = engine_.step_loop();
  Status status;
  loop.run([&] {
    ObjectRef now = catalog_.find_by_id(view->id);
    if (now == nullptr || loop.find_build(view->id) != nullptr) {
      status = Status::unavailable(fmt::format(
          "view {} is being changed: its options are those of its new version", view->name.object));
      return;
    }
    CatalogObject copy = *now;
    std::get<MaterializedViewDefinition>(copy.definition).options = options;
    Result<ObjectRef> changed = catalog_.replace(std::move(copy));
    if (Dataflow* dataflow = loop.find_view(view->id); dataflow != nullptr && changed.ok()) {
      dataflow->revision = (*changed)->revision;
      dataflow->log.configure(retention_us(**changed).value());
    }
  });
  TRY(std::move(status));
  TRY(keep_object(view->id));
  return done(std::move(tag));
}

// --- new definitions ---

// A view must not read itself, nor one that reads it.
Status StatementExecutor::check_is_not_read(const CatalogObject& old,
                                            const std::vector<ObjectRef>& used) {
  std::vector<ObjectId> readers{old.id};
  for (size_t i = 0; i < readers.size(); ++i) {
    for (const ObjectRef& reader : catalog_.dependents(readers[i])) {
      if (std::ranges::find(readers, reader->id) == readers.end()) {
        readers.push_back(reader->id);
      }
    }
  }
  for (const ObjectRef& object : used) {
    if (std::ranges::find(readers, object->id) != readers.end()) {
      return Status::invalid_argument(
          object->id == old.id
              ? fmt::format("{} {} cannot read itself", old.kind_text(), old.name.object)
              : fmt::format("{} {} cannot read {}, which reads it", old.kind_text(),
                            old.name.object, object->name.object));
    }
  }
  return {};
}

Status StatementExecutor::check_dependent(const CatalogObject& dependent, const CatalogObject& old,
                                          const ObjectRef& changed) {
  if (dependent.is_job()) {
    return check_job(dependent, old, changed);
  }
  StepLoop& loop = engine_.step_loop();
  BindContext context{catalog_, dependent.context_catalog, dependent.context_database,
                      bind_context().zone};
  context.instead = changed;
  std::optional<std::string> running;
  loop.run([&] {
    if (const Dataflow* dataflow = loop.find_view(dependent.id)) {
      running = dataflow->plan;
      context.zone = dataflow->context.eval.zone;
    }
  });
  if (dependent.is_function()) {
    return check_sql_function(dependent, context).status();
  }
  BoundQuery bound;
  const auto* plain = std::get_if<ViewDefinition>(&dependent.definition);
  if (plain != nullptr) {
    sql::QueryPtr query = TRY(sql::parse_query(plain->query));
    bound = TRY(bind_query(*query, context));
  } else {
    bound = TRY(bind_materialized_view(context, dependent));
  }
  Schema schema = bound.plan->schema;
  schema.fields.resize(schema.size() - bound.hidden);
  if (schema.size() != dependent.schema.size()) {
    return Status::invalid_argument(fmt::format("it would have {} columns instead of {}",
                                                schema.size(), dependent.schema.size()));
  }
  for (size_t i = 0; i < schema.size(); ++i) {
    bool is_good = plain != nullptr ? schema[i].type.same_as(dependent.schema[i].type)
                                    : fits(schema[i].type, dependent.schema[i].type);
    if (!is_good) {
      return other_type(dependent.schema[i], schema[i].type);
    }
  }
  if (plain != nullptr || !running) {
    return {};
  }
  PlannedDataflow planned =
      TRY(plan_dataflow(bound, dependent.id, "", context.zone, Sharing::kNone));
  if (planned.dataflow.plan == *running) {
    return {};
  }
  // A plain view is expanded in what was built from it.
  return old.is_materialized_view() ? check_scans(*bound.plan, old)
                                    : Status::invalid_argument("it was built with the old one");
}

Status StatementExecutor::check_dependents(const CatalogObject& old, const ObjectRef& changed) {
  std::string names, first;
  for (const ObjectRef& dependent : catalog_.dependents(old.id)) {
    Status status = check_dependent(*dependent, old, changed);
    if (!status.ok()) {
      std::string name = fmt::format("{} {}", dependent->kind_text(), dependent->name.object);
      first = names.empty() ? fmt::format("{}: {}", name, status.message()) : first;
      names += (names.empty() ? "" : ", ") + name;
    }
  }
  if (names.empty()) {
    return {};
  }
  return Status::invalid_argument(fmt::format("cannot change {} {}: it would not do for {}",
                                              old.kind_text(), old.name.object, names))
      .with_sqlstate("2BP01")  // dependent_objects_still_exist
      .with_detail(std::move(first))
      .with_hint("change or drop what depends on it first");
}

Status StatementExecutor::replace_view(const ObjectRef& old, NewView view) {
  TRY(check_is_not_read(*old, view.bound.objects));
  view.object.id = old->id;
  view.object.name = old->name;
  view.object.temporary = old->temporary;
  TRY(check_dependents(*old, std::make_shared<const CatalogObject>(view.object)));
  ObjectRef now = TRY(catalog_.replace(std::move(view.object)));
  Durability* durability = engine_.durability();
  return durability != nullptr && !now->temporary ? durability->put_object(*now, view.bound.objects)
                                                  : Status();
}

Status StatementExecutor::replace_materialized_view(const ObjectRef& old, NewView view) {
  TRY(check_is_not_read(*old, view.bound.objects));
  view.object.id = old->id;
  view.object.name = old->name;
  TRY(check_dependents(*old, std::make_shared<const CatalogObject>(view.object)));
  std::vector<IndexDefinition> kept = kept_indexes(*old, view.object.schema);
  for (const IndexDefinition& index : old->indexes()) {
    if (std::ranges::none_of(kept, [&](const auto& other) { return other.id == index.id; })) {
      notice(fmt::format("index {} goes with the old version: a column of it is gone", index.name));
    }
  }
  return start_build(old, std::move(view));
}

Status StatementExecutor::start_build(const ObjectRef& old, NewView view) {
  std::string zone = bind_context().zone;
  PlannedDataflow planned =
      TRY(plan_dataflow(view.bound, old->id, view.object.name.object, zone, sharing()));
  planned.dataflow.log.configure(TRY(retention_us(view.object)));
  make_build(engine_, *old, std::move(view.object), planned.dataflow);
  StepLoop& loop = engine_.step_loop();
  Durability* durability = engine_.durability();
  Status status;
  bool is_built = false;
  loop.run([&] {
    Dataflow* build = loop.find_build(old->id);
    if (build != nullptr && loop.placement() != nullptr &&
        loop.placement()->new_version == build->id) {
      status = Status::unavailable(fmt::format("a new version of view {} is just taking its place",
                                               old->name.object))
                   .with_sqlstate("55006")
                   .with_hint("run the statement again");
      return;
    }
    ObjectRef now = catalog_.find_by_id(old->id);
    if (now == nullptr) {
      status = Status::not_found("the view has just been dropped").with_sqlstate("42P01");
      return;
    }
    if (build != nullptr) {
      loop.remove_dataflow(build->id);
      notice("the version that was being built is given up");
    }
    if (durability != nullptr) {
      status = durability->put_object(*now, view.bound.objects);
    }
    Dataflow* current = loop.find_view(old->id);
    if (status.ok() && current != nullptr && !current->failed &&
        current->plan == planned.dataflow.plan && current->context.eval.zone == zone) {
      current->definition = planned.dataflow.definition;
      planned.dataflow.when_placed(*current);
      current->definition = nullptr;
    } else if (status.ok()) {
      status = loop.add_dataflow(std::move(planned)).status();
      is_built = status.ok();
    }
  });
  if (is_built) {
    notice(
        fmt::format("the new version is being built: until it is complete, view {} is the old "
                    "one",
                    old->name.object));
  }
  return status;
}

}  // namespace tidemark
