#include "connectors/postgres_cdc/postgres_cdc.h"

#include "base/reference.h"
#include "connectors/postgres_cdc/options.h"
#include "connectors/postgres_cdc/resolve.h"
#include "connectors/postgres_cdc/source.h"

namespace tidemark {

namespace {

// The setting that gives Flink's 4-byte FLOAT over a source's 8 bytes.
constexpr const char* kNarrowFloats = "table.exec.source.narrow-floats";

Result<bool> narrow_floats(const Options& settings) {
  auto found = settings.find(kNarrowFloats);
  return found == settings.end() ? Result<bool>(false) : parse_bool(found->second);
}

}  // namespace

std::span<const OptionSpec> PostgresCdcConnector::options() const {
  return postgres_cdc_option_specs();
}

Result<SourceTable> PostgresCdcConnector::resolve_table(const Options& with,
                                                        const std::optional<Schema>& declared,
                                                        const Options& settings) {
  std::vector<std::string> notices = TRY(check_options(with, options(), name()));
  PostgresCdcOptions parsed = TRY(parse_postgres_cdc_options(with));
  PostgresConnection connection =
      TRY(PostgresConnection::open(parsed.address, ConnectionMode::kSource));
  SourceTable table =
      TRY(resolve_postgres_table(connection, parsed, declared, TRY(narrow_floats(settings))));
  table.notices.insert(table.notices.begin(), notices.begin(), notices.end());
  return table;
}

Result<std::vector<SourceTableName>> PostgresCdcConnector::list_tables(const Options& catalog) {
  PostgresCdcOptions parsed = TRY(parse_postgres_cdc_options(catalog));
  PostgresConnection connection =
      TRY(PostgresConnection::open(parsed.address, ConnectionMode::kSource));
  // Partitions are read through their root.
  QueryResult found = TRY(connection.query(
      "SELECT n.nspname, c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON "
      "n.oid = c.relnamespace "
      "WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence = 'p' "
      "AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' "
      "AND pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND "
      "pg_catalog.has_table_privilege(c.oid, 'SELECT') "
      "ORDER BY 1, 2"));
  std::vector<SourceTableName> tables;
  for (size_t i = 0; i < found.rows(); ++i) {
    tables.push_back(
        {.schema = std::string(found.text(i, 0)), .table = std::string(found.text(i, 1))});
  }
  return tables;
}

Options PostgresCdcConnector::table_options(const Options& catalog, const SourceTableName& table) {
  Options with = catalog;
  with.erase("type");
  with.erase("property-version");
  with.erase("default-database");
  with["connector"] = "postgres-cdc";
  with["schema-name"] = table.schema;
  with["table-name"] = table.table;
  return with;
}

Result<std::unique_ptr<Source>> PostgresCdcConnector::open_source(SourceOpening opening) {
  PostgresCdcOptions parsed =
      TRY(parse_postgres_cdc_options(TRY(resolve_references(opening.with))));
  if (!opening.durable_name.empty()) {
    TRY(check_slot_name(opening.durable_name));
  }
  return std::unique_ptr<Source>(
      std::make_unique<PostgresSource>(std::move(parsed), std::move(opening)));
}

}  // namespace tidemark
