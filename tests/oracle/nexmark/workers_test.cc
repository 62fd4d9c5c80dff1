// Nexmark's queries with one worker and with several: what is published is the same, byte by byte
// and in the same order.

#include "base/workers.h"

#include <gtest/gtest.h>

#include "bench/nexmark/generator.h"
#include "bench/nexmark/queries.h"
#include "tests/harness/memory_database.h"

namespace tidemark {
namespace {

void expect_same(const ZBatch& a, const ZBatch& b) {
  EXPECT_EQ(a.weights, b.weights);
  ASSERT_EQ(a.rows.rows, b.rows.rows);
  ASSERT_EQ(a.rows.columns.size(), b.rows.columns.size());
  for (size_t c = 0; c < a.rows.columns.size(); ++c) {
    for (size_t row = 0; row < a.rows.rows; ++row) {
      ASSERT_TRUE(same_value(*a.rows.columns[c], row, *b.rows.columns[c], row)) << c << " " << row;
    }
  }
}

TEST(Workers, nexmark_is_the_same_with_any_number) {
  constexpr size_t kSteps = 4, kEvents = 12'000;  // beyond what is worth sharing
  NexmarkGenerator generator({.seed = 3});
  std::vector<NexmarkEvents> steps;
  for (size_t i = 0; i < kSteps; ++i) {
    steps.push_back(generator.next(kEvents));
  }
  MemoryDatabase database;
  std::vector<ObjectRef> tables;
  for (const NexmarkTable& table : nexmark_tables()) {
    tables.push_back(database.create_table(table.name, table.schema, table.primary_key).value());
  }
  Workers alone(1), several(3);
  for (const NexmarkQuery& query : nexmark_queries()) {
    SCOPED_TRACE(query.name);
    Result<BoundQuery> bound = database.bind(query.text);
    ASSERT_TRUE(bound.ok());
    std::unique_ptr<MemoryView> views[] = {database.make_view(*bound), database.make_view(*bound)};
    views[0]->set_workers(&alone);
    views[1]->set_workers(&several);
    for (const NexmarkEvents& step : steps) {
      ZBatch published[2];
      for (size_t i = 0; i < 2; ++i) {
        for (size_t table = 0; table < step.size(); ++table) {
          views[i]->push(tables[table], {step[table], {}});
        }
        ASSERT_TRUE(views[i]->step().ok());
        published[i] = views[i]->publish();
      }
      expect_same(published[0], published[1]);
    }
  }
}

}  // namespace
}  // namespace tidemark
