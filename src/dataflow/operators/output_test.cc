// What readers hold of a view's content while the view goes on changing.

#include "dataflow/operators/output.h"

#include <functional>
#include <map>

#include <gtest/gtest.h>

#include "base/workers.h"

namespace tidemark {
namespace {

constexpr size_t kRows = 20'000;

std::string text_of_row(size_t row) {
  return std::to_string(row) + std::string(100, static_cast<char>('a' + row % 26));
}

using Content = std::map<std::pair<int64_t, std::string>, int64_t>;

struct View {
  OutputOperator output{Schema{{{"id", Type::bigint()}, {"text", Type::string()}}}};
  StepContext context;
  Content wanted;

  // Rows of a number and text each, for the given ones of all.
  void step(int64_t weight, const std::function<bool(size_t)>& is_chosen, size_t version) {
    std::vector<Column> columns;
    columns.emplace_back(Type::bigint());
    columns.emplace_back(Type::string());
    for (size_t row = 0; row < kRows; ++row) {
      if (is_chosen(row)) {
        columns[0].append(static_cast<int64_t>(row + version * kRows));
        columns[1].append_string(text_of_row(row));
        wanted[{static_cast<int64_t>(row + version * kRows), text_of_row(row)}] += weight;
      }
    }
    std::erase_if(wanted, [](const auto& each) { return each.second == 0; });
    ZBatch batch{to_batch(std::move(columns)), {}};
    batch.weights.resize(batch.rows.rows, weight);
    Delta in{false, {std::move(batch)}}, out;
    ASSERT_TRUE(output.step(context, std::span(&in, 1), out).ok());
  }
};

ZBatch rows_of(std::initializer_list<std::pair<int64_t, std::string>> rows, int64_t weight) {
  std::vector<Column> columns;
  columns.emplace_back(Type::bigint());
  columns.emplace_back(Type::string());
  for (const auto& [number, text] : rows) {
    columns[0].append(number);
    columns[1].append_string(text);
  }
  ZBatch batch{to_batch(std::move(columns)), {}};
  batch.weights.resize(batch.rows.rows, weight);
  return batch;
}

Content content_of(const ZBatch& batch) {
  Content content;
  for (size_t row = 0; row < batch.rows.rows; ++row) {
    content[{batch.rows.columns[0]->data<int64_t>()[row],
             std::string(batch.rows.columns[1]->string_at(row))}] += batch.weight(row);
  }
  return content;
}

bool all(size_t) {
  return true;
}
bool most(size_t row) {
  return row % 10 != 0;
}

TEST(Output, WhatReadersHoldStaysAsItWas) {
  View view;
  std::vector<std::pair<ZBatch, Content>> held;
  // The first content comes in several steps, or in one.
  view.step(
      1, [](size_t row) { return row % 2 == 0; }, 0);
  view.step(
      1, [](size_t row) { return row % 2 == 1; }, 0);
  held.emplace_back(view.output.publish(), view.wanted);
  held.emplace_back(view.output.content(), view.wanted);
  for (size_t version = 0; version < 4; ++version) {
    view.step(-1, all, version);
    view.step(1, all, version + 1);
    view.output.publish();
    held.emplace_back(view.output.content(), view.wanted);
  }
  view.step(-1, most, 4);
  view.output.publish();
  held.emplace_back(view.output.content(), view.wanted);
  view.step(1, most, 5);
  view.output.publish();
  held.emplace_back(view.output.content(), view.wanted);
  view.step(-1, most, 5);
  view.step(
      -1, [](size_t row) { return !most(row); }, 4);
  view.output.publish();
  EXPECT_EQ(view.output.row_count(), 0u);
  for (size_t i = 0; i < held.size(); ++i) {
    ASSERT_EQ(content_of(held[i].first), held[i].second) << i;
  }
}

TEST(Output, AFirstContentThatGoesAndComesAgainIsPublished) {
  View view;
  for (size_t version = 0; version < 3; ++version) {
    view.step(1, all, version);
    view.step(1, most, version);
    ZBatch come = view.output.publish();
    EXPECT_EQ(content_of(come), view.wanted);
    EXPECT_EQ(content_of(view.output.content()), view.wanted);
    view.step(-1, all, version);
    view.step(-1, most, version);
    view.output.publish();
    EXPECT_EQ(view.output.row_count(), 0u);
  }
  EXPECT_FALSE(view.output.has_negative_rows());
}

// Until then readers of the content have nothing of it.
TEST(Output, AFirstContentIsMadeInItsPlace) {
  View view;
  auto is_odd = [](size_t row) { return row % 2 == 1; };
  view.step(1, all, 0);
  view.step(1, most, 1);
  EXPECT_EQ(content_of(view.output.content()), Content());
  view.step(-1, is_odd, 0);
  view.step(1, is_odd, 0);
  view.step(-1, is_odd, 0);
  EXPECT_EQ(content_of(view.output.content()), Content());
  view.output.for_each_piece(100, [](const ZBatch&) {
    ADD_FAILURE();
    return true;
  });
  view.output.publish_first(nullptr);
  EXPECT_FALSE(view.output.has_negative_rows());
  EXPECT_EQ(content_of(view.output.content()), view.wanted);
  view.step(1, is_odd, 2);
  EXPECT_EQ(content_of(view.output.publish()).size(), kRows / 2);
  EXPECT_EQ(content_of(view.output.content()), view.wanted);

  Content pieces;
  view.output.for_each_piece(777, [&](const ZBatch& piece) {
    EXPECT_LE(piece.rows.rows, 777u);
    for (const auto& [row, weight] : content_of(piece)) {
      pieces[row] += weight;
    }
    return true;
  });
  EXPECT_EQ(pieces, view.wanted);
}

TEST(Output, WhatWasResetBeforeTheFirstPublicationIsNotInIt) {
  View view;
  view.step(1, all, 0);
  view.step(-1, most, 3);  // as if the source took back what it never gave
  Delta reset{true, {}}, out;
  ASSERT_TRUE(view.output.step(view.context, std::span(&reset, 1), out).ok());
  view.wanted.clear();
  view.step(1, most, 1);
  EXPECT_EQ(content_of(view.output.publish()), view.wanted);
  EXPECT_FALSE(view.output.has_negative_rows());
  EXPECT_EQ(content_of(view.output.content()), view.wanted);
}

// Rows that only come, in steps that are published and in one that waits; then some that go.
TEST(Output, WorkersTakeInWhatOneThreadWould) {
  Workers workers(3);
  View alone, shared;
  shared.context.workers = &workers;
  auto expect_same = [&](const ZBatch& a, const ZBatch& b) {
    EXPECT_EQ(a.weights, b.weights);
    ASSERT_EQ(a.rows.rows, b.rows.rows);
    for (size_t c = 0; c < a.rows.columns.size(); ++c) {
      for (size_t row = 0; row < a.rows.rows; ++row) {
        ASSERT_TRUE(same_value(*a.rows.columns[c], row, *b.rows.columns[c], row)) << row;
      }
    }
  };
  for (size_t version = 0; version < 4; ++version) {
    for (View* view : {&alone, &shared}) {
      view->step(1, all, 2 * version);
      view->step(1, most, 2 * version + 1);
      if (version == 3) {
        view->step(-1, most, 2);
      }
    }
    expect_same(alone.output.publish(), shared.output.publish(&workers));
    expect_same(alone.output.content(), shared.output.content());
    EXPECT_EQ(content_of(shared.output.content()), shared.wanted);
  }
}

// However it came to be, and whatever columns come first in the store.
TEST(Output, ChecksumsAreThoseOfTheRows) {
  Schema schema{{{"id", Type::bigint()}, {"text", Type::string()}}};
  StepContext context;
  auto checksum = [&](OutputOperator& output, std::vector<ZBatch> batches) {
    for (ZBatch& batch : batches) {
      Delta in{false, {std::move(batch)}}, out;
      EXPECT_TRUE(output.step(context, std::span(&in, 1), out).ok());
      output.publish();
    }
    return output.checksum([] {});
  };
  OutputOperator at_once(schema), by_text(schema, {1}), other(schema);
  Checksum sum = checksum(at_once, {rows_of({{1, "a"}, {2, "b"}, {2, "b"}}, 1)});
  EXPECT_EQ(sum.rows(), 3);
  EXPECT_TRUE(sum == checksum(by_text, {rows_of({{2, "b"}}, 2), rows_of({{7, "a"}, {1, "a"}}, 1),
                                        rows_of({{7, "a"}}, -1)}));
  EXPECT_FALSE(sum == checksum(other, {rows_of({{1, "a"}, {2, "b"}, {2, "c"}}, 1)}));
  EXPECT_FALSE(sum == checksum(other, {rows_of({{2, "c"}}, -1), rows_of({{1, "a"}}, 1)}));
  EXPECT_TRUE(sum == checksum(other, {rows_of({{1, "a"}}, -1), rows_of({{2, "b"}}, 1)}));
}

}  // namespace
}  // namespace tidemark
