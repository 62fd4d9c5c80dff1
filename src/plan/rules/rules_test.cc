// Each rule by a plan before and after it.

#include <gtest/gtest.h>

#include "plan/join_condition.h"
#include "plan/optimizer.h"
#include "plan/rewrite.h"

namespace tidemark {
namespace {

// Columns k, v: INT, and no rows.
PlanRef relation(const std::string& name) {
  Schema schema{{{name + ".k", Type::integer()}, {name + ".v", Type::integer()}}};
  return make_values(schema, to_batch(make_columns(schema)));
}
ExprRef column(size_t index) {
  return make_column(index, Type::integer());
}
ExprRef number(int32_t value) {
  return make_literal(value, Type::integer());
}
ExprRef equal(size_t a, size_t b) {
  return make_call("=", {column(a), column(b)});
}
PlanRef cross(PlanRef left, PlanRef right) {
  return make_join({std::move(left), std::move(right), JoinType::kInner, {}, nullptr});
}

TEST(PushPredicates, an_equality_makes_a_join_of_a_product_and_the_rest_goes_to_its_side) {
  PlanRef plan = make_filter(cross(relation("a"), relation("b")),
                             make_and({equal(0, 2), make_call(">", {column(3), number(1)})}));
  EXPECT_EQ(plan_to_string(*push_predicates(plan)),
            "Join(joinType=[InnerJoin], keys=[(a.k = b.k)])\n"
            ":- Values(rows=[0], fields=[a.k, a.v])\n"
            "+- Filter(where=[(b.v > 1)])\n"
            "   +- Values(rows=[0], fields=[b.k, b.v])\n");
}

// The largest k of b, in its only row.
PlanRef largest() {
  return make_aggregate(relation("b"), {},
                        {aggregate_call(AggregateKind::kMax, 0, Type::integer())});
}

TEST(DynamicFilters, a_comparison_with_one_row_is_a_dynamic_filter) {
  PlanRef join = make_join(
      {relation("a"), largest(), JoinType::kInner, {}, make_call(">", {column(2), column(1)})});
  PlanRef plan = make_project(join, {column(0)}, {"k"});
  EXPECT_EQ(plan_to_string(*dynamic_filters(plan)),
            "Calc(select=[a.k AS k])\n"
            "+- DynamicFilter(where=[a.v < bound])\n"
            "   :- Values(rows=[0], fields=[a.k, a.v])\n"
            "   +- Calc(select=[EXPR$0 AS bound])\n"
            "      +- GroupAggregate(groupBy=[], select=[MAX(b.k)], insertOnly=[true])\n"
            "         +- Values(rows=[0], fields=[b.k, b.v])\n");
}

TEST(DynamicFilters, a_join_whose_other_side_is_read_stays) {
  PlanRef join = make_join(
      {relation("a"), largest(), JoinType::kInner, {}, make_call(">", {column(2), column(1)})});
  PlanRef reads = make_project(join, {column(2)}, {"largest"});
  EXPECT_EQ(dynamic_filters(reads), reads);
  PlanRef many = make_project(make_join({relation("a"),
                                         relation("b"),
                                         JoinType::kInner,
                                         {},
                                         make_call(">", {column(2), column(1)})}),
                              {column(0)}, {"k"});
  EXPECT_EQ(dynamic_filters(many), many);
}

TEST(PushPredicates, a_condition_that_rejects_nulls_makes_an_outer_join_an_inner_one) {
  PlanRef outer = make_join_on(relation("a"), relation("b"), JoinType::kLeft, equal(0, 2));
  PlanRef rejecting = push_predicates(make_filter(outer, make_call("<", {column(3), number(1)})));
  EXPECT_NE(plan_to_string(*rejecting).find("InnerJoin"), std::string::npos);
  PlanRef accepting = push_predicates(make_filter(outer, make_call("IS NULL", {column(3)})));
  EXPECT_TRUE(plan_to_string(*accepting)
                  .starts_with("Filter(where=[IS NULL(b.v)])\n"
                               "+- Join(joinType=[LeftOuterJoin]"));
}

TEST(PushPredicates, a_condition_that_can_fail_stays_above_the_join) {
  PlanRef joined = make_join_on(relation("a"), relation("b"), JoinType::kInner, equal(0, 2));
  ExprRef division = make_call("/", {number(1), column(1)});
  PlanRef plan = push_predicates(make_filter(joined, make_call(">", {division, number(0)})));
  EXPECT_TRUE(plan_to_string(*plan).starts_with("Filter(")) << plan_to_string(*plan);
}

TEST(PushPredicates, a_bound_on_the_number_goes_into_the_numbering) {
  PlanRef rank = make_rank({relation("a"), RankFunction::kRowNumber, {0}, {{1, true, false}}, {}});
  ExprRef n = make_column(2, Type::bigint().not_null());
  PlanRef plan = push_predicates(
      make_filter(rank, make_call("<=", {n, make_literal(int64_t{3}, Type::bigint())})));
  EXPECT_TRUE(plan_to_string(*plan).starts_with(
      "Rank(strategy=[ROW_NUMBER], rankRange=[rankStart=1, rankEnd=3]"))
      << plan_to_string(*plan);
}

TEST(FoldConstants, a_comparison_with_computed_constants_can_move) {
  PlanRef joined = make_join_on(relation("a"), relation("b"), JoinType::kInner, equal(0, 2));
  ExprRef sum = make_call("+", {number(1), number(2)});
  PlanRef plan = make_filter(joined, make_call(">", {column(1), sum}));
  EXPECT_TRUE(plan_to_string(*push_predicates(fold_constants(plan))).starts_with("Join("));
  ExprRef failing = make_call("/", {number(1), number(0)});
  plan = make_filter(joined, make_call(">", {column(1), failing}));
  EXPECT_TRUE(plan_to_string(*push_predicates(fold_constants(plan))).starts_with("Filter("));
}

TEST(OrderJoins, products_are_avoided_where_an_order_without_them_exists) {
  // a, b are each equal to something of c, not to each other.
  PlanRef plan = make_filter(cross(cross(relation("a"), relation("b")), relation("c")),
                             make_and({equal(0, 4), equal(2, 5)}));
  std::string text = plan_to_string(*order_joins(push_predicates(plan)));
  EXPECT_EQ(text.find("keys=[]"), std::string::npos) << text;
}

TEST(PruneColumns, a_join_keeps_only_what_is_read) {
  PlanRef joined = make_join_on(relation("a"), relation("b"), JoinType::kInner, equal(0, 2));
  PlanRef plan = prune_columns(make_project(joined, {column(1)}, {"v"}));
  EXPECT_EQ(plan->schema.size(), 1u);
  EXPECT_NE(plan_to_string(*plan).find("Calc(select=[b.k])"), std::string::npos)
      << plan_to_string(*plan);
}

TEST(MergeProjections, a_filter_over_columns_moves_below_them) {
  PlanRef plan =
      make_filter(select_columns(relation("a"), {1, 0}), make_call("=", {column(0), number(1)}));
  EXPECT_EQ(plan_to_string(*merge_projections(plan)),
            "Calc(select=[a.v, a.k])\n"
            "+- Filter(where=[(a.v = 1)])\n"
            "   +- Values(rows=[0], fields=[a.k, a.v])\n");
}

WindowCall call_of(WindowFunction function, AggregateKind kind, WindowUnit unit) {
  WindowCall call{function};
  call.argument = aggregate_call(kind, 1, Type::integer());
  call.argument.ignore_nulls = false;
  call.frame.unit = unit;
  return call;
}

TEST(WindowsAsJoins, the_value_of_a_whole_partition_is_joined_and_the_rest_stays) {
  WindowCall all = call_of(WindowFunction::kAggregate, AggregateKind::kSum, WindowUnit::kRows);
  all.frame.end.kind = WindowBound::Kind::kUnboundedFollowing;
  WindowCall first =
      call_of(WindowFunction::kFirstValue, AggregateKind::kFirstValue, WindowUnit::kGroups);
  first.argument.result_type = Type::integer();
  WindowCall running =
      call_of(WindowFunction::kAggregate, AggregateKind::kMax, WindowUnit::kGroups);
  PlanRef plan = make_window({relation("a"), {0}, {{1}}, {all, running, first}});
  EXPECT_EQ(
      plan_to_string(*windows_as_joins(plan)),
      "Calc(select=[a.k, a.v, EXPR$1 AS $w2, $w2 AS $w3, a.v AS $w4])\n"
      "+- Join(joinType=[InnerJoin], keys=[(a.k IS NOT DISTINCT FROM a.k)])\n"
      "   :- Join(joinType=[InnerJoin], keys=[(a.k IS NOT DISTINCT FROM a.k)])\n"
      "   :  :- OverAggregate(partitionBy=[a.k], orderBy=[a.v ASC], select=[MAX(a.v) GROUPS "
      "BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW])\n"
      "   :  :  +- Values(rows=[0], fields=[a.k, a.v])\n"
      "   :  +- GroupAggregate(groupBy=[a.k], select=[SUM(a.v)])\n"
      "   :     +- Values(rows=[0], fields=[a.k, a.v])\n"
      "   +- Rank(partitionBy=[a.k], orderBy=[a.v ASC], offset=[0], fetch=[1], insertOnly=[true])\n"
      "      +- Values(rows=[0], fields=[a.k, a.v])\n");
}

TEST(WindowsAsJoins, the_nth_value_is_joined_and_shown_once_the_frame_has_so_many_rows) {
  WindowCall third =
      call_of(WindowFunction::kNthValue, AggregateKind::kFirstValue, WindowUnit::kGroups);
  third.argument.result_type = Type::integer();
  third.offset = 3;
  PlanRef plan = make_window({relation("a"), {0}, {{1}}, {third}});
  EXPECT_EQ(
      plan_to_string(*windows_as_joins(plan)),
      "Calc(select=[a.k, a.v, CASE WHEN ($w2 >= 3) THEN a.v ELSE NULL END AS $w2])\n"
      "+- Join(joinType=[LeftOuterJoin], keys=[(a.k IS NOT DISTINCT FROM a.k)])\n"
      "   :- OverAggregate(partitionBy=[a.k], orderBy=[a.v ASC], select=[COUNT(*) GROUPS "
      "BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW])\n"
      "   :  +- Values(rows=[0], fields=[a.k, a.v])\n"
      "   +- Rank(partitionBy=[a.k], orderBy=[a.v ASC], offset=[2], fetch=[1], insertOnly=[true])\n"
      "      +- Values(rows=[0], fields=[a.k, a.v])\n");
  third.argument.ignore_nulls = true;
  PlanRef ignoring = make_window({relation("a"), {0}, {{1}}, {third}});
  EXPECT_EQ(windows_as_joins(ignoring), ignoring);
}

TEST(DistributionsAsCounts, a_running_function_is_divided_by_the_count) {
  WindowCall part{WindowFunction::kCumeDist}, rank{WindowFunction::kPercentRank};
  for (WindowCall* call : {&part, &rank}) {
    call->argument.result_type = Type::float64().not_null();
  }
  PlanRef plan = make_window({relation("a"), {0}, {{1}}, {part, rank}});
  PlanRef counts = distributions_as_counts(plan);
  EXPECT_EQ(counts->schema.types(), plan->schema.types());
  std::string text = plan_to_string(*counts);
  EXPECT_NE(text.find("select=[COUNT(*) GROUPS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW, "
                      "RANK(), COUNT(*) GROUPS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED "
                      "FOLLOWING]"),
            std::string::npos)
      << text;
  std::string split = plan_to_string(*split_windows(windows_as_joins(counts)));
  EXPECT_NE(split.find("GroupAggregate(groupBy=[a.k], select=[COUNT(*)])"), std::string::npos)
      << split;
}

TEST(SplitWindows, calls_are_apart_by_how_they_are_kept_and_a_rank_without_bound_runs) {
  WindowCall by_group =
      call_of(WindowFunction::kAggregate, AggregateKind::kSum, WindowUnit::kGroups);
  WindowCall by_row = call_of(WindowFunction::kAggregate, AggregateKind::kSum, WindowUnit::kRows);
  WindowCall near = by_row;
  near.frame.start = {};
  near.frame.start.whole = -2;
  PlanRef plan = make_window({relation("a"), {0}, {{1}}, {by_group, near, by_row}});
  EXPECT_EQ(plan_to_string(*split_windows(plan)),
            "Calc(select=[a.k, a.v, $w3 AS $w2, $w2 AS $w3, $w4])\n"
            "+- OverAggregate(partitionBy=[a.k], orderBy=[a.v ASC], select=[SUM(a.v) ROWS BETWEEN "
            "UNBOUNDED PRECEDING AND CURRENT ROW])\n"
            "   +- OverAggregate(partitionBy=[a.k], orderBy=[a.v ASC], select=[SUM(a.v) GROUPS "
            "BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW])\n"
            "      +- OverAggregate(partitionBy=[a.k], orderBy=[a.v ASC], select=[SUM(a.v) ROWS "
            "BETWEEN 2 PRECEDING AND CURRENT ROW])\n"
            "         +- Values(rows=[0], fields=[a.k, a.v])\n");
  WindowCall rest = by_row;
  rest.frame = {WindowUnit::kRows, {}, {WindowBound::Kind::kUnboundedFollowing}};
  EXPECT_EQ(plan_to_string(*split_windows(make_window({relation("a"), {0}, {{1}}, {rest}}))),
            "Calc(select=[a.k, a.v, $w2])\n"
            "+- OverAggregate(partitionBy=[a.k], orderBy=[a.v DESC, a.k DESC, a.v DESC], "
            "select=[SUM(a.v) ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW])\n"
            "   +- Values(rows=[0], fields=[a.k, a.v])\n");
  // Frames that end at different distances are apart.
  WindowCall before = by_row;
  before.frame.end.whole = -1;
  EXPECT_EQ(
      plan_to_string(*split_windows(make_window({relation("a"), {0}, {{1}}, {by_row, before}}))),
      "Calc(select=[a.k, a.v, $w3 AS $w2, $w2 AS $w3])\n"
      "+- OverAggregate(partitionBy=[a.k], orderBy=[a.v ASC], select=[SUM(a.v) ROWS BETWEEN "
      "UNBOUNDED PRECEDING AND CURRENT ROW])\n"
      "   +- OverAggregate(partitionBy=[a.k], orderBy=[a.v ASC], select=[SUM(a.v) ROWS BETWEEN "
      "UNBOUNDED PRECEDING AND 1 PRECEDING])\n"
      "      +- Values(rows=[0], fields=[a.k, a.v])\n");
  PlanRef rank = make_rank({relation("a"), RankFunction::kDenseRank, {0}, {{1}}, {}});
  EXPECT_EQ(plan_to_string(*split_windows(rank)),
            "Calc(select=[a.k, a.v, $w2 AS $rank])\n"
            "+- OverAggregate(partitionBy=[a.k], orderBy=[a.v ASC], select=[DENSE_RANK()])\n"
            "   +- Values(rows=[0], fields=[a.k, a.v])\n");
}

}  // namespace
}  // namespace tidemark
