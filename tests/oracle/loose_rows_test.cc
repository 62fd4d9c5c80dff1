// Rows that only came, indexed a piece at a time between the commits, against those that never are:
// what is published and answered is the same, whatever is taken back and when.

#include <algorithm>
#include <random>

#include <gtest/gtest.h>

#include "tests/harness/memory_database.h"
#include "types/text.h"

namespace tidemark {
namespace {

constexpr const char* kLooseQueries[] = {
    "SELECT a.k, a.v, b.v AS w FROM a JOIN b ON a.k = b.k",
    "SELECT a.k, a.v, b.v AS w FROM a LEFT JOIN b ON a.k = b.k AND a.v < b.v",
    "SELECT k, MIN(v) AS low, MAX(v) AS high FROM a GROUP BY k",
    "SELECT * FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY v) AS n FROM a) q "
    "WHERE n <= 2",
};

std::vector<std::string> sorted_texts(const MemoryAnswer& answer) {
  std::vector<std::string> texts;
  for (size_t row = 0; row < answer.rows.rows; ++row) {
    std::string& text = texts.emplace_back();
    for (const ColumnRef& column : answer.rows.columns) {
      text += (column->is_null(row) ? "NULL" : text_of(*column, row)) + "|";
    }
  }
  std::ranges::sort(texts);
  return texts;
}

using Pair = std::pair<int32_t, int32_t>;

ZBatch pairs_batch(const std::vector<Pair>& pairs, int64_t weight) {
  std::vector<Column> columns;
  columns.emplace_back(Type::integer());
  columns.emplace_back(Type::integer());
  for (auto [k, v] : pairs) {
    columns[0].append(k);
    columns[1].append(v);
  }
  ZBatch batch{to_batch(std::move(columns)), {}};
  batch.weights.assign(pairs.size(), weight);
  return batch;
}

TEST(LooseRows, that_are_indexed_in_idle_turns_give_the_same_answers) {
  for (const char* query : kLooseQueries) {
    for (uint32_t seed = 1; seed <= 3; ++seed) {
      SCOPED_TRACE(std::string(query) + ", seed " + std::to_string(seed));
      std::mt19937 random(seed);
      MemoryDatabase database;
      Schema schema{{{"k", Type::integer()}, {"v", Type::integer()}}};
      ObjectRef tables[] = {database.create_table("a", schema, {}).value(),
                            database.create_table("b", schema, {}).value()};
      std::unique_ptr<MemoryView> views[] = {database.make_view(database.bind(query).value()),
                                             database.make_view(database.bind(query).value())};
      std::vector<Pair> rows[2];
      for (int step = 0; step < 12; ++step) {
        for (size_t t : {0, 1}) {
          std::vector<Pair> come(random() % 8000);
          for (Pair& pair : come) {
            pair = {static_cast<int32_t>(random() % 9000), static_cast<int32_t>(random() % 50)};
          }
          std::vector<Pair> go;
          for (size_t i = 0; step > 5 && random() % 2 == 0 && i < 40; ++i) {
            std::swap(rows[t][random() % rows[t].size()], rows[t].back());
            go.push_back(rows[t].back());
            rows[t].pop_back();
          }
          rows[t].insert(rows[t].end(), come.begin(), come.end());
          for (std::unique_ptr<MemoryView>& view : views) {
            view->push(tables[t], pairs_batch(come, 1));
            view->push(tables[t], pairs_batch(go, -1));
          }
        }
        for (size_t i : {0, 1}) {
          ASSERT_TRUE(views[i]->step().ok());
          views[i]->publish();
        }
        for (size_t pieces = random() % 5; pieces > 0 && views[1]->idle();) {
          --pieces;
        }
      }
      ASSERT_EQ(sorted_texts(views[0]->answer().value()), sorted_texts(views[1]->answer().value()));
    }
  }
}

}  // namespace
}  // namespace tidemark
