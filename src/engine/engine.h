#pragma once
// The engine: sources, views, and the step loop that keeps the one true to the other.
//
// Thread rule: public methods from any thread. One thread, the engine's own, polls sources, runs
// steps and publishes; everything below engine/ that the headers assign to "the step thread" lives
// there.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "catalog/catalog.h"
#include "catalog/users.h"
#include "connectors/connector.h"
#include "engine/session.h"
#include "engine/subscription.h"

namespace tidemark {

struct BoundQuery;  // plan/
class Durability;
class MemoryDisk;
class StepLoop;

// An engine without threads of its own, in which all happens when and in the order that the
// simulation says: StepLoop::turn(), CheckpointWriter::write(). Its end is a kill.
struct Simulation {
  const Clock* clock;  // outlives the engine
  // Is told of every crash point; what it throws comes out of what was called, and nothing but the
  // end of the engine may follow.
  std::function<void(std::string_view)> on_crash_point;
  // Has the store instead of the data directory, which is there; outlives the engine. May be null.
  MemoryDisk* disk = nullptr;
};

struct EngineOptions {
  // Largest number of commits that one step takes together; 0: all that have arrived.
  uint64_t step_commits_max = 0;
  size_t subscription_bytes_max = 256 << 20;
  // Where definitions and state are kept. Empty: in memory only, gone with the engine.
  std::string data_directory;
  int64_t checkpoint_interval_us = 1'000'000;
  uint64_t memory_limit_bytes = 0;  // of the process, with a data directory; 0: none
  // Of the rows that one operator makes in a step; 0: an eighth of the memory limit, or of what
  // there is, and at least 1 GB.
  uint64_t step_bytes_max = 0;
  // Threads that work together on a large batch; 0: one for each core. A simulation has one.
  size_t workers = 0;
  std::optional<size_t> table_bytes_min;  // of the store (state/store.h); none: its default
  std::string crash_at;                   // for tests: base/crash_point.h
  std::optional<Simulation> simulation;
  Options session_settings;  // what a new session begins with
  // Gets a source's name and its state when that has changed; from any thread. May be empty.
  std::function<void(const std::string& source, const SourceStatus& status)> note_source;
};

class Engine {
 public:
  // In memory.
  explicit Engine(EngineOptions options = {});
  // With what the data directory holds: definitions, and views live at the marks of the last
  // checkpoint. Does not wait for any source.
  static Result<std::unique_ptr<Engine>> open(EngineOptions options);
  ~Engine();  // ends all jobs; sources give back what they took, but for what a data directory is
              // to find again

  std::unique_ptr<Session> new_session();
  Catalog& catalog() { return catalog_; }
  Users& users() { return users_; }
  const Users& users() const { return users_; }
  StepLoop& step_loop() { return *step_loop_; }
  const EngineOptions& options() const { return options_; }
  Durability* durability() { return durability_.get(); }  // null: in memory
  // What went wrong with single objects at the start: they are there, but do not run.
  const std::vector<std::string>& start_notices() const { return start_notices_; }

 private:
  Engine(EngineOptions options, std::unique_ptr<Durability> durability);

  EngineOptions options_;
  Catalog catalog_;
  Users users_;
  std::unique_ptr<Durability> durability_;  // outlives the loop
  std::unique_ptr<StepLoop> step_loop_;
  std::vector<std::string> start_notices_;
};

}  // namespace tidemark
