#pragma once
// The WITH options of postgres-cdc: Flink's names (Flink CDC 3.6, PostgreSQLTableFactory) and what
// each means here.

#include <span>
#include <string>

#include "base/options.h"
#include "base/status.h"
#include "postgres/address.h"

namespace tidemark {

struct PostgresCdcOptions {
  PostgresAddress address;
  std::string schema;
  std::string table;
  std::string publication;  // empty: one of our own
  std::string slot;         // empty: a temporary one of our own
  // Tables with equal keys are read through one slot.
  std::string source_key() const;
};

std::span<const OptionSpec> postgres_cdc_option_specs();

// Where and as whom to connect; `schema` and `table` stay empty if the options do not name them.
Result<PostgresCdcOptions> parse_postgres_cdc_options(const Options& with);

}  // namespace tidemark
