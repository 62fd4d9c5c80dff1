// CREATE VIEW and CREATE MATERIALIZED VIEW.

#include <fmt/core.h>

#include "engine/bind_view.h"
#include "engine/execute/executor.h"
#include "engine/step_loop.h"
#include "engine/view_options.h"
#include "sql/unparse.h"

namespace tidemark {

// Where the names of its query are looked up, and what they have been found to be.
void StatementExecutor::take_context(const BoundQuery& bound, CatalogObject& object) const {
  object.context_catalog = session_.catalog_;
  object.context_database = session_.database_;
  for (const std::vector<ObjectRef>* used : {&bound.objects, &bound.functions}) {
    for (const ObjectRef& one : *used) {
      object.depends_on.push_back(one->id);
    }
  }
}

namespace {

// What is kept cannot read or call what is not there after a restart.
Status check_not_temporary(const std::vector<ObjectRef>& used, std::string_view kind) {
  for (const ObjectRef& one : used) {
    if (one->temporary) {
      return Status::invalid_argument(fmt::format("a {} cannot read the temporary {} {}", kind,
                                                  one->kind_text(), one->name.object))
          .with_detail("it would not be there after a restart");
    }
  }
  return {};
}

}  // namespace

Result<ObjectRef> StatementExecutor::find_replaced(const sql::Name& name, sql::CreateMode mode,
                                                   std::string_view kind) {
  if (mode == sql::CreateMode::kCreate) {
    return ObjectRef();
  }
  Result<ObjectRef> found = catalog_.find(TRY(full_name(name)));
  if (!found.ok() && found.status().code() == StatusCode::kNotFound &&
      mode != sql::CreateMode::kReplace) {
    return ObjectRef();
  }
  if (!found.ok()) {
    return found.status().with_position(name.position());
  }
  if ((*found)->kind_text() != kind) {
    return Status::invalid_argument(fmt::format("{} is a {}, and not a {}", (*found)->name.object,
                                                (*found)->kind_text(), kind))
        .with_sqlstate("42809")
        .with_position(name.position());
  }
  return found;
}

// A view that is about to have other columns is not built upon.
Status StatementExecutor::check_unchanging(const std::vector<ObjectRef>& used) {
  StepLoop& loop = engine_.step_loop();
  Status status;
  loop.run([&] {
    for (const ObjectRef& object : used) {
      const Dataflow* build = loop.find_build(object->id);
      if (status.ok() && build != nullptr && build->definition->schema != object->schema) {
        status =
            Status::unavailable(
                fmt::format("view {} is about to have other columns", object->name.object))
                .with_sqlstate("55006")
                .with_hint(fmt::format("wait until its new version is complete, or give it up: "
                                       "STOP JOB '{}'",
                                       build->id));
      }
    }
  });
  return status;
}

Result<StatementExecutor::NewView> StatementExecutor::new_view(
    const sql::Query& query, const std::vector<sql::ViewColumn>& columns) {
  NewView view{{}, TRY(bind_query(query, bind_context()))};
  CatalogObject& object = view.object;
  object.schema = view.bound.plan->schema;
  object.schema.fields.resize(object.schema.size() - view.bound.hidden);
  if (!columns.empty() && columns.size() != object.schema.size()) {
    return Status::invalid_argument(fmt::format("the query has {} columns, but {} names are given",
                                                object.schema.size(), columns.size()))
        .with_position(columns[0].name.position);
  }
  ViewDefinition definition;
  definition.query = sql::unparse(query);
  for (size_t i = 0; i < columns.size(); ++i) {
    object.schema.fields[i].name = columns[i].name.text;
    definition.columns.push_back(columns[i].name.text);
  }
  object.definition = std::move(definition);
  take_context(view.bound, object);
  return view;
}

Result<StatementResult> StatementExecutor::run(const sql::CreateView& statement) {
  ObjectName name = TRY(full_name(statement.name));
  if (statement.if_not_exists && catalog_.find(name).ok()) {
    return done("CREATE VIEW");
  }
  ObjectRef replaced = TRY(find_replaced(statement.name, statement.mode, "view"));
  NewView view = TRY(new_view(*statement.query, statement.columns));
  view.object.name = name;
  view.object.temporary = statement.temporary;
  view.object.comment = statement.comment.value_or("");
  TRY(check_unchanging(view.bound.objects));
  if (!view.object.temporary) {
    TRY(check_not_temporary(view.bound.functions, "view"));
  }
  if (replaced != nullptr) {
    TRY(replace_view(replaced, std::move(view)));
  } else {
    TRY(create_object(std::move(view.object), view.bound.objects));
  }
  return done("CREATE VIEW");
}

Result<StatementExecutor::NewView> StatementExecutor::new_materialized_view(
    const sql::Query& query, const std::vector<sql::ViewColumn>& columns) {
  std::vector<std::string> names;
  for (const auto& column : columns) {
    names.push_back(column.name.text);
  }
  Result<BoundQuery> bound = bind_materialized_view(query, names, bind_context());
  if (!bound.ok()) {
    return names.empty() ? bound.status() : bound.status().with_position(columns[0].name.position);
  }
  NewView view{{}, std::move(bound).value()};
  CatalogObject& object = view.object;
  object.schema = view.bound.plan->schema;
  object.primary_key = view.bound.plan->key.value_or(std::vector<size_t>());
  object.definition = MaterializedViewDefinition{sql::unparse(query), {}, {}};
  take_context(view.bound, object);
  TRY(check_not_temporary(view.bound.objects, "materialized view"));
  TRY(check_not_temporary(view.bound.functions, "materialized view"));
  return view;
}

Result<StatementResult> StatementExecutor::run(const sql::CreateMaterializedView& statement) {
  ObjectName name = TRY(full_name(statement.name));
  if (statement.if_not_exists && catalog_.find(name).ok()) {
    return done("CREATE MATERIALIZED VIEW");
  }
  ObjectRef replaced = TRY(find_replaced(statement.name, statement.mode, "materialized view"));
  NewView view = TRY(new_materialized_view(*statement.query, statement.columns));
  view.object.name = name;
  view.object.comment = statement.comment.value_or("");
  auto& definition = std::get<MaterializedViewDefinition>(view.object.definition);
  definition.options = to_options(statement.options);
  for (const std::string& text : TRY(check_view_options(definition.options))) {
    notice(text);
  }
  TRY(check_unchanging(view.bound.objects));
  if (replaced != nullptr) {
    TRY(replace_materialized_view(replaced, std::move(view)));
    return done("CREATE MATERIALIZED VIEW");
  }
  ObjectRef created = TRY(create_object(std::move(view.object), view.bound.objects));
  Result<uint64_t> started =
      start_dataflow(view.bound, created->id, name.object, nullptr, sharing());
  if (!started.ok()) {
    TRY(forget_object(created));
    return started.status();
  }
  return done("CREATE MATERIALIZED VIEW");
}

}  // namespace tidemark
