#include "engine/external_catalog.h"

#include <fmt/core.h>

#include "base/reference.h"
#include "connectors/registry.h"

namespace tidemark {

CatalogObject to_object(SourceTable table, Options with) {
  CatalogObject object;
  object.schema = std::move(table.schema);
  object.primary_key = std::move(table.primary_key);
  TableDefinition definition;
  definition.with = std::move(with);
  definition.source_key = std::move(table.source_key);
  definition.display_name = std::move(table.display_name);
  definition.hidden = std::move(table.hidden);
  definition.row_key = std::move(table.row_key);
  object.definition = std::move(definition);
  return object;
}

Result<std::shared_ptr<ExternalCatalog>> make_external_catalog(const CatalogInfo& info) {
  Connector* connector = TRY(find_connector(info.type));
  Options options = info.options;
  options.erase("type");
  options.erase("property-version");
  options["connector"] = info.type;
  return std::shared_ptr<ExternalCatalog>(
      std::make_shared<ConnectorCatalog>(*connector, std::move(options)));
}

Result<std::vector<std::pair<std::string, std::string>>> ConnectorCatalog::list() {
  std::vector<std::pair<std::string, std::string>> result;
  for (SourceTableName& table : TRY(connector_.list_tables(TRY(resolve_references(options_))))) {
    result.emplace_back(std::move(table.schema), std::move(table.table));
  }
  return result;
}

Result<CatalogObject> ConnectorCatalog::resolve(const ObjectName& name) {
  // Whether the table exists is asked first, so that a misspelt name is "not found" and not a
  // connector's error.
  bool exists = false;
  for (const SourceTableName& table :
       TRY(connector_.list_tables(TRY(resolve_references(options_))))) {
    exists = exists || (table.schema == name.database && table.table == name.object);
  }
  if (!exists) {
    return Status::not_found(fmt::format("no such table or view: {}", name.to_string()))
        .with_hint("SHOW TABLES lists them");
  }
  Options with = connector_.table_options(options_, {name.database, name.object});
  SourceTable table =
      TRY(connector_.resolve_table(TRY(resolve_references(with)), std::nullopt, {}));
  return to_object(std::move(table), std::move(with));
}

}  // namespace tidemark
