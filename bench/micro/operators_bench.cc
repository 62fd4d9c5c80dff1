// The recipe's operators alone: filter and exact sum by animal over string columns in memory,
// beside a tight loop that does the same with plain sums, in one process. Prints rows a second,
// medians of several rounds.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <random>
#include <unordered_map>

#include "dataflow/graph.h"
#include "dataflow/operators/aggregate.h"
#include "dataflow/operators/map.h"
#include "expr/expr.h"

namespace {

using namespace tidemark;

constexpr size_t kBatchRows = 8192;
constexpr size_t kBatches = 128;
constexpr int kRounds = 15;

std::vector<RowBatch> make_batches() {
  static const char* kAnimals[] = {
      "Blue Ringed Octopus", "Box Jellyfish",       "Cassowary",          "Funnel Web Spider",
      "Great White Shark",   "Inland Taipan Snake", "Saltwater Crocodile"};
  static const char* kStatus[] = {"INITIAL", "INITIAL", "IN REVIEW", "REIMBURSED", "DENIED"};
  std::mt19937 random(42);
  std::vector<RowBatch> batches;
  for (size_t b = 0; b < kBatches; ++b) {
    std::vector<Column> columns;
    columns.emplace_back(Type::string());
    columns.emplace_back(Type::float64());
    columns.emplace_back(Type::string());
    for (size_t i = 0; i < kBatchRows; ++i) {
      columns[0].append_string(kAnimals[random() % 7]);
      columns[1].append(static_cast<double>(random() % 1000000) / 100);
      columns[2].append_string(kStatus[random() % 5]);
    }
    batches.push_back(to_batch(std::move(columns)));
  }
  return batches;
}

double seconds(auto&& work) {
  auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// The same work without an engine: compare, hash, probe, add.
double tight_loop(const std::vector<RowBatch>& batches) {
  struct Slot {
    std::string_view key;
    double sum;
  };
  std::vector<Slot> slots(64);
  for (const RowBatch& batch : batches) {
    const StringRef* animal = batch.columns[0]->data<StringRef>();
    const double* total = batch.columns[1]->data<double>();
    const StringRef* status = batch.columns[2]->data<StringRef>();
    StringRef denied(std::string_view("DENIED"));
    for (size_t i = 0; i < batch.rows; ++i) {
      if (status[i] == denied) {
        continue;
      }
      std::string_view key = animal[i].view();
      uint64_t word = 0;
      std::memcpy(&word, key.data(), 8);
      size_t slot = (word * 0x9E3779B97F4A7C15u + key.size()) >> 58;
      while (!slots[slot].key.empty() && slots[slot].key != key) {
        slot = (slot + 1) & 63;
      }
      slots[slot].key = key;
      slots[slot].sum += total[i];
    }
  }
  double all = 0;
  for (const Slot& slot : slots) {
    all += slot.sum;
  }
  return all;
}

}  // namespace

int main() {
  std::vector<RowBatch> batches = make_batches();
  double rows = static_cast<double>(kBatches * kBatchRows);

  ExprRef status = make_column(2, Type::string());
  const Function* not_equal = find_function("<>");
  std::vector<Type> types{Type::string(), Type::string()};
  ExprRef predicate = std::make_shared<const Expr>(Expr{
      Type::boolean(), CallExpr{not_equal,
                                *not_equal->bind(types),
                                {status, make_literal(std::string("DENIED"), Type::string())}}});
  std::vector<double> engine_times, loop_times;
  double check = 0;
  for (int round = 0; round < kRounds; ++round) {
    Graph graph;
    NodeId input = graph.add_input();
    NodeId map = graph.add(std::make_unique<MapOperator>(
                               predicate, std::vector<ExprRef>{make_column(0, Type::string()),
                                                               make_column(1, Type::float64())}),
                           {input});
    AggregateSpec sum{AggregateKind::kSum, 1, false, {}, Type::float64(), Type::float64()};
    NodeId aggregate = graph.add(std::make_unique<AggregateOperator>(
                                     std::vector<size_t>{0}, std::vector<Type>{Type::string()},
                                     std::vector<AggregateSpec>{sum}),
                                 {map});
    graph.set_output(std::make_unique<OutputOperator>(
                         Schema{{{"animal", Type::string()}, {"sum", Type::float64()}}}),
                     aggregate);
    StepContext context;
    engine_times.push_back(seconds([&] {
      for (const RowBatch& batch : batches) {
        graph.push(input, Delta{false, {ZBatch{batch, {}}}});
        ++context.step;
        CHECK(graph.step(context).ok());
      }
    }));
    loop_times.push_back(seconds([&] { check += tight_loop(batches); }));
  }
  double engine = rows / median(engine_times) / 1e6, loop = rows / median(loop_times) / 1e6;
  std::printf("recipe's operators, exact sums     %6.1fM rows/s  (best %.1fM)\n", engine,
              rows / *std::min_element(engine_times.begin(), engine_times.end()) / 1e6);
  std::printf("tight loop, plain sums             %6.1fM rows/s\n", loop);
  std::printf("ratio                              %6.2f\n", engine / loop);
  return check == 0 ? 1 : 0;
}
