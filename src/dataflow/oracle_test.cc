// The law that every operator must keep: fed with random changes (retractions included) in random
// steps, its content equals what a fresh graph computes from the surviving rows at once.

#include <cmath>
#include <limits>
#include <random>

#include <gtest/gtest.h>

#include "dataflow/graph.h"
#include "dataflow/operators/aggregate.h"
#include "dataflow/operators/dynamic_filter.h"
#include "dataflow/operators/map.h"
#include "dataflow/operators/over.h"
#include "dataflow/operators/recursive.h"
#include "dataflow/operators/top_n.h"
#include "state/store.h"
#include "tests/harness/temporary_directory.h"
#include "types/text.h"

namespace tidemark {
namespace {

struct Query {
  std::string name;
  Schema output;
  std::function<NodeId(Graph&, NodeId)> build;
};

// key STRING, n INT, x DOUBLE, d DECIMAL(10,2), flag BOOLEAN
const Schema kInput{{{"key", Type::string()},
                     {"n", Type::integer()},
                     {"x", Type::float64()},
                     {"d", Type::decimal(10, 2)},
                     {"flag", Type::boolean()}}};

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

AggregateSpec spec(AggregateKind kind, size_t input, bool distinct = false,
                   std::optional<size_t> filter = {}) {
  AggregateSpec result{kind, input, distinct, filter, kInput[input].type, {}};
  result.parameter = std::string(",");
  for (const AggregateFunction& function : all_aggregates()) {
    if (function.kind == kind ||
        (kind == AggregateKind::kCountStar && function.kind == AggregateKind::kCount)) {
      result.result_type = *aggregate_result_type(function, kInput[input].type);
    }
  }
  return result;
}

// With an order of the values, and the parameter that the function takes.
AggregateSpec ordered_spec(AggregateKind kind, size_t input, std::vector<SortKey> order) {
  AggregateSpec result = spec(kind, input);
  result.parameter = kind == AggregateKind::kListAgg ? Value(std::string("; ")) : Value(0.3);
  for (const SortKey& key : order) {
    result.order_types.push_back(kInput[key.column].type);
  }
  result.order = std::move(order);
  return result;
}

Query aggregate_query(std::string name, std::vector<size_t> keys,
                      std::vector<AggregateSpec> specs) {
  Schema schema;
  std::vector<Type> types;
  for (size_t key : keys) {
    schema.fields.push_back(kInput[key]);
    types.push_back(kInput[key].type);
  }
  for (const AggregateSpec& s : specs) {
    schema.fields.push_back({"a", s.result_type});
  }
  return {std::move(name), schema, [=](Graph& graph, NodeId input) {
            return graph.add(std::make_unique<AggregateOperator>(keys, types, specs), {input});
          }};
}

OverCall over_call(WindowFunction function, size_t input, WindowFrame frame = {},
                   int64_t offset = 1) {
  OverCall call{
      function, spec(AggregateKind::kSum, function == WindowFunction::kAggregate ? input : 1),
      offset,   {},
      {},       frame};
  call.aggregate.ignore_nulls = false;
  if (function == WindowFunction::kNtile) {
    call.aggregate.result_type = Type::bigint();
  } else if (function >= WindowFunction::kRowNumber) {
    call.aggregate = {.kind = AggregateKind::kCountStar, .result_type = Type::bigint()};
  } else if (function > WindowFunction::kNtile) {
    call.aggregate.result_type = Type::float64();
  } else if (function != WindowFunction::kAggregate) {
    call.aggregate.input = input;
    call.aggregate.result_type = kInput[input].type;
  }
  return call;
}

WindowFrame frame(WindowUnit unit, int64_t start, int64_t end,
                  WindowExclude exclude = WindowExclude::kNothing) {
  auto bound = [](int64_t offset) {
    WindowBound result;
    result.whole = offset;
    result.real = static_cast<double>(offset);
    return result;
  };
  return {unit, bound(start), bound(end), exclude};
}

// All calls share one operator, so that the widest frame decides: few in each.
Query over_query(std::string name, std::vector<SortKey> order, std::vector<OverCall> calls,
                 std::vector<size_t> partition = {0}) {
  Schema schema = kInput;
  for (const OverCall& call : calls) {
    schema.fields.push_back({"w", call.aggregate.result_type});
  }
  OverSpec spec{std::move(partition), std::move(order), std::move(calls)};
  return {std::move(name), schema, [=](Graph& graph, NodeId input) {
            return graph.add(std::make_unique<OverOperator>(kInput.types(), spec), {input});
          }};
}

// What is kept as running states: by groups of peers and by rows.
std::vector<Query> running_queries(std::vector<size_t> partition) {
  using enum WindowFunction;
  const std::vector<SortKey> by_n{{1, false, true}}, by_x_desc{{2, true, false}};
  WindowFrame rows;
  rows.unit = WindowUnit::kRows;
  OverCall variance = over_call(kAggregate, 2), whole_variance = over_call(kAggregate, 1);
  variance.aggregate = spec(AggregateKind::kStddevPop, 2);
  whole_variance.aggregate = spec(AggregateKind::kVarPop, 1);
  std::vector<Query> list;
  auto add = [&](std::string name, const std::vector<SortKey>& order, std::vector<OverCall> calls) {
    list.push_back(over_query("running " + name, order, std::move(calls), partition));
  };
  add("sums", by_n, {over_call(kAggregate, 3), over_call(kAggregate, 2)});
  add("sums by row", by_x_desc, {over_call(kAggregate, 2, rows), over_call(kAggregate, 1, rows)});
  add("deviation", by_n, {variance, whole_variance});
  add("number", by_n, {over_call(kRowNumber, 1, rows)});
  add("ranks", by_n, {over_call(kRank, 1), over_call(kDenseRank, 1)});
  return list;
}

void add_over_queries(std::vector<Query>& list) {
  using enum WindowFunction;
  const std::vector<SortKey> by_n{{1, false, true}}, by_x_desc{{2, true, false}};
  for (WindowUnit unit : {WindowUnit::kRows, WindowUnit::kGroups, WindowUnit::kRange}) {
    std::string name = "over " + std::to_string(static_cast<int>(unit));
    for (auto [start, end] : {std::pair(-2, 0), {-1, 1}, {1, 2}, {-3, -1}, {0, 0}}) {
      for (auto exclude : {WindowExclude::kNothing, WindowExclude::kCurrentRow,
                           WindowExclude::kGroup, WindowExclude::kTies}) {
        WindowFrame near = frame(unit, start, end, exclude);
        list.push_back(over_query(name, by_n, {over_call(kAggregate, 3, near)}));
        list.push_back(
            over_query(name + " descending", by_x_desc,
                       {over_call(kAggregate, 1, near), over_call(kNthValue, 4, near, 2)}, {}));
      }
    }
  }
  WindowFrame whole;
  whole.end.kind = WindowBound::Kind::kUnboundedFollowing;
  list.push_back(over_query("running", by_n, {over_call(kAggregate, 3), over_call(kLastValue, 0)}));
  list.push_back(over_query("whole", by_n, {over_call(kAggregate, 2, whole)}, {4}));
  list.push_back(over_query("lag", by_x_desc, {over_call(kLag, 0), over_call(kLead, 3, {}, 2)}));
  list.push_back(over_query(
      "places", by_n,
      {over_call(kNtile, 1, {}, 3), over_call(kCumeDist, 1), over_call(kPercentRank, 1)}));
  OverCall skipping = over_call(kLag, 1, {}, 2);
  skipping.aggregate.ignore_nulls = true;
  list.push_back(over_query("lag without nulls", by_x_desc, {skipping}, {}));
  for (Query& query : running_queries({0})) {
    list.push_back(std::move(query));
  }
}

// n, n + 1, ... below 4, in the first 7 iterations of UNION ALL.
Query recursive_query(bool all) {
  Schema schema{{{"n", Type::integer()}}};
  return {
      all ? "recursive all" : "recursive", schema, [=](Graph& graph, NodeId input) {
        ExprRef n = make_column(0, Type::integer());
        RecursiveSpec spec;
        spec.types = schema.types();
        spec.all = all;
        spec.make_body = [=] {
          RecursiveBody body{std::make_unique<Graph>(), {}};
          body.entries.push_back(body.graph->add_input());
          ExprRef next = make_call("+", {n, make_literal(int32_t{1}, Type::integer())});
          ExprRef below = make_call("<", {n, make_literal(int32_t{3}, Type::integer())});
          NodeId last = body.graph->add(
              std::make_unique<MapOperator>(below, std::vector<ExprRef>{next}), {body.entries[0]});
          body.graph->set_output(std::make_unique<OutputOperator>(schema), last);
          body.graph->start();
          return body;
        };
        NodeId base = graph.add(std::make_unique<MapOperator>(
                                    nullptr, std::vector<ExprRef>{make_column(1, Type::integer())}),
                                {input});
        return graph.add(std::make_unique<RecursiveOperator>(spec), {base});
      }};
}

// column <kind> (SELECT bound FROM input)
Query dynamic_filter_query(BoundKind kind, size_t column, const AggregateSpec& bound) {
  return {"dynamic filter " + std::string(kBoundNames[static_cast<size_t>(kind)]), kInput,
          [=](Graph& graph, NodeId input) {
            NodeId value = graph.add(
                std::make_unique<AggregateOperator>(std::vector<size_t>(), std::vector<Type>(),
                                                    std::vector<AggregateSpec>{bound}),
                {input});
            return graph.add(std::make_unique<DynamicFilterOperator>(kInput.types(), column, kind),
                             {input, value});
          }};
}

std::vector<Query> queries() {
  using enum AggregateKind;
  std::vector<AggregateSpec> all = {
      spec(kCountStar, 0),    spec(kCount, 1),        spec(kSum, 1),
      spec(kSum, 2),          spec(kSum, 3),          spec(kAvg, 1),
      spec(kAvg, 2),          spec(kAvg, 3),          spec(kMin, 2),
      spec(kMax, 2),          spec(kMin, 0),          spec(kMax, 3),
      spec(kCount, 1, true),  spec(kSum, 2, true, 4), spec(kCount, 0, true, 4),
      spec(kSum, 3, false, 4)};
  for (AggregateKind kind : {kVarPop, kVarSamp, kStddevPop, kStddevSamp}) {
    all.push_back(spec(kind, 1));
    all.push_back(spec(kind, 2, false, 4));
    all.push_back(spec(kind, 3, true));
  }
  all.push_back(spec(kBoolAnd, 4));
  all.push_back(spec(kBoolOr, 4));
  for (AggregateKind kind : {kArrayAgg, kFirstValue, kLastValue, kListAgg}) {
    all.push_back(spec(kind, 0));
    all.push_back(spec(kind, 0, true, 4));
    all.push_back(ordered_spec(kind, 0, {{2, true, false}, {1, false, true}}));
    all.back().ignore_nulls = false;
  }
  for (size_t column : {1, 2, 3}) {
    all.push_back(ordered_spec(kPercentileCont, column, {{column, false, true}}));
    all.push_back(ordered_spec(kPercentileDisc, column, {{column, true, true}}));
  }
  std::vector<Query> list;
  list.push_back(aggregate_query("group by key", {0}, all));
  list.push_back(aggregate_query("group by two", {0, 1}, all));
  list.push_back(aggregate_query("global", {}, all));
  list.push_back(aggregate_query("distinct", {0, 1, 4}, {}));
  std::vector<Type> types = kInput.types();
  auto top = [=](uint64_t offset, uint64_t limit) {
    return Query{
        "top", kInput, [=](Graph& graph, NodeId input) {
          return graph.add(
              std::make_unique<TopNOperator>(
                  types, std::vector<SortKey>{{2, true, false}, {0, false, true}}, offset, limit),
              {input});
        }};
  };
  list.push_back(top(0, 5));
  list.push_back(top(3, 4));
  list.push_back(top(2, TopNOperator::kNoLimit));
  add_over_queries(list);
  for (BoundKind kind : {BoundKind::kLess, BoundKind::kLessEqual, BoundKind::kEqual,
                         BoundKind::kGreaterEqual, BoundKind::kGreater}) {
    list.push_back(dynamic_filter_query(kind, 2, spec(kAvg, 2)));
    list.push_back(dynamic_filter_query(kind, 2, spec(kMax, 2, false, 4)));
    list.push_back(dynamic_filter_query(kind, 0, spec(kMin, 0, false, 4)));
    list.push_back(dynamic_filter_query(kind, 3, ordered_spec(kLastValue, 3, {{2, true, false}})));
  }
  list.push_back(recursive_query(false));
  list.push_back(recursive_query(true));
  list.push_back({"filter", kInput, [](Graph& graph, NodeId input) {
                    std::vector<ExprRef> columns;
                    for (size_t c = 0; c < kInput.size(); ++c) {
                      columns.push_back(make_column(c, kInput[c].type));
                    }
                    return graph.add(
                        std::make_unique<MapOperator>(make_column(4, Type::boolean()), columns),
                        {input});
                  }});
  return list;
}

// So many that states are kept in the middle.
TEST(Oracle, running_windows_over_many_rows_equal_recomputed_ones) {
  for (const Query& query : running_queries({})) {
    SCOPED_TRACE(query.name);
    std::mt19937 random(1);
    Running running(query);
    std::vector<std::pair<Row, int64_t>> alive;
    for (int step = 0; step < 40; ++step) {
      std::vector<std::pair<Row, int64_t>> changes;
      for (size_t i = 0; i < (step == 0 ? 500 : random() % 4); ++i) {
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
            if (!alive.empty() && random() % 5 < 2) {
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
          if (alive.size() > 5 && random() % 2 == 0) {
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
