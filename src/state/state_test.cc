// Tables of state against a model: random changes, checkpoints, restarts, warming and eviction in
// between.

#include <filesystem>
#include <map>
#include <random>

#include <gtest/gtest.h>
#include <unistd.h>

#include "state/keyed_table.h"
#include "state/ordered_table.h"
#include "state/sorted_arrangement.h"
#include "state/store.h"
#include "tests/harness/data_directory.h"
#include "types/hash.h"

namespace tidemark {
namespace {

// A batch as the engine handles it: staged now, written and reported some changes later; and what a
// model of the table was when the last written one was staged.
template <typename Model>
class Checkpoint {
 public:
  bool is_pending() const { return batch_.has_value(); }
  // Begins one, ends the one that is pending, or warms the table.
  void go_on(Store& store, StateTable& table, const Model& model, std::mt19937_64& random) {
    if (random() % 4 == 0) {
      table.warm(random() % 20);
    } else if (!batch_) {
      batch_.emplace();
      table.stage(*batch_);
      staged_ = model;
    } else {
      ASSERT_TRUE(store.write(*batch_).ok());
      table.staged_is_durable();
      batch_.reset();
      durable_ = staged_;
    }
  }
  // The process is gone, and with it what was not written: what the store has.
  Model killed() {
    batch_.reset();
    return durable_;
  }

 private:
  std::optional<StoreBatch> batch_;
  Model staged_, durable_;
};

KeyedTable make_keyed() {
  return KeyedTable({Type::string(), Type::integer().as_nullable()},
                    {Type::float64(), Type::string()}, 32, 16);
}

struct KeyedModelRow {
  double number = 0;
  std::string text;
  int64_t weight = 0;
  bool operator==(const KeyedModelRow&) const = default;
};
using KeyedModel = std::map<std::pair<std::string, int>, KeyedModelRow>;

// A key whose second column is NULL is number -1 in the model.
struct Probe {
  Column text{Type::string()};
  Column number{Type::integer()};
  std::vector<const Column*> columns{&text, &number};
  std::vector<uint64_t> hashes;
  void add(const std::pair<std::string, int>& key) {
    text.append_string(key.first);
    if (key.second < 0) {
      number.append_null();
    } else {
      number.append<int32_t>(key.second);
    }
  }
  void hash() { hash_rows(columns, text.size(), hashes); }
};

void expect_equal(KeyedTable& table, const KeyedModel& model, std::mt19937_64& random, bool all) {
  Probe probe;
  std::vector<const KeyedModelRow*> wanted;
  for (int i = 0; i < 200; ++i) {
    std::pair<std::string, int> key{
        std::string(random() % 30, 'a' + static_cast<char>(random() % 4)),
        static_cast<int>(random() % 10) - 1};
    probe.add(key);
    auto found = model.find(key);
    wanted.push_back(found == model.end() ? nullptr : &found->second);
  }
  probe.hash();
  std::vector<uint32_t> ids(wanted.size());
  table.find(probe.columns, ids.size(), probe.hashes, ids.data());
  for (size_t i = 0; i < ids.size(); ++i) {
    ASSERT_EQ(ids[i] != KeyedTable::kNone, wanted[i] != nullptr);
    if (wanted[i] != nullptr) {
      ASSERT_EQ(table.payload(0).data<double>()[ids[i]], wanted[i]->number);
      ASSERT_EQ(table.payload(1).string_at(ids[i]), wanted[i]->text);
      ASSERT_EQ(table.fixed_as<int64_t>(ids[i]), wanted[i]->weight);
    }
  }
  if (all) {
    table.load_all();
    ASSERT_EQ(table.size(), model.size());
  }
  ASSERT_TRUE(table.status().ok()) << table.status().to_string();
}

// The rows that begin with a text, of a table that is not all in memory.
void expect_equal_by_prefix(KeyedTable& table, const KeyedModel& model, std::mt19937_64& random) {
  if (table.is_complete()) {
    return;
  }
  for (int i = 0; i < 20; ++i) {
    std::string wanted(random() % 30, 'a' + static_cast<char>(random() % 4));
    Column text{Type::string()};
    text.append_string(wanted);
    const Column* keys[] = {&text};
    std::map<int, int64_t> found, expected;
    for (uint32_t id : table.find_prefix(keys, 0)) {
      ASSERT_EQ(table.key(0).string_at(id), wanted);
      int number = table.key(1).is_null(id) ? -1 : table.key(1).data<int32_t>()[id];
      ASSERT_TRUE(found.emplace(number, table.fixed_as<int64_t>(id)).second);
    }
    for (auto row = model.lower_bound({wanted, -1});
         row != model.end() && row->first.first == wanted; ++row) {
      expected.emplace(row->first.second, row->second.weight);
    }
    ASSERT_EQ(found, expected);
  }
}

void change(KeyedTable& table, KeyedModel& model, std::mt19937_64& random) {
  Probe probe;
  std::vector<std::pair<std::string, int>> keys;
  size_t rows = 1 + random() % 40;
  for (size_t i = 0; i < rows; ++i) {
    keys.emplace_back(std::string(random() % 30, 'a' + static_cast<char>(random() % 4)),
                      static_cast<int>(random() % 10) - 1);
    probe.add(keys.back());
  }
  probe.hash();
  table.fault_in(probe.columns, rows, probe.hashes);
  for (size_t i = 0; i < rows; ++i) {
    if (random() % 3 == 0) {
      uint32_t id = table.find_one(probe.columns, i, probe.hashes[i]);
      ASSERT_EQ(id != KeyedTable::kNone, model.contains(keys[i]));
      if (id != KeyedTable::kNone) {
        table.erase(id);
        model.erase(keys[i]);
      }
      continue;
    }
    uint32_t id = table.find_or_insert_one(probe.columns, i, probe.hashes[i]);
    KeyedModelRow& row = model[keys[i]];
    row.weight += static_cast<int64_t>(random() % 100);
    table.fixed_as<int64_t>(id) = row.weight;
    table.mark_changed(id);
    row.number = static_cast<double>(random() % 1000) / 7;
    row.text = std::string(random() % 40, 'x');
    Column number{Type::float64()}, text{Type::string()};
    number.append(row.number);
    text.append_string(row.text);
    const Column* values[] = {&number, &text};
    table.assign_payload(id, values, 0);
  }
}

TEST(State, KeyedTableIsItsModelThroughCheckpointsAndRestarts) {
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    DataDirectory directory;
    std::unique_ptr<Store> store = open_store(directory);
    auto table = std::make_unique<KeyedTable>(make_keyed());
    table->attach(*store, "p", false);
    KeyedModel model;
    Checkpoint<KeyedModel> checkpoint;
    for (int round = 0; round < 300; ++round) {
      change(*table, model, random);
      if (HasFatalFailure()) {
        return;
      }
      switch (random() % 12) {
        case 0:
        case 1:
        case 2:
        case 3:
          checkpoint.go_on(*store, *table, model, random);
          break;
        case 4:
          if (!checkpoint.is_pending() || random() % 50 == 0) {
            table->evict(random() % 60);
          }
          break;
        case 5:
          if (random() % 4 == 0) {
            table->clear();
            model.clear();
          }
          break;
        case 6:  // killed: what was not written is gone
          table.reset();
          store.reset();
          store = open_store(directory, random() % 2 == 0 ? kAllAsTables : kAllToTheLog);
          table = std::make_unique<KeyedTable>(make_keyed());
          table->attach(*store, "p", true);
          model = checkpoint.killed();
          break;
      }
      expect_equal_by_prefix(*table, model, random);
      expect_equal(*table, model, random, random() % 10 == 0);
      if (HasFatalFailure()) {
        return;
      }
    }
  }
}

// Weighted rows that come loose, by key, or are taken back.
TEST(State, LooseRowsAreAddedUpThroughCheckpointsAndRestarts) {
  auto make = [] {
    return KeyedTable({Type::string(), Type::integer().as_nullable()}, {Type::string()}, 16, 8);
  };
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    DataDirectory directory;
    std::unique_ptr<Store> store = open_store(directory);
    auto table = std::make_unique<KeyedTable>(make());
    table->attach(*store, "p", false);
    using Model = std::map<std::pair<std::string, int>, int64_t>;
    Model model;
    Checkpoint<Model> checkpoint;
    for (int round = 0; round < 300; ++round) {
      Probe probe;
      std::vector<int64_t> weights;
      bool is_loose = random() % 4 != 0 && table->takes_loose();
      size_t rows = random() % 20 == 0 ? 6000 : random() % 40;
      for (size_t i = 0; i < rows; ++i) {
        std::pair<std::string, int> key{std::to_string(random() % 3000 + 1000000000000),
                                        static_cast<int>(random() % 4) - 1};
        if (!is_loose && !model.empty() && random() % 2 == 0) {
          auto known = model.lower_bound(key);
          key = known == model.end() ? model.begin()->first : known->first;
        }
        int64_t weight = 1 + static_cast<int64_t>(random() % 2);
        weight = !is_loose && random() % 2 == 0 ? -weight : weight;
        probe.add(key);
        weights.push_back(weight);
        if ((model[key] += weight) == 0) {
          model.erase(key);
        }
      }
      if (is_loose) {
        table->append_loose(probe.columns, rows, weights);
        table->sample_loose();
      } else {
        probe.hash();
        std::vector<uint32_t> ids(rows);
        table->find_or_insert(probe.columns, rows, probe.hashes, ids.data());
        for (size_t i = 0; i < rows; ++i) {
          table->fixed_as<int64_t>(ids[i]) += weights[i];
          table->mark_changed(ids[i]);
        }
        for (uint32_t id : ids) {
          if (id < table->id_limit() && table->is_live(id) && table->fixed_as<int64_t>(id) == 0) {
            table->erase(id);
          }
        }
      }
      switch (random() % 8) {
        case 0:
        case 1:
          checkpoint.go_on(*store, *table, model, random);
          break;
        case 2:
          if (!checkpoint.is_pending() || random() % 50 == 0) {
            table->evict(random() % 60);
          }
          break;
        case 3:
          if (random() % 10 == 0) {
            table->clear();
            model.clear();
          }
          break;
        case 4:
          if (random() % 3 == 0) {
            table.reset();
            table = std::make_unique<KeyedTable>(make());
            table->attach(*store, "p", true);
            model = checkpoint.killed();
          }
          break;
      }
      if (random() % 4 == 0) {
        table->load_all();
      }
      if (random() % 10 == 0) {
        table->load_all();
        Model held;
        for (uint32_t id = 0; id < table->id_limit(); ++id) {
          if (table->is_live(id)) {
            int number = table->key(1).is_null(id) ? -1 : table->key(1).data<int32_t>()[id];
            held[{std::string(table->key(0).string_at(id)), number}] +=
                table->fixed_as<int64_t>(id);
          }
        }
        std::erase_if(held, [](const auto& entry) { return entry.second == 0; });
        ASSERT_EQ(held, model);
        table->unite();
        ASSERT_EQ(table->size(), model.size());
        ASSERT_TRUE(table->status().ok());
      }
    }
  }
}

// Groups of many rows, so that their runs have several blocks; order descending by the number.
TEST(State, SortedArrangementIsItsModelThroughCheckpointsAndRestarts) {
  auto make = [] {
    return std::make_unique<SortedArrangement>(
        std::vector<Type>{Type::integer(), Type::integer(), Type::string()}, 1,
        std::vector<SortKey>{{1, true, false}});
  };
  using Rows = std::map<std::pair<int, std::string>, int64_t>;  // by -number, text
  using Model = std::map<int, Rows>;
  for (uint64_t seed = 1; seed <= 4; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    DataDirectory directory;
    std::unique_ptr<Store> store = open_store(directory);
    std::unique_ptr<SortedArrangement> sorted = make();
    sorted->rows().attach(*store, "p", false);
    Model model;
    Checkpoint<Model> checkpoint;
    for (int round = 0; round < 200; ++round) {
      std::vector<Column> columns;
      columns.emplace_back(Type::integer());
      columns.emplace_back(Type::integer());
      columns.emplace_back(Type::string());
      ZBatch batch;
      bool takes_back = random() % 3 == 0;
      size_t rows = random() % 10 == 0 ? 3000 : random() % 50;
      for (size_t i = 0; i < rows; ++i) {
        int group = static_cast<int>(random() % 3), number = static_cast<int>(random() % 400);
        std::string text(random() % 20, static_cast<char>('a' + random() % 3));
        Rows& known = model[group];
        bool is_loss = takes_back && random() % 2 == 0 && !known.empty();
        if (is_loss) {
          auto victim = known.lower_bound({-number, ""});
          victim = victim == known.end() ? known.begin() : victim;
          number = -victim->first.first;
          text = victim->first.second;
        }
        int64_t& weight = known[{-number, text}];
        weight += is_loss ? -1 : 1;
        if (weight == 0) {
          known.erase({-number, text});
        }
        columns[0].append<int32_t>(group);
        columns[1].append<int32_t>(number);
        columns[2].append_string(text);
        batch.weights.push_back(is_loss ? -1 : 1);
      }
      batch.rows = to_batch(std::move(columns));
      std::vector<uint32_t> groups;
      sorted->find_groups(batch, groups);
      sorted->apply(batch, groups);
      sorted->sweep();
      switch (random() % 8) {
        case 0:
        case 1:
        case 2:
          checkpoint.go_on(*store, sorted->rows(), model, random);
          break;
        case 3:
          if (!checkpoint.is_pending() || random() % 50 == 0) {
            sorted->rows().evict(random() % 200);
          }
          break;
        case 4:
          if (random() % 3 == 0) {
            sorted.reset();
            sorted = make();
            sorted->rows().attach(*store, "p", true);
            model = checkpoint.killed();
          }
          break;
      }
      // One row for each group, which does not stay.
      for (int group = 0; group < 3; ++group) {
        std::vector<Column> probe;
        probe.emplace_back(Type::integer()).append<int32_t>(group);
        probe.emplace_back(Type::integer()).append<int32_t>(0);
        probe.emplace_back(Type::string()).append_string("");
        ZBatch one{to_batch(std::move(probe)), {1}};
        sorted->find_groups(one, groups);
        Rows held;
        std::pair<int, std::string> last{INT32_MIN, ""};
        sorted->for_each(groups[0], [&](uint32_t row) {
          std::pair<int, std::string> place{-sorted->column(1).data<int32_t>()[row],
                                            std::string(sorted->column(2).string_at(row))};
          EXPECT_LE(last, place);
          held[place] += sorted->weight(row);
          last = place;
          return true;
        });
        ASSERT_EQ(held, model[group]) << "round " << round;
      }
      ASSERT_TRUE(sorted->rows().status().ok());
    }
  }
}

TEST(State, OrderedTableIsItsModelThroughCheckpointsAndRestarts) {
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    DataDirectory directory;
    std::unique_ptr<Store> store = open_store(directory);
    auto table = std::make_unique<OrderedTable>();
    table->attach(*store, "p", false);
    std::map<std::string, int64_t> model;
    Checkpoint<std::map<std::string, int64_t>> checkpoint;
    auto some_key = [&] {
      return std::string(random() % 3 == 0 ? 40 : 2, 'a' + static_cast<char>(random() % 26)) +
             static_cast<char>('a' + random() % 26);
    };
    for (int round = 0; round < 400; ++round) {
      for (int i = 0; i < 20; ++i) {
        std::string key = some_key();
        int64_t weight = static_cast<int64_t>(random() % 5) - 2;
        int64_t& wanted = model[key];
        wanted += weight;
        ASSERT_EQ(table->add(key, weight), wanted);
        if (wanted == 0) {
          model.erase(key);
        }
      }
      switch (random() % 10) {
        case 0:
        case 1:
        case 2:
        case 3:
          checkpoint.go_on(*store, *table, model, random);
          break;
        case 4:
          if (!checkpoint.is_pending() || random() % 50 == 0) {
            table->evict(random() % 30);
          }
          break;
        case 5: {
          std::string prefix(1, 'a' + static_cast<char>(random() % 26));
          table->erase_prefix(prefix);
          std::erase_if(model, [&](const auto& entry) { return entry.first.starts_with(prefix); });
          break;
        }
        case 6:
          table.reset();
          store.reset();
          store = open_store(directory, random() % 2 == 0 ? kAllAsTables : kAllToTheLog);
          table = std::make_unique<OrderedTable>();
          table->attach(*store, "p", true);
          model = checkpoint.killed();
          break;
      }
      std::string from = some_key();
      std::vector<std::pair<std::string, int64_t>> up, down;
      for (OrderedTable::Scan scan = table->forward(from); scan.valid(); scan.next()) {
        up.emplace_back(scan.key(), scan.weight());
      }
      for (OrderedTable::Scan scan = table->backward(from); scan.valid(); scan.next()) {
        down.emplace_back(scan.key(), scan.weight());
      }
      std::vector<std::pair<std::string, int64_t>> wanted_up(model.lower_bound(from), model.end());
      std::vector<std::pair<std::string, int64_t>> wanted_down(model.begin(),
                                                               model.lower_bound(from));
      std::reverse(wanted_down.begin(), wanted_down.end());
      ASSERT_EQ(up, wanted_up);
      ASSERT_EQ(down, wanted_down);
      ASSERT_TRUE(table->status().ok());
    }
  }
}

TEST(State, AnUnchangedTableCostsNoBytes) {
  DataDirectory directory;
  std::unique_ptr<Store> store = open_store(directory);
  KeyedTable table = make_keyed();
  table.attach(*store, "p", false);
  KeyedModel model;
  std::mt19937_64 random(7);
  change(table, model, random);
  StoreBatch first, second;
  table.stage(first);
  ASSERT_TRUE(store->write(first).ok());
  table.staged_is_durable();
  table.stage(second);
  EXPECT_GT(first.count(), 0u);
  EXPECT_EQ(second.count(), 0u);
}

}  // namespace
}  // namespace tidemark
