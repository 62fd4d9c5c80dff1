#include "tests/harness/oracle_queries.h"

#include "dataflow/operators/aggregate.h"
#include "dataflow/operators/dynamic_filter.h"
#include "dataflow/operators/map.h"
#include "dataflow/operators/over.h"
#include "dataflow/operators/rank.h"
#include "dataflow/operators/recursive.h"
#include "dataflow/operators/top_n.h"

namespace tidemark::oracle {

AggregateSpec spec(AggregateKind kind, size_t input, bool distinct, std::optional<size_t> filter) {
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

namespace {

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

}  // namespace

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

namespace {

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

}  // namespace

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
  for (int distance : {-1, -2, -70, 1, 3, 100}) {
    WindowFrame near = rows;
    near.end.whole = distance;
    add("sums at a distance", by_n,
        {over_call(kAggregate, 3, near), over_call(kAggregate, 2, near)});
    OverCall most = over_call(kAggregate, 2, near);
    most.aggregate = spec(AggregateKind::kMax, 2);
    add("maximum at a distance", by_x_desc, {most});
  }
  add("deviation", by_n, {variance, whole_variance});
  add("number", by_n, {over_call(kRowNumber, 1, rows)});
  add("ranks", by_n, {over_call(kRank, 1), over_call(kDenseRank, 1)});
  return list;
}

namespace {

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

Query top_query(uint64_t offset, uint64_t limit) {
  return {"top", kInput, [=](Graph& graph, NodeId input) {
            std::vector<SortKey> order{{2, true, false}, {0, false, true}};
            return graph.add(std::make_unique<TopNOperator>(kInput.types(), order, offset, limit),
                             {input});
          }};
}

// Percentiles of the same values, which they keep once.
std::vector<AggregateSpec> percentiles(size_t column) {
  std::vector<AggregateSpec> specs;
  for (double fraction : {0.0, 0.25, 0.5, 0.99, 1.0}) {
    for (AggregateKind kind : {AggregateKind::kPercentileCont, AggregateKind::kPercentileDisc}) {
      AggregateSpec& spec = specs.emplace_back(ordered_spec(kind, column, {{column, true, false}}));
      spec.parameter = fraction;
      spec.distinct = fraction == 0.99;
      spec.keeper = specs.size() == 1 ? std::nullopt : std::optional<size_t>(0);
    }
  }
  return specs;
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

void add_insert_only_queries(std::vector<Query>& list) {
  using enum AggregateKind;
  std::vector<AggregateSpec> specs = {spec(kCountStar, 0)};
  for (AggregateKind kind : {kMin, kMax, kFirstValue, kLastValue}) {
    for (size_t column : {0, 1, 2, 3}) {
      specs.push_back(spec(kind, column));
      specs.push_back(spec(kind, column, false, 4));
    }
    specs.push_back(ordered_spec(kind, 0, {{2, true, false}, {1, false, true}}));
    specs.back().ignore_nulls = false;
  }
  for (AggregateSpec& each : specs) {
    each.insert_only = true;
  }
  for (const std::vector<size_t>& keys : {std::vector<size_t>{0}, {}, {4}}) {
    list.push_back(aggregate_query("insert-only", keys, specs));
    list.back().is_insert_only = true;
  }
  const std::vector<SortKey> order{{2, true, false}, {0, false, true}};
  for (auto [offset, limit] : {std::pair(0, 5), {3, 4}, {0, 1}}) {
    list.push_back(
        {"insert-only top", kInput,
         [=](Graph& graph, NodeId input) {
           return graph.add(
               std::make_unique<TopNOperator>(kInput.types(), order, offset, limit, true), {input});
         },
         true});
    RankSpec rank{.partition = {4}, .order = order};
    rank.offset = static_cast<uint64_t>(offset);
    rank.last = static_cast<uint64_t>(offset + limit);
    rank.with_number = offset == 0;
    rank.insert_only = true;
    Schema output = kInput;
    if (rank.with_number) {
      output.fields.push_back({"n", Type::bigint()});
    }
    list.push_back({"insert-only rank", output,
                    [=](Graph& graph, NodeId input) {
                      return graph.add(std::make_unique<RankOperator>(kInput.types(), rank),
                                       {input});
                    },
                    true});
  }
}

}  // namespace

std::vector<Query> placed_queries() {
  using enum WindowFunction;
  const std::vector<SortKey> by_x{{2, false, true}, {3, false, true}};
  std::vector<Query> list;
  for (size_t column : {1, 2, 3}) {
    list.push_back(aggregate_query("percentiles", {}, percentiles(column)));
    list.push_back(aggregate_query("percentiles by group", {4}, percentiles(column)));
  }
  for (auto [offset, limit] : {std::pair<uint64_t, uint64_t>{0, 7},
                               {100, 50},
                               {3, 5000},
                               {0, 0},
                               {400, 300},
                               {150, TopNOperator::kNoLimit}}) {
    list.push_back(top_query(offset, limit));
  }
  for (std::vector<size_t> partition : {std::vector<size_t>{}, {4}}) {
    list.push_back(over_query("tiles", by_x, {over_call(kNtile, 1, {}, 4)}, partition));
    list.push_back(over_query(
        "tiles of three calls", by_x,
        {over_call(kNtile, 1, {}, 7), over_call(kNtile, 1, {}, 1), over_call(kNtile, 1, {}, 1000)},
        partition));
    OverCall before = over_call(kLag, 1, {}, 3), behind = over_call(kLag, 1, {}, -2);
    OverCall last = over_call(kLastValue, 1), first = over_call(kFirstValue, 1);
    first.frame.start = {};
    first.frame.end.kind = WindowBound::Kind::kUnboundedFollowing;
    for (OverCall* call : {&before, &behind, &last, &first}) {
      call->aggregate.ignore_nulls = true;
      list.push_back(over_query("nearest values", by_x, {*call}, partition));
    }
    list.push_back(over_query("nearest values of four calls", {{1, false, true}},
                              {before, behind, last, first}, partition));
  }
  return list;
}

std::vector<Query> queries() {
  using enum AggregateKind;
  std::vector<AggregateSpec> all = {spec(kCountStar, 0),    spec(kCount, 1),
                                    spec(kSum, 1),          spec(kSum, 2),
                                    spec(kSum, 3),          spec(kAvg, 1),
                                    spec(kAvg, 2),          spec(kAvg, 3),
                                    spec(kMin, 2),          spec(kMax, 2),
                                    spec(kMin, 0),          spec(kMax, 0),
                                    spec(kMax, 3),          spec(kCount, 1, true),
                                    spec(kSum, 2, true, 4), spec(kCount, 0, true, 4),
                                    spec(kSum, 3, false, 4)};
  all[9].keeper = 8;
  all[11].keeper = 10;
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
  list.push_back(top_query(0, 5));
  list.push_back(top_query(3, 4));
  list.push_back(top_query(2, TopNOperator::kNoLimit));
  add_insert_only_queries(list);
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

}  // namespace tidemark::oracle
