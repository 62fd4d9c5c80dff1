// Loading a table of state that is only in the store, as the first read of a whole view does after
// a restart: rows of about 350 bytes, whole rows as keys. Prints rows a second.
//
//   load_bench [ROWS, default 500,000]

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <random>

#include <fmt/core.h>
#include <time.h>

#include "state/keyed_table.h"
#include "state/store.h"
#include "types/hash.h"

namespace {

using namespace tidemark;

constexpr size_t kBatchRows = 8192;
constexpr size_t kCheckpointRows = 400'000;
constexpr int kRounds = 3;

std::vector<Type> row_types() {
  return {Type::integer(), Type::float64(), Type::string(), Type::string()};
}

void write_rows(Store& store, size_t rows) {
  KeyedTable table(row_types(), {}, sizeof(int64_t));
  table.attach(store, "t", false);
  std::mt19937_64 random(7);
  for (size_t first = 0; first < rows; first += kBatchRows) {
    std::vector<Column> columns;
    for (const Type& type : row_types()) {
      columns.emplace_back(type);
    }
    size_t count = std::min(kBatchRows, rows - first);
    for (size_t i = first; i < first + count; ++i) {
      columns[0].append(static_cast<int32_t>(i));
      columns[1].append(static_cast<double>(i) / 7);
      std::string digest = fmt::format("{:016x}{:016x}", random(), random()), note;
      for (int times = 0; times < 10; ++times) {
        note += digest;
      }
      columns[2].append_string(note);
      columns[3].append_string(fmt::format("kind number {}", i % 1000 + 1));
    }
    RowBatch batch = to_batch(std::move(columns));
    std::vector<const Column*> keys;
    for (const ColumnRef& column : batch.columns) {
      keys.push_back(column.get());
    }
    table.append_loose(keys, count, {});
    if ((first + count) / kCheckpointRows != first / kCheckpointRows || first + count == rows) {
      StoreBatch changes;
      table.stage(changes);
      CHECK(store.write(changes).ok());
      table.staged_is_durable();
    }
  }
}

// Of this thread: on a busy machine it says more than the time that passes.
double processor_seconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

void load(const Store& store, size_t rows) {
  KeyedTable table(row_types(), {}, sizeof(int64_t));
  table.attach(store, "t", true);
  double before = processor_seconds();
  auto start = std::chrono::steady_clock::now();
  table.load_all();
  double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  double busy = processor_seconds() - before;
  CHECK(table.is_complete() && table.size() == rows);
  fmt::print("{} rows in {:.2f} s, of the processor {:.2f}: {:.0f} thousand a second of it\n", rows,
             seconds, busy, static_cast<double>(rows) / busy / 1e3);
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  size_t rows = argc > 1 ? strtoull(argv[1], nullptr, 10) : 500'000;
  std::string directory = "/tmp/tidemark_load.XXXXXX";
  if (mkdtemp(directory.data()) == nullptr) {
    return 1;
  }
  {
    std::unique_ptr<Store> store = Store::open(directory + "/data").value();
    write_rows(*store, rows);
    for (int round = 0; round < kRounds; ++round) {
      load(*store, rows);
    }
  }
  std::filesystem::remove_all(directory);
  return 0;
}
