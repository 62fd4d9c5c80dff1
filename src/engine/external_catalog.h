#pragma once
// A source database as a catalog: its schemas are databases, its tables are there without DDL.

#include "catalog/catalog.h"
#include "connectors/connector.h"

namespace tidemark {

class ConnectorCatalog final : public ExternalCatalog {
 public:
  // The connector outlives the catalog.
  ConnectorCatalog(Connector& connector, Options options)
      : connector_(connector), options_(std::move(options)) {}

  Result<std::vector<std::pair<std::string, std::string>>> list() override;
  Result<CatalogObject> resolve(const ObjectName& name) override;

 private:
  Connector& connector_;
  Options options_;
};

// The source that a catalog's options describe; the network is not asked.
Result<std::shared_ptr<ExternalCatalog>> make_external_catalog(const CatalogInfo& info);

// What a connector said of a table, as a catalog object (its name and DDL are the caller's).
CatalogObject to_object(SourceTable table, Options with);

}  // namespace tidemark
