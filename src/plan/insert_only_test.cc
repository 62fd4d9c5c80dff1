// Which plans have rows that only come, and which operators keep less for it.

#include "plan/insert_only.h"

#include <gtest/gtest.h>

namespace tidemark {
namespace {

PlanRef stream(bool is_append_only) {
  auto object = std::make_shared<CatalogObject>();
  object->name = {"c", "d", "t"};
  object->schema = {{{"k", Type::integer()}, {"v", Type::string()}}};
  TableDefinition definition;
  if (is_append_only) {
    definition.with["append-only"] = "true";
  }
  object->definition = definition;
  return make_scan(object, {0, 1});
}
PlanRef constants() {
  Schema schema{{{"k", Type::integer()}, {"v", Type::string()}}};
  return make_values(schema, to_batch(make_columns(schema)));
}
PlanRef join(PlanRef left, PlanRef right, JoinType type) {
  return make_join({std::move(left), std::move(right), type, {{0, 0}}, nullptr});
}
AggregateCall call(AggregateKind kind, std::string_view name, size_t input,
                   std::optional<size_t> filter = {}) {
  AggregateCall result;
  result.kind = kind;
  result.name = name;
  result.input = input;
  result.filter = filter;
  return result;
}
PlanRef extremes(PlanRef input) {
  return make_aggregate(std::move(input), {0},
                        {call(AggregateKind::kMin, "MIN", 1), call(AggregateKind::kMax, "MAX", 1)});
}

TEST(InsertOnly, is_what_is_declared_or_constant_until_something_replaces_rows) {
  PlanRef comes = stream(true), changes = stream(false);
  EXPECT_TRUE(is_insert_only(*comes));
  EXPECT_TRUE(is_insert_only(*constants()));
  EXPECT_FALSE(is_insert_only(*changes));
  EXPECT_TRUE(is_insert_only(*changes, Reading::kOnce));
  EXPECT_TRUE(is_insert_only(*make_union({comes, constants()})));
  EXPECT_FALSE(is_insert_only(*make_union({comes, changes})));
  EXPECT_TRUE(is_insert_only(*make_aggregate(comes, {0}, {})));  // DISTINCT
  EXPECT_FALSE(is_insert_only(*extremes(comes)));
  EXPECT_FALSE(is_insert_only(*extremes(comes), Reading::kOnce));
}

TEST(InsertOnly, of_joins_are_those_that_only_wait_for_partners) {
  PlanRef comes = stream(true), changes = stream(false);
  for (JoinType type : {JoinType::kInner, JoinType::kSemi}) {
    EXPECT_TRUE(is_insert_only(*join(comes, constants(), type)));
    EXPECT_FALSE(is_insert_only(*join(comes, changes, type)));
  }
  for (JoinType type : {JoinType::kLeft, JoinType::kFull, JoinType::kAnti}) {
    EXPECT_FALSE(is_insert_only(*join(comes, comes, type)));
  }
}

TEST(InsertOnly, lets_extremes_and_bounded_ranks_keep_less) {
  PlanRef comes = stream(true), changes = stream(false);
  EXPECT_TRUE(keeps_less(*extremes(comes)));
  EXPECT_FALSE(keeps_less(*extremes(changes)));
  EXPECT_FALSE(keeps_less(*make_aggregate(comes, {0}, {call(AggregateKind::kCount, "COUNT", 1)})));
  EXPECT_TRUE(keeps_less(*make_top_n({comes, {{1}}, 2, 5, {}})));
  EXPECT_FALSE(keeps_less(*make_top_n({comes, {{1}}, 2, std::nullopt, {}})));
  auto rank = [&](RankFunction function, std::optional<uint64_t> last) {
    return make_rank({comes, function, {0}, {{1}}, last});
  };
  EXPECT_TRUE(keeps_less(*rank(RankFunction::kRowNumber, 3)));
  EXPECT_FALSE(keeps_less(*rank(RankFunction::kRowNumber, std::nullopt)));
  EXPECT_FALSE(keeps_less(*rank(RankFunction::kRank, 3)));
}

TEST(InsertOnly, is_part_of_the_text_of_plans_whose_state_it_changes) {
  EXPECT_EQ(plan_to_string(*extremes(stream(true)), true),
            "GroupAggregate(groupBy=[k], select=[MIN(v), MAX(v)], insertOnly=[true], "
            "changelogMode=[I,UB,UA,D])\n"
            "+- TableSourceScan(table=[[c.d.t]], fields=[k, v], changelogMode=[I])\n");
  EXPECT_EQ(plan_to_string(*extremes(stream(false))),
            "GroupAggregate(groupBy=[k], select=[MIN(v), MAX(v)], sharedValues=[MAX(v) of "
            "MIN(v)])\n"
            "+- TableSourceScan(table=[[c.d.t]], fields=[k, v])\n");
}

TEST(KeepersOfValues, are_the_first_extremes_of_the_same_values) {
  using enum AggregateKind;
  std::vector<AggregateCall> calls = {call(kMax, "MAX", 1),    call(kMin, "MIN", 0),
                                      call(kMin, "MIN", 1),    call(kCount, "COUNT", 1),
                                      call(kMin, "MIN", 1, 0), call(kMax, "MAX", 1, 0),
                                      call(kMax, "MAX", 1)};
  EXPECT_EQ(keepers_of_values(*make_aggregate(stream(false), {}, calls)),
            (std::vector<size_t>{0, 1, 0, 3, 4, 4, 0}));
  EXPECT_EQ(keepers_of_values(*make_aggregate(stream(true), {}, calls)),
            (std::vector<size_t>{0, 1, 2, 3, 4, 5, 6}));
}

TEST(KeepersOfValues, are_the_first_of_the_same_values_in_the_same_order) {
  using enum AggregateKind;
  auto ordered = [](AggregateKind kind, std::vector<SortKey> order, bool ignore_nulls = true) {
    AggregateCall result = call(kind, "", 1);
    result.order = std::move(order);
    result.ignore_nulls = ignore_nulls;
    return result;
  };
  std::vector<AggregateCall> calls = {ordered(kPercentileCont, {{1}}),
                                      ordered(kPercentileDisc, {{1}}),
                                      ordered(kPercentileCont, {{1, true}}),
                                      ordered(kArrayAgg, {{1}}, false),
                                      ordered(kFirstValue, {{1}}),
                                      ordered(kListAgg, {{1, true}}),
                                      call(kMax, "MAX", 1)};
  EXPECT_EQ(keepers_of_values(*make_aggregate(stream(false), {}, calls)),
            (std::vector<size_t>{0, 0, 2, 3, 0, 2, 6}));
  // FIRST_VALUE keeps the one that shows.
  EXPECT_EQ(keepers_of_values(*make_aggregate(stream(true), {}, calls)),
            (std::vector<size_t>{0, 0, 2, 3, 4, 2, 6}));
}

}  // namespace
}  // namespace tidemark
