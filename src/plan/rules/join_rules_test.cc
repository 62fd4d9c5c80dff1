// The rules about joins, each by a plan before and after it.

#include <gtest/gtest.h>

#include "plan/filtered.h"
#include "plan/join_condition.h"
#include "plan/optimizer.h"
#include "plan/rewrite.h"

namespace tidemark {
namespace {

// Columns k (the primary key), v, w: INT NOT NULL.
PlanRef table(ObjectId id, const std::string& name) {
  Type type = Type::integer().not_null();
  CatalogObject object;
  object.id = id;
  object.name = {"c", "d", name};
  object.schema = {{{name + ".k", type}, {name + ".v", type}, {name + ".w", type}}};
  object.definition = TableDefinition{};
  object.primary_key = {0};
  return make_scan(std::make_shared<const CatalogObject>(std::move(object)), {0, 1, 2});
}
ExprRef filled_column(size_t index) {
  return make_column(index, Type::integer().not_null());
}
ExprRef is(size_t index, int32_t value) {
  return make_call("=", {filled_column(index), make_literal(value, Type::integer())});
}
ExprRef equal_columns(size_t a, size_t b) {
  return make_call("=", {filled_column(a), filled_column(b)});
}
PlanRef product_of(PlanRef left, PlanRef right) {
  return make_join({std::move(left), std::move(right), JoinType::kInner, {}, nullptr});
}
PlanRef semi(PlanRef left, PlanRef right, JoinKey key) {
  return make_join({std::move(left), std::move(right), JoinType::kSemi, {key}, nullptr});
}
std::string text(const PlanRef& plan) {
  return plan_to_string(*plan);
}
// Relations by their names, in the order of the joins.
std::string order_of(const PlanRef& plan) {
  if (const auto* scan = std::get_if<ScanNode>(&plan->node)) {
    return scan->object->name.object;
  }
  std::string result;
  std::vector<PlanRef> inputs = inputs_of(*plan);
  for (const PlanRef& input : inputs) {
    result += (result.empty() ? "" : " ") + order_of(input);
  }
  return inputs.size() > 1 ? "(" + result + ")" : result;
}

TEST(CommonConjuncts, are_drawn_out_of_an_or) {
  auto drawn = [](std::vector<ExprRef> branches) {
    PlanRef plan = draw_out_common_conjuncts(make_filter(table(1, "a"), make_or(branches)));
    return expr_to_string(*std::get<FilterNode>(plan->node).predicate, plan->schema.names());
  };
  EXPECT_EQ(drawn({make_and({is(0, 1), is(1, 2)}), make_and({is(2, 3), is(0, 1)})}),
            "((a.k = 1) AND ((a.v = 2) OR (a.w = 3)))");
  EXPECT_EQ(drawn({is(0, 1), make_and({is(1, 2), is(0, 1)})}), "(a.k = 1)");
  EXPECT_EQ(drawn({make_or({make_and({is(0, 1), is(1, 2)}), make_and({is(0, 1), is(1, 3)})}),
                   make_and({is(0, 1), is(1, 4)})}),
            "((a.k = 1) AND (((a.v = 2) OR (a.v = 3)) OR (a.v = 4)))");
  EXPECT_EQ(drawn({make_and({is(0, 1), is(1, 2)}), is(1, 3)}),
            "(((a.k = 1) AND (a.v = 2)) OR (a.v = 3))");
}

TEST(CommonConjuncts, a_condition_that_can_fail_stays_behind_those_that_keep_it_from_rows) {
  ExprRef fails =
      make_call(">", {make_call("/", {make_literal(int32_t{1}, Type::integer()), filled_column(1)}),
                      filled_column(2)});
  PlanRef plan = make_filter(table(1, "a"),
                             make_or({make_and({is(0, 1), fails}), make_and({is(0, 2), fails})}));
  EXPECT_EQ(text(draw_out_common_conjuncts(plan)), text(plan));
}

TEST(CommonConjuncts, an_equality_in_all_branches_is_the_key_of_a_join) {
  PlanRef plan = make_filter(product_of(table(1, "a"), table(2, "b")),
                             make_or({make_and({equal_columns(0, 3), is(1, 1), is(4, 2)}),
                                      make_and({equal_columns(0, 3), is(1, 3)})}));
  std::string result = text(push_predicates(draw_out_common_conjuncts(plan)));
  EXPECT_NE(result.find("keys=[(a.k = b.k)]"), std::string::npos) << result;
  EXPECT_NE(result.find("Filter(where=[((a.v = 1) OR (a.v = 3))])"), std::string::npos) << result;
}

TEST(PushPredicates, what_an_or_says_of_one_side_goes_there_once) {
  PlanRef plan =
      make_filter(product_of(table(1, "a"), table(2, "b")),
                  make_or({make_and({is(1, 1), is(4, 2)}), make_and({is(1, 3), is(5, 4)})}));
  PlanRef once = push_predicates(plan);
  EXPECT_EQ(text(once),
            "Join(joinType=[InnerJoin], keys=[], residual=[(((a.v = 1) AND (b.v = 2)) OR ((a.v = "
            "3) AND (b.w = 4)))])\n"
            ":- Filter(where=[((a.v = 1) OR (a.v = 3))])\n"
            ":  +- TableSourceScan(table=[[c.d.a]], fields=[a.k, a.v, a.w])\n"
            "+- Filter(where=[((b.v = 2) OR (b.w = 4))])\n"
            "   +- TableSourceScan(table=[[c.d.b]], fields=[b.k, b.v, b.w])\n");
  EXPECT_EQ(text(push_predicates(once)), text(once));
}

TEST(PushPredicates, an_or_on_an_outer_join_restricts_the_side_that_is_filled_up) {
  ExprRef condition = make_or({make_and({is(1, 1), is(4, 2)}), make_and({is(1, 3), is(4, 4)})});
  std::string result =
      text(push_predicates(make_join_on(table(1, "a"), table(2, "b"), JoinType::kLeft, condition)));
  EXPECT_EQ(result.find("Filter(where=[((a.v"), std::string::npos) << result;
  EXPECT_NE(result.find("Filter(where=[((b.v = 2) OR (b.v = 4))])"), std::string::npos) << result;
}

TEST(OrderJoins, relations_are_joined_with_those_they_reference_filtered_ones_first) {
  // fact.v = a.k, fact.w = b.k, b.v = c.k, and a condition on c.
  PlanRef plan = make_filter(
      product_of(product_of(product_of(table(1, "a"), table(2, "b")), table(3, "c")),
                 table(4, "fact")),
      make_and({equal_columns(10, 0), equal_columns(11, 3), equal_columns(4, 6), is(7, 5)}));
  PlanRef result = push_predicates(order_joins(push_predicates(plan)));
  EXPECT_EQ(order_of(result), "((fact (b c)) a)");
  EXPECT_EQ(result->schema.names(), plan->schema.names());
}

TEST(OrderJoins, what_takes_no_rows_comes_after_what_has_few) {
  // fact.v = a.k, a.v = b.k, and a condition on fact.
  PlanRef plan = make_filter(product_of(product_of(table(1, "a"), table(2, "b")), table(3, "fact")),
                             make_and({equal_columns(7, 0), equal_columns(1, 3), is(8, 5)}));
  EXPECT_EQ(order_of(push_predicates(order_joins(push_predicates(plan)))), "((fact a) b)");
}

TEST(OrderJoins, those_that_reference_each_other_or_are_referenced_twice_are_joined) {
  // a.k = b.k; a.v = c.k and b.v = c.k.
  PlanRef plan =
      make_filter(product_of(product_of(table(1, "a"), table(2, "b")), table(3, "c")),
                  make_and({equal_columns(0, 3), equal_columns(1, 6), equal_columns(4, 6)}));
  PlanRef result = order_joins(push_predicates(plan));
  EXPECT_EQ(text(result).find("keys=[]"), std::string::npos) << text(result);
  EXPECT_EQ(order_of(result), "((a b) c)");
}

TEST(OrderJoins, a_partner_by_the_same_key_comes_after_what_it_is_the_partner_of) {
  // fact.v = a.k, a.k = b.k; then with a condition on b.
  PlanRef whole = product_of(product_of(table(1, "a"), table(2, "b")), table(3, "fact"));
  PlanRef plan = make_filter(whole, make_and({equal_columns(7, 0), equal_columns(0, 3)}));
  EXPECT_EQ(order_of(push_predicates(order_joins(push_predicates(plan)))), "((fact a) b)");
  plan = make_filter(whole, make_and({equal_columns(7, 0), equal_columns(0, 3), is(4, 5)}));
  EXPECT_EQ(order_of(push_predicates(order_joins(push_predicates(plan)))), "(fact (a b))");
}

TEST(PushSemiJoins, it_goes_to_the_relation_of_its_keys_and_not_past_a_filter) {
  PlanRef joined =
      make_join_on(table(1, "a"), table(2, "b"), JoinType::kInner, equal_columns(1, 3));
  EXPECT_EQ(order_of(push_semi_joins(semi(joined, table(3, "c"), {0, 0, false}))), "((a c) b)");
  EXPECT_EQ(order_of(push_semi_joins(semi(joined, table(3, "c"), {4, 0, false}))), "(a (b c))");
  PlanRef filtered = make_join_on(table(1, "a"), make_filter(table(2, "b"), is(1, 1)),
                                  JoinType::kInner, equal_columns(1, 3));
  EXPECT_EQ(order_of(push_semi_joins(semi(filtered, table(3, "c"), {0, 0, false}))), "((a b) c)");
  EXPECT_EQ(order_of(push_semi_joins(semi(filtered, table(3, "c"), {4, 0, false}))), "(a (b c))");
}

TEST(PushSemiJoins, a_part_with_other_readers_stays_as_it_is) {
  PlanRef joined =
      make_join_on(table(1, "a"), table(2, "b"), JoinType::kInner, equal_columns(1, 3));
  PlanRef plan = make_union({joined, semi(joined, table(3, "c"), {0, 0, false})});
  EXPECT_EQ(push_semi_joins(plan), plan);
}

// SELECT r.v, SUM(r.w) FROM r GROUP BY r.v
PlanRef grouped(const PlanRef& rows) {
  return make_aggregate(rows, {1}, {aggregate_call(AggregateKind::kSum, 2, Type::integer())});
}

TEST(RestrictGroups, to_the_keys_of_a_filtered_relation) {
  PlanRef some = make_filter(table(1, "d"), is(1, 5));
  PlanRef facts = make_join_on(table(2, "r"), some, JoinType::kInner, equal_columns(1, 3));
  PlanRef plan =
      make_join({facts, grouped(table(2, "r")), JoinType::kLeft, {{3, 0, true}}, nullptr});
  PlanRef result = restrict_groups(plan);
  EXPECT_EQ(order_of(result), "((r d) (r d))");
  // Which is one join then.
  PlanRef shared = share_subplans(result);
  PlanRef groups = inputs_of(*shared)[1];
  EXPECT_EQ(inputs_of(*inputs_of(*inputs_of(*groups)[0])[0])[0].get(),
            inputs_of(*inputs_of(*shared)[0])[0].get());
  EXPECT_EQ(restrict_groups(result), result);
}

TEST(RestrictGroups, not_by_a_relation_that_is_whole_or_has_the_value_often) {
  PlanRef whole = make_join(
      {table(1, "d"), grouped(table(2, "r")), JoinType::kInner, {{0, 0, false}}, nullptr});
  EXPECT_EQ(restrict_groups(whole), whole);
  PlanRef often = make_join({make_filter(table(1, "d"), is(1, 5)),
                             grouped(table(2, "r")),
                             JoinType::kInner,
                             {{2, 0, false}},
                             nullptr});
  EXPECT_EQ(restrict_groups(often), often);
}

}  // namespace
}  // namespace tidemark
