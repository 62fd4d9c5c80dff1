#pragma once
// The WITH options of postgres-cdc: Flink's names (Flink CDC 3.6, PostgreSQLTableFactory) and what
// each means here.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/options.h"
#include "base/status.h"
#include "postgres/address.h"

namespace tidemark {

// What is done when the source keeps more log for us than wal.budget.
enum class WalPolicy : uint8_t {
  kSpill,    // the log is read ahead to our disk, and the source may forget it
  kPause,    // nothing but to say so
  kRelease,  // the slot is given up, and its tables are read anew
};
std::string_view name_of(WalPolicy policy);

struct PostgresCdcOptions {
  PostgresAddress address;
  std::string schema;
  std::string table;
  std::string publication;  // empty: one of our own
  std::string slot;         // empty: a temporary one of our own
  // The server hears from us at least this often, and is asked to answer after so long a silence.
  int64_t status_interval_us = 10'000'000;
  // Log that the source may keep because we have not confirmed it.
  uint64_t wal_budget_bytes = uint64_t{1} << 30;
  WalPolicy wal_policy = WalPolicy::kSpill;
  // Tables with equal keys are read through one slot.
  std::string source_key() const;
};

std::span<const OptionSpec> postgres_cdc_option_specs();

// Slots have names of a narrower kind than tables (ReplicationSlotValidateName).
Status check_slot_name(std::string_view name);

// Where and as whom to connect; `schema` and `table` stay empty if the options do not name them.
Result<PostgresCdcOptions> parse_postgres_cdc_options(const Options& with);

}  // namespace tidemark
