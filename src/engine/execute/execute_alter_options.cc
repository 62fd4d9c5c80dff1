// ALTER TABLE and ALTER CATALOG with SET and RESET: options that may change while a source is read
// (OptionSpec::is_changeable). They say how to get in, not what is read, and are the source's: all
// tables that are read through it get them.

#include <fmt/core.h>

#include "base/reference.h"
#include "connectors/registry.h"
#include "engine/durability.h"
#include "engine/execute/executor.h"
#include "engine/external_catalog.h"
#include "engine/source_feed.h"
#include "engine/step_loop.h"

namespace tidemark {

namespace {

void apply_changes(const OptionChanges& changes, Options& options) {
  for (const auto& [key, value] : changes) {
    if (value) {
      options[key] = *value;
    } else {
      options.erase(key);
    }
  }
}

Status check_changeable(const std::string& key, std::span<const OptionSpec> specs) {
  std::string list;
  for (const OptionSpec& spec : specs) {
    if (!spec.is_changeable) {
      continue;
    }
    if (spec.name == key) {
      return {};
    }
    list += fmt::format("{}'{}'", list.empty() ? "" : ", ", spec.name);
  }
  return Status::unsupported(fmt::format("option '{}' cannot be changed", key))
      .with_hint(fmt::format("{}; for others DROP it and CREATE it anew",
                             list.empty() ? "no option of it can" : "what can is " + list));
}

// What the statement says, if it says SET or RESET, and only of options that may change.
Result<OptionChanges> changes_of(const sql::Alter& statement, std::span<const OptionSpec> specs) {
  OptionChanges changes;
  if (const auto* set = std::get_if<sql::SetOptions>(&statement.action)) {
    for (const sql::Option& option : set->options) {
      Status status = check_changeable(option.key, specs);
      if (!status.ok()) {
        return std::move(status).with_position(option.position);
      }
      changes[option.key] = option.value;
    }
    return changes;
  }
  const auto* reset = std::get_if<sql::ResetOptions>(&statement.action);
  if (reset == nullptr) {
    return Status::unsupported("this ALTER is not supported yet")
        .with_hint("SET ('option' = 'value') and RESET ('option') are")
        .with_position(statement.name.position());
  }
  for (const std::string& key : reset->keys) {
    Status status = check_changeable(key, specs);
    if (!status.ok()) {
      return std::move(status).with_position(statement.name.position());
    }
    changes[key] = std::nullopt;
  }
  return changes;
}

// A source that the tables of a catalog with these options are read through: it was opened with
// them, and with names of a table beside.
bool is_of_catalog(const Options& with, const Connector& connector, const Options& of_table) {
  for (const auto& [key, value] : of_table) {
    bool is_changeable = std::ranges::any_of(connector.options(), [&](const OptionSpec& spec) {
      return spec.is_changeable && spec.name == key;
    });
    auto found = with.find(key);
    if (!value.empty() && !is_changeable && (found == with.end() || found->second != value)) {
      return false;
    }
  }
  return true;
}

}  // namespace

Result<StatementResult> StatementExecutor::alter_table(const sql::Alter& statement) {
  Result<ObjectRef> found = find(statement.name);
  if (!found.ok()) {
    if (statement.if_exists && found.status().code() == StatusCode::kNotFound) {
      notice(fmt::format("no such object: {}", statement.name.last()));
      return done("ALTER TABLE");
    }
    return found.status();
  }
  ObjectRef table = *found;
  size_t position = statement.name.position();
  if (!table->is_table() || table->is_sink()) {
    return Status::invalid_argument(fmt::format("{} is a {}", table->name.object,
                                                table->is_sink() ? "sink" : table->kind_text()))
        .with_sqlstate("42809")
        .with_position(position);
  }
  if (TRY(catalog_.find_catalog(table->name.catalog)).type != "generic_in_memory") {
    return Status::unsupported(
               fmt::format("table {} has the options of its catalog", table->name.object))
        .with_hint(fmt::format("ALTER CATALOG {} SET (...)", quote_name(table->name.catalog)))
        .with_position(position);
  }
  const auto& definition = std::get<TableDefinition>(table->definition);
  Connector* connector = TRY(find_connector(definition.with.at("connector")));
  OptionChanges changes = TRY(changes_of(statement, connector->options()));
  tidemark::Options with = definition.with;
  apply_changes(changes, with);
  // That the source lets us in with them is seen before they are kept.
  tidemark::Options resolved = TRY(resolve_references(with));
  TRY(check_options(resolved, connector->options(), connector->name()));
  Status seen = connector->resolve_table(resolved, std::nullopt, session_.settings_).status();
  if (!seen.ok()) {
    return std::move(seen).with_position(position);
  }
  TRY(change_source(definition.source_key, changes));
  return done("ALTER TABLE");
}

Result<StatementResult> StatementExecutor::alter_catalog(const sql::Alter& statement) {
  size_t position = statement.name.position();
  Result<CatalogInfo> found = catalog_.find_catalog(statement.name.last());
  if (!found.ok()) {
    return found.status().with_position(position);
  }
  CatalogInfo info = *found;
  if (info.type == "generic_in_memory") {
    return Status::unsupported(fmt::format("catalog {} has no options to change", info.name))
        .with_position(position);
  }
  Connector* connector = TRY(find_connector(info.type));
  OptionChanges changes = TRY(changes_of(statement, connector->options()));
  tidemark::Options of_table = connector->table_options(info.options, {});
  apply_changes(changes, info.options);
  Result<std::shared_ptr<ExternalCatalog>> external = make_external_catalog(info);
  Status seen = external.ok() ? (*external)->list().status() : external.status();
  if (!seen.ok()) {
    return std::move(seen).with_position(position);
  }
  TRY(catalog_.replace_catalog(info, std::move(external).value()));
  if (Durability* durability = engine_.durability()) {
    TRY(durability->put_catalog(info));
  }
  std::vector<std::string> keys;
  engine_.step_loop().run([&] {
    for (const auto& [key, feed] : engine_.step_loop().sources()) {
      if (is_of_catalog(feed->with(), *connector, of_table)) {
        keys.push_back(key);
      }
    }
  });
  for (const std::string& key : keys) {
    TRY(change_source(key, changes));
  }
  return done("ALTER CATALOG");
}

Status StatementExecutor::change_source(const std::string& key, const OptionChanges& changes) {
  StepLoop& loop = engine_.step_loop();
  Durability* durability = engine_.durability();
  Status status;
  loop.run([&] {
    std::vector<ObjectRef> kept;
    for (const ObjectRef& object : catalog_.objects()) {
      const auto* table = std::get_if<TableDefinition>(&object->definition);
      if (table == nullptr || table->source_key != key) {
        continue;
      }
      CatalogObject copy = *object;
      apply_changes(changes, std::get<TableDefinition>(copy.definition).with);
      Result<ObjectRef> changed = catalog_.replace(std::move(copy));
      if (changed.ok() && !(*changed)->temporary) {
        kept.push_back(*changed);
      }
    }
    if (durability != nullptr && !kept.empty()) {
      status = durability->put_object(*kept.front(), kept);
    }
    if (auto source = loop.sources().find(key); source != loop.sources().end()) {
      tidemark::Options with = source->second->with();
      apply_changes(changes, with);
      source->second->change_options(std::move(with));
    }
  });
  return status;
}

}  // namespace tidemark
