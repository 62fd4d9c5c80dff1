// What the fuzzer begins with, seeded mutations of it, and what it has found.

#include "tests/fuzz/source_fuzz.h"

#include <gtest/gtest.h>

#include "tests/fuzz/mutate.h"

namespace tidemark {
namespace {

TEST(SourceFuzz, seeds_are_read) {
  SourceFuzz fuzz;
  for (const std::string& seed : SourceFuzz::seeds()) {
    fuzz.run(seed);
  }
  EXPECT_EQ(fuzz.commits(), 4u);
  EXPECT_EQ(fuzz.rows(), 14u);
}

TEST(SourceFuzz, mutated_seeds_obey_the_laws) {
  SourceFuzz fuzz;
  Mutations mutations(SourceFuzz::seeds(), 20240302);
  for (int i = Mutations::cases(3'000); i > 0; --i) {
    fuzz.run(mutations.next());
  }
  EXPECT_GT(fuzz.rows(), 300u);
  EXPECT_GT(fuzz.commits(), 150u);
}

}  // namespace
}  // namespace tidemark
