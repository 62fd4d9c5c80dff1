// What keeps state becomes one node wherever it is equal; what does not stays.

#include <gtest/gtest.h>

#include "plan/join_condition.h"
#include "plan/optimizer.h"
#include "plan/rewrite.h"

namespace tidemark {
namespace {

// Columns k, v, w.
PlanRef facts() {
  static const ObjectRef object = [] {
    CatalogObject table;
    table.id = 7;
    table.name = {"c", "d", "facts"};
    table.schema = {{{"k", Type::integer()}, {"v", Type::integer()}, {"w", Type::integer()}}};
    table.definition = TableDefinition{};
    return std::make_shared<const CatalogObject>(std::move(table));
  }();
  return make_scan(object, {0, 1, 2});
}
ExprRef plain(size_t index) {
  return make_column(index, Type::integer());
}
PlanRef some_facts(int32_t value) {
  return make_filter(facts(), make_call(">", {plain(1), make_literal(value, Type::integer())}));
}
PlanRef sums(PlanRef rows) {
  return make_aggregate(std::move(rows), {0},
                        {aggregate_call(AggregateKind::kSum, 2, Type::integer())});
}
// The running number of each row in its group, and one more column of the table.
PlanRef numbered(size_t column) {
  PlanRef rank = make_rank({facts(), RankFunction::kRowNumber, {0}, {SortKey{1}}, std::nullopt});
  return make_project(rank, {plain(column), make_column(3, Type::bigint().not_null())},
                      {"x", "number"});
}

TEST(ShareSubplans, equal_ones_that_keep_state_become_one) {
  PlanRef plan = share_subplans(
      make_union({sums(some_facts(1)), sums(some_facts(2)), sums(some_facts(1)), sums(facts())}));
  std::vector<PlanRef> inputs = inputs_of(*plan);
  EXPECT_EQ(inputs[0], inputs[2]);
  EXPECT_NE(inputs[0], inputs[1]);
  EXPECT_NE(inputs[0], inputs[3]);
  // Through what is equal below them: two aggregates over equal aggregates.
  plan = share_subplans(make_union({sums(numbered(2)), sums(numbered(1)), sums(numbered(2))}));
  inputs = inputs_of(*plan);
  EXPECT_EQ(inputs[0], inputs[2]);
  EXPECT_NE(inputs[0], inputs[1]);
}

TEST(ShareSubplans, what_keeps_no_state_stays) {
  PlanRef plan = make_union({some_facts(1), some_facts(1), facts()});
  EXPECT_EQ(share_subplans(plan), plan);
}

TEST(ShareSubplans, one_gives_what_any_of_its_readers_reads) {
  PlanRef plan = make_union({numbered(1), numbered(2)});
  PlanRef result = prune_columns(share_subplans(plan));
  std::vector<PlanRef> inputs = inputs_of(*result);
  PlanRef rank = inputs_of(*inputs[0])[0];
  ASSERT_TRUE(std::holds_alternative<RankNode>(rank->node)) << plan_to_string(*result);
  EXPECT_EQ(rank, inputs_of(*inputs[1])[0]);
}

}  // namespace
}  // namespace tidemark
