// What the fuzzer begins with, seeded mutations of it, and what it has found.

#include "tests/fuzz/message_fuzz.h"

#include <gtest/gtest.h>

#include "tests/fuzz/mutate.h"

namespace tidemark {
namespace {

TEST(MessageFuzz, seeds_are_read) {
  MessageFuzz fuzz;
  for (const std::string& seed : MessageFuzz::seeds()) {
    fuzz.run(seed);
  }
  EXPECT_EQ(fuzz.requests(), 6u);
  EXPECT_GT(fuzz.values(), 200u);
}

TEST(MessageFuzz, mutated_seeds_obey_the_laws) {
  MessageFuzz fuzz;
  Mutations mutations(MessageFuzz::seeds(), 20240301);
  for (int i = Mutations::cases(20'000); i > 0; --i) {
    fuzz.run(mutations.next());
  }
  EXPECT_GT(fuzz.values(), 1000u);
}

}  // namespace
}  // namespace tidemark
