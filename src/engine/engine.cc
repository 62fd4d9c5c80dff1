#include "engine/engine.h"

#include "engine/step_loop.h"

namespace tidemark {

Engine::Engine(EngineOptions options)
    : options_(options), step_loop_(std::make_unique<StepLoop>(options.step_commits_max)) {}
Engine::~Engine() = default;

std::unique_ptr<Session> Engine::new_session() {
  return std::make_unique<Session>(*this);
}

}  // namespace tidemark
