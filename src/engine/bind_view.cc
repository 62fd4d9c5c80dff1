#include "engine/bind_view.h"

#include <fmt/core.h>

#include "plan/optimizer.h"
#include "sql/parser.h"

namespace tidemark {

Result<BoundQuery> bind_materialized_view(const sql::Query& query,
                                          const std::vector<std::string>& names,
                                          const BindContext& context) {
  BoundQuery bound = TRY(bind_query(query, context));
  size_t visible = bound.plan->schema.size() - bound.hidden;
  if (!names.empty() && names.size() != visible) {
    return Status::invalid_argument(
        fmt::format("the query has {} columns, but {} names are given", visible, names.size()));
  }
  std::vector<ExprRef> columns;
  std::vector<std::string> own_names;
  for (size_t i = 0; i < visible; ++i) {
    columns.push_back(make_column(i, bound.plan->schema[i].type));
    own_names.push_back(names.empty() ? bound.plan->schema[i].name : names[i]);
  }
  bound.plan = optimize(make_project(bound.plan, std::move(columns), std::move(own_names)));
  bound.hidden = 0;
  return bound;
}

Result<BoundQuery> bind_materialized_view(BindContext context, const CatalogObject& view) {
  sql::QueryPtr query =
      TRY(sql::parse_query(std::get<MaterializedViewDefinition>(view.definition).query));
  std::vector<std::string> names;
  for (const Field& field : view.schema.fields) {
    names.push_back(field.name);
  }
  context.current_catalog = view.context_catalog;
  context.current_database = view.context_database;
  return bind_materialized_view(*query, names, context);
}

}  // namespace tidemark
