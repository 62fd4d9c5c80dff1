#include "base/workers.h"

#include <numeric>

#include <gtest/gtest.h>

namespace tidemark {
namespace {

TEST(Workers, every_piece_is_done_once_and_can_be_read_afterwards) {
  for (size_t count : {1, 2, 5}) {
    Workers workers(count);
    for (size_t pieces : {0, 1, 2, 3, 64, 1000}) {
      for (int round = 0; round < 50; ++round) {
        std::vector<int> done(pieces);
        workers.for_each(pieces, [&](size_t piece) { ++done[piece]; });
        EXPECT_EQ(std::accumulate(done.begin(), done.end(), 0), static_cast<int>(pieces));
      }
    }
  }
}

TEST(Workers, threads_work_at_the_same_time) {
  Workers workers(2);
  std::atomic<int> inside = 0;
  // Each piece waits for the other one.
  workers.for_each(2, [&](size_t) {
    for (++inside; inside != 2;) {
      std::this_thread::yield();
    }
  });
  EXPECT_EQ(inside, 2);
}

TEST(Workers, idle_ones_end_with_their_owner) {
  Workers never_used(4);
  Workers used(4);
  used.for_each(8, [](size_t) {});
}

}  // namespace
}  // namespace tidemark
