// Which slices of tables have the rows and columns of others.

#include "plan/table_slice.h"

#include <limits>

#include <gtest/gtest.h>

namespace tidemark {
namespace {

using Places = std::vector<size_t>;

// Columns a, b, c: INT, INT, STRING.
ObjectRef table(ObjectId id) {
  CatalogObject object;
  object.id = id;
  object.schema = {{{"a", Type::integer()}, {"b", Type::integer()}, {"c", Type::string()}}};
  object.definition = TableDefinition{};
  return std::make_shared<const CatalogObject>(std::move(object));
}

ExprRef positive(size_t column) {
  return make_call(
      ">", {make_column(column, Type::integer()), make_literal(int32_t{0}, Type::integer())});
}
TableSlice slice(const PlanRef& plan) {
  return table_slice(*plan).value();
}

TEST(TableSlice, a_wider_one_has_the_columns_of_a_narrower_one) {
  TableSlice wide = slice(make_scan(table(1), {2, 0, 1}));
  EXPECT_EQ(places_in(wide, slice(make_scan(table(1), {1, 2}))), (Places{2, 0}));
  EXPECT_EQ(places_in(slice(make_scan(table(1), {1, 2})), wide), std::nullopt);
  EXPECT_EQ(places_in(wide, slice(make_scan(table(2), {1}))), std::nullopt);
}

TEST(TableSlice, projections_and_conditions_count_by_the_columns_of_the_table) {
  // a > 0 over the scan's first column, and over its second.
  PlanRef first = make_filter(make_scan(table(1), {0, 1}), positive(0));
  PlanRef second = make_project(make_filter(make_scan(table(1), {1, 0}), positive(1)),
                                {make_column(0, Type::integer())}, {"b"});
  EXPECT_EQ(places_in(slice(first), slice(second)), (Places{1}));
  EXPECT_EQ(places_in(slice(make_scan(table(1), {0, 1})), slice(second)), std::nullopt);
}

TEST(TableSlice, a_column_twice_keeps_its_places) {
  TableSlice twice = slice(make_project(
      make_scan(table(1), {0}), {make_column(0, Type::integer()), make_column(0, Type::integer())},
      {"a", "a2"}));
  EXPECT_EQ(places_in(twice, twice), (Places{0, 1}));
}

TEST(TableSlice, a_constant_is_itself) {
  auto constant = [](double value) {
    return slice(make_project(
        make_scan(table(1), {0}),
        {make_column(0, Type::integer()), make_literal(value, Type::float64())}, {"a", "n"}));
  };
  double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(places_in(constant(nan), constant(nan)), (Places{0, 1}));
  EXPECT_EQ(places_in(constant(0.0), constant(-0.0)), std::nullopt);
}

TEST(TableSlice, a_column_that_can_fail_is_for_those_who_ask_for_it) {
  ExprRef number = make_cast(make_column(1, Type::string()), Type::integer());
  PlanRef scan = make_scan(table(1), {0, 2});
  PlanRef failing = make_project(scan, {make_column(0, Type::integer()), number}, {"a", "n"});
  EXPECT_EQ(places_in(slice(failing), slice(failing)), (Places{0, 1}));
  EXPECT_EQ(places_in(slice(failing), slice(make_scan(table(1), {0}))), std::nullopt);
  // Which rows are in error depends on what comes first.
  EXPECT_FALSE(table_slice(*make_filter(failing, positive(0))).has_value());
}

TEST(TableSlice, what_is_no_slice) {
  PlanRef scan = make_scan(table(1), {0});
  EXPECT_FALSE(table_slice(*make_union({scan, scan})).has_value());
  EXPECT_FALSE(table_slice(*make_project(scan, {make_call("NOW", {})}, {"now"})).has_value());
}

}  // namespace
}  // namespace tidemark
