#include "state/arrangement.h"

#include <algorithm>

#include "types/column_copy.h"
#include "types/hash.h"

namespace tidemark {

namespace {

// Blocks of so many rows have their entries asked for together, so that the misses of the cache
// overlap; the second cache keeps them until they are used.
constexpr size_t kFetchedRows = 1024;

template <typename F>
void for_each_block(size_t rows, F&& f) {
  for (size_t first = 0; first < rows; first += kFetchedRows) {
    f(first, std::min(rows, first + kFetchedRows));
  }
}

std::vector<Type> first_types(const std::vector<Type>& types, size_t count) {
  return {types.begin(), types.begin() + static_cast<ptrdiff_t>(count)};
}

}  // namespace

Arrangement::Arrangement(std::vector<Type> types, size_t key_count)
    : key_count_(key_count),
      may_repeat_(key_count < types.size()),  // else all rows of a key are one
      rows_(types, {}, sizeof(RowEntry), kStoredBytes),
      keys_(first_types(types, key_count), {}, sizeof(KeyEntry)) {
  rows_.set_extension(this);
}

void Arrangement::loaded(KeyedTable&) {
  if (read_.empty()) {
    return;
  }
  std::vector<Column> gathered;
  std::vector<const Column*> keys;
  gathered.reserve(key_count_);
  for (size_t k = 0; k < key_count_; ++k) {
    gathered.emplace_back(rows_.key(k).type()).append_rows(rows_.key(k), read_);
    keys.push_back(&gathered.back());
  }
  std::vector<uint64_t> hashes;
  hash_rows(keys, read_.size(), hashes);
  std::vector<uint32_t> key_ids(read_.size());
  keys_.find_or_insert(keys, read_.size(), hashes, key_ids.data());
  for (size_t i = 0; i < read_.size(); ++i) {
    keys_.fixed_as<KeyEntry>(key_ids[i]).weight += rows_.fixed_as<RowEntry>(read_[i]).weight;
    link(key_ids[i], read_[i]);
  }
  read_.clear();
}

// The entry of a stored row's key.
uint32_t Arrangement::key_of(uint32_t row) {
  std::vector<Column> gathered;
  std::vector<const Column*> keys;
  gathered.reserve(key_count_);
  for (size_t k = 0; k < key_count_; ++k) {
    gathered.emplace_back(rows_.key(k).type()).append_rows(rows_.key(k), std::span(&row, 1));
    keys.push_back(&gathered.back());
  }
  std::vector<uint64_t> hashes;
  hash_rows(keys, 1, hashes);
  uint32_t key = keys_.find_one(keys, 0, hashes[0]);
  CHECK(key != KeyedTable::kNone);
  return key;
}

void Arrangement::release(KeyedTable&, uint32_t id) {
  uint32_t key = key_of(id);
  unlink(key, id);
  KeyEntry& entry = keys_.fixed_as<KeyEntry>(key);
  entry.weight -= rows_.fixed_as<RowEntry>(id).weight;
  entry.is_whole = 0;
  if (entry.rows == 0) {
    keys_.erase(key);
  }
}

void Arrangement::united(KeyedTable&, uint32_t kept, uint32_t gone) {
  uint32_t key = key_of(gone);
  unlink(key, gone);
  if (weight(kept) == 0) {
    unlink(key, kept);
    if (keys_.fixed_as<KeyEntry>(key).rows == 0) {
      keys_.erase(key);
    }
  }
}

void Arrangement::fault_in(std::span<const Column* const> keys, size_t rows,
                           std::span<const uint64_t> hashes, const uint8_t* skip) {
  if (rows_.is_complete()) {
    return;
  }
  for (size_t i = 0; i < rows; ++i) {
    if (skip != nullptr && skip[i]) {
      continue;
    }
    uint32_t key = keys_.find_one(keys, i, hashes[i]);
    if (key != KeyedTable::kNone && keys_.fixed_as<KeyEntry>(key).is_whole) {
      continue;
    }
    rows_.fault_in_prefix(keys, i);
    // An entry without rows says that the store has none either; it goes when rows come and go.
    keys_.fixed_as<KeyEntry>(keys_.find_or_insert_one(keys, i, hashes[i])).is_whole = 1;
  }
}

bool Arrangement::is_empty() {
  if (rows_.size() == 0) {
    rows_.load_all();
  }
  return rows_.size() == 0;
}

void Arrangement::stage(Delta delta) {
  staged_.push_back(std::move(delta));
}

void Arrangement::commit() {
  for (const Delta& delta : staged_) {
    if (delta.reset) {
      rows_.clear();
      keys_.clear();
    }
    for (const ZBatch& batch : delta.batches) {
      apply(batch);
    }
  }
  staged_.clear();
}

void Arrangement::link(uint32_t key, uint32_t row) {
  KeyEntry& entry = keys_.fixed_as<KeyEntry>(key);
  RowEntry& added = rows_.fixed_as<RowEntry>(row);
  added.next = entry.head;
  added.prev = kHead;
  if (entry.head != 0) {
    rows_.fixed_as<RowEntry>(entry.head - 1).prev = row + 1;
  }
  entry.head = row + 1;
  ++entry.rows;
}

void Arrangement::unlink(uint32_t key, uint32_t row) {
  KeyEntry& entry = keys_.fixed_as<KeyEntry>(key);
  const RowEntry& gone = rows_.fixed_as<RowEntry>(row);
  if (gone.prev == kHead) {
    entry.head = gone.next;
  } else {
    rows_.fixed_as<RowEntry>(gone.prev - 1).next = gone.next;
  }
  if (gone.next != 0) {
    rows_.fixed_as<RowEntry>(gone.next - 1).prev = gone.prev;
  }
  --entry.rows;
}

// Asks for the entries of keys (kNone: of none), and for those of the first rows of their lists.
void Arrangement::fetch_lists(std::span<const uint32_t> key_ids) const {
  keys_.fetch_fixed(key_ids);
  for (uint32_t key : key_ids) {
    if (key != KeyedTable::kNone && keys_.fixed_as<KeyEntry>(key).head != 0) {
      __builtin_prefetch(rows_.fixed(keys_.fixed_as<KeyEntry>(key).head - 1), 1);
    }
  }
}

bool Arrangement::takes_loose(const ZBatch& batch) const {
  return may_repeat_ && rows_.takes_loose() &&
         std::ranges::all_of(batch.weights, [](int64_t weight) { return weight > 0; });
}

void Arrangement::apply(const ZBatch& batch) {
  size_t rows = batch.rows.rows;
  std::vector<const Column*> columns;
  for (const ColumnRef& column : batch.rows.columns) {
    columns.push_back(column.get());
  }
  std::span<const Column* const> keys(columns.data(), key_count_);
  hash_rows(keys, rows, key_hashes_);
  key_ids_.resize(rows);
  if (takes_loose(batch)) {
    uint32_t first = rows_.append_loose(columns, rows, batch.weights);
    keys_.find_or_insert(keys, rows, key_hashes_, key_ids_.data());
    for_each_block(rows, [&](size_t begin, size_t end) {
      fetch_lists(std::span(key_ids_).subspan(begin, end - begin));
      for (size_t i = begin; i < end; ++i) {
        keys_.fixed_as<KeyEntry>(key_ids_[i]).weight += batch.weight(i);
        link(key_ids_[i], first + static_cast<uint32_t>(i));
      }
    });
    rows_.sample_loose();
    return;
  }
  hash_rows(columns, rows, row_hashes_);
  fault_in(keys, rows, key_hashes_, nullptr);
  row_ids_.resize(rows);
  rows_.find_or_insert(columns, rows, row_hashes_, row_ids_.data());
  keys_.find_or_insert(keys, rows, key_hashes_, key_ids_.data());
  // First all weights, then the lists: a row that goes and comes within the batch keeps its id.
  for_each_block(rows, [&](size_t begin, size_t end) {
    rows_.fetch_fixed(std::span(row_ids_).subspan(begin, end - begin));
    fetch_lists(std::span(key_ids_).subspan(begin, end - begin));
    for (size_t i = begin; i < end; ++i) {
      int64_t weight = batch.weight(i);
      rows_.fixed_as<RowEntry>(row_ids_[i]).weight += weight;
      keys_.fixed_as<KeyEntry>(key_ids_[i]).weight += weight;
      rows_.mark_changed(row_ids_[i]);
    }
  });
  auto is_live = [](const KeyedTable& table, uint32_t id) {
    return id < table.id_limit() && table.is_live(id);
  };
  for (size_t i = 0; i < rows; ++i) {
    if (!is_live(rows_, row_ids_[i])) {
      continue;
    }
    const RowEntry& entry = rows_.fixed_as<RowEntry>(row_ids_[i]);
    if (entry.weight != 0 && entry.prev == 0) {
      link(key_ids_[i], row_ids_[i]);
    } else if (entry.weight == 0) {
      if (entry.prev != 0) {
        unlink(key_ids_[i], row_ids_[i]);
      }
      rows_.erase(row_ids_[i]);
    }
  }
  for (size_t i = 0; i < rows; ++i) {
    if (is_live(keys_, key_ids_[i]) && keys_.fixed_as<KeyEntry>(key_ids_[i]).rows == 0) {
      keys_.erase(key_ids_[i]);
    }
  }
}

Arrangement::Cursor Arrangement::start(std::span<const Column* const> keys, size_t rows,
                                       std::span<const uint64_t> hashes, const uint8_t* skip) {
  fault_in(keys, rows, hashes, skip);
  Cursor cursor;
  cursor.key_ids.resize(rows);
  keys_.find(keys, rows, hashes, cursor.key_ids.data());
  for (size_t i = 0; skip != nullptr && i < rows; ++i) {
    cursor.key_ids[i] = skip[i] ? KeyedTable::kNone : cursor.key_ids[i];
  }
  return cursor;
}

bool Arrangement::probe(Cursor& cursor, size_t pairs_max, ProbedPairs& out) const {
  size_t rows = cursor.key_ids.size();
  for (; cursor.row < rows; ++cursor.row) {
    if (cursor.row == cursor.fetched) {
      cursor.fetched = std::min(rows, cursor.row + kFetchedRows);
      fetch_lists(std::span(cursor.key_ids).subspan(cursor.row, cursor.fetched - cursor.row));
    }
    uint32_t key = cursor.key_ids[cursor.row];
    if (key == KeyedTable::kNone) {
      continue;
    }
    uint32_t at = cursor.next != 0 ? cursor.next : keys_.fixed_as<KeyEntry>(key).head;
    for (; at != 0; at = rows_.fixed_as<RowEntry>(at - 1).next) {
      if (out.size() >= pairs_max) {
        cursor.next = at;
        return true;
      }
      out.probe.push_back(static_cast<uint32_t>(cursor.row));
      out.stored.push_back(at - 1);
    }
    cursor.next = 0;
  }
  return out.size() != 0;
}

void Arrangement::key_weights(std::span<const Column* const> keys, size_t rows,
                              std::span<const uint64_t> hashes, int64_t* sums) {
  fault_in(keys, rows, hashes, nullptr);
  std::vector<uint32_t> ids(rows);
  keys_.find(keys, rows, hashes, ids.data());
  for (size_t i = 0; i < rows; ++i) {
    sums[i] = ids[i] == KeyedTable::kNone ? 0 : keys_.fixed_as<KeyEntry>(ids[i]).weight;
  }
}

void Arrangement::find_rows(std::span<const Column* const> columns, size_t rows, uint32_t* ids) {
  std::vector<uint64_t> hashes;
  hash_rows(columns, rows, hashes);
  rows_.find(columns, rows, hashes, ids);
}

Delta Arrangement::content() {
  std::vector<uint32_t> ids = all_rows();
  ZBatch rows;
  rows.rows.rows = ids.size();
  for (uint32_t id : ids) {
    rows.weights.push_back(weight(id));
  }
  for (size_t c = 0; c < column_count(); ++c) {
    auto copy = std::make_shared<Column>(column(c).type());
    append_copies(*copy, column(c), ids);
    rows.rows.columns.push_back(std::move(copy));
  }
  Delta result{true, {}};
  if (!ids.empty()) {
    result.batches.push_back(std::move(rows));
  }
  for (const Delta& delta : staged_) {
    if (delta.reset) {
      result.batches.clear();
    }
    result.batches.insert(result.batches.end(), delta.batches.begin(), delta.batches.end());
  }
  return result;
}

std::vector<uint32_t> Arrangement::all_rows() {
  rows_.load_all();
  std::vector<uint32_t> ids;
  for (uint32_t id = 0; id < rows_.id_limit(); ++id) {
    if (rows_.is_live(id)) {
      ids.push_back(id);
    }
  }
  return ids;
}

}  // namespace tidemark
