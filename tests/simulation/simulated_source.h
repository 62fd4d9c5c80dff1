#pragma once
// The connector of a simulation: hands out an Upstream's commits, in an order and in pieces that
// the seed chooses, with every event that connectors/connector.h allows, and with accidents.

#include <map>
#include <memory>
#include <string>

#include "connectors/connector.h"
#include "tests/simulation/upstream.h"

namespace tidemark {

// What a source does when it is asked next, instead of going on.
enum class Accident : uint8_t { kNone, kAway, kSlotLost, kTableReread, kTableStopped };

// Shared by everything of one simulation.
struct SimulatedWorld {
  explicit SimulatedWorld(uint64_t seed) : random(seed), upstream(random) {}
  Random random;
  Upstream upstream;
  Accident accident = Accident::kNone;
  bool is_calm = false;   // nothing goes wrong any more
  std::string violation;  // the first one that was seen; empty: none
  void violate(std::string text) {
    if (violation.empty()) {
      violation = std::move(text);
    }
  }
};

// WITH ('connector' = 'simulated', 'table' = 'accounts' | 'entries' | 'links'), in the world
// of the thread.
class SimulatedConnector final : public Connector {
 public:
  std::string_view name() const override { return "simulated"; }
  std::span<const OptionSpec> options() const override;
  Result<SourceTable> resolve_table(const Options& with, const std::optional<Schema>& declared,
                                    const Options& settings) override;
  Result<std::vector<SourceTableName>> list_tables(const Options& catalog) override;
  Options table_options(const Options& catalog, const SourceTableName& table) override;
  Result<std::unique_ptr<Source>> open_source(SourceOpening opening) override;

  // The world of the simulation that runs on this thread.
  static thread_local SimulatedWorld* world;
};

// Makes the connector known.
void add_simulated_connector();

// The columns of each table.
Schema upstream_schema();

}  // namespace tidemark
