// What a one-row commit costs a view over a join of five tables whose state is there: microseconds
// of a step with its publication.
//
// join_bench [LINES, default 2,000,000] [busy: no idle turn between the rows that come and the
// first one that goes]

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <numeric>
#include <string_view>

#include <fmt/core.h>

#include "tests/harness/memory_database.h"

namespace {

using namespace tidemark;

constexpr int64_t kLinesOfOrder = 4, kOrdersOfCustomer = 10, kProducts = 100'000, kRegions = 100;
constexpr size_t kStepRows = 20'000;
constexpr int kRounds = 2000;

// A row of numbers, and a name if the table has one.
struct Row {
  std::vector<int64_t> numbers;
};

struct Table {
  const char* name;
  std::vector<const char*> numbers;  // the first is the key
  bool has_name;
  ObjectRef object = nullptr;

  void create(MemoryDatabase& database) {
    Schema schema;
    for (const char* number : numbers) {
      schema.fields.push_back({number, Type::bigint()});
    }
    if (has_name) {
      schema.fields.push_back({"name", Type::string()});
    }
    object = database.create_table(name, std::move(schema), {0}).value();
  }
  ZBatch batch(std::span<const Row> rows, int64_t weight) const {
    std::vector<Column> columns(numbers.size(), Column(Type::bigint()));
    if (has_name) {
      columns.emplace_back(Type::string());
    }
    for (const Row& row : rows) {
      for (size_t i = 0; i < numbers.size(); ++i) {
        columns[i].append(row.numbers[i]);
      }
      if (has_name) {
        columns.back().append_string(fmt::format("{} {}", name, row.numbers[0]));
      }
    }
    ZBatch result{to_batch(std::move(columns)), {}};
    result.weights.assign(rows.size(), weight);
    return result;
  }
};

double thread_ms() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) * 1e-6;
}

template <typename MakeRow>
void fill(MemoryView& view, const Table& table, int64_t count, MakeRow make) {
  std::vector<Row> rows;
  for (int64_t id = 0; id < count; ++id) {
    rows.push_back(make(id));
    if (rows.size() == kStepRows || id + 1 == count) {
      view.push(table.object, table.batch(rows, 1));
      CHECK(view.step().ok());
      view.publish();
      rows.clear();
    }
  }
}

// Rows that go and come again, one a commit.
template <typename MakeRow>
void measure(MemoryView& view, const char* what, const Table& table, int64_t count, MakeRow make) {
  std::vector<double> taken;
  size_t changed = 0;
  for (int round = 0; round < kRounds; ++round) {
    Row row = make(round / 2 * 7919 % count);
    auto start = std::chrono::steady_clock::now();
    view.push(table.object, table.batch(std::span(&row, 1), round % 2 == 0 ? -1 : 1));
    CHECK(view.step().ok());
    changed = std::max(changed, view.publish().rows.rows);
    std::chrono::duration<double, std::micro> time = std::chrono::steady_clock::now() - start;
    taken.push_back(time.count());
  }
  std::ranges::sort(taken);
  fmt::print("| {} | {} | {:.1f} | {:.1f} | {:.1f} |\n", what, changed, taken[kRounds / 2],
             taken[kRounds / 100 * 99], taken.back());
}

int run(int64_t lines, bool is_idle) {
  int64_t orders = lines / kLinesOfOrder, customers = orders / kOrdersOfCustomer;
  Table line{"line", {"id", "order_id", "product_id", "amount"}, false};
  Table order{"orders", {"id", "customer_id", "day"}, false};
  Table customer{"customer", {"id", "region_id"}, true};
  Table product{"product", {"id", "price"}, true};
  Table region{"region", {"id"}, true};
  MemoryDatabase database;
  for (Table* table : {&line, &order, &customer, &product, &region}) {
    table->create(database);
  }
  std::unique_ptr<MemoryView> view = database.make_view(
      database
          .bind("SELECT line.id, orders.day, customer.name AS customer, product.name AS product, "
                "region.name AS region, line.amount * product.price AS cost FROM line JOIN orders "
                "ON line.order_id = orders.id JOIN customer ON orders.customer_id = customer.id "
                "JOIN product ON line.product_id = product.id JOIN region ON customer.region_id = "
                "region.id")
          .value());
  auto make_line = [&](int64_t id) {
    return Row{{id, id / kLinesOfOrder, id * 31 % kProducts, id % 10}};
  };
  auto make_order = [&](int64_t id) { return Row{{id, id / kOrdersOfCustomer, id % 365}}; };
  auto make_customer = [&](int64_t id) { return Row{{id, id % kRegions}}; };
  fill(*view, region, kRegions, [](int64_t id) { return Row{{id}}; });
  fill(*view, product, kProducts, [](int64_t id) { return Row{{id, id % 100}}; });
  fill(*view, customer, customers, make_customer);
  fill(*view, order, orders, make_order);
  fill(*view, line, lines, make_line);
  std::vector<double> pieces;
  for (bool more = is_idle; more;) {
    double start = thread_ms();
    more = view->idle();
    pieces.push_back(thread_ms() - start);
  }
  if (is_idle) {
    std::ranges::sort(pieces);
    fmt::print(
        "idle: {} turns, {:.0f} ms of CPU in all, half under {:.2f} ms, the longest {:.2f}\n",
        pieces.size(), std::accumulate(pieces.begin(), pieces.end(), 0.0),
        pieces[pieces.size() / 2], pieces.back());
  }
  size_t state_rows = 0, state_bytes = 0;
  for (const Graph::NodeInfo& node : view->graph().nodes()) {
    state_rows += node.state_rows;
    state_bytes += node.state_bytes;
  }
  fmt::print(
      "{} lines, {} orders, {} customers, {} products, {} regions: {:.1f}M rows of state, {} MB\n\n"
      "| one row of | rows of the view, most | p50 us | p99 us | most us "
      "|\n|---|---|---|---|---|\n",
      lines, orders, customers, kProducts, kRegions, static_cast<double>(state_rows) / 1e6,
      state_bytes >> 20);
  measure(*view, "line", line, lines, make_line);
  measure(*view, "orders", order, orders, make_order);
  measure(*view, "customer", customer, customers, make_customer);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  bool is_idle = argc < 3 || std::string_view(argv[2]) != "busy";
  return run(argc > 1 ? std::atoll(argv[1]) : 2'000'000, is_idle);
}
