// Delta joins against a computation of all pairs: random changes of several relations in one step,
// rows taken back, relations that are reset, NULLs in keys, keys by which rows have many partners.

#include "dataflow/operators/delta_join.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <random>

#include <gtest/gtest.h>

#include "dataflow/graph.h"
#include "dataflow/operators/arrange.h"
#include "types/text.h"

namespace tidemark {
namespace {

using Tuple = std::vector<Value>;
using Rows = std::map<std::string, std::pair<Tuple, int64_t>>;  // by their text
using Weights = std::map<std::string, int64_t>;                 // likewise

// Each relation: id, a, b.
const Schema kRelation{{{"id", Type::integer()}, {"a", Type::bigint()}, {"b", Type::string()}}};

std::string tuple_text(const Tuple& row) {
  std::string text;
  for (const Value& value : row) {
    if (const auto* small = std::get_if<int32_t>(&value)) {
      text += std::to_string(*small) + "|";
    } else if (const auto* large = std::get_if<int64_t>(&value)) {
      text += std::to_string(*large) + "|";
    } else if (const auto* string = std::get_if<std::string>(&value)) {
      text += *string + "|";
    } else {
      text += "NULL|";
    }
  }
  return text;
}

void add_row(Rows& rows, const Tuple& row, int64_t weight) {
  auto [at, added] = rows.try_emplace(tuple_text(row), row, 0);
  at->second.second += weight;
  if (at->second.second == 0) {
    rows.erase(at);
  }
}

Tuple random_tuple(std::mt19937& random) {
  auto null = [&] { return random() % 6 == 0; };
  return {Value(static_cast<int32_t>(random() % 9)),
          null() ? Value() : Value(static_cast<int64_t>(random() % 4)),
          null() ? Value()
                 : Value(random() % 3 == 0 ? std::string("a text of more than 12 bytes")
                                           : std::string(1, 'x' + random() % 3))};
}

ZBatch batch_of(const std::vector<std::pair<Tuple, int64_t>>& rows) {
  std::vector<Column> columns = make_columns(kRelation);
  ZBatch batch;
  for (const auto& [row, weight] : rows) {
    for (size_t c = 0; c < columns.size(); ++c) {
      columns[c].append_value(row[c]);
    }
    batch.weights.push_back(weight);
  }
  batch.rows = to_batch(std::move(columns));
  return batch;
}

// The equality of two columns, numbered over all relations. A column equals another in one class
// only: what is equal by way of a third is named too.
struct Equal {
  size_t a;
  size_t b;
  bool null_safe = false;
};

// A join of `relations` times three columns, the paths by hand: each path goes on with the next
// relations, around in a circle, by all equalities with what is there.
struct Case {
  size_t relations;
  std::vector<Equal> equal;
  ExprRef condition;  // asked at the end of each path; null: none
};

ExprRef smaller(size_t a, size_t b) {
  return make_call("<", {make_column(a, Type::integer()), make_column(b, Type::integer())});
}

const std::vector<Case>& cases() {
  static const std::vector<Case> all = {
      {3, {{1, 4}, {5, 8}, {6, 0}}, nullptr},              // a triangle
      {3, {{1, 4}, {4, 7}, {7, 1}}, nullptr},              // one column
      {3, {{1, 4, true}, {5, 8, true}, {6, 0}}, nullptr},  // NULLs are equal
      {4, {{1, 4}, {5, 8}, {7, 10}, {11, 2}}, smaller(0, 6)},
      {5, {{0, 3}, {4, 7}, {8, 11}, {9, 12}, {13, 1}}, nullptr},
  };
  return all;
}

class Running {
 public:
  explicit Running(const Case& what) : case_(what), contents_(what.relations) {
    DeltaJoinSpec spec;
    for (size_t r = 0; r < what.relations; ++r) {
      inputs_.push_back(graph_.add_input());
      for (size_t c = 0; c < 3; ++c) {
        spec.columns.push_back({r, c, kRelation[c].type});
        spec.output.push_back(spec.output.size());
        output_.fields.push_back(kRelation[c]);
      }
    }
    spec.needed.assign(spec.output.size(), true);
    for (size_t r = 0; r < what.relations; ++r) {
      spec.paths.push_back(path_from(r, spec));
    }
    auto join = std::make_unique<DeltaJoinOperator>(std::move(spec));
    for (size_t i = 0; i < arrangements_.size(); ++i) {
      std::vector<size_t> same(3);
      std::iota(same.begin(), same.end(), 0);
      join->read_from(i, *arrangements_[i], same);
    }
    NodeId node = graph_.add(std::move(join), streams_);
    graph_.set_output(std::make_unique<OutputOperator>(output_), node);
    graph_.start();
  }

  void change(size_t relation, bool reset, const std::vector<std::pair<Tuple, int64_t>>& rows) {
    Delta delta{reset, {}};
    if (reset) {
      contents_[relation].clear();
    }
    for (const auto& [row, weight] : rows) {
      add_row(contents_[relation], row, weight);
    }
    if (!rows.empty()) {
      delta.batches.push_back(batch_of(rows));
    }
    graph_.push(inputs_[relation], std::move(delta));
  }
  void step() {
    ++context_.step;
    ASSERT_TRUE(graph_.step(context_).ok());
  }
  Status step_of_at_most(size_t bytes) {
    context_.limits.bytes_max = bytes;
    return graph_.step(context_);
  }
  const Rows& content(size_t relation) const { return contents_[relation]; }

  size_t rows_shown() {
    graph_.output().publish();
    return graph_.output().content().rows.rows;
  }
  Weights shown() {
    graph_.output().publish();
    ZBatch content = graph_.output().content();
    Weights rows;
    for (size_t i = 0; i < content.rows.rows; ++i) {
      std::string row;
      for (const ColumnRef& column : content.rows.columns) {
        row += (column->is_null(i) ? "NULL" : text_of(*column, i)) + "|";
      }
      rows[row] += content.weight(i);
    }
    return rows;
  }
  Weights expected() const {
    Rows rows;
    extend({}, 1, rows);
    Weights weights;
    for (const auto& [text, entry] : rows) {
      weights.emplace(text, entry.second);
    }
    return weights;
  }

 private:
  std::vector<DeltaJoinStep> path_from(size_t changed, DeltaJoinSpec& spec) {
    std::vector<DeltaJoinStep> path;
    for (size_t i = 1; i < case_.relations; ++i) {
      size_t relation = (changed + i) % case_.relations;
      std::map<size_t, std::pair<size_t, bool>> by;  // column of the relation -> what it equals
      auto is_there = [&](size_t column) {
        return (column / 3 + case_.relations - changed) % case_.relations < i;
      };
      for (const Equal& equal : case_.equal) {
        for (auto [own, other] : {std::pair(equal.a, equal.b), std::pair(equal.b, equal.a)}) {
          if (own / 3 == relation && is_there(other)) {
            by.emplace(own % 3, std::pair(other, equal.null_safe));
          }
        }
      }
      DeltaJoinStep step;
      std::vector<size_t> key;
      std::vector<bool> null_safe;
      for (const auto& [own, other] : by) {
        key.push_back(own);
        step.key.push_back(other.first);
        null_safe.push_back(other.second);
      }
      step.input = input_for(relation, key, null_safe, spec);
      step.condition = i + 1 == case_.relations ? case_.condition : nullptr;
      path.push_back(std::move(step));
    }
    return path;
  }
  size_t input_for(size_t relation, const std::vector<size_t>& key,
                   const std::vector<bool>& null_safe, DeltaJoinSpec& spec) {
    for (size_t i = 0; i < keys_.size(); ++i) {
      if (keys_[i] == std::pair(relation, key)) {
        return i;
      }
    }
    std::vector<size_t> order = key, places(3);
    for (size_t c = 0; c < 3; ++c) {
      if (std::ranges::find(key, c) == key.end()) {
        order.push_back(c);
      }
    }
    std::vector<Type> types;
    for (size_t i = 0; i < 3; ++i) {
      places[order[i]] = i;
      types.push_back(kRelation[order[i]].type);
    }
    auto arrange = std::make_unique<ArrangeOperator>(order, types, key.size(), "Arrange");
    arrangements_.push_back(&arrange->arrangement());
    streams_.push_back(graph_.add(std::move(arrange), {inputs_[relation]}));
    spec.inputs.push_back({relation, null_safe, places});
    keys_.emplace_back(relation, key);
    return keys_.size() - 1;
  }
  void extend(const Tuple& row, int64_t weight, Rows& rows) const {
    if (row.size() == case_.relations * 3) {
      bool is_true =
          case_.condition == nullptr || std::get<int32_t>(row[0]) < std::get<int32_t>(row[6]);
      if (is_true) {
        add_row(rows, row, weight);
      }
      return;
    }
    for (const auto& [text, entry] : contents_[row.size() / 3]) {
      Tuple longer = row;
      longer.insert(longer.end(), entry.first.begin(), entry.first.end());
      bool fits = std::ranges::all_of(case_.equal, [&](const Equal& equal) {
        if (std::max(equal.a, equal.b) >= longer.size()) {
          return true;
        }
        bool is_null = std::holds_alternative<std::monostate>(longer[equal.a]);
        return longer[equal.a] == longer[equal.b] && (equal.null_safe || !is_null);
      });
      if (fits) {
        extend(longer, weight * entry.second, rows);
      }
    }
  }

  const Case& case_;
  Graph graph_;
  Schema output_;
  StepContext context_;
  std::vector<NodeId> inputs_;
  std::vector<std::pair<size_t, std::vector<size_t>>> keys_;  // by input of the join
  std::vector<NodeId> streams_;
  std::vector<Arrangement*> arrangements_;
  std::vector<Rows> contents_;
};

// Some rows that come, and some of those that are there go.
std::vector<std::pair<Tuple, int64_t>> random_changes(const Rows& content, bool reset,
                                                      std::mt19937& random) {
  std::vector<std::pair<Tuple, int64_t>> changes;
  for (size_t more = random() % 4; more != 0; --more) {
    changes.emplace_back(random_tuple(random), 1 + static_cast<int64_t>(random() % 2));
  }
  if (!reset) {
    for (const auto& [text, entry] : content) {
      if (random() % 4 == 0) {
        changes.emplace_back(entry.first, -1);
      }
    }
  }
  std::ranges::shuffle(changes, random);
  return changes;
}

TEST(DeltaJoin, equals_all_pairs_after_any_steps) {
  for (size_t which = 0; which < cases().size(); ++which) {
    for (uint32_t seed = 0; seed < 12; ++seed) {
      SCOPED_TRACE(testing::Message() << "case " << which << ", seed " << seed);
      std::mt19937 random(seed);
      Running running(cases()[which]);
      for (int step = 0; step < 15; ++step) {
        for (size_t relation = 0; relation < cases()[which].relations; ++relation) {
          if (random() % 2 == 0) {
            bool reset = random() % 12 == 0;
            running.change(relation, reset,
                           random_changes(running.content(relation), reset, random));
          }
        }
        running.step();
        ASSERT_EQ(running.shown(), running.expected());
      }
    }
  }
}

TEST(DeltaJoin, a_row_with_many_partners_is_joined_in_pieces) {
  Running running(cases()[1]);
  std::vector<std::pair<Tuple, int64_t>> many;
  for (int32_t i = 0; i < 260; ++i) {
    many.push_back({{Value(i), Value(int64_t{7}), Value()}, 1});
  }
  running.change(0, false, many);
  running.change(1, false, many);
  running.step();
  running.change(2, false, {{{Value(0), Value(int64_t{7}), Value()}, 1}});
  running.step();
  EXPECT_EQ(running.rows_shown(), 67'600u);
  running.change(2, false, {{{Value(0), Value(int64_t{7}), Value()}, -1}});
  running.step();
  EXPECT_EQ(running.rows_shown(), 0u);
}

TEST(DeltaJoin, ends_when_it_makes_too_much) {
  Running running(cases()[1]);
  std::vector<std::pair<Tuple, int64_t>> many;
  for (int32_t i = 0; i < 100; ++i) {
    many.push_back({{Value(i), Value(int64_t{7}), Value()}, 1});
  }
  for (size_t relation : {0, 1, 2}) {
    running.change(relation, false, many);
  }
  EXPECT_EQ(running.step_of_at_most(1 << 20).sqlstate(), "54000");
}

}  // namespace
}  // namespace tidemark
