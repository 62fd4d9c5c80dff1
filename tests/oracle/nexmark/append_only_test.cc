// Queries over tables that are declared append-only, and over the same rows in tables that are not:
// the answers are equal after every step, TRUNCATE included.

#include <algorithm>
#include <random>

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "bench/nexmark/generator.h"
#include "bench/nexmark/queries.h"
#include "tests/harness/memory_database.h"
#include "types/text.h"

namespace tidemark {
namespace {

std::vector<std::string> lines_of(const MemoryAnswer& answer) {
  std::vector<std::string> lines;
  for (size_t row = 0; row < answer.rows.rows; ++row) {
    std::string line;
    for (const ColumnRef& column : answer.rows.columns) {
      line += (column->is_null(row) ? "NULL" : text_of(*column, row)) + "|";
    }
    lines.push_back(std::move(line));
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

// The same query over both kinds of tables.
struct Both {
  MemoryDatabase databases[2];
  std::vector<ObjectRef> tables[2];

  void create(const std::string& name, const Schema& schema) {
    for (size_t i : {0, 1}) {
      Options with;
      if (i == 1) {
        with["append-only"] = "true";
      }
      tables[i].push_back(databases[i].create_table(name, schema, {}, with).value());
    }
  }
  std::unique_ptr<MemoryView> view(size_t i, const std::string& query) {
    Result<BoundQuery> bound = databases[i].bind(query);
    CHECK(bound.ok());
    return databases[i].make_view(*bound);
  }
};

const Schema kRows{{{"k", Type::integer()},
                    {"n", Type::integer()},
                    {"x", Type::float64()},
                    {"t", Type::string()},
                    {"flag", Type::boolean()}}};

RowBatch random_rows(std::mt19937& random) {
  std::vector<Column> columns = make_columns(kRows);
  for (size_t i = random() % 12; i-- > 0;) {
    auto add = [&](size_t column, const Value& value) {
      columns[column].append_value(random() % 9 == 0 ? Value() : value);
    };
    add(0, static_cast<int32_t>(random() % 4));
    add(1, static_cast<int32_t>(random() % 30) - 15);
    add(2, static_cast<double>(random() % 40) / 4 - 5);
    add(3, fmt::format("{} of more than twelve bytes", random() % 50).substr(random() % 20));
    add(4, random() % 2 == 0);
  }
  return to_batch(std::move(columns));
}

constexpr const char* kQueries[] = {
    "SELECT k, MIN(n), MAX(n), MIN(x), MAX(x), MIN(t), MAX(t), MAX(t) FILTER (WHERE flag) FROM a "
    "GROUP BY k",
    "SELECT MIN(t), MAX(x), COUNT(DISTINCT n) FROM a",
    "SELECT k, FIRST_VALUE(t ORDER BY x, n), LAST_VALUE(n ORDER BY t) FROM a GROUP BY k",
    "SELECT * FROM a ORDER BY x DESC, t LIMIT 4",
    "SELECT * FROM a ORDER BY t OFFSET 3 ROWS FETCH NEXT 5 ROWS ONLY",
    "SELECT * FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY n DESC, x, t, flag) AS r "
    "FROM a) q WHERE r <= 3",
    "SELECT * FROM (SELECT *, RANK() OVER (PARTITION BY k ORDER BY n DESC) AS r FROM a) q WHERE r "
    "<= 3",
    "SELECT k, MAX(t), MIN(n) FROM (SELECT k, t, n FROM a UNION ALL SELECT k, t, n FROM b) u GROUP "
    "BY k",
    "SELECT MAX(t) FROM (SELECT DISTINCT k, t FROM a) d",
    "SELECT a.k, MAX(b.t), MIN(a.x) FROM a JOIN b ON a.k = b.k AND a.n > b.n GROUP BY a.k",
    "SELECT k, MAX(n) FROM a WHERE EXISTS (SELECT 1 FROM b WHERE b.n = a.n) GROUP BY k",
    "SELECT k, MAX(n) FROM a WHERE NOT EXISTS (SELECT 1 FROM b WHERE b.n = a.n) GROUP BY k",
    "SELECT a.k, MAX(b.n) FROM a LEFT JOIN b ON a.n = b.n GROUP BY a.k",
    "SELECT MAX(m) FROM (SELECT k, MAX(n) AS m FROM a GROUP BY k) g",
};

TEST(AppendOnly, answers_are_those_of_other_tables) {
  for (const std::string query : kQueries) {
    for (uint32_t seed = 1; seed <= 8; ++seed) {
      SCOPED_TRACE(fmt::format("{}, seed {}", query, seed));
      std::mt19937 random(seed);
      Both both;
      both.create("a", kRows);
      both.create("b", kRows);
      std::unique_ptr<MemoryView> views[] = {both.view(0, query), both.view(1, query)};
      for (int step = 0; step < 30; ++step) {
        for (size_t table : {0, 1}) {
          bool is_truncated = random() % 16 == 0;
          ZBatch rows{random_rows(random), {}};
          for (size_t i : {0, 1}) {
            if (is_truncated) {
              views[i]->push_reset(both.tables[i][table]);
            }
            views[i]->push(both.tables[i][table], rows);
          }
        }
        std::vector<std::string> answers[2];
        for (size_t i : {0, 1}) {
          ASSERT_TRUE(views[i]->step().ok());
          answers[i] = lines_of(views[i]->answer().value());
        }
        ASSERT_EQ(answers[0], answers[1]) << "step " << step;
      }
    }
  }
}

TEST(AppendOnly, nexmark_answers_are_those_of_other_tables) {
  NexmarkGenerator generator({.seed = 5});
  std::vector<NexmarkEvents> steps;
  for (size_t i = 0; i < 3; ++i) {
    steps.push_back(generator.next(5000));
  }
  Both both;
  for (const NexmarkTable& table : nexmark_tables()) {
    both.create(table.name, table.schema);
  }
  for (const NexmarkQuery& query : nexmark_queries()) {
    SCOPED_TRACE(query.name);
    std::vector<std::string> answers[2];
    size_t bytes[2];
    for (size_t i : {0, 1}) {
      std::unique_ptr<MemoryView> view = both.view(i, query.text);
      for (const NexmarkEvents& step : steps) {
        for (size_t table = 0; table < step.size(); ++table) {
          view->push(both.tables[i][table], {step[table], {}});
        }
        ASSERT_TRUE(view->step().ok());
        view->publish();
      }
      bytes[i] = view->graph().state_bytes();
      answers[i] = lines_of(view->answer().value());
    }
    EXPECT_EQ(answers[0], answers[1]);
    if (query.name == "q17") {
      EXPECT_LT(bytes[1], bytes[0] / 2);  // no values of MIN and MAX
    }
  }
}

}  // namespace
}  // namespace tidemark
