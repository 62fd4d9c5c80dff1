// What a keyed table holds in memory, and what it shares.

#include "state/keyed_table.h"

#include <map>
#include <optional>
#include <random>

#include <gtest/gtest.h>

#include "state/store.h"
#include "tests/harness/temporary_directory.h"
#include "types/hash.h"

namespace tidemark {
namespace {

std::string text_of_row(size_t row) {
  return std::to_string(row) + std::string(100, static_cast<char>('a' + row % 26));
}

// Rows of a number and a long text.
RowBatch numbered_texts(size_t first, size_t rows) {
  std::vector<Column> columns;
  columns.emplace_back(Type::bigint());
  columns.emplace_back(Type::string());
  for (size_t row = first; row < first + rows; ++row) {
    columns[0].append(static_cast<int64_t>(row));
    columns[1].append_string(text_of_row(row));
  }
  return to_batch(std::move(columns));
}

void append(KeyedTable& table, const RowBatch& batch) {
  const Column* columns[] = {batch.columns[0].get(), batch.columns[1].get()};
  table.append_loose(columns, batch.rows, {});
}

KeyedTable weighted_texts() {
  return KeyedTable({Type::bigint(), Type::string()}, {}, 8);
}

TEST(KeyedTable, TablesThatTakeInTheSameBatchesShareTheirStrings) {
  constexpr size_t kRows = 4096, kBatches = 30;
  KeyedTable kept = weighted_texts();
  KeyedTable by_number({Type::bigint()}, {Type::string()}, 0);
  size_t text_bytes = 0;
  for (size_t b = 0; b < kBatches; ++b) {
    RowBatch batch = numbered_texts(b * kRows, kRows);
    append(kept, batch);
    const Column* keys[] = {batch.columns[0].get()};
    const Column* values[] = {batch.columns[1].get()};
    std::vector<uint64_t> hashes;
    hash_rows(keys, kRows, hashes);
    std::vector<uint32_t> ids(kRows);
    by_number.find_or_insert(keys, kRows, hashes, ids.data());
    by_number.assign_payload(ids, values);
    for (size_t row = 0; row < kRows; ++row) {
      text_bytes += batch.columns[1]->string_at(row).size();
    }
  }
  size_t other_bytes = 2 * kRows * kBatches * 48;
  EXPECT_LT(kept.held_bytes() + by_number.held_bytes(), text_bytes * 3 / 2 + other_bytes);

  // One lets go of most of its rows: the strings of the other stay.
  kept.unite();
  for (uint32_t id = 0; id < kRows * kBatches; ++id) {
    if (id % 10 != 0) {
      kept.erase(id);
    }
  }
  EXPECT_LT(kept.held_bytes(), text_bytes / 2 + other_bytes);
  for (uint32_t id = 0; id < kRows * kBatches; ++id) {
    auto number = static_cast<size_t>(by_number.key(0).data<int64_t>()[id]);
    ASSERT_EQ(by_number.payload(0).string_at(id), text_of_row(number));
    if (id % 10 == 0) {
      ASSERT_EQ(kept.key(1).string_at(id), text_of_row(id));
    }
  }
  kept.clear();
  EXPECT_LT(kept.held_bytes(), 4096u);
  auto number = static_cast<size_t>(by_number.key(0).data<int64_t>()[7]);
  ASSERT_EQ(by_number.payload(0).string_at(7), text_of_row(number));
}

// Texts of all lengths, some of which differ in their middle only; few at a time, then many; rows
// go in between, and their ids come back for others.
TEST(KeyedTable, TextsFoundByAGuessAreTheirs) {
  constexpr size_t kRows = 3000;
  std::mt19937 random(5);
  KeyedTable table({Type::string()}, {}, 8);
  std::map<std::string, uint32_t> ids_of;
  for (size_t round = 0; round < 60; ++round) {
    size_t different = round % 10 == 9 ? 5000 : 1 + round % 7 * 20;
    Column texts(Type::string());
    for (size_t i = 0; i < kRows; ++i) {
      size_t number = random() % different;
      std::string middle = std::to_string(number);
      texts.append_string(number % 3 == 0   ? middle
                          : number % 3 == 1 ? "text" + middle + "of a length"
                                            : "text" + std::string(number % 50, '.') + middle +
                                                  " and the same end as others");
    }
    const Column* keys[] = {&texts};
    std::vector<uint32_t> ids(kRows);
    table.find_or_insert(keys, kRows, ids.data());
    for (size_t i = 0; i < kRows; ++i) {
      auto [known, is_new] = ids_of.try_emplace(std::string(texts.string_at(i)), ids[i]);
      ASSERT_EQ(known->second, ids[i]);
      ASSERT_TRUE(table.is_live(ids[i]));
      ASSERT_EQ(table.key(0).string_at(ids[i]), known->first);
    }
    ASSERT_EQ(table.size(), ids_of.size());
    if (round == 40) {
      table.clear();
      ids_of.clear();
    }
    for (auto known = ids_of.begin(); known != ids_of.end();) {
      if (random() % 4 != 0) {
        ++known;
        continue;
      }
      table.erase(known->second);
      known = ids_of.erase(known);
    }
  }
}

TEST(KeyedTable, ARowThatReplacesAnotherKeepsItsText) {
  constexpr size_t kRows = 20'000, kChanged = 1'000;
  KeyedTable table = weighted_texts();
  append(table, numbered_texts(0, kRows));
  table.unite();
  size_t bytes = table.held_bytes();
  for (size_t round = 0; round < 100; ++round) {
    Column numbers(Type::bigint()), texts(Type::string());
    size_t first = round * kChanged % kRows;
    for (size_t row = first; row < first + kChanged; ++row) {
      for (size_t version : {round / 20, round / 20 + 1}) {
        numbers.append(static_cast<int64_t>(row + version * kRows));
        texts.append_string(text_of_row(row));
      }
    }
    const Column* columns[] = {&numbers, &texts};
    std::vector<uint64_t> hashes;
    hash_rows(columns, numbers.size(), hashes);
    std::vector<uint32_t> ids(numbers.size());
    table.find_or_insert(columns, ids.size(), hashes, ids.data());
    for (size_t i = 0; i < ids.size(); i += 2) {
      ASSERT_EQ(table.fixed_as<int64_t>(ids[i]), 1);
      ASSERT_EQ(table.fixed_as<int64_t>(ids[i + 1]), 0);
      table.fixed_as<int64_t>(ids[i + 1]) = 1;
      table.erase(ids[i]);
    }
  }
  EXPECT_EQ(table.size(), kRows);
  EXPECT_LT(table.held_bytes(), bytes * 5 / 4);
  for (uint32_t id = 0; id < table.id_limit(); ++id) {
    if (table.is_live(id)) {
      int64_t number = table.key(0).data<int64_t>()[id];
      ASSERT_EQ(number / static_cast<int64_t>(kRows), 5);
      ASSERT_EQ(table.key(1).string_at(id), text_of_row(static_cast<size_t>(number) % kRows));
    }
  }
}

// What a snapshot that is read again brings: heaps that could be kept, and are not wanted.
TEST(KeyedTable, TextsThatAreThereAlreadyAreNotKeptAgain) {
  constexpr size_t kRows = 4096;
  KeyedTable table({Type::bigint()}, {Type::string()}, 0);
  std::vector<uint32_t> ids(kRows);
  size_t text_bytes = kRows * text_of_row(kRows).size();
  for (size_t round = 0; round < 20; ++round) {
    RowBatch batch = numbered_texts(0, kRows);
    const Column* keys[] = {batch.columns[0].get()};
    const Column* values[] = {batch.columns[1].get()};
    std::vector<uint64_t> hashes;
    hash_rows(keys, kRows, hashes);
    table.find_or_insert(keys, kRows, hashes, ids.data());
    table.assign_payload(ids, values);
  }
  EXPECT_LT(table.held_bytes(), text_bytes * 5 + kRows * 64);
  for (size_t row = 0; row < kRows; ++row) {
    ASSERT_EQ(table.payload(0).string_at(ids[row]), text_of_row(row));
  }
}

// Batches with NULLs, short and long texts, rows that are there, are not, and repeat.
TEST(KeyedTable, RowsThatComeUseTheRoomOfThoseThatWent) {
  constexpr size_t kRows = 5'000, kKept = 100;
  KeyedTable table = weighted_texts();
  auto id_of = [&](const RowBatch& row) {
    const Column* columns[] = {row.columns[0].get(), row.columns[1].get()};
    std::vector<uint64_t> hashes;
    hash_rows(columns, 1, hashes);
    return table.find_or_insert_one(columns, 0, hashes[0]);
  };
  for (size_t row = 0; row < kRows; ++row) {
    if (table.takes_loose()) {
      append(table, numbered_texts(row, 1));
    } else {
      table.fixed_as<int64_t>(id_of(numbered_texts(row, 1))) = 1;
    }
    if (row >= kKept) {
      table.erase(id_of(numbered_texts(row - kKept, 1)));
    }
  }
  EXPECT_EQ(table.size(), kKept);
  EXPECT_LT(table.id_limit(), 2 * kKept);
}

TEST(KeyedTable, WholeRowsThatComeAndGoAreAsInAModel) {
  using Row = std::pair<int64_t, std::optional<std::string>>;
  for (uint64_t seed = 0; seed < 4; ++seed) {
    std::mt19937_64 random(seed);
    KeyedTable table({Type::bigint(), Type::string().as_nullable()}, {}, 8);
    std::map<Row, int64_t> model;
    for (int round = 0; round < 200; ++round) {
      Column numbers(Type::bigint()), texts(Type::string().as_nullable());
      std::vector<Row> rows;
      size_t count = 1 + random() % 1500;
      bool has_nulls = random() % 2 == 0;
      for (size_t i = 0; i < count; ++i) {
        size_t text = random() % 300;
        Row row{static_cast<int64_t>(random() % 8), std::string(text % 40, 'x')};
        *row.second += std::to_string(text);
        if (has_nulls && text % 9 == 0) {
          row.second.reset();
        }
        numbers.append(row.first);
        row.second ? texts.append_string(*row.second) : texts.append_null();
        rows.push_back(std::move(row));
      }
      const Column* columns[] = {&numbers, &texts};
      std::vector<uint64_t> hashes;
      hash_rows(columns, count, hashes);
      std::vector<uint32_t> ids(count);
      table.find_or_insert(columns, count, hashes, ids.data());
      for (size_t i = 0; i < count; ++i) {
        // Rows come for a while, then come and go, then go until hardly one is there.
        int64_t& weight = model[rows[i]];
        int phase = round % 40;
        int64_t change = phase < 10 || (phase < 18 && weight == 0) ? 1 : -weight;
        weight += change;
        table.fixed_as<int64_t>(ids[i]) += change;
      }
      for (uint32_t id : ids) {
        if (id < table.id_limit() && table.is_live(id) && table.fixed_as<int64_t>(id) == 0) {
          table.erase(id);
        }
      }
      std::erase_if(model, [](const auto& each) { return each.second == 0; });
      ASSERT_EQ(table.size(), model.size());
      if (round % 5 != 4) {
        continue;
      }
      std::map<Row, int64_t> held;
      for (uint32_t id = 0; id < table.id_limit(); ++id) {
        if (table.is_live(id)) {
          Row row{table.key(0).data<int64_t>()[id], std::nullopt};
          if (!table.key(1).is_null(id)) {
            row.second = std::string(table.key(1).string_at(id));
          }
          ASSERT_TRUE(held.emplace(row, table.fixed_as<int64_t>(id)).second);
        }
      }
      ASSERT_EQ(held, model) << "seed " << seed << ", round " << round;
    }
  }
}

TEST(KeyedTable, LooseRowsThatGoGiveTheirRoomToOthers) {
  constexpr size_t kKept = 300;
  KeyedTable table = weighted_texts();
  auto add = [&](size_t first, size_t rows) {
    RowBatch batch = numbered_texts(first, rows);
    const Column* columns[] = {batch.columns[0].get(), batch.columns[1].get()};
    std::vector<uint32_t> ids(rows);
    table.add_loose(columns, rows, {}, ids.data());
    return ids;
  };
  std::vector<uint32_t> ids = add(0, kKept);
  for (size_t round = 1; round <= 50; ++round) {
    for (uint32_t id : ids) {
      ASSERT_TRUE(table.is_loose(id));
      table.erase_loose(id);
    }
    ids = add(round * 1000, kKept + round);
    ASSERT_EQ(table.size(), kKept + round);
  }
  EXPECT_EQ(table.id_limit(), kKept + 50);
  // With some room free, and one row twice.
  table.erase_loose(ids[7]);
  add(50'000, 1);
  table.erase_loose(ids[9]);
  table.unite();
  EXPECT_EQ(table.size(), kKept + 48);
  RowBatch wanted = numbered_texts(50'000, 10);
  const Column* columns[] = {wanted.columns[0].get(), wanted.columns[1].get()};
  std::vector<uint64_t> hashes;
  hash_rows(columns, wanted.rows, hashes);
  std::vector<uint32_t> found(wanted.rows);
  table.find(columns, wanted.rows, hashes, found.data());
  for (size_t row = 0; row < found.size(); ++row) {
    bool is_gone = row == 7 || row == 9;
    ASSERT_EQ(found[row] == KeyedTable::kNone, is_gone) << row;
    if (!is_gone) {
      EXPECT_EQ(table.fixed_as<int64_t>(found[row]), row == 0 ? 2 : 1);
      EXPECT_EQ(table.key(1).string_at(found[row]), wanted.columns[1]->string_at(row));
    }
  }
}

TEST(KeyedTable, LooseRowsAreIndexedInPieces) {
  constexpr size_t kRows = 10'000;
  KeyedTable table = weighted_texts();
  append(table, numbered_texts(0, kRows));
  // All of them, some of them again and others between pieces, and few that are left alone.
  ASSERT_TRUE(table.index_loose(3000));
  append(table, numbered_texts(kRows / 2, kRows));
  for (size_t pieces = 0; table.index_loose(3000); ++pieces) {
    ASSERT_LT(pieces, 10u);
  }
  EXPECT_TRUE(table.is_loose(static_cast<uint32_t>(table.id_limit() - 1)));
  append(table, numbered_texts(0, 10));
  EXPECT_FALSE(table.index_loose(3000) && table.index_loose(3000));
  RowBatch all = numbered_texts(0, kRows * 3 / 2);
  const Column* columns[] = {all.columns[0].get(), all.columns[1].get()};
  std::vector<uint64_t> hashes;
  hash_rows(columns, all.rows, hashes);
  std::vector<uint32_t> ids(all.rows);
  table.find(columns, all.rows, hashes, ids.data());
  EXPECT_EQ(table.size(), all.rows);
  for (size_t row = 0; row < all.rows; ++row) {
    ASSERT_NE(ids[row], KeyedTable::kNone) << row;
    bool is_twice = row < 10 || (row >= kRows / 2 && row < kRows);
    ASSERT_EQ(table.fixed_as<int64_t>(ids[row]), is_twice ? 2 : 1) << row;
  }
}

TEST(KeyedTable, ASharedColumnStaysAsItWas) {
  KeyedTable table = weighted_texts();
  append(table, numbered_texts(0, 1000));
  std::shared_ptr<const Column> numbers = table.shared_key(0);
  table.unite();
  table.erase(3);
  append(table, numbered_texts(1000, 5000));
  table.unite();
  ASSERT_EQ(numbers->size(), 1000u);
  for (int64_t row = 0; row < 1000; ++row) {
    ASSERT_EQ(numbers->data<int64_t>()[row], row);
  }
  EXPECT_EQ(table.size(), 5999u);
  EXPECT_EQ(table.key(0).data<int64_t>()[5999], 5999);
}

TEST(KeyedTable, RowsThatAnotherTableTakesAreItsOwnInTheStore) {
  TemporaryDirectory directory;
  Result<std::unique_ptr<Store>> opened = Store::open(directory.path() + "/data");
  ASSERT_TRUE(opened.ok());
  const std::unique_ptr<Store>& store = *opened;
  {
    KeyedTable from = weighted_texts(), to = weighted_texts();
    from.attach(*store, "a", false);
    to.attach(*store, "b", false);
    append(from, numbered_texts(0, 500));
    StoreBatch first, second;
    from.stage(first);
    to.stage(first);
    ASSERT_TRUE(store->write(first).ok());
    from.staged_is_durable();
    to.staged_is_durable();
    append(from, numbered_texts(500, 500));
    to.take_rows(from);
    EXPECT_EQ(from.size(), 0u);
    EXPECT_EQ(to.size(), 1000u);
    from.stage(second);
    to.stage(second);
    ASSERT_TRUE(store->write(second).ok());
  }
  KeyedTable from = weighted_texts(), to = weighted_texts();
  from.attach(*store, "a", true);
  to.attach(*store, "b", true);
  from.load_all();
  to.load_all();
  EXPECT_EQ(from.size(), 0u);
  EXPECT_EQ(to.size(), 1000u);
}

// Those in memory and those that are not are all rows, each once, also while what was erased
// becomes so on disk.
TEST(KeyedTable, RowsOfTheStorePassByInPieces) {
  TemporaryDirectory directory;
  Result<std::unique_ptr<Store>> store = Store::open(directory.path() + "/data");
  ASSERT_TRUE(store.ok());
  KeyedTable table = weighted_texts();
  table.attach(**store, "a", false);
  append(table, numbered_texts(0, 1000));
  StoreBatch first, second;
  table.stage(first);
  ASSERT_TRUE((*store)->write(first).ok());
  table.staged_is_durable();
  std::map<int64_t, int> wanted, found;
  for (uint32_t id = 0; id < 1000; ++id) {
    id % 3 == 0 ? table.erase(id) : void(++wanted[table.key(0).data<int64_t>()[id]]);
  }
  append(table, numbered_texts(1000, 50));
  for (int64_t number = 1000; number < 1050; ++number) {
    ++wanted[number];
  }
  table.stage(second);
  EXPECT_EQ(table.evict(400), 400u);
  for (uint32_t id = 0; id < table.id_limit(); ++id) {
    found[table.key(0).data<int64_t>()[id]] += table.is_live(id) ? 1 : 0;
  }
  std::erase_if(found, [](const auto& each) { return each.second == 0; });
  size_t pieces = 0;
  table.hold(true);
  table.for_each_stored(100, [&](const ZBatch& piece) {
    if (++pieces == 2) {
      EXPECT_TRUE((*store)->write(second).ok());
      table.staged_is_durable();
    }
    EXPECT_EQ(table.evict(1000), 0u);
    for (size_t row = 0; row < piece.rows.rows; ++row) {
      int64_t number = piece.rows.columns[0]->data<int64_t>()[row];
      EXPECT_EQ(piece.rows.columns[1]->string_at(row), text_of_row(static_cast<size_t>(number)));
      found[number] += static_cast<int>(piece.weight(row));
    }
    return true;
  });
  table.hold(false);
  EXPECT_GT(pieces, 3u);
  EXPECT_EQ(found, wanted);
  EXPECT_GT(table.evict(1000), 0u);
}

// A row costs its columns, its fixed bytes, and a share of the index, whatever their number.
TEST(KeyedTable, ALargeTableHoldsLittleBesidesItsRows) {
  constexpr size_t kBatch = 10'000;
  KeyedTable table({Type::bigint()}, {}, 8);
  std::vector<uint32_t> ids(kBatch);
  for (size_t rows = 0; rows < 700'000; rows += kBatch) {
    Column numbers(Type::bigint());
    for (size_t row = 0; row < kBatch; ++row) {
      numbers.append(static_cast<int64_t>((rows + row) * 7919));
    }
    const Column* keys[] = {&numbers};
    std::vector<uint64_t> hashes;
    hash_rows(keys, kBatch, hashes);
    table.find_or_insert(keys, kBatch, hashes, ids.data());
    if (rows + kBatch > 200'000) {
      ASSERT_LT(table.held_bytes(), (rows + kBatch) * ((8 + 8 + 1) * 5 / 4 + 14)) << rows;
    }
  }
  for (uint32_t id = 0; id < 690'000; ++id) {
    table.erase(id);
  }
  EXPECT_EQ(table.size(), 10'000u);
  std::vector<uint64_t> hashes;
  Column number(Type::bigint());
  number.append(int64_t{699'999} * 7919);
  const Column* keys[] = {&number};
  hash_rows(keys, 1, hashes);
  uint32_t found = table.find_one(keys, 0, hashes[0]);
  ASSERT_NE(found, KeyedTable::kNone);
  EXPECT_EQ(table.key(0).data<int64_t>()[found], number.data<int64_t>()[0]);
}

}  // namespace
}  // namespace tidemark
