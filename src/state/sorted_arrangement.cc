#include "state/sorted_arrangement.h"

#include <algorithm>

#include "types/hash.h"

namespace tidemark {

namespace {

// Order of two rows in one column of each.
int compare_in(const Column& of_a, size_t a, const Column& of_b, size_t b, bool descending,
               bool nulls_first) {
  bool null_a = of_a.is_null(a), null_b = of_b.is_null(b);
  if (null_a || null_b) {
    return null_a == null_b ? 0 : (null_a == nulls_first ? -1 : 1);
  }
  int order = compare_values(of_a, a, of_b, b);
  return descending ? -order : order;
}

bool is_live(const KeyedTable& table, uint32_t id) {
  return id < table.id_limit() && table.is_live(id);
}

}  // namespace

SortedArrangement::SortedArrangement(std::vector<Type> types, size_t key_count,
                                     std::vector<SortKey> order)
    : key_count_(key_count),
      order_(std::move(order)),
      rows_(types, {}, sizeof(RowEntry), kStoredBytes),
      groups_({types.begin(), types.begin() + static_cast<ptrdiff_t>(key_count)}, {},
              sizeof(Group)) {
  static_assert(sizeof(RowEntry) == 16 && sizeof(Group) == 16);
  rows_.set_extension(this);
}

// --- order ---

int SortedArrangement::compare(uint32_t a, uint32_t b) const {
  for (const SortKey& sort : order_) {
    if (int order = compare_in(rows_.key(sort.column), a, rows_.key(sort.column), b,
                               sort.descending, sort.nulls_first)) {
      return order;
    }
  }
  for (size_t c = key_count_; c < rows_.key_count(); ++c) {
    if (int order = compare_in(rows_.key(c), a, rows_.key(c), b, false, false)) {
      return order;
    }
  }
  return 0;
}

bool SortedArrangement::is_before(uint32_t a, uint32_t b) const {
  int order = a == b ? 0 : compare(a, b);
  return order != 0 ? order < 0 : a < b;
}

bool SortedArrangement::are_peers(uint32_t a, uint32_t b) const {
  return std::ranges::all_of(order_, [&](const SortKey& sort) {
    return same_value(rows_.key(sort.column), a, rows_.key(sort.column), b);
  });
}

SortedArrangement::Place SortedArrangement::place_of(const Run& run, uint32_t row) const {
  // The last block whose first row is not behind the row.
  auto block = std::upper_bound(run.begin(), run.end(), row, [&](uint32_t wanted, const Block& b) {
    return is_before(wanted, b.front());
  });
  block -= block != run.begin() ? 1 : 0;
  auto at =
      std::lower_bound(block->begin(), block->end(), row,
                       [&](uint32_t other, uint32_t wanted) { return is_before(other, wanted); });
  return {static_cast<size_t>(block - run.begin()), static_cast<size_t>(at - block->begin())};
}

void SortedArrangement::insert(uint32_t group, uint32_t row) {
  rows_.fixed_as<RowEntry>(row).is_placed = 1;
  Group& entry = groups_.fixed_as<Group>(group);
  if (entry.rows++ == 0 && entry.is_run == 0) {
    entry.at = row;
    return;
  }
  if (entry.is_run == 0) {
    Block one{entry.at};
    if (free_runs_.empty()) {
      free_runs_.push_back(static_cast<uint32_t>(runs_.size()));
      runs_.emplace_back();
    }
    entry.at = free_runs_.back();
    entry.is_run = 1;
    free_runs_.pop_back();
    runs_[entry.at].push_back(std::move(one));
  }
  Run& run = runs_[entry.at];
  if (run.empty()) {
    run.push_back({row});
    return;
  }
  Place place = place_of(run, row);
  Block& block = run[place.block];
  block.insert(block.begin() + static_cast<ptrdiff_t>(place.index), row);
  if (block.size() > kBlockMax) {
    auto middle = block.begin() + kBlockMax / 2;
    Block rest(middle, block.end());
    block.erase(middle, block.end());
    run.insert(run.begin() + static_cast<ptrdiff_t>(place.block) + 1, std::move(rest));
  }
}

void SortedArrangement::remove(uint32_t group, uint32_t row) {
  rows_.fixed_as<RowEntry>(row).is_placed = 0;
  Group& entry = groups_.fixed_as<Group>(group);
  --entry.rows;
  if (entry.is_run == 0) {
    CHECK(entry.at == row);
    return;
  }
  Run& run = runs_[entry.at];
  Place place = place_of(run, row);
  Block& block = run[place.block];
  CHECK(place.index < block.size() && block[place.index] == row);
  block.erase(block.begin() + static_cast<ptrdiff_t>(place.index));
  if (block.empty()) {
    run.erase(run.begin() + static_cast<ptrdiff_t>(place.block));
  }
}

// --- changes ---

void SortedArrangement::find_groups(const ZBatch& batch, std::vector<uint32_t>& groups) {
  size_t rows = batch.rows.rows;
  std::vector<const Column*> keys;
  for (size_t k = 0; k < key_count_; ++k) {
    keys.push_back(batch.rows.columns[k].get());
  }
  hash_rows(keys, rows, hashes_);
  groups.resize(rows);
  groups_.find_or_insert(keys, rows, hashes_, groups.data());
  for (size_t i = 0; !rows_.is_complete() && i < rows; ++i) {
    load_group(keys, i, groups[i]);
  }
}

void SortedArrangement::load_group(std::span<const Column* const> keys, size_t row,
                                   uint32_t group) {
  if (groups_.fixed_as<Group>(group).is_whole == 0) {
    rows_.fault_in_prefix(keys, row);
    groups_.fixed_as<Group>(group).is_whole = 1;
  }
}

void SortedArrangement::apply(const ZBatch& batch, std::span<const uint32_t> groups) {
  size_t rows = batch.rows.rows;
  std::vector<const Column*> columns;
  for (const ColumnRef& column : batch.rows.columns) {
    columns.push_back(column.get());
  }
  bool only_comes = std::ranges::all_of(batch.weights, [](int64_t weight) { return weight > 0; });
  // Not beside what weighs less than nothing: it may be the same row.
  if (only_comes && negative_ == 0 && rows_.takes_loose()) {
    row_ids_.resize(rows);
    rows_.add_loose(columns, rows, batch.weights, row_ids_.data());
    for (uint32_t i = 0; i < rows; ++i) {
      insert(groups[i], row_ids_[i]);
    }
    return;
  }
  hash_rows(columns, rows, row_hashes_);
  row_ids_.resize(rows);
  rows_.find_or_insert(columns, rows, row_hashes_, row_ids_.data());
  for (size_t i = 0; i < rows; ++i) {
    int64_t& weight = rows_.fixed_as<RowEntry>(row_ids_[i]).weight;
    negative_ -= weight < 0 ? 1 : 0;
    weight += batch.weight(i);
    negative_ += weight < 0 ? 1 : 0;
    rows_.mark_changed(row_ids_[i]);
  }
  for (size_t i = 0; i < rows; ++i) {
    const RowEntry& entry = rows_.fixed_as<RowEntry>(row_ids_[i]);
    if (entry.weight != 0 && entry.is_placed == 0) {
      insert(groups[i], row_ids_[i]);
    } else if (entry.weight == 0) {
      if (entry.is_placed != 0) {
        remove(groups[i], row_ids_[i]);
      }
      gone_rows_.push_back(row_ids_[i]);
      gone_groups_.push_back(groups[i]);
    }
  }
}

std::optional<uint32_t> SortedArrangement::nth(uint32_t group, uint64_t n) const {
  const Group& entry = groups_.fixed_as<Group>(group);
  if (n == 0 || n > entry.rows) {
    return std::nullopt;
  }
  if (entry.is_run == 0) {
    return entry.at;
  }
  for (const Block& block : runs_[entry.at]) {
    if (n <= block.size()) {
      return block[n - 1];
    }
    n -= block.size();
  }
  CHECK(false);
}

template <typename ColumnOf>
bool SortedArrangement::is_before(const RowBatch& batch, size_t row, size_t other,
                                  ColumnOf&& column_of) const {
  for (const SortKey& sort : order_) {
    if (int order = compare_in(*batch.columns[sort.column], row, column_of(sort.column), other,
                               sort.descending, sort.nulls_first)) {
      return order < 0;
    }
  }
  for (size_t c = key_count_; c < rows_.key_count(); ++c) {
    if (int order = compare_in(*batch.columns[c], row, column_of(c), other, false, false)) {
      return order < 0;
    }
  }
  return false;
}

bool SortedArrangement::is_before(const RowBatch& batch, size_t row, uint32_t other) const {
  return is_before(batch, row, other, [&](size_t c) -> const Column& { return rows_.key(c); });
}

bool SortedArrangement::is_before_in(const RowBatch& batch, size_t row, size_t other) const {
  return is_before(batch, row, other, [&](size_t c) -> const Column& { return *batch.columns[c]; });
}

void SortedArrangement::drop(uint32_t group, uint32_t row) {
  remove(group, row);
  rows_.fixed_as<RowEntry>(row).weight = 0;
  rows_.mark_changed(row);
  dropped_.push_back(row);
  gone_groups_.push_back(group);
}

void SortedArrangement::sweep() {
  for (uint32_t row : dropped_) {
    if (rows_.is_loose(row)) {
      rows_.erase_loose(row);
    } else {
      gone_rows_.push_back(row);
    }
  }
  dropped_.clear();
  if (!gone_rows_.empty()) {
    rows_.unite();  // they may have come again
  }
  for (uint32_t row : gone_rows_) {
    if (is_live(rows_, row) && weight(row) == 0) {
      rows_.erase(row);
    }
  }
  for (uint32_t group : gone_groups_) {
    if (is_live(groups_, group) && groups_.fixed_as<Group>(group).rows == 0) {
      const Group& entry = groups_.fixed_as<Group>(group);
      if (entry.is_run != 0) {
        free_runs_.push_back(entry.at);
      }
      groups_.erase(group);
    }
  }
  gone_rows_.clear();
  gone_groups_.clear();
  rows_.sample_loose();
}

void SortedArrangement::clear() {
  rows_.clear();
  groups_.clear();
  runs_.clear();
  free_runs_.clear();
  gone_rows_.clear();
  dropped_.clear();
  gone_groups_.clear();
  negative_ = 0;
}

// --- rows that come from the store, leave memory, or turn out to be one ---

std::vector<uint32_t> SortedArrangement::groups_of(std::span<const uint32_t> rows) {
  std::vector<Column> gathered;
  std::vector<const Column*> keys;
  gathered.reserve(key_count_);
  for (size_t k = 0; k < key_count_; ++k) {
    gathered.emplace_back(rows_.key(k).type()).append_rows(rows_.key(k), rows);
    keys.push_back(&gathered.back());
  }
  std::vector<uint64_t> hashes;
  hash_rows(keys, rows.size(), hashes);
  std::vector<uint32_t> groups(rows.size());
  groups_.find_or_insert(keys, rows.size(), hashes, groups.data());
  return groups;
}

void SortedArrangement::loaded(KeyedTable&) {
  std::vector<uint32_t> groups = groups_of(read_);
  for (size_t i = 0; i < read_.size(); ++i) {
    insert(groups[i], read_[i]);
  }
  read_.clear();
}

void SortedArrangement::release(KeyedTable&, uint32_t id) {
  uint32_t group = groups_of(std::span(&id, 1))[0];
  remove(group, id);
  groups_.fixed_as<Group>(group).is_whole = 0;
  gone_groups_.push_back(group);
}

void SortedArrangement::united(KeyedTable&, uint32_t kept, uint32_t gone) {
  uint32_t group = groups_of(std::span(&gone, 1))[0];
  auto is_placed_row = [&](uint32_t row) { return rows_.fixed_as<RowEntry>(row).is_placed != 0; };
  if (is_placed_row(gone)) {  // not if it was dropped in this step
    remove(group, gone);
  }
  bool is_placed = is_placed_row(kept);
  if (weight(kept) == 0) {
    if (is_placed) {
      remove(group, kept);
    }
    gone_groups_.push_back(group);
  } else if (!is_placed) {  // it went in this step, and has come again
    insert(group, kept);
  }
}

}  // namespace tidemark
