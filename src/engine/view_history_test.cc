#include "engine/view_history.h"

#include <random>

#include <gtest/gtest.h>

#include "zset/consolidate.h"

namespace tidemark {
namespace {

using Model = std::map<int32_t, int64_t>;  // value, weight

ZBatch batch_of(const Model& model) {
  Column column{Type::of(TypeKind::kInt)};
  ZBatch batch;
  for (auto [value, weight] : model) {
    column.append(value);
    batch.weights.push_back(weight);
  }
  batch.rows.rows = batch.weights.size();
  batch.rows.columns.push_back(std::make_shared<const Column>(std::move(column)));
  return batch;
}

ZBatch sum_of(const ViewRead& read) {
  std::vector<ZBatch> parts{read.base->rows()};
  for (const auto& changes : read.changes) {
    parts.push_back(changes->rows());
  }
  return consolidate(parts);
}

Model model_of(const ZBatch& batch) {
  Model model;
  for (size_t row = 0; row < batch.rows.rows; ++row) {
    model[batch.rows.columns[0]->data<int32_t>()[row]] += batch.weight(row);
  }
  std::erase_if(model, [](const auto& entry) { return entry.second == 0; });
  return model;
}

// A view that changes at random, is read at the end of some turns, pinned at one, and given back
// added up some turns later.
class ViewHistoryTest : public testing::Test {
 protected:
  void change(size_t rows) {
    ++turn_;
    Model changes;
    for (size_t i = 0; i < rows; ++i) {
      auto value = static_cast<int32_t>(random_() % 2000);
      changes[value] += content_[value] != 0 && random_() % 2 == 0 ? -1 : 1;
    }
    std::erase_if(changes, [](const auto& entry) { return entry.second == 0; });
    for (auto [value, weight] : changes) {
      content_[value] += weight;
    }
    std::erase_if(content_, [](const auto& entry) { return entry.second == 0; });
    history_.add(turn_, batch_of(changes), pinned_);
  }
  ViewRead read(uint64_t turn) {
    ViewRead read;
    read.turn = turn;
    history_.read(read, turn_, [&] { return batch_of(content_); });
    return read;
  }

  std::mt19937 random_{7};
  Model content_;
  ViewHistory history_;
  uint64_t turn_ = 0;
  uint64_t pinned_ = UINT64_MAX;
};

TEST_F(ViewHistoryTest, base_and_levels_are_the_content) {
  change(1000);
  std::optional<ViewRead> to_give_back;
  size_t levels_most = 0;
  for (int i = 0; i < 2000; ++i) {
    change(random_() % (i % 50 == 0 ? 300 : 4));
    ViewRead now = read(turn_);
    levels_most = std::max(levels_most, now.changes.size());
    ASSERT_EQ(model_of(sum_of(now)), content_) << i;
    if (i % 97 == 0) {
      to_give_back = std::move(now);
    } else if (i % 97 == 20 && to_give_back) {
      auto sum = std::make_shared<const ViewContent>(sum_of(*to_give_back));
      history_.rebase(to_give_back->turn, sum, pinned_);
      ASSERT_EQ(model_of(sum_of(read(turn_))), content_) << i;
    }
  }
  EXPECT_LE(levels_most, 14U);
  EXPECT_GT(levels_most, 2U);
}

TEST_F(ViewHistoryTest, a_pinned_turn_stays_readable) {
  change(1000);
  read(turn_);
  for (int i = 0; i < 20; ++i) {
    change(10);
  }
  Model then = content_;
  pinned_ = turn_;
  for (int i = 0; i < 200; ++i) {
    change(200);  // the base is let go on the way
    ASSERT_EQ(model_of(sum_of(read(pinned_))), then) << i;
    if (i % 10 == 0) {
      ASSERT_EQ(model_of(sum_of(read(turn_))), content_) << i;
    }
  }
}

TEST_F(ViewHistoryTest, changes_that_cancel_leave_nothing) {
  change(100);
  read(turn_);
  Model one{{5000, 1}}, back{{5000, -1}};
  history_.add(++turn_, batch_of(one), pinned_);
  EXPECT_EQ(read(turn_).changes.size(), 1U);
  history_.add(++turn_, batch_of(back), pinned_);
  EXPECT_EQ(read(turn_).changes.size(), 0U);
  EXPECT_EQ(read(turn_).changed_rows, 2U);
}

}  // namespace
}  // namespace tidemark
