#include "server/give_way.h"

#include <boost/asio/post.hpp>
#include <vector>

#include <gtest/gtest.h>

namespace tidemark {
namespace {

// Requests that take 100 us each, by a clock that only they and the rests move.
class GiveWay : public testing::Test {
 protected:
  void run(int requests) {
    for (int i = 0; i < requests; ++i) {
      boost::asio::post(io_, [this] {
        began_us_.push_back(now_us_);
        now_us_ += 100;
      });
    }
    run_giving_way(io_, backlog_,
                   {.now_us = [this] { return now_us_; },
                    .rest =
                        [this](int64_t us) {
                          ++rests_;
                          now_us_ += us;
                        }});
  }

  boost::asio::io_context io_;
  Backlog backlog_;
  int64_t now_us_ = 1'000'000;
  int rests_ = 0;
  std::vector<int64_t> began_us_;
};

TEST_F(GiveWay, nobody_waits_while_views_are_up_to_date) {
  run(1000);
  EXPECT_EQ(rests_, 0);
  EXPECT_EQ(began_us_.back(), 1'000'000 + 999 * 100);
}

TEST_F(GiveWay, requests_get_a_part_of_each_millisecond_while_views_are_behind) {
  backlog_.note(now_us_);
  run(1000);
  // Four of them, the first outside of the part, then a rest; until the backlog is over.
  EXPECT_EQ(rests_, 18);
  EXPECT_EQ(began_us_[3], 1'000'300);
  EXPECT_EQ(began_us_[4], 1'000'400 + kRestUs);
  EXPECT_EQ(began_us_.back() - began_us_.front(), 999 * 100 + rests_ * kRestUs);
}

TEST_F(GiveWay, what_is_ready_at_once_waits_for_one_rest_at_most) {
  backlog_.note(now_us_);
  run(8);
  EXPECT_EQ(began_us_[7] - began_us_[0], 700 + kRestUs);
}

TEST(Backlog, is_over_when_nothing_more_of_it_comes) {
  Backlog backlog;
  EXPECT_FALSE(backlog.exists(0));
  backlog.note(100);
  EXPECT_TRUE(backlog.exists(100));
  backlog.note(10'000);
  EXPECT_TRUE(backlog.exists(100 + Backlog::kHoldUs));
  EXPECT_FALSE(backlog.exists(10'000 + Backlog::kHoldUs));
}

}  // namespace
}  // namespace tidemark
