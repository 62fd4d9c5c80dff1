// When joins are delta joins, and by which look-ups.

#include <gtest/gtest.h>

#include "plan/join_condition.h"
#include "plan/optimizer.h"
#include "plan/rewrite.h"

namespace tidemark {
namespace {

const Type kNumber = Type::integer().not_null();

// Columns k (the primary key), v, w.
PlanRef relation_with_key(ObjectId id, const std::string& name) {
  CatalogObject object;
  object.id = id;
  object.name = {"c", "d", name};
  object.schema = {{{name + ".k", kNumber}, {name + ".v", kNumber}, {name + ".w", kNumber}}};
  object.definition = TableDefinition{};
  object.primary_key = {0};
  return make_scan(std::make_shared<const CatalogObject>(std::move(object)), {0, 1, 2});
}
ExprRef compare(const char* how, size_t a, size_t b) {
  return make_call(how, {make_column(a, kNumber), make_column(b, kNumber)});
}
PlanRef with_condition(PlanRef plan) {
  return make_filter(std::move(plan),
                     make_call("=", {make_column(1, kNumber), make_literal(int32_t{5}, kNumber)}));
}
PlanRef join_on(PlanRef left, PlanRef right, ExprRef condition, JoinType type = JoinType::kInner) {
  return make_join_on(std::move(left), std::move(right), type, condition);
}
bool is_delta_join(const PlanRef& plan) {
  return std::holds_alternative<DeltaJoinNode>(delta_joins(plan)->node);
}
// fact.v = a.k, fact.w = b.k
PlanRef star_of(PlanRef fact, PlanRef a, PlanRef b) {
  return join_on(join_on(std::move(fact), std::move(a), compare("=", 1, 3)), std::move(b),
                 compare("=", 2, 6));
}
PlanRef star() {
  return star_of(relation_with_key(1, "fact"), relation_with_key(2, "a"),
                 relation_with_key(3, "b"));
}

TEST(DeltaJoins, a_fact_with_dimensions_is_kept_once_a_dimension) {
  PlanRef plan = star();
  PlanRef result = delta_joins(plan);
  EXPECT_EQ(plan_to_string(*result),
            "DeltaJoin(paths=[1 -> 2 (fact.v = a.k) -> 3 (fact.w = b.k), "
            "2 -> 1 (a.k = fact.v) -> 3 (fact.w = b.k), "
            "3 -> 1 (b.k = fact.w) -> 2 (fact.v = a.k)], "
            "arrangements=[1 (fact.v), 1 (fact.w), 2 (a.k), 3 (b.k)], "
            "select=[fact.k, fact.v, fact.w, a.k, a.v, a.w, b.k, b.v, b.w])\n"
            ":- TableSourceScan(table=[[c.d.fact]], fields=[fact.k, fact.v, fact.w])\n"
            ":- TableSourceScan(table=[[c.d.a]], fields=[a.k, a.v, a.w])\n"
            "+- TableSourceScan(table=[[c.d.b]], fields=[b.k, b.v, b.w])\n");
  EXPECT_EQ(result->key, plan->key);
  EXPECT_EQ(delta_joins(result), result);
}

TEST(DeltaJoins, with_a_condition_a_tree_keeps_less) {
  PlanRef fact = relation_with_key(1, "fact"), a = relation_with_key(2, "a"),
          b = relation_with_key(3, "b");
  EXPECT_FALSE(is_delta_join(star_of(fact, with_condition(a), b)));
  EXPECT_FALSE(is_delta_join(star_of(with_condition(fact), with_condition(a), b)));
}

TEST(DeltaJoins, equal_columns_are_one_key) {
  // No key gives a row one partner, so a tree keeps all pairs.
  PlanRef pairs = join_on(relation_with_key(1, "a"), relation_with_key(2, "b"), compare("=", 1, 4));
  PlanRef result = delta_joins(join_on(pairs, relation_with_key(3, "c"), compare("=", 4, 7)));
  const auto* delta = std::get_if<DeltaJoinNode>(&result->node);
  ASSERT_NE(delta, nullptr);
  EXPECT_EQ(arrangements_of(*delta).size(), 3u);
}

TEST(DeltaJoins, columns_that_are_cut_between_joins) {
  PlanRef pairs =
      join_on(relation_with_key(1, "fact"), relation_with_key(2, "a"), compare("=", 1, 3));
  PlanRef plan =
      join_on(select_columns(pairs, {2, 5, 0}), relation_with_key(3, "b"), compare("=", 0, 3));
  PlanRef result = delta_joins(plan);
  ASSERT_TRUE(std::holds_alternative<DeltaJoinNode>(result->node));
  EXPECT_EQ(result->schema.names(), plan->schema.names());
  EXPECT_EQ(std::get<DeltaJoinNode>(result->node).output, (std::vector<size_t>{2, 5, 0, 6, 7, 8}));
  EXPECT_EQ(result->key, plan->key);
}

TEST(DeltaJoins, a_condition_is_asked_as_soon_as_its_columns_are_there) {
  PlanRef pairs = join_on(relation_with_key(1, "a"), relation_with_key(2, "b"),
                          make_and({compare("=", 1, 4), compare("<", 2, 5)}));
  PlanRef result = delta_joins(join_on(pairs, relation_with_key(3, "c"), compare("=", 4, 7)));
  const auto* delta = std::get_if<DeltaJoinNode>(&result->node);
  ASSERT_NE(delta, nullptr);
  EXPECT_NE(delta->paths[0][0].condition, nullptr);  // a -> b
  EXPECT_EQ(delta->paths[0][1].condition, nullptr);
  EXPECT_NE(delta->paths[2][1].condition, nullptr);  // c -> a -> b
}

TEST(DeltaJoins, rows_that_refer_to_a_change_come_before_those_that_refer_to_the_same_third) {
  // fact.v = a.k, fact.w = b.k, a.v = p.k, b.v = p.k: as lineitems of suppliers and customers.
  PlanRef plan = join_on(
      join_on(join_on(relation_with_key(1, "fact"), relation_with_key(2, "a"), compare("=", 1, 3)),
              relation_with_key(3, "p"), compare("=", 4, 6)),
      relation_with_key(4, "b"), make_and({compare("=", 2, 9), compare("=", 4, 10)}));
  PlanRef result = delta_joins(plan);
  const auto* delta = std::get_if<DeltaJoinNode>(&result->node);
  ASSERT_NE(delta, nullptr);
  std::vector<size_t> from_a;
  for (const DeltaLookup& lookup : delta->paths[1]) {
    from_a.push_back(lookup.relation);
  }
  EXPECT_EQ(from_a, (std::vector<size_t>{2, 0, 3}));
}

TEST(DeltaJoins, not_two_relations_and_none_that_no_equality_reaches) {
  PlanRef a = relation_with_key(1, "a"), b = relation_with_key(2, "b"),
          c = relation_with_key(3, "c");
  EXPECT_FALSE(is_delta_join(join_on(a, b, compare("=", 1, 4))));
  EXPECT_FALSE(is_delta_join(join_on(join_on(a, b, compare("=", 1, 4)), c, nullptr)));
}

TEST(DeltaJoins, not_with_a_condition_that_can_fail) {
  ExprRef fails =
      make_call(">", {make_call("/", {make_column(1, kNumber), make_column(2, kNumber)}),
                      make_column(4, kNumber)});
  PlanRef pairs = join_on(relation_with_key(1, "fact"), relation_with_key(2, "a"),
                          make_and({compare("=", 1, 3), fails}));
  EXPECT_FALSE(is_delta_join(join_on(pairs, relation_with_key(3, "b"), compare("=", 2, 6))));
}

TEST(DeltaJoins, other_joins_are_relations) {
  PlanRef outer = join_on(relation_with_key(1, "fact"), relation_with_key(4, "x"),
                          compare("=", 0, 3), JoinType::kLeft);
  PlanRef cut = select_columns(outer, {0, 1, 2});
  PlanRef result = delta_joins(star_of(cut, relation_with_key(2, "a"), relation_with_key(3, "b")));
  const auto* delta = std::get_if<DeltaJoinNode>(&result->node);
  ASSERT_NE(delta, nullptr);
  EXPECT_EQ(delta->relations.size(), 3u);
}

TEST(DeltaJoins, a_result_that_others_read_stays) {
  PlanRef pairs =
      join_on(relation_with_key(1, "fact"), relation_with_key(2, "a"), compare("=", 1, 3));
  PlanRef joined = join_on(pairs, relation_with_key(3, "b"), compare("=", 2, 6));
  PlanRef plan = make_union({select_columns(joined, {0, 1, 2}), select_columns(pairs, {0, 1, 2})});
  EXPECT_EQ(delta_joins(plan), plan);
}

}  // namespace
}  // namespace tidemark
