// Nexmark's queries as views over events in memory: events a second, from the push into the graph
// to the publication of each step, by the clock and by the time that all threads ran (the same with
// one worker on an idle machine). Each query runs in a process of its own over the same events,
// made before the clock starts.
//
// nexmark_bench [--events N] [--rate EVENTS_PER_SECOND] [--seed N] [--step EVENTS] [--workers N]
//               [--append-only] [QUERY]...
//
// --append-only: the tables are declared so, as events only come (docs/decisions/0038).

#include <chrono>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <thread>

#include <fmt/core.h>

#include "base/workers.h"
#include "bench/harness/process.h"
#include "bench/nexmark/generator.h"
#include "bench/nexmark/queries.h"
#include "tests/harness/memory_database.h"
#include "types/hash.h"

namespace {

using namespace tidemark;

struct BenchOptions {
  NexmarkOptions generator;
  size_t events = 10'000'000;
  size_t step_events = 20'000;  // about what a step takes from a source at once
  size_t workers = std::max(1u, std::thread::hardware_concurrency());
  Options table_options;
  std::vector<std::string> queries;
};

// Of all threads.
double cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

// The same for equal contents, whatever the order of rows.
uint64_t checksum(const MemoryAnswer& answer) {
  std::vector<const Column*> columns;
  for (const ColumnRef& column : answer.rows.columns) {
    columns.push_back(column.get());
  }
  std::vector<uint64_t> hashes;
  hash_rows(columns, answer.rows.rows, hashes);
  uint64_t sum = 0;
  for (uint64_t hash : hashes) {
    sum += hash;
  }
  return sum;
}

int run(const NexmarkQuery& query, const std::vector<NexmarkEvents>& steps,
        const BenchOptions& options) {
  Workers workers(options.workers);
  double before_mib = status_mib("VmRSS:");
  MemoryDatabase database;
  std::vector<ObjectRef> tables;
  for (const NexmarkTable& table : nexmark_tables()) {
    tables.push_back(
        database.create_table(table.name, table.schema, table.primary_key, options.table_options)
            .value());
  }
  Result<BoundQuery> bound = database.bind(query.text);
  if (!bound.ok()) {
    fmt::print("| {} | refused: {} | | | | | |\n", query.name, bound.status().message());
    return 0;
  }
  std::unique_ptr<MemoryView> view = database.make_view(*bound);
  view->set_workers(&workers);
  double cpu_before = cpu_seconds();
  auto start = std::chrono::steady_clock::now();
  for (const NexmarkEvents& step : steps) {
    for (size_t table = 0; table < step.size(); ++table) {
      view->push(tables[table], {step[table], {}});
    }
    if (Status status = view->step(); !status.ok()) {
      fmt::print("| {} | error: {} | | | | | |\n", query.name, status.message());
      return 1;
    }
    view->publish();
  }
  double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  double cpu = cpu_seconds() - cpu_before;
  double state_mib = static_cast<double>(view->graph().state_bytes()) / (1 << 20);
  double peak_mib = status_mib("VmHWM:") - before_mib;
  MemoryAnswer answer = view->answer().value();
  fmt::print("| {} | {:.2f} | {:.2f} | {:.0f} | {:.0f} | {} | {:016x} |\n", query.name,
             static_cast<double>(options.events) / seconds / 1e6,
             static_cast<double>(options.events) / cpu / 1e6, state_mib, peak_mib, answer.rows.rows,
             checksum(answer));
  return 0;
}

bool is_wanted(const BenchOptions& options, const std::string& name) {
  return options.queries.empty() ||
         std::find(options.queries.begin(), options.queries.end(), name) != options.queries.end();
}

}  // namespace

int main(int argc, char** argv) {
  BenchOptions options;
  for (int i = 1; i < argc; ++i) {
    std::string argument = argv[i];
    auto number = [&] { return i + 1 < argc ? std::strtod(argv[++i], nullptr) : 0; };
    if (argument == "--events") {
      options.events = static_cast<size_t>(number());
    } else if (argument == "--rate") {
      options.generator.events_per_second = number();
    } else if (argument == "--seed") {
      options.generator.seed = static_cast<uint64_t>(number());
    } else if (argument == "--step") {
      options.step_events = static_cast<size_t>(number());
    } else if (argument == "--workers") {
      options.workers = static_cast<size_t>(number());
    } else if (argument == "--append-only") {
      options.table_options["append-only"] = "true";
    } else {
      options.queries.push_back(argument);
    }
  }
  if (options.step_events == 0 || options.events == 0 || options.workers == 0 ||
      options.generator.events_per_second <= 0) {
    std::fprintf(stderr, "nexmark_bench: expected numbers above 0\n");
    return 2;
  }
  NexmarkGenerator generator(options.generator);
  std::vector<NexmarkEvents> steps;
  for (size_t made = 0; made < options.events;) {
    size_t count = std::min(options.step_events, options.events - made);
    steps.push_back(generator.next(count));
    made += count;
  }
  fmt::print(
      "{} events, {:.0f} to a second of event time, seed {}, steps of {} events, workers: {}{}\n\n"
      "| query | M events/s | M events/s of CPU | state MiB | peak MiB | rows | checksum |\n"
      "|---|---|---|---|---|---|---|\n",
      options.events, options.generator.events_per_second, options.generator.seed,
      options.step_events, options.workers,
      options.table_options.empty() ? "" : ", tables that are append-only");
  int status = 0;
  for (const NexmarkQuery& query : nexmark_queries()) {
    if (!is_wanted(options, query.name)) {
      continue;
    }
    int ended = run_in_child([&] { return run(query, steps, options); });
    if (ended != 0) {
      fmt::print("| {} | ended with status {} | | | | | |\n", query.name, ended);
      status = 1;
    }
  }
  return status;
}
