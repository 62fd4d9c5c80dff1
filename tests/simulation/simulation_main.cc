// simulation SEEDS [FIRST]: runs so many seeds on all cores, and says what was held.
// simulation --seed N: runs one, and tells all that happens.

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <fmt/core.h>
#include <unistd.h>

#include "state/memory_disk.h"
#include "state/store.h"
#include "tests/simulation/simulation.h"

using namespace tidemark;

namespace {

std::string directory(unsigned thread) {
  return fmt::format("/dev/shm/tidemark_simulation_{}_{}", getpid(), thread);
}

int run_one(uint64_t seed) {
  SimulationResult result = simulate(seed, directory(0), true);
  fmt::print("seed {}: {}\n", seed, result.violation.empty() ? "no violation" : result.violation);
  return result.violation.empty() ? 0 : 1;
}

int run_many(uint64_t seeds, uint64_t first) {
  constexpr uint64_t kToldEvery = 1000;
  std::atomic<uint64_t> next{first};
  std::mutex mutex;  // guards the rest, and the output
  uint64_t done = 0, violations = 0;
  SimulationResult sum;
  auto begin = std::chrono::steady_clock::now();
  // While a store is open RocksDB has a thread that it begins with the first and ends with the
  // last.
  MemoryDisk disk;
  Result<std::unique_ptr<Store>> open = Store::open("/open", {.disk = &disk});
  std::vector<std::jthread> threads;
  for (unsigned i = 0; i < std::max(1u, std::thread::hardware_concurrency()); ++i) {
    threads.emplace_back([&, i] {
      for (uint64_t seed = next++; seed < first + seeds; seed = next++) {
        SimulationResult result = simulate(seed, directory(i));
        std::lock_guard lock(mutex);
        sum.lives += result.lives;
        sum.kills_at_points += result.kills_at_points;
        sum.commits += result.commits;
        sum.states_checked += result.states_checked;
        sum.resumed += result.resumed;
        sum.restarted += result.restarted;
        if (!result.violation.empty()) {
          ++violations;
          fmt::print("{}\n", result.violation);
          std::fflush(stdout);
        }
        if (++done % kToldEvery == 0) {  // a long run may be ended before its sum
          fmt::print(stderr, "{} seeds from {}, {} violations\n", done, first, violations);
        }
      }
    });
  }
  threads.clear();
  double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  fmt::print(
      "{} seeds from {} in {:.0f} s: {} lives, {} of them killed at crash points, {} commits, {} "
      "states checked, {} subscriptions went on, {} began again, {} violations\n",
      seeds, first, seconds, sum.lives, sum.kills_at_points, sum.commits, sum.states_checked,
      sum.resumed, sum.restarted, violations);
  return violations == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  auto number = [&](int i) { return strtoull(argv[i], nullptr, 10); };
  if (argc == 3 && std::string(argv[1]) == "--seed") {
    return run_one(number(2));
  }
  if (argc < 2 || argc > 3) {
    fmt::print(stderr, "usage: simulation SEEDS [FIRST] | simulation --seed N\n");
    return 2;
  }
  return run_many(number(1), argc == 3 ? number(2) : 1);
}
