#pragma once
// The engine: sources, views, and the step loop that keeps the one true to the other.
//
// Thread rule: public methods from any thread. One thread, the engine's own, polls sources, runs
// steps and publishes; everything below engine/ that the headers assign to "the step thread" lives
// there.

#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "catalog/catalog.h"
#include "connectors/connector.h"
#include "engine/session.h"
#include "engine/subscription.h"

namespace tidemark {

struct BoundQuery;  // plan/
class StepLoop;

struct EngineOptions {
  // Largest number of commits that one step takes together; 0: all that have arrived.
  uint64_t step_commits_max = 0;
  size_t subscription_bytes_max = 256 << 20;
};

class Engine {
 public:
  explicit Engine(EngineOptions options = {});
  ~Engine();  // ends all jobs; sources give back what they took

  std::unique_ptr<Session> new_session();
  Catalog& catalog() { return catalog_; }
  StepLoop& step_loop() { return *step_loop_; }
  const EngineOptions& options() const { return options_; }

 private:
  EngineOptions options_;
  Catalog catalog_;
  std::unique_ptr<StepLoop> step_loop_;
};

}  // namespace tidemark
