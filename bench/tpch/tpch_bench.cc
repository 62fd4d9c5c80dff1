// TPC-H's queries as views over tables that arrive: each step brings so many lineitems with their
// orders and the same share of every other table, so that all of them end together. Rows a second
// of one thread, of the tables that the query reads, from the push into the graph to the
// publication of each step. Each query runs in a process of its own over the same rows, made before
// the clock starts.
//
// tpch_bench [--scale N] [--step LINEITEMS] [--seed N] [QUERY NUMBER]...
// tpch_bench --explain [QUERY NUMBER]...

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include <fmt/core.h>

#include "bench/harness/process.h"
#include "bench/tpch/generator.h"
#include "bench/tpch/queries.h"
#include "tests/harness/memory_database.h"

namespace {

using namespace tidemark;

// Differential dataflow's rows a second in batches of 1,000, millions (its tpchlike README; SF10,
// one thread).
constexpr double kDifferential[] = {3.76,  1.80, 3.85,  3.00, 2.22,  22.8,  2.02, 1.15,
                                    0.896, 3.05, 0.007, 7.37, 0.528, 9.05,  1.52, 1.82,
                                    1.18,  3.28, 7.48,  4.12, 0.734, 0.0213};

std::vector<ObjectRef> create_tables(MemoryDatabase& database) {
  std::vector<ObjectRef> tables;
  for (const TpchTable& table : tpch_tables()) {
    tables.push_back(database.create_table(table.name, table.schema, table.primary_key).value());
  }
  return tables;
}

int explain(const TpchQuery& query) {
  MemoryDatabase database;
  create_tables(database);
  Result<BoundQuery> bound = database.bind(query.text);
  fmt::print("-- {}\n{}\n", query.number,
             bound.ok() ? plan_to_string(*bound->plan) : bound.status().message());
  return bound.ok() ? 0 : 1;
}

// The steps are the parent's: copies, so that the memory in which their references are counted is
// the child's own before the clock starts.
int run(const TpchQuery& query, std::vector<TpchRows> steps) {
  MemoryDatabase database;
  std::vector<ObjectRef> tables = create_tables(database);
  Result<BoundQuery> bound = database.bind(query.text);
  if (!bound.ok()) {
    fmt::print("| {} | refused: {} | | | | |\n", query.number, bound.status().message());
    return 1;
  }
  std::unique_ptr<MemoryView> view = database.make_view(*bound);
  std::vector<ObjectRef> read = view->tables();
  double before_mib = status_mib("VmHWM:");
  size_t rows = 0;
  auto start = std::chrono::steady_clock::now();
  for (const TpchRows& step : steps) {
    for (size_t table = 0; table < step.size(); ++table) {
      if (std::find(read.begin(), read.end(), tables[table]) != read.end()) {
        rows += step[table].rows;
        view->push(tables[table], {step[table], {}});
      }
    }
    if (Status status = view->step(); !status.ok()) {
      fmt::print("| {} | error: {} | | | | |\n", query.number, status.message());
      return 1;
    }
    view->publish();
  }
  double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  double rate = static_cast<double>(rows) / seconds / 1e6;
  double reference = kDifferential[query.number - 1];
  fmt::print("| {} | {:.3f} | {} | {:.2f} | {:.0f} | {} |\n", query.number, rate, reference,
             rate / reference, status_mib("VmHWM:") - before_mib, view->answer().value().rows.rows);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  double scale = 1;
  size_t lineitems = 1000;
  uint64_t seed = 1;
  bool only_explains = false;
  std::vector<int> wanted;
  for (int i = 1; i < argc; ++i) {
    std::string argument = argv[i];
    auto number = [&] { return i + 1 < argc ? std::strtod(argv[++i], nullptr) : 0; };
    if (argument == "--scale") {
      scale = number();
    } else if (argument == "--step") {
      lineitems = static_cast<size_t>(number());
    } else if (argument == "--seed") {
      seed = static_cast<uint64_t>(number());
    } else if (argument == "--explain") {
      only_explains = true;
    } else {
      wanted.push_back(std::atoi(argument.c_str()));
    }
  }
  if (scale <= 0 || lineitems == 0) {
    std::fprintf(stderr, "tpch_bench: expected numbers above 0\n");
    return 2;
  }
  auto is_wanted = [&](const TpchQuery& query) {
    return wanted.empty() || std::ranges::find(wanted, query.number) != wanted.end();
  };
  int status = 0;
  if (only_explains) {
    for (const TpchQuery& query : tpch_queries()) {
      status = is_wanted(query) && explain(query) != 0 ? 1 : status;
    }
    return status;
  }
  TpchGenerator generator(scale, seed);
  std::vector<TpchRows> steps;
  while (!generator.at_end()) {
    steps.push_back(generator.next(lineitems));
  }
  fmt::print(
      "scale {}, steps of {} lineitems, seed {}, one thread; M rows/s of the tables that are "
      "read\n\n"
      "| query | M rows/s | differential dataflow | ratio | peak MiB | rows |\n"
      "|---|---|---|---|---|---|\n",
      scale, lineitems, seed);
  for (const TpchQuery& query : tpch_queries()) {
    if (!is_wanted(query)) {
      continue;
    }
    int ended = run_in_child([&] { return run(query, steps); });
    status = ended != 0 ? 1 : status;
  }
  return status;
}
