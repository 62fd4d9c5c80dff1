#include "engine/engine.h"

#include <algorithm>
#include <thread>

#include "base/available_memory.h"
#include "engine/durability.h"
#include "engine/restore.h"
#include "engine/step_loop.h"
#include "engine/system/system_table.h"

namespace tidemark {

namespace {

EngineOptions with_defaults(EngineOptions options) {
  if (options.step_bytes_max == 0) {
    uint64_t memory =
        options.memory_limit_bytes != 0 ? options.memory_limit_bytes : available_memory();
    options.step_bytes_max = std::max(uint64_t{1} << 30, memory / 8);
  }
  if (options.simulation) {
    options.workers = 1;
  } else if (options.workers == 0) {
    options.workers = std::max(1u, std::thread::hardware_concurrency());
  }
  return options;
}

// What the store takes for itself is a small part of what there is.
StoreOptions within(uint64_t memory_limit) {
  StoreOptions options;
  if (memory_limit != 0) {
    options.cache_bytes = std::clamp<size_t>(memory_limit / 8, 4 << 20, options.cache_bytes);
    options.buffer_bytes = std::clamp<size_t>(memory_limit / 32, 2 << 20, options.buffer_bytes);
  }
  return options;
}

}  // namespace

Engine::Engine(EngineOptions options) : Engine(std::move(options), nullptr) {}

Engine::Engine(EngineOptions options, std::unique_ptr<Durability> durability)
    : options_(with_defaults(std::move(options))),
      durability_(std::move(durability)),
      step_loop_(std::make_unique<StepLoop>(options_, durability_.get())) {
  catalog_.set_system_tables(system_objects());
}

Engine::~Engine() = default;

Result<std::unique_ptr<Engine>> Engine::open(EngineOptions options) {
  if (options.data_directory.empty()) {
    return std::make_unique<Engine>(std::move(options));
  }
  StoreOptions store_options = within(options.memory_limit_bytes);
  if (options.table_bytes_min) {
    store_options.table_bytes_min = *options.table_bytes_min;
  }
  if (options.simulation && options.simulation->disk != nullptr) {
    store_options.disk = options.simulation->disk;
    store_options.cache_bytes = 1 << 20;
  }
  std::unique_ptr<Store> store = TRY(Store::open(options.data_directory, store_options));
  auto durability = std::make_unique<Durability>(std::move(store), options);
  std::unique_ptr<Engine> engine(new Engine(std::move(options), std::move(durability)));
  engine->start_notices_ = TRY(restore(*engine));
  return engine;
}

std::unique_ptr<Session> Engine::new_session() {
  return std::make_unique<Session>(*this);
}

}  // namespace tidemark
