#pragma once
// The connector 'postgres-cdc'.

#include <memory>
#include <mutex>

#include "connectors/connector.h"

namespace tidemark {

class PostgresCdcConnector final : public Connector {
 public:
  std::string_view name() const override { return "postgres-cdc"; }
  std::span<const OptionSpec> options() const override;
  Result<SourceTable> resolve_table(const Options& with, const std::optional<Schema>& declared,
                                    const Options& settings) override;
  Result<std::vector<SourceTableName>> list_tables(const Options& catalog) override;
  Options table_options(const Options& catalog, const SourceTableName& table) override;
  Result<std::unique_ptr<Source>> open_source(SourceOpening opening) override;
};

}  // namespace tidemark
