#pragma once
// Checks a declaration against the source: rights and settings of the server, the table, its
// columns, and whether the declared types hold what the source's do.

#include "connectors/connector.h"
#include "connectors/postgres_cdc/options.h"
#include "connectors/postgres_cdc/table_info.h"
#include "postgres/connection.h"

namespace tidemark {

// What stands in the way of reading changes from this server at all.
Status check_server(PostgresConnection& connection, const PostgresCdcOptions& options);
// The publication that the options name has the table; or there is the right to make one.
Status check_publication(PostgresConnection& connection, const PostgresCdcOptions& options,
                         const TableInfo& table);

// The type to deliver for a column declared with `declared`. kInvalidArgument names both types;
// `notice` is set where the declaration is not followed to the letter.
struct DeliveredType {
  Type type;
  std::string notice;
};
Result<DeliveredType> check_declared_type(const TableColumn& column, const Type& declared,
                                          bool narrow_floats);

Result<SourceTable> resolve_postgres_table(PostgresConnection& connection,
                                           const PostgresCdcOptions& options,
                                           const std::optional<Schema>& declared,
                                           bool narrow_floats);

}  // namespace tidemark
