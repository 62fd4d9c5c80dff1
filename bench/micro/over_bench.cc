// What a one-row change costs window functions, and others that have to do with order, over a
// partition that is there: microseconds a step, and rows that it changes in the result.
//
// over_bench [ROWS]

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "tests/harness/memory_database.h"

namespace {

using namespace tidemark;

constexpr int kRounds = 11;

struct Query {
  const char* name;
  const char* text;
};

constexpr Query kQueries[] = {
    {"LAG", "SELECT p, t, v, LAG(v) OVER (PARTITION BY p ORDER BY t) FROM w"},
    {"SUM, 10 preceding",
     "SELECT p, t, v, SUM(v) OVER (PARTITION BY p ORDER BY t ROWS 10 PRECEDING) FROM w"},
    {"SUM, unbounded preceding", "SELECT p, t, v, SUM(v) OVER (PARTITION BY p ORDER BY t) FROM w"},
    {"COUNT, unbounded preceding",
     "SELECT p, t, v, COUNT(*) OVER (PARTITION BY p ORDER BY t) FROM w"},
    {"MAX, unbounded preceding", "SELECT p, t, v, MAX(v) OVER (PARTITION BY p ORDER BY t) FROM w"},
    {"FIRST_VALUE", "SELECT p, t, v, FIRST_VALUE(v) OVER (PARTITION BY p ORDER BY t) FROM w"},
    {"SUM, unbounded following",
     "SELECT p, t, v, SUM(v) OVER (PARTITION BY p ORDER BY t ROWS BETWEEN CURRENT ROW AND "
     "UNBOUNDED "
     "FOLLOWING) FROM w"},
    {"SUM, up to the row before",
     "SELECT p, t, v, SUM(v) OVER (PARTITION BY p ORDER BY t ROWS BETWEEN UNBOUNDED PRECEDING AND "
     "1 "
     "PRECEDING) FROM w"},
    {"MAX, up to the row before",
     "SELECT p, t, v, MAX(v) OVER (PARTITION BY p ORDER BY t ROWS BETWEEN UNBOUNDED PRECEDING AND "
     "1 "
     "PRECEDING) FROM w"},
    {"MAX, whole partition", "SELECT p, t, v, MAX(v) OVER (PARTITION BY p) FROM w"},
    {"NTILE(4)", "SELECT p, t, v, NTILE(4) OVER (PARTITION BY p ORDER BY t) FROM w"},
    {"NTILE(100)", "SELECT p, t, v, NTILE(100) OVER (PARTITION BY p ORDER BY t) FROM w"},
    {"LAST_VALUE IGNORE NULLS",
     "SELECT p, t, v, LAST_VALUE(NULLIF(v, 3)) IGNORE NULLS OVER (PARTITION BY p ORDER BY t) FROM "
     "w"},
    {"PERCENTILE_CONT",
     "SELECT p, PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY v) FROM w GROUP BY p"},
    {"five percentiles",
     "SELECT p, PERCENTILE_CONT(0.1) WITHIN GROUP (ORDER BY t), PERCENTILE_CONT(0.5) WITHIN GROUP "
     "(ORDER BY t), PERCENTILE_CONT(0.9) WITHIN GROUP (ORDER BY t), PERCENTILE_CONT(0.95) WITHIN "
     "GROUP (ORDER BY t), PERCENTILE_CONT(0.99) WITHIN GROUP (ORDER BY t) FROM w GROUP BY p"},
    {"LIMIT 10 OFFSET 1000", "SELECT p, t, v FROM w ORDER BY t LIMIT 10 OFFSET 1000"},
    {"LIMIT 5000", "SELECT p, t, v FROM w ORDER BY t LIMIT 5000"},
};

ZBatch rows_of(std::span<const int64_t> times, int64_t weight) {
  std::vector<Column> columns;
  columns.emplace_back(Type::bigint());
  columns.emplace_back(Type::bigint());
  columns.emplace_back(Type::bigint());
  for (int64_t time : times) {
    columns[0].append(int64_t{1});
    columns[1].append(time);
    columns[2].append(time * 7919 % 1009);
  }
  ZBatch batch{to_batch(std::move(columns)), {}};
  batch.weights.assign(times.size(), weight);
  return batch;
}

int run(int64_t rows) {
  std::printf("partition of %lld rows; median of %d steps, in microseconds (rows changed)\n\n",
              static_cast<long long>(rows), kRounds);
  std::printf("| query | last row | middle row | first row |\n|---|---|---|---|\n");
  for (const Query& query : kQueries) {
    MemoryDatabase database;
    Type number = Type::bigint();
    ObjectRef table =
        database.create_table("w", Schema{{{"p", number}, {"t", number}, {"v", number}}}, {})
            .value();
    std::unique_ptr<MemoryView> view = database.make_view(database.bind(query.text).value());
    std::vector<int64_t> times;
    for (int64_t i = 0; i < rows; ++i) {
      times.push_back(i * 2);
    }
    view->push(table, rows_of(times, 1));
    CHECK(view->step().ok());
    view->publish();
    std::printf("| %s |", query.name);
    for (int64_t place : {rows * 2 + 1, rows + 1, int64_t{-1}}) {
      std::vector<double> taken;
      size_t changed = 0;
      for (int round = 0; round < kRounds * 2; ++round) {
        auto start = std::chrono::steady_clock::now();
        view->push(table, rows_of(std::span(&place, 1), round % 2 == 0 ? 1 : -1));
        CHECK(view->step().ok());
        changed = view->publish().rows.rows;
        std::chrono::duration<double, std::micro> time = std::chrono::steady_clock::now() - start;
        if (round % 2 == 0) {
          taken.push_back(time.count());
        }
      }
      std::ranges::nth_element(taken, taken.begin() + kRounds / 2);
      std::printf(" %.0f (%zu) |", taken[kRounds / 2], changed);
    }
    std::printf("\n");
    std::fflush(stdout);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  return run(argc > 1 ? std::atoll(argv[1]) : 100'000);
}
