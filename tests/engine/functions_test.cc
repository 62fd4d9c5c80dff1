// Every function's example gives what its table says.

#include <gtest/gtest.h>

#include "engine/engine.h"
#include "expr/function.h"
#include "tests/harness/live_query.h"

namespace tidemark {
namespace {

TEST(Functions, examples_give_what_the_table_says) {
  Engine engine;
  TestSession session(engine);
  ASSERT_GT(all_functions().size(), 100u);
  for (const Function* function : all_functions()) {
    SCOPED_TRACE(std::string(function->name));
    EXPECT_FALSE(function->text.empty());
    EXPECT_FALSE(function->usage.empty());
    TextRows rows = session.rows("SELECT " + std::string(function->example));
    ASSERT_EQ(rows.size(), 1u);
    EXPECT_EQ((*rows.begin())[0], function->expected) << function->example;
  }
}

}  // namespace
}  // namespace tidemark
