// Batches that workers share come out as they do of one thread, byte by byte.

#include "dataflow/operators/map.h"

#include <gtest/gtest.h>

#include "base/workers.h"

namespace tidemark {
namespace {

constexpr size_t kMapRows = 10'001;  // the last part is a short one

ExprRef number() {
  return make_column(0, Type::bigint());
}
ExprRef text() {
  return make_column(1, Type::string());
}
ExprRef literal(int64_t value) {
  return make_literal(value, Type::bigint().not_null());
}
ExprRef upper() {
  return make_call("UPPER", {text()});
}
ExprRef is_odd() {
  return make_call("=", {make_call("MOD", {number(), literal(2)}), literal(1)});
}
// Longer than what fits into a reference, and short at times.
ExprRef long_text() {
  return make_call("REPEAT", {text(), make_literal(int32_t{3}, Type::integer().not_null())});
}

// Weights of both signs, NULLs in both columns.
ZBatch rows() {
  std::vector<Column> columns;
  columns.emplace_back(Type::bigint());
  columns.emplace_back(Type::string());
  ZBatch batch;
  for (size_t row = 0; row < kMapRows; ++row) {
    row % 11 == 3 ? columns[0].append_null() : columns[0].append(static_cast<int64_t>(row));
    row % 13 == 5 ? columns[1].append_null()
                  : columns[1].append_string("row " + std::to_string(row));
    batch.weights.push_back(row % 7 == 0 ? -2 : 1);
  }
  batch.rows = to_batch(std::move(columns));
  return batch;
}

struct Mapped {
  Delta delta;
  std::optional<std::string> error;
};

Mapped mapped(ExprRef predicate, std::vector<ExprRef> projections, size_t worker_count) {
  MapOperator map(std::move(predicate), std::move(projections));
  map.expect_row_ns(1'000'000);
  Workers workers(worker_count);
  StepContext context;
  context.workers = &workers;
  Delta in{false, {rows()}};
  Mapped result;
  EXPECT_TRUE(map.step(context, std::span(&in, 1), result.delta).ok());
  result.error = map.errors().first();
  return result;
}

void expect_same(const Delta& a, const Delta& b) {
  ASSERT_EQ(a.batches.size(), b.batches.size());
  for (size_t i = 0; i < a.batches.size(); ++i) {
    const RowBatch &x = a.batches[i].rows, &y = b.batches[i].rows;
    EXPECT_EQ(a.batches[i].weights, b.batches[i].weights);
    ASSERT_EQ(x.rows, y.rows);
    ASSERT_EQ(x.columns.size(), y.columns.size());
    for (size_t c = 0; c < x.columns.size(); ++c) {
      ASSERT_TRUE(x.columns[c]->type().same_as(y.columns[c]->type()));
      for (size_t row = 0; row < x.rows; ++row) {
        ASSERT_TRUE(same_value(*x.columns[c], row, *y.columns[c], row)) << c << " " << row;
      }
    }
  }
}

void expect_same_for_any_workers(const ExprRef& predicate,
                                 const std::vector<ExprRef>& projections) {
  Mapped alone = mapped(predicate, projections, 1);
  for (size_t count : {2, 5}) {
    Mapped shared = mapped(predicate, projections, count);
    expect_same(alone.delta, shared.delta);
    EXPECT_EQ(alone.error, shared.error);
  }
}

TEST(MapOperator, workers_share_a_projection) {
  expect_same_for_any_workers(nullptr, {number(), upper(), long_text(), text(), literal(7)});
}

TEST(MapOperator, workers_share_a_filter_and_what_it_has_computed) {
  ExprRef like = make_call("LIKE", {upper(), make_literal(std::string("%3%"), Type::string())});
  expect_same_for_any_workers(like, {upper(), number(), long_text()});
  expect_same_for_any_workers(make_and({is_odd(), like}), {upper(), number(), upper()});
  expect_same_for_any_workers(is_odd(), {number()});
  expect_same_for_any_workers(make_call("=", {number(), literal(-1)}), {number(), upper()});
}

TEST(MapOperator, workers_leave_row_errors_to_one) {
  ExprRef zero_at_times = make_call("-", {make_call("MOD", {number(), literal(100)}), literal(17)});
  ExprRef fails = make_call("MOD", {number(), zero_at_times});
  Mapped alone = mapped(nullptr, {fails, text()}, 1);
  EXPECT_TRUE(alone.error.has_value());
  EXPECT_LT(alone.delta.batches[0].rows.rows, kMapRows);
  expect_same_for_any_workers(nullptr, {fails, text()});
  expect_same_for_any_workers(make_call("=", {fails, literal(0)}), {number(), fails});
}

// Conditions that share nothing come first, so that shared calls are made for few rows.
TEST(MapOperator, conditions_in_stages_choose_the_same_rows) {
  ExprRef contains =
      make_call("LIKE", {upper(), make_literal(std::string("%99%"), Type::string())});
  Mapped staged = mapped(make_and({contains, is_odd()}), {upper(), number()}, 1);
  Mapped first = mapped(contains, {upper(), number()}, 1);
  size_t odd = 0;
  const Column& numbers = *first.delta.batches[0].rows.columns[1];
  for (size_t row = 0; row < numbers.size(); ++row) {
    odd += !numbers.is_null(row) && numbers.data<int64_t>()[row] % 2 == 1 ? 1 : 0;
  }
  ASSERT_EQ(staged.delta.batches.size(), 1u);
  EXPECT_EQ(staged.delta.batches[0].rows.rows, odd);
  for (size_t row = 0; row < odd; ++row) {
    EXPECT_TRUE(staged.delta.batches[0].rows.columns[0]->string_at(row).starts_with("ROW "));
  }
}

}  // namespace
}  // namespace tidemark
