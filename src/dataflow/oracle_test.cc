// The law that every operator must keep: fed with random changes (retractions included) in random
// steps, its content equals what a fresh graph computes from the surviving rows at once.

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include <gtest/gtest.h>

#include "dataflow/graph.h"
#include "state/store.h"
#include "tests/harness/oracle_queries.h"
#include "tests/harness/temporary_directory.h"
#include "types/text.h"

namespace tidemark {
namespace {

using namespace oracle;

struct Row {
  std::vector<Value> values;
};

Row random_row(std::mt19937& random) {
  static const std::vector<std::string> kKeys = {"a", "Blue Ringed Octopus", "Box Jellyfish", "",
                                                 "Cassowary from afar"};
  static const std::vector<double> kDoubles = {0.1,
                                               -0.0,
                                               0.0,
                                               1e16,
                                               -1e16,
                                               1e300,
                                               5e-324,
                                               7612.47,
                                               std::numeric_limits<double>::infinity(),
                                               -std::numeric_limits<double>::infinity(),
                                               std::nan(""),
                                               3.5};
  Row row;
  auto null = [&] { return random() % 8 == 0; };
  row.values.push_back(null() ? Value() : Value(kKeys[random() % kKeys.size()]));
  row.values.push_back(null() ? Value() : Value(static_cast<int32_t>(random() % 7) - 3));
  row.values.push_back(null() ? Value() : Value(kDoubles[random() % kDoubles.size()]));
  row.values.push_back(null() ? Value() : Value(static_cast<Int128>(random() % 1000) - 500));
  row.values.push_back(null() ? Value() : Value(random() % 2 == 0));
  return row;
}

ZBatch make_batch(const std::vector<std::pair<Row, int64_t>>& rows) {
  std::vector<Column> columns = make_columns(kInput);
  ZBatch batch;
  for (const auto& [row, weight] : rows) {
    for (size_t c = 0; c < columns.size(); ++c) {
      columns[c].append_value(row.values[c]);
    }
    batch.weights.push_back(weight);
  }
  batch.rows = to_batch(std::move(columns));
  return batch;
}

struct Running {
  Graph graph;
  NodeId input;
  StepContext context;

  explicit Running(const Query& query) {
    input = graph.add_input();
    NodeId last = query.build(graph, input);
    graph.set_output(std::make_unique<OutputOperator>(query.output), last);
    graph.start();
  }
  void step(Delta delta) {
    graph.push(input, std::move(delta));
    ++context.step;
    ASSERT_TRUE(graph.step(context).ok());
  }
};

std::string show(const ZBatch& batch) {
  std::vector<std::string> lines;
  for (size_t row = 0; row < batch.rows.rows; ++row) {
    std::string line = std::to_string(batch.weight(row)) + ":";
    for (const ColumnRef& column : batch.rows.columns) {
      std::string text = column->is_null(row) ? "NULL" : text_of(*column, row);
      line += " " + (text == "-0" ? "0" : text) +
              "|";  // -0 and 0 are one value: either may stand for it
    }
    lines.push_back(line);
  }
  std::sort(lines.begin(), lines.end());
  std::string all;
  for (const std::string& line : lines) {
    all += line + "\n";
  }
  return all;
}

// Single changes of many rows, and now and then of as many.
void expect_many_rows_equal_recomputed_ones(const Query& query) {
  SCOPED_TRACE(query.name);
  std::mt19937 random(1);
  Running running(query);
  std::vector<std::pair<Row, int64_t>> alive;
  for (int step = 0; step < 40; ++step) {
    std::vector<std::pair<Row, int64_t>> changes;
    size_t count = step == 0 ? 500 : step % 13 == 12 ? 150 : random() % 4;
    for (size_t i = 0; i < count; ++i) {
      if (step != 0 && random() % 2 == 0) {
        size_t victim = random() % alive.size();
        changes.push_back({alive[victim].first, -1});
        alive.erase(alive.begin() + static_cast<long>(victim));
      } else {
        alive.push_back({random_row(random), 1});
        changes.push_back(alive.back());
      }
    }
    running.step({false, {make_batch(changes)}});
    running.graph.output().publish();
    Running fresh(query);
    fresh.step({false, {make_batch(alive)}});
    fresh.graph.output().publish();
    ASSERT_EQ(show(running.graph.output().content()), show(fresh.graph.output().content()))
        << "step " << step;
    ASSERT_EQ(running.graph.error(), fresh.graph.error());
  }
}

// So many that states are kept in the middle.
TEST(Oracle, running_windows_over_many_rows_equal_recomputed_ones) {
  for (const Query& query : running_queries({})) {
    expect_many_rows_equal_recomputed_ones(query);
  }
}

// So many that places move by steps and in leaps.
TEST(Oracle, places_among_many_rows_are_those_of_a_fresh_count) {
  for (const Query& query : placed_queries()) {
    expect_many_rows_equal_recomputed_ones(query);
  }
}

TEST(Oracle, incremental_equals_recomputed) {
  for (const Query& query : queries()) {
    for (uint32_t seed = 1; seed <= 12; ++seed) {
      SCOPED_TRACE(query.name + ", seed " + std::to_string(seed));
      std::mt19937 random(seed);
      Running running(query);
      std::vector<Row> alive;
      std::string published;
      for (int step = 0; step < 40; ++step) {
        Delta delta;
        if (random() % 25 == 0) {
          alive.clear();
          delta.reset = true;
        }
        size_t batches = random() % 3;
        for (size_t b = 0; b < batches; ++b) {
          std::vector<std::pair<Row, int64_t>> rows;
          size_t count = random() % 10;
          for (size_t i = 0; i < count; ++i) {
            if (!alive.empty() && !query.is_insert_only && random() % 5 < 2) {
              size_t victim = random() % alive.size();
              rows.push_back({alive[victim], -1});
              alive.erase(alive.begin() + static_cast<long>(victim));
            } else {
              alive.push_back(random_row(random));
              rows.push_back({alive.back(), 1});
            }
          }
          if (!rows.empty()) {
            delta.batches.push_back(make_batch(rows));
          }
        }
        running.step(std::move(delta));
        if (random() % 3 != 0) {
          continue;  // sub-steps: published together
        }
        running.graph.output().publish();
        Running fresh(query);
        Delta whole;
        std::vector<std::pair<Row, int64_t>> rows;
        for (const Row& row : alive) {
          rows.push_back({row, 1});
        }
        if (!rows.empty()) {
          whole.batches.push_back(make_batch(rows));
        }
        fresh.step(std::move(whole));
        fresh.graph.output().publish();
        ASSERT_EQ(show(running.graph.output().content()), show(fresh.graph.output().content()))
            << "step " << step;
        ASSERT_FALSE(running.graph.output().has_negative_rows());
        ASSERT_EQ(running.graph.error(), fresh.graph.error());
      }
    }
  }
}

// A directory with a store, and graphs that leave their state there.
class Disk {
 public:
  Disk() {
    Result<std::unique_ptr<Store>> store = Store::open(directory_.path() + "/data");
    CHECK(store.ok());
    store_ = std::move(store).value();
  }
  void attach(Graph& graph, size_t query, bool is_stored) {
    graph.visit_state([&](NodeId node, size_t place, StateTable& table) {
      std::string prefix{static_cast<char>(query), static_cast<char>(node),
                         static_cast<char>(place)};
      table.attach(*store_, prefix, is_stored);
    });
  }
  void save(Graph& graph) {
    StoreBatch batch;
    graph.visit_state([&](NodeId, size_t, StateTable& table) { table.stage(batch); });
    ASSERT_TRUE(store_->write(batch).ok());
    graph.visit_state([](NodeId, size_t, StateTable& table) { table.staged_is_durable(); });
  }

 private:
  TemporaryDirectory directory_;
  std::unique_ptr<Store> store_;
};

TEST(Oracle, a_restart_goes_on_from_the_state) {
  Disk disk;
  std::vector<Query> all = queries();
  for (size_t q = 0; q < all.size(); ++q) {
    SCOPED_TRACE(all[q].name);
    std::mt19937 random(static_cast<uint32_t>(q));
    std::vector<Row> alive;
    for (int life = 0; life < 3; ++life) {
      Running running(all[q]);
      disk.attach(running.graph, q, life != 0);
      for (int step = 0; step < 3; ++step) {
        std::vector<std::pair<Row, int64_t>> rows;
        for (int i = 0; i < 12; ++i) {
          if (alive.size() > 5 && !all[q].is_insert_only && random() % 2 == 0) {
            size_t victim = random() % alive.size();
            rows.push_back({alive[victim], -1});
            alive.erase(alive.begin() + static_cast<long>(victim));
          } else {
            alive.push_back(random_row(random));
            rows.push_back({alive.back(), 1});
          }
        }
        running.step({false, {make_batch(rows)}});
        running.graph.output().publish();
      }
      disk.save(running.graph);
      std::vector<std::pair<Row, int64_t>> rows;
      for (const Row& row : alive) {
        rows.push_back({row, 1});
      }
      Running fresh(all[q]);
      fresh.step({false, {make_batch(rows)}});
      fresh.graph.output().publish();
      ASSERT_EQ(show(running.graph.output().content()), show(fresh.graph.output().content()))
          << "life " << life;
      ASSERT_EQ(running.graph.error(), fresh.graph.error());
    }
  }
}

TEST(Oracle, everything_taken_back_leaves_nothing) {
  for (const Query& query : queries()) {
    SCOPED_TRACE(query.name);
    std::mt19937 random(3);
    Running running(query);
    if (query.is_insert_only) {
      continue;
    }
    running.step({});
    running.graph.output().publish();
    std::string empty = show(running.graph.output().content());
    std::vector<std::pair<Row, int64_t>> rows;
    for (int i = 0; i < 200; ++i) {
      rows.push_back({random_row(random), 1});
    }
    running.step({false, {make_batch(rows)}});
    running.graph.output().publish();
    for (auto& [row, weight] : rows) {
      weight = -1;
    }
    std::shuffle(rows.begin(), rows.end(), random);
    running.step({false, {make_batch(rows)}});
    running.graph.output().publish();
    EXPECT_EQ(show(running.graph.output().content()), empty);
  }
}

TEST(Oracle, what_is_kept_of_rows_that_only_come_does_not_outlive_one_that_is_taken_back) {
  for (const Query& query : queries()) {
    if (query.is_insert_only) {
      std::mt19937 random(1);
      Running running(query);
      Row row = random_row(random);
      running.step({false, {make_batch({{row, 1}})}});
      running.graph.push(running.input, {false, {make_batch({{row, -1}})}});
      EXPECT_FALSE(running.graph.step(running.context).ok()) << query.name;
    }
  }
}

TEST(Oracle, a_sum_out_of_range_is_an_error_that_goes_away) {
  Query query = aggregate_query("sum", {0}, {spec(AggregateKind::kSum, 1)});
  Running running(query);
  auto row = [](int32_t n) { return Row{{std::string("k"), n, Value(), Value(), Value()}}; };
  running.step({false, {make_batch({{row(2147483647), 1}})}});
  EXPECT_EQ(running.graph.error(), std::nullopt);
  running.step({false, {make_batch({{row(1), 1}})}});
  EXPECT_EQ(running.graph.error(), "SUM out of range of INT: 2147483648");
  running.step({false, {make_batch({{row(5), 1}})}});
  EXPECT_EQ(running.graph.error(), "SUM out of range of INT: 2147483653");
  running.step({false, {make_batch({{row(1), -1}, {row(5), -1}})}});
  EXPECT_EQ(running.graph.error(), std::nullopt);
  running.graph.output().publish();
  EXPECT_EQ(show(running.graph.output().content()), "1: k| 2147483647|\n");
}

}  // namespace
}  // namespace tidemark
