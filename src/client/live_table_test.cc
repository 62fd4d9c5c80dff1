#include "client/live_table.h"

#include <map>
#include <random>

#include <gtest/gtest.h>

namespace tidemark {
namespace {

AnswerHead head_of(std::optional<std::vector<size_t>> key, std::vector<SortKey> order = {}) {
  AnswerHead head{.is_stream = true};
  head.columns = {{"name", Type::string()}, {"n", Type::bigint()}};
  head.key = std::move(key);
  head.order = std::move(order);
  return head;
}

std::string shown(const LiveTable& table) {
  std::string out;
  for (size_t i = 0; i < table.size(); ++i) {
    const Row& row = table.entry(i).cells;
    out += (out.empty() ? "" : " ") + row[0].value_or("NULL") + "=" + row[1].value_or("NULL");
  }
  return out;
}

struct Feed {
  LiveTable& table;
  int64_t now = 0;
  void operator()(RowKind op, const char* name, const char* n) {
    table.apply(op, {std::string(name), n == nullptr ? Cell() : Cell(n)}, ++now);
  }
};

TEST(LiveTable, updated_row_keeps_its_place) {
  LiveTable table(head_of({{0}}), 0);
  Feed feed{table};
  feed(RowKind::kInsert, "a", "1");
  feed(RowKind::kInsert, "b", "2");
  feed(RowKind::kInsert, "c", "3");
  table.commit();
  feed(RowKind::kUpdateBefore, "a", "1");
  feed(RowKind::kUpdateAfter, "a", "10");
  table.commit();
  EXPECT_EQ(shown(table), "a=10 b=2 c=3");
  EXPECT_EQ(table.entry(0).changed_us[1], 5);
  EXPECT_EQ(table.entry(0).changed_us[0], 0);
  EXPECT_TRUE(table.entry(1).changed_us.empty());
}

TEST(LiveTable, row_that_leaves_and_comes_back_in_one_update_keeps_its_place) {
  LiveTable table(head_of({{0}}), 0);
  Feed feed{table};
  feed(RowKind::kInsert, "a", "1");
  feed(RowKind::kInsert, "b", "2");
  table.commit();
  feed(RowKind::kDelete, "a", "1");
  feed(RowKind::kInsert, "a", "5");
  table.commit();
  EXPECT_EQ(shown(table), "a=5 b=2");
  feed(RowKind::kDelete, "a", "5");
  table.commit();
  feed(RowKind::kInsert, "a", "6");
  table.commit();
  EXPECT_EQ(shown(table), "b=2 a=6");
}

TEST(LiveTable, empty_key_is_one_row) {
  LiveTable table(head_of(std::vector<size_t>{}), 0);
  Feed feed{table};
  feed(RowKind::kInsert, "a", "1");
  table.commit();
  feed(RowKind::kUpdateBefore, "a", "1");
  feed(RowKind::kUpdateAfter, "b", "2");
  table.commit();
  EXPECT_EQ(shown(table), "b=2");
}

TEST(LiveTable, without_key_an_update_takes_the_place_of_the_row_it_replaces) {
  LiveTable table(head_of(std::nullopt), 0);
  Feed feed{table};
  feed(RowKind::kInsert, "a", "1");
  feed(RowKind::kInsert, "a", "1");
  feed(RowKind::kInsert, "b", "2");
  table.commit();
  feed(RowKind::kUpdateBefore, "a", "1");
  feed(RowKind::kUpdateAfter, "c", "3");
  table.commit();
  EXPECT_EQ(shown(table), "a=1 c=3 b=2");
  feed(RowKind::kDelete, "a", "1");
  table.commit();
  EXPECT_EQ(shown(table), "c=3 b=2");
}

TEST(LiveTable, order_places_and_moves_rows) {
  LiveTable table(head_of({{0}}, {{.column = 1, .descending = true, .nulls_first = false}}), 0);
  Feed feed{table};
  feed(RowKind::kInsert, "a", "9");
  feed(RowKind::kInsert, "b", "10");
  feed(RowKind::kInsert, "c", nullptr);
  feed(RowKind::kInsert, "d", "-1");
  table.commit();
  EXPECT_EQ(shown(table), "b=10 a=9 d=-1 c=NULL");
  feed(RowKind::kUpdateAfter, "d", "100");
  feed(RowKind::kInsert, "e", "10");
  table.commit();
  EXPECT_EQ(shown(table), "d=100 b=10 e=10 a=9 c=NULL");
}

TEST(LiveTable, drops_the_oldest_past_the_limit) {
  LiveTable table(head_of(std::nullopt), 2);
  Feed feed{table};
  feed(RowKind::kInsert, "a", "1");
  feed(RowKind::kInsert, "b", "2");
  feed(RowKind::kInsert, "c", "3");
  table.commit();
  EXPECT_EQ(shown(table), "b=2 c=3");
  EXPECT_EQ(table.dropped(), 1u);
  feed(RowKind::kDelete, "a", "1");  // unknown by now
  table.commit();
  EXPECT_EQ(shown(table), "b=2 c=3");
}

// Random changes, in one table by key and in one by value, against a plain multiset.
TEST(LiveTable, holds_what_the_changes_add_up_to) {
  std::mt19937 random(7);
  LiveTable by_key(head_of({{0}}, {{.column = 1}}), 0);
  LiveTable by_value(head_of(std::nullopt), 0);
  std::map<std::string, std::string> content;
  for (int update = 0; update < 500; ++update) {
    for (int change = 0; change < 30; ++change) {
      std::string name(1, static_cast<char>('a' + random() % 20));
      std::string n = std::to_string(random() % 50);
      auto both = [&](RowKind op, const std::string& value) {
        by_key.apply(op, {name, value}, 1);
        by_value.apply(op, {name, value}, 1);
      };
      auto found = content.find(name);
      if (found == content.end()) {
        both(RowKind::kInsert, n);
        content[name] = n;
      } else if (random() % 3 == 0) {
        both(RowKind::kDelete, found->second);
        content.erase(found);
      } else {
        both(RowKind::kUpdateBefore, found->second);
        both(RowKind::kUpdateAfter, n);
        found->second = n;
      }
    }
    by_key.commit();
    by_value.commit();
    std::map<std::string, std::string> left, right;
    for (size_t i = 0; i < by_key.size(); ++i) {
      left[*by_key.entry(i).cells[0]] = *by_key.entry(i).cells[1];
      ASSERT_TRUE(i == 0 ||
                  std::stoi(*by_key.entry(i - 1).cells[1]) <= std::stoi(*by_key.entry(i).cells[1]));
    }
    for (size_t i = 0; i < by_value.size(); ++i) {
      right[*by_value.entry(i).cells[0]] = *by_value.entry(i).cells[1];
    }
    ASSERT_EQ(by_key.size(), content.size());
    ASSERT_EQ(by_value.size(), content.size());
    ASSERT_EQ(left, content);
    ASSERT_EQ(right, content);
  }
}

}  // namespace
}  // namespace tidemark
