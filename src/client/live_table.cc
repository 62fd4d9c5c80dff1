#include "client/live_table.h"

#include <algorithm>

#include "types/text.h"

namespace tidemark {

namespace {

void append_cell(const Cell& cell, std::string& out) {
  uint32_t size = cell ? static_cast<uint32_t>(cell->size()) : UINT32_MAX;
  out.append(reinterpret_cast<const char*>(&size), sizeof size);
  if (cell) {
    out += *cell;
  }
}

bool is_before(const std::string& sort_key_a, uint64_t arrival_a, const std::string& sort_key_b,
               uint64_t arrival_b) {
  int order = sort_key_a.compare(sort_key_b);
  return order != 0 ? order < 0 : arrival_a < arrival_b;
}

}  // namespace

LiveTable::LiveTable(const AnswerHead& head, size_t rows_max) : head_(head), rows_max_(rows_max) {
  std::erase_if(head_.order,
                [&](const SortKey& key) { return key.column >= head_.columns.size(); });
  for (const SortKey& key : head_.order) {
    scratch_.emplace_back(head_.columns[key.column].type.as_nullable());
  }
  if (head_.key && std::ranges::any_of(
                       *head_.key, [&](size_t column) { return column >= head_.columns.size(); })) {
    head_.key.reset();
  }
}

void LiveTable::apply(RowKind op, Row row, int64_t now_us) {
  if (committed_) {
    last_change_us_ = now_us;
  }
  if (is_retraction(op)) {
    retract(op, row);
  } else {
    insert(op, std::move(row), now_us);
  }
}

std::string LiveTable::identity_of(const Row& row) const {
  std::string identity;
  if (head_.key) {
    for (size_t column : *head_.key) {
      append_cell(row[column], identity);
    }
  } else {
    for (const Cell& cell : row) {
      append_cell(cell, identity);
    }
  }
  return identity;
}

std::string LiveTable::sort_key_of(const Row& row) {
  std::string sort_key;
  for (size_t i = 0; i < head_.order.size(); ++i) {
    const SortKey& key = head_.order[i];
    Column& column = scratch_[i];
    column.clear();
    const Cell& cell = row[key.column];
    if (!cell || !append_parsed(*cell, column).ok()) {
      column.clear();
      column.append_null();
    }
    append_sort_key(column, 0, key.descending, key.nulls_first, sort_key);
  }
  return sort_key;
}

LiveTable::Entry* LiveTable::newest_alive(const std::string& identity) {
  auto bucket = rows_.find(identity);
  if (bucket == rows_.end()) {
    return nullptr;
  }
  for (auto entry = bucket->second.rbegin(); entry != bucket->second.rend(); ++entry) {
    if ((*entry)->alive) {
      return entry->get();
    }
  }
  return nullptr;
}

void LiveTable::retract(RowKind op, const Row& row) {
  replaced_ = nullptr;
  Entry* entry = newest_alive(identity_of(row));
  if (entry == nullptr) {
    return;  // it was dropped for the limit
  }
  entry->alive = false;
  dead_.push_back(entry);
  if (op == RowKind::kUpdateBefore) {
    replaced_ = entry;
  }
}

void LiveTable::insert(RowKind op, Row row, int64_t now_us) {
  Entry* replaced = std::exchange(replaced_, nullptr);
  std::string identity = identity_of(row);
  if (head_.key) {
    auto bucket = rows_.find(identity);
    if (bucket != rows_.end()) {
      replace(*bucket->second[0], std::move(row), now_us);
      return;
    }
  } else if (op == RowKind::kUpdateAfter && replaced != nullptr) {
    std::unique_ptr<Entry> moved = take(*replaced);
    replace(*moved, std::move(row), now_us);
    rows_[identity].push_back(std::move(moved));
    return;
  }
  auto entry = std::make_unique<Entry>();
  entry->sort_key = sort_key_of(row);
  entry->arrival = ++arrivals_;
  if (committed_) {
    entry->changed_us.assign(row.size(), now_us);
  }
  entry->cells = std::move(row);
  unplaced_.push_back(entry.get());
  rows_[std::move(identity)].push_back(std::move(entry));
}

void LiveTable::replace(Entry& entry, Row row, int64_t now_us) {
  entry.alive = true;
  for (size_t i = 0; i < row.size(); ++i) {
    if (committed_ && row[i] != entry.cells[i]) {
      entry.changed_us.resize(row.size());
      entry.changed_us[i] = now_us;
    }
  }
  entry.cells = std::move(row);
  if (head_.order.empty()) {
    return;
  }
  std::string sort_key = sort_key_of(entry.cells);
  if (sort_key != entry.sort_key) {
    entry.sort_key = std::move(sort_key);
    if (entry.placed) {
      entry.placed = false;
      unplaced_.push_back(&entry);
    }
  }
}

std::unique_ptr<LiveTable::Entry> LiveTable::take(Entry& entry) {
  auto bucket = rows_.find(identity_of(entry.cells));
  auto found = std::ranges::find(bucket->second, &entry, &std::unique_ptr<Entry>::get);
  std::unique_ptr<Entry> taken = std::move(*found);
  bucket->second.erase(found);
  if (bucket->second.empty()) {
    rows_.erase(bucket);
  }
  return taken;
}

void LiveTable::commit() {
  replaced_ = nullptr;
  std::erase_if(dead_, [](const Entry* entry) { return entry->alive; });
  // A row that left twice is in the list twice.
  std::ranges::sort(dead_);
  dead_.erase(std::unique(dead_.begin(), dead_.end()), dead_.end());
  if (!dead_.empty() || !head_.order.empty()) {
    std::erase_if(order_, [](const Entry* entry) { return !entry->alive || !entry->placed; });
  }
  std::erase_if(unplaced_, [](const Entry* entry) { return !entry->alive; });
  for (Entry* entry : dead_) {
    take(*entry);
  }
  dead_.clear();
  place_new();
  trim();
  committed_ = true;
}

void LiveTable::place_new() {
  auto before = [](const Entry* a, const Entry* b) {
    return is_before(a->sort_key, a->arrival, b->sort_key, b->arrival);
  };
  std::ranges::sort(unplaced_, before);
  constexpr size_t kFew = 16;  // worth a search each rather than a pass over all rows
  if (head_.order.empty() || unplaced_.size() > kFew) {
    auto middle = static_cast<ptrdiff_t>(order_.size());
    order_.insert(order_.end(), unplaced_.begin(), unplaced_.end());
    if (!head_.order.empty()) {
      std::inplace_merge(order_.begin(), order_.begin() + middle, order_.end(), before);
    }
  } else {
    for (Entry* entry : unplaced_) {
      order_.insert(std::upper_bound(order_.begin(), order_.end(), entry, before), entry);
    }
  }
  for (Entry* entry : unplaced_) {
    entry->placed = true;
  }
  unplaced_.clear();
}

void LiveTable::trim() {
  if (rows_max_ == 0 || order_.size() <= rows_max_) {
    return;
  }
  size_t surplus = order_.size() - rows_max_;
  for (size_t i = 0; i < surplus; ++i) {
    take(*order_[i]);
  }
  order_.erase(order_.begin(), order_.begin() + static_cast<ptrdiff_t>(surplus));
  dropped_ += surplus;
}

}  // namespace tidemark
