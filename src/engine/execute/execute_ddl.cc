#include <fmt/core.h>

#include "base/overloaded.h"
#include "base/reference.h"
#include "connectors/registry.h"
#include "engine/durability.h"
#include "engine/execute/executor.h"
#include "engine/external_catalog.h"
#include "engine/step_loop.h"
#include "plan/bind/bind_type.h"
#include "sql/name_parts.h"

namespace tidemark {

namespace {

Status unsupported(std::string_view what, size_t position) {
  return Status::unsupported(fmt::format("{} is not supported yet", what)).with_position(position);
}

struct Declared {
  std::optional<Schema> schema;
  std::vector<size_t> primary_key;
};

// The columns and key of CREATE TABLE (...).
Result<Declared> declared_columns(const sql::CreateTable& statement,
                                  std::vector<std::string>& notices) {
  Declared result;
  Schema schema;
  std::vector<sql::Identifier> key;
  for (const sql::TableElement& element : statement.elements) {
    TRY(std::visit(
        Overloaded{
            [&](const sql::PhysicalColumn& column) -> Status {
              if (schema.find(column.name.text)) {
                return Status::invalid_argument(
                           fmt::format("column is declared twice: {}", column.name.text))
                    .with_position(column.name.position);
              }
              Type type = TRY(bind_type(column.type));
              schema.fields.push_back({column.name.text, std::move(type)});
              if (column.key) {
                key.push_back(column.name);
              }
              return {};
            },
            [&](const sql::MetadataColumn& column) -> Status {
              return unsupported("a METADATA column", column.name.position);
            },
            [&](const sql::ComputedColumn& column) -> Status {
              return unsupported("a computed column", column.name.position);
            },
            [&](const sql::ColumnName& column) -> Status {
              return Status::invalid_argument(
                         fmt::format("column has no type: {}", column.name.text))
                  .with_position(column.name.position);
            },
            [&](const sql::Watermark&) -> Status {
              notices.push_back(
                  "WATERMARK has no effect yet: event-time windows are not supported yet");
              return {};
            },
            [&](const sql::KeyConstraint& constraint) -> Status {
              if (constraint.kind == sql::ConstraintKind::kPrimaryKey) {
                key.insert(key.end(), constraint.columns.begin(), constraint.columns.end());
              }
              return {};
            },
        },
        element));
  }
  for (const sql::Identifier& part : key) {
    auto index = schema.find(part.text);
    if (!index) {
      return Status::invalid_argument(
                 fmt::format("PRIMARY KEY names a column that is not declared: {}", part.text))
          .with_position(part.position);
    }
    schema.fields[*index].type.nullable = false;
    result.primary_key.push_back(*index);
  }
  if (!schema.fields.empty()) {
    result.schema = std::move(schema);
  }
  return result;
}

}  // namespace

tidemark::Options to_options(const sql::Options& options) {
  tidemark::Options result;
  for (const sql::Option& option : options) {
    result[option.key] = option.value;
  }
  return result;
}

Result<ObjectName> StatementExecutor::full_name(const sql::Name& name) const {
  Result<ObjectName> full =
      catalog_.full_name(sql::parts_of(name), session_.catalog_, session_.database_);
  return full.ok() ? std::move(full)
                   : Result<ObjectName>(full.status().with_position(name.position()));
}

Result<ObjectRef> StatementExecutor::find(const sql::Name& name) {
  Result<ObjectRef> found =
      catalog_.find(sql::parts_of(name), session_.catalog_, session_.database_);
  return found.ok() ? std::move(found)
                    : Result<ObjectRef>(found.status().with_position(name.position()));
}

Result<StatementResult> StatementExecutor::run(const sql::CreateTable& statement) {
  if (statement.query) {
    return unsupported("CREATE TABLE ... AS", statement.name.position());
  }
  if (!statement.partitioned_by.empty() || statement.distribution) {
    notice("PARTITIONED BY and DISTRIBUTED have no effect here");
  }
  ObjectName name = TRY(full_name(statement.name));
  if (statement.if_not_exists && catalog_.find(name).ok()) {
    notice(fmt::format("table exists already: {}", name.object));
    return done("CREATE TABLE");
  }
  Declared declared = TRY(declared_columns(statement, notices_));
  tidemark::Options with = to_options(statement.options);
  if (statement.like) {
    ObjectRef source = TRY(find(statement.like->source));
    if (!source->is_table()) {
      return Status::invalid_argument(fmt::format("LIKE takes a table: {} is a {}",
                                                  source->name.object, source->kind_text()))
          .with_position(statement.like->source.position());
    }
    bool options = true;
    for (const sql::LikeOption& option : statement.like->options) {
      if (option.feature == sql::LikeFeature::kOptions ||
          option.feature == sql::LikeFeature::kAll) {
        options = option.mode != sql::LikeMode::kExcluding;
      }
    }
    if (options) {
      for (const auto& [key, value] : std::get<TableDefinition>(source->definition).with) {
        with.try_emplace(key, value);  // the new table's own options win
      }
    }
    Schema schema = source->schema;
    if (declared.schema) {
      schema.fields.insert(schema.fields.end(), declared.schema->fields.begin(),
                           declared.schema->fields.end());
    }
    declared.schema = std::move(schema);
    if (declared.primary_key.empty()) {
      declared.primary_key = source->primary_key;
    }
  }
  if (!with.contains("connector")) {
    std::string list;
    for (Connector* connector : connectors()) {
      list += (list.empty() ? "" : ", ") + std::string(connector->name());
    }
    return Status::invalid_argument("missing option 'connector'")
        .with_hint("WITH ('connector' = '...'); connectors: " + list)
        .with_position(statement.name.position());
  }
  Result<Connector*> connector = find_connector(with.at("connector"));
  auto position_of = [&](std::string_view key) {
    for (const sql::Option& option : statement.options) {
      if (option.key == key) {
        return option.position;
      }
    }
    return statement.name.position();
  };
  if (!connector.ok()) {
    return connector.status().with_position(position_of("connector"));
  }
  Options resolved_with = TRY(resolve_references(with));
  Result<std::vector<std::string>> checked = check_options(
      resolved_with, (*connector)->options(), fmt::format("connector {}", (*connector)->name()));
  if (!checked.ok()) {
    size_t position = statement.name.position();
    for (const sql::Option& option : statement.options) {
      if (checked.status().message().find("'" + option.key + "'") != std::string::npos) {
        position = option.position;
      }
    }
    return checked.status().with_position(position);
  }
  for (std::string& text : *checked) {
    notice(std::move(text));
  }
  Result<SourceTable> resolved =
      (*connector)->resolve_table(resolved_with, declared.schema, session_.settings_);
  if (!resolved.ok()) {
    return resolved.status().with_position(statement.name.position());
  }
  for (const std::string& text : resolved->notices) {
    notice(text);
  }
  CatalogObject object = to_object(std::move(resolved).value(), std::move(with));
  if ((*connector)->is_sink()) {
    object.primary_key = declared.primary_key;
    std::get<TableDefinition>(object.definition).is_sink = true;
  } else if (!declared.primary_key.empty() && object.primary_key.empty()) {
    notice(
        "PRIMARY KEY is not enforced and the source has none: rows are not taken to be unique by "
        "it");
  }
  object.name = name;
  object.temporary = statement.temporary;
  object.comment = statement.comment.value_or("");
  TRY(create_object(std::move(object), {}));
  return done("CREATE TABLE");
}

Result<StatementResult> StatementExecutor::run(const sql::CreateCatalog& statement) {
  CatalogInfo info;
  info.name = statement.name.last();
  info.options = to_options(statement.options);
  info.comment = statement.comment.value_or("");
  auto type = info.options.find("type");
  if (type == info.options.end()) {
    return Status::invalid_argument("missing option 'type' of the catalog")
        .with_hint("WITH ('type' = 'postgres-cdc', 'hostname' = ..., ...)")
        .with_position(statement.name.position());
  }
  info.type = type->second;
  std::shared_ptr<ExternalCatalog> external;
  if (info.type != "generic_in_memory") {
    Result<std::shared_ptr<ExternalCatalog>> made = make_external_catalog(info);
    if (!made.ok()) {
      return made.status().with_position(statement.name.position());
    }
    external = std::move(made).value();
    Result<std::vector<std::pair<std::string, std::string>>> tables = external->list();
    if (!tables.ok()) {
      return tables.status().with_position(statement.name.position());
    }
    notice(fmt::format("{} tables of the source are ready to query", tables->size()));
  }
  CatalogInfo kept = info;
  Status created =
      catalog_.create_catalog(std::move(info), std::move(external), statement.if_not_exists);
  if (!created.ok()) {
    return std::move(created).with_position(statement.name.position());
  }
  if (Durability* durability = engine_.durability()) {
    TRY(durability->put_catalog(TRY(catalog_.find_catalog(kept.name))));
  }
  return done("CREATE CATALOG");
}

Result<StatementResult> StatementExecutor::run(const sql::CreateDatabase& statement) {
  std::vector<std::string> parts = sql::parts_of(statement.name);
  TRY(catalog_.create_database(parts.size() > 1 ? parts[0] : session_.catalog_, parts.back(),
                               statement.if_not_exists));
  if (Durability* durability = engine_.durability()) {
    TRY(durability->put_database(parts.size() > 1 ? parts[0] : session_.catalog_, parts.back()));
  }
  return done("CREATE DATABASE");
}

Status StatementExecutor::drop_object(const ObjectRef& object, bool cascade) {
  if (cascade) {
    // One at a time: dropping a dependent may take others of them along.
    for (std::vector<ObjectRef> left = catalog_.dependents(object->id); !left.empty();
         left = catalog_.dependents(object->id)) {
      const ObjectRef& dependent = left.front();
      TRY(drop_object(dependent, true));
      notice(fmt::format("dropped {} {}", dependent->kind_text(), dependent->name.object));
    }
  }
  if (object->is_job()) {
    return end_job(object);
  }
  TRY(forget_object(object));
  StepLoop& loop = engine_.step_loop();
  loop.run([&] {
    for (Dataflow* dataflow : {loop.find_view(object->id), loop.find_build(object->id)}) {
      if (dataflow != nullptr) {
        loop.remove_dataflow(dataflow->id);
      }
    }
  });
  return {};
}

// Into the catalog, and to disk if there is a data directory; with it what it uses of a source's
// catalog, which has no definition of its own.
Result<ObjectRef> StatementExecutor::create_object(CatalogObject object,
                                                   const std::vector<ObjectRef>& used) {
  bool is_temporary = object.temporary;
  ObjectRef created = TRY(catalog_.create(std::move(object)));
  if (Durability* durability = engine_.durability(); durability != nullptr && !is_temporary) {
    if (Status status = durability->put_object(*created, used); !status.ok()) {
      static_cast<void>(catalog_.drop(*created).ok());
      return status;
    }
  }
  return created;
}

Status StatementExecutor::forget_object(const ObjectRef& object) {
  TRY(catalog_.drop(*object));
  Status erased;
  if (Durability* durability = engine_.durability()) {
    engine_.step_loop().run([&] { erased = durability->erase_object(object->id); });
  }
  return erased;
}

// As it is now. On the step thread, like all that a new version of it may be writing.
Status StatementExecutor::keep_object(ObjectId id) {
  Status kept;
  Durability* durability = engine_.durability();
  engine_.step_loop().run([&] {
    ObjectRef object = catalog_.find_by_id(id);
    if (durability != nullptr && object != nullptr && !object->temporary) {
      kept = durability->put_object(*object, {});
    }
  });
  return kept;
}

Result<StatementResult> StatementExecutor::run(const sql::Drop& statement) {
  std::vector<std::string> parts = sql::parts_of(statement.name);
  bool cascade = statement.behaviour == sql::DropBehaviour::kCascade;
  switch (statement.kind) {
    case sql::ObjectKind::kCatalog:
      TRY(catalog_.drop_catalog(parts.back(), statement.if_exists));
      if (Durability* durability = engine_.durability()) {
        TRY(durability->erase_catalog(parts.back()));
      }
      return done("DROP CATALOG");
    case sql::ObjectKind::kDatabase:
      TRY(catalog_.drop_database(parts.size() > 1 ? parts[0] : session_.catalog_, parts.back(),
                                 statement.if_exists, cascade));
      if (Durability* durability = engine_.durability()) {
        TRY(durability->erase_database(parts.size() > 1 ? parts[0] : session_.catalog_,
                                       parts.back()));
      }
      return done("DROP DATABASE");
    case sql::ObjectKind::kUser:
      return drop_user(statement);
    case sql::ObjectKind::kIndex:
      return drop_index(statement);
    case sql::ObjectKind::kFunction:
      return drop_function(statement);
    case sql::ObjectKind::kTable:
    case sql::ObjectKind::kView:
    case sql::ObjectKind::kMaterializedView:
      break;
    default:
      return unsupported("DROP of this kind of object", statement.name.position());
  }
  Result<ObjectRef> found = find(statement.name);
  if (!found.ok()) {
    if (statement.if_exists && found.status().code() == StatusCode::kNotFound) {
      notice(fmt::format("no such object: {}", statement.name.last()));
      return done("DROP");
    }
    return found.status();
  }
  ObjectRef object = *found;
  bool right_kind =
      (statement.kind == sql::ObjectKind::kTable && object->is_table()) ||
      (statement.kind == sql::ObjectKind::kView && object->is_view()) ||
      (statement.kind == sql::ObjectKind::kMaterializedView && object->is_materialized_view());
  if (!right_kind) {
    std::string kind(object->kind_text());
    for (char& c : kind) {
      c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    }
    return Status::invalid_argument(
               fmt::format("{} is a {}", object->name.object, object->kind_text()))
        .with_hint(fmt::format("write DROP {} {}", kind, quote_name(object->name.object)))
        .with_position(statement.name.position());
  }
  TRY(drop_object(object, cascade));
  return done(object->is_table()  ? "DROP TABLE"
              : object->is_view() ? "DROP VIEW"
                                  : "DROP MATERIALIZED VIEW");
}

}  // namespace tidemark
