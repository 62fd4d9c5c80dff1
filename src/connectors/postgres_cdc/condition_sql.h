#pragma once
// Conditions on a reader's rows as PostgreSQL understands them exactly as the engine does, for the
// snapshot's COPY.

#include <optional>
#include <span>
#include <string>

#include "connectors/postgres_cdc/reader_plan.h"

namespace tidemark {

// nullopt: the server could see it otherwise. Whole numbers and booleans are compared as they are;
// texts only for equality, byte by byte (collation C), with a constant in ASCII, so that neither
// the column's collation nor the database's encoding matters; char(n), enums and all other types
// not at all.
std::optional<std::string> condition_sql(const SourceCondition& condition,
                                         std::span<const ReaderPlan::Column> columns);

}  // namespace tidemark
