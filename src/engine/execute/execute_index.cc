// CREATE INDEX and DROP INDEX: look-ups over the columns go to the rows, from the first one on.

#include <algorithm>

#include <fmt/core.h>

#include "engine/execute/executor.h"

namespace tidemark {

namespace {

constexpr size_t kIndexesMax = 32;         // of one view: each is kept with every new content
constexpr size_t kColumnsMax = 32;         // as PostgreSQL's INDEX_MAX_KEYS
constexpr size_t kIndexNameBytesMax = 63;  // NAMEDATALEN - 1: what clients have room for

Result<std::vector<size_t>> index_columns(const sql::CreateIndex& statement,
                                          const CatalogObject& view) {
  std::vector<size_t> columns;
  for (const sql::OrderItem& item : statement.columns) {
    const auto* column = std::get_if<sql::ColumnRef>(&item.expr->node);
    if (column == nullptr || column->name.parts.size() != 1) {
      return Status::unsupported("an index over an expression is not supported")
          .with_hint("make the expression a column of the view")
          .with_position(item.expr->position);
    }
    const std::string& name = column->name.last();
    std::optional<size_t> place = view.schema.find(name);
    if (!place) {
      return Status::not_found(fmt::format("column \"{}\" does not exist", name))
          .with_sqlstate("42703")
          .with_position(item.expr->position);
    }
    if (std::ranges::find(columns, *place) != columns.end()) {
      return Status::invalid_argument(fmt::format("column \"{}\" is given twice", name))
          .with_sqlstate("42701")
          .with_position(item.expr->position);
    }
    columns.push_back(*place);
  }
  if (columns.size() > kColumnsMax) {
    return Status::invalid_argument(
               fmt::format("cannot use more than {} columns in an index", kColumnsMax))
        .with_sqlstate("54011");
  }
  return columns;
}

// As PostgreSQL names one: view_a_b_idx.
std::string default_name(const CatalogObject& view, const std::vector<size_t>& columns) {
  std::string name = view.name.object;
  for (size_t column : columns) {
    name += "_" + view.schema[column].name;
  }
  return name.substr(0, kIndexNameBytesMax - 8) + "_idx";
}

}  // namespace

Result<StatementResult> StatementExecutor::run(const sql::CreateIndex& statement) {
  ObjectRef view = TRY(find(statement.table));
  if (!view->is_materialized_view()) {
    return Status::invalid_argument(
               fmt::format("\"{}\" is not a materialized view", view->name.object))
        .with_sqlstate("42809")
        .with_detail(fmt::format("it is a {}", view->kind_text()))
        .with_position(statement.table.position());
  }
  if (statement.unique) {
    return Status::unsupported("a unique index is not supported")
        .with_detail("whether a view's rows are unique follows from its query")
        .with_hint("CREATE INDEX without UNIQUE makes the same look-ups fast")
        .with_position(statement.table.position());
  }
  IndexDefinition index;
  index.columns = TRY(index_columns(statement, *view));
  if (view->indexes().size() >= kIndexesMax) {
    return Status::unavailable(fmt::format("the view has {} indexes already", kIndexesMax))
        .with_sqlstate("54000");
  }
  Result<ObjectRef> made = Status::cancelled("no name was free");
  constexpr int kNamesMax = 1000;
  for (int i = 0; i < kNamesMax; ++i) {
    index.name = statement.name ? statement.name->text : default_name(*view, index.columns);
    index.name += i == 0 ? "" : std::to_string(i);
    made = catalog_.create_index(view->name, index);
    if (made.ok() || made.status().code() != StatusCode::kAlreadyExists || statement.name) {
      break;
    }
  }
  if (!made.ok()) {
    if (made.status().code() == StatusCode::kAlreadyExists && statement.if_not_exists) {
      notice(fmt::format("relation \"{}\" already exists, skipping", index.name));
      return done("CREATE INDEX");
    }
    return made.status().with_position(statement.name ? statement.name->position
                                                      : statement.table.position());
  }
  if (Status status = keep_object((*made)->id); !status.ok()) {
    ObjectName name = view->name;
    name.object = index.name;
    static_cast<void>(catalog_.drop_index(name).ok());
    return status;
  }
  return done("CREATE INDEX");
}

Result<StatementResult> StatementExecutor::drop_index(const sql::Drop& statement) {
  Result<ObjectRef> view = catalog_.drop_index(TRY(full_name(statement.name)));
  if (!view.ok()) {
    if (statement.if_exists && view.status().code() == StatusCode::kNotFound) {
      notice(fmt::format("index \"{}\" does not exist, skipping", statement.name.last()));
      return done("DROP INDEX");
    }
    return view.status().with_position(statement.name.position());
  }
  TRY(keep_object((*view)->id));
  return done("DROP INDEX");
}

// Of one view, or of all.
Result<StatementResult> StatementExecutor::show_indexes(const sql::Show& statement) {
  std::vector<ObjectRef> objects = catalog_.objects();
  if (!statement.from.parts.empty()) {
    objects = {TRY(find(statement.from))};
  }
  std::vector<std::vector<std::string>> rows;
  for (const ObjectRef& object : objects) {
    for (const IndexDefinition& index : object->indexes()) {
      std::string columns;
      for (size_t column : index.columns) {
        columns += (columns.empty() ? "" : ", ") + quote_name(object->schema[column].name);
      }
      rows.push_back({index.name, object->name.object, columns});
    }
  }
  Schema schema;
  for (const char* name : {"index name", "view name", "columns"}) {
    schema.fields.push_back({name, Type::string()});
  }
  return table("SHOW", std::move(schema), std::move(rows));
}

}  // namespace tidemark
