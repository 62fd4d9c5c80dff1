#include "engine/subscription.h"

#include <map>

#include <gtest/gtest.h>

#include "zset/changelog.h"

namespace tidemark {
namespace {

constexpr size_t kBytesMax = 4 << 20;

// Rows (id, value), each before and after if it changes.
ViewUpdate changes(uint64_t mark, const std::vector<std::tuple<RowKind, int64_t, int64_t>>& rows) {
  ViewUpdate update;
  update.kind = ViewUpdate::Kind::kChanges;
  update.mark = Lsn{mark};
  Column ids(Type::bigint()), values(Type::bigint());
  for (const auto& [kind, id, value] : rows) {
    update.changes.kinds.push_back(kind);
    ids.append<int64_t>(id);
    values.append<int64_t>(value);
  }
  update.changes.rows.rows = rows.size();
  update.changes.rows.columns = {std::make_shared<const Column>(std::move(ids)),
                                 std::make_shared<const Column>(std::move(values))};
  return update;
}

void add_to(const ViewUpdate& update, std::map<int64_t, int64_t>& content) {
  const RowBatch& rows = update.changes.rows;
  for (size_t i = 0; i < rows.rows; ++i) {
    int64_t id = rows.columns[0]->data<int64_t>()[i], value = rows.columns[1]->data<int64_t>()[i];
    if (is_retraction(update.changes.kinds[i])) {
      ASSERT_EQ(content[id], value);
      content.erase(id);
    } else {
      content[id] = value;
    }
  }
}

TEST(Subscription, rows_that_change_often_wait_once_for_a_slow_reader) {
  Subscription subscription(kBytesMax);
  ViewUpdate snapshot;
  snapshot.kind = ViewUpdate::Kind::kSnapshot;
  subscription.push(snapshot);
  subscription.push(changes(1, {{RowKind::kInsert, 0, 0}, {RowKind::kInsert, 1, 0}}));
  constexpr int64_t kChanges = 200'000;  // many times the limit
  for (int64_t i = 1; i <= kChanges; ++i) {
    subscription.push(changes(
        1 + static_cast<uint64_t>(i),
        {{RowKind::kUpdateBefore, i % 2, i < 3 ? 0 : i - 2}, {RowKind::kUpdateAfter, i % 2, i}}));
  }
  EXPECT_FALSE(subscription.cancelled());
  EXPECT_EQ(subscription.next(0)->kind, ViewUpdate::Kind::kSnapshot);
  std::optional<ViewUpdate> first = subscription.next(0);
  EXPECT_EQ(first->mark, Lsn{1});
  EXPECT_EQ(first->changes.rows.rows, 2u);  // the content is what it was
  std::map<int64_t, int64_t> content;
  add_to(*first, content);
  Lsn mark = first->mark;
  size_t updates = 0;
  while (std::optional<ViewUpdate> update = subscription.next(0)) {
    EXPECT_GT(update->mark, mark);
    mark = update->mark;
    add_to(*update, content);
    ++updates;
  }
  EXPECT_EQ(mark, Lsn{1 + kChanges});
  EXPECT_EQ(content, (std::map<int64_t, int64_t>{{0, kChanges}, {1, kChanges - 1}}));
  EXPECT_LT(updates, 5'000u);
}

TEST(Subscription, a_reader_that_keeps_up_gets_every_commit) {
  Subscription subscription(kBytesMax);
  for (uint64_t i = 1; i <= 200; ++i) {
    subscription.push(changes(i, {{RowKind::kInsert, static_cast<int64_t>(i), 0}}));
  }
  for (uint64_t i = 1; i <= 200; ++i) {
    EXPECT_EQ(subscription.next(0)->mark, Lsn{i});
  }
}

TEST(Subscription, a_reader_past_its_limit_is_cut_off_and_told_why) {
  Subscription subscription(kBytesMax);
  uint64_t pushed = 0;
  while (!subscription.cancelled()) {
    ++pushed;
    subscription.push(changes(pushed, {{RowKind::kInsert, static_cast<int64_t>(pushed), 0}}));
    ASSERT_LT(pushed, 10'000'000u);
  }
  std::optional<ViewUpdate> end = subscription.next(0);
  ASSERT_TRUE(end && end->kind == ViewUpdate::Kind::kEnd);
  EXPECT_EQ(end->status.code(), StatusCode::kUnavailable);
  EXPECT_NE(end->status.message().find("fell too far behind"), std::string::npos);
  EXPECT_FALSE(subscription.next(0).has_value());
}

}  // namespace
}  // namespace tidemark
