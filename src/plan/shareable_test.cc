// What of a plan is kept once for several queries, and which aggregates serve others.

#include "plan/shareable.h"

#include <gtest/gtest.h>

#include "plan/rewrite.h"

namespace tidemark {
namespace {

// Columns a, b: INT; t: TIME.
PlanRef shared_rows(std::vector<size_t> columns) {
  CatalogObject object;
  object.id = 5;
  object.schema = {{{"a", Type::integer()}, {"b", Type::integer()}, {"t", Type::time(0)}}};
  object.definition = TableDefinition{};
  return make_scan(std::make_shared<const CatalogObject>(std::move(object)), std::move(columns));
}
AggregateCall call_of(AggregateKind kind, size_t input) {
  return aggregate_call(kind, input, Type::integer());
}
const AggregateNode& node_of(const PlanRef& plan) {
  return std::get<AggregateNode>(plan->node);
}

TEST(Shareable, what_follows_from_tables) {
  EXPECT_TRUE(depends_on_tables_alone(*shared_rows({0, 1})));
  Schema none{{{"x", Type::integer()}}};
  EXPECT_FALSE(depends_on_tables_alone(*make_values(none, to_batch(make_columns(none)))));
  auto with = [](ExprRef column) {
    return make_project(shared_rows({2}), {std::move(column)}, {"x"});
  };
  EXPECT_TRUE(depends_on_tables_alone(*with(make_column(0, Type::time(0)))));
  // Of when the query was begun.
  EXPECT_FALSE(
      depends_on_tables_alone(*with(make_cast(make_column(0, Type::time(0)), Type::timestamp(3)))));
  EXPECT_FALSE(depends_on_tables_alone(*with(make_call("LOCALTIMESTAMP", {}))));
}

TEST(Shareable, aggregates_that_keep_more_than_a_row_of_numbers) {
  using enum AggregateKind;
  PlanRef rows = shared_rows({0, 1});
  EXPECT_TRUE(is_shareable_aggregate(*make_aggregate(rows, {0}, {count_star()})));
  EXPECT_TRUE(is_shareable_aggregate(*make_aggregate(rows, {}, {call_of(kMin, 1)})));
  EXPECT_FALSE(is_shareable_aggregate(*make_aggregate(rows, {}, {count_star()})));
  EXPECT_FALSE(is_shareable_aggregate(*rows));
}

TEST(Shareable, more_functions_serve_fewer_unless_they_can_fail) {
  using enum AggregateKind;
  PlanRef kept = make_aggregate(shared_rows({1, 0}), {1}, {count_star(), call_of(kMax, 0)});
  PlanRef maxima = make_aggregate(shared_rows({0, 1}), {0}, {call_of(kMax, 1)});
  EXPECT_EQ(places_in(node_of(kept), node_of(maxima)), (std::vector<size_t>{0, 2}));
  EXPECT_EQ(places_in(node_of(maxima), node_of(kept)), std::nullopt);
  PlanRef groups = make_aggregate(shared_rows({0}), {0}, {});
  EXPECT_EQ(places_in(node_of(kept), node_of(groups)), (std::vector<size_t>{0}));
  PlanRef sums = make_aggregate(shared_rows({0, 1}), {0}, {call_of(kSum, 1)});
  EXPECT_EQ(places_in(node_of(sums), node_of(sums)), (std::vector<size_t>{0, 1}));
  EXPECT_EQ(places_in(node_of(sums), node_of(groups)), std::nullopt);
  PlanRef others = make_aggregate(shared_rows({0, 1}), {1}, {});
  EXPECT_EQ(places_in(node_of(kept), node_of(others)), std::nullopt);
}

}  // namespace
}  // namespace tidemark
