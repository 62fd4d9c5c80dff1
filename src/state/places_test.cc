#include "state/places.h"

#include <map>
#include <random>

#include <gtest/gtest.h>

namespace tidemark {
namespace {

class PlacesTest : public testing::Test {
 protected:
  // In the run "r"; others lie before and behind it.
  PlacesTest() {
    table_.add("q9", 5);
    table_.add("s0", 7);
  }
  KeyCopies add(std::string key, int64_t weight) {
    int64_t now = table_.add(key, weight);
    return {std::move(key), copies_of(now - weight), copies_of(now)};
  }
  // Between which places each of the run's copies lies: so many copies of a key behind so many.
  using Lots = std::map<std::pair<std::string, size_t>, int64_t>;
  Lots counted(std::span<const int64_t> numbers) const {
    Lots lots;
    int64_t number = 0;
    for (OrderedTable::Scan scan = table_.forward("r"); scan.valid() && scan.key().starts_with("r");
         scan.next()) {
      for (int64_t copy = 0; copy < scan.weight(); ++copy, ++number) {
        auto behind = std::ranges::upper_bound(numbers, number);
        ++lots[{std::string(scan.key()), static_cast<size_t>(behind - numbers.begin())}];
      }
    }
    return lots;
  }
  static void show(const Places& places, const std::string& key, int64_t copies, int64_t sign,
                   Lots& lots) {
    int64_t passed = copies;
    for (size_t i = places.all().size(); i-- != 0;) {
      int64_t before = places[i].copies_before(key, copies);
      add_lot(lots, key, i + 1, sign * (passed - before));
      passed = before;
    }
    add_lot(lots, key, 0, sign * passed);
  }
  static void add_lot(Lots& lots, const std::string& key, size_t place, int64_t copies) {
    int64_t& all = lots[{key, place}];
    all += copies;
    if (all == 0) {
      lots.erase({key, place});
    }
  }

  OrderedTable table_;
};

TEST_F(PlacesTest, stand_at_a_copy_of_a_key_or_at_the_end) {
  add("ra", 1);
  add("rb", 3);
  Places places("r", 3);
  places.follow(table_, {}, std::vector<int64_t>{0, 3, 4});
  EXPECT_EQ(places[0].key, "ra");
  EXPECT_EQ(places[1].key, "rb");
  EXPECT_EQ(places[1].before, 1);
  EXPECT_EQ(places[1].offset, 2);
  EXPECT_TRUE(places[2].is_end);
  EXPECT_EQ(places[2].before, 4);
}

TEST_F(PlacesTest, pass_what_lies_between_where_they_were_and_are) {
  for (int i = 0; i < 100; ++i) {
    add("r" + std::to_string(100 + i), 1);
  }
  Places places("r", 1);
  places.follow(table_, {}, std::vector<int64_t>{50});
  std::vector<KeyCopies> passed =
      places.follow(table_, {add("r100", -1)}, std::vector<int64_t>{50});
  ASSERT_EQ(passed.size(), 3);  // what changed, and the two that it stood and stands at
  EXPECT_EQ(passed[0].now, 0);
  EXPECT_EQ(passed[1].key, "r150");
  EXPECT_EQ(passed[2].key, "r151");
  EXPECT_TRUE(places.follow(table_, {}, std::vector<int64_t>{50}).empty());
}

// What the keys that follow() returns gain and lose is all that changes.
TEST_F(PlacesTest, follow_random_changes) {
  std::mt19937 random(7);
  for (size_t count : {1, 2, 5}) {
    table_.clear();
    Places places("r", count);
    Lots lots;
    for (int round = 0; round < 300; ++round) {
      std::map<std::string, int64_t> weights;
      for (size_t i = random() % (round % 50 == 0 ? 100 : 4); i != 0; --i) {
        weights["r" + std::to_string(random() % 60)] += static_cast<int64_t>(random() % 5) - 2;
      }
      std::vector<KeyCopies> changes;
      for (const auto& [key, weight] : weights) {
        changes.push_back(add(key, weight));
      }
      std::vector<int64_t> numbers;
      for (size_t i = 0; i < count; ++i) {
        numbers.push_back(static_cast<int64_t>(random() % 40));
      }
      std::ranges::sort(numbers);
      Places before = places;
      std::vector<KeyCopies> keys = places.follow(table_, changes, numbers);
      ASSERT_TRUE(std::ranges::is_sorted(keys, {}, &KeyCopies::key));
      for (const KeyCopies& key : keys) {
        show(before, key.key, key.before, -1, lots);
        show(places, key.key, key.now, 1, lots);
      }
      ASSERT_EQ(lots, counted(numbers)) << count << " places, round " << round;
    }
  }
}

}  // namespace
}  // namespace tidemark
