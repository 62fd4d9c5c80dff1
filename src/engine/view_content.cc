#include "engine/view_content.h"

#include <bit>

#include "types/hash.h"

namespace tidemark {

KeyIndex::KeyIndex(const RowBatch& rows, std::vector<size_t> columns)
    : rows_(rows), columns_(std::move(columns)) {
  std::vector<const Column*> key;
  for (size_t column : columns_) {
    key.push_back(rows.columns[column].get());
  }
  std::vector<uint64_t> hashes;
  hash_rows(key, rows.rows, hashes);
  slots_.resize(std::bit_ceil(std::max<size_t>(rows.rows * 2, 16)));
  for (uint32_t row = 0; row < rows.rows; ++row) {
    size_t at = hashes[row] & (slots_.size() - 1);
    while (slots_[at] != 0) {
      at = (at + 1) & (slots_.size() - 1);
    }
    slots_[at] = row + 1;
  }
}

std::vector<uint32_t> KeyIndex::find(std::span<const Column* const> columns) const {
  std::vector<uint64_t> hashes;
  hash_rows(columns, 1, hashes);
  std::vector<uint32_t> found;
  for (size_t at = hashes[0] & (slots_.size() - 1); slots_[at] != 0;
       at = (at + 1) & (slots_.size() - 1)) {
    uint32_t row = slots_[at] - 1;
    bool is_equal = true;
    for (size_t i = 0; i < columns.size() && is_equal; ++i) {
      const Column& column = *rows_.columns[columns_[i]];
      is_equal = !column.is_null(row) && compare_values(column, row, *columns[i], 0) == 0;
    }
    if (is_equal) {
      found.push_back(row);
    }
  }
  return found;
}

const KeyIndex* ViewContent::index(const std::vector<size_t>& columns, bool is_declared) const {
  std::lock_guard lock(mutex_);
  Wanted& wanted = wanted_[columns];
  if ((++wanted.times > 1 || is_declared) && wanted.index == nullptr) {
    wanted.index = std::make_unique<const KeyIndex>(rows_.rows, columns);
  }
  return wanted.index.get();
}

const KeyIndex* ViewContent::made_index(const std::vector<size_t>& columns) const {
  std::lock_guard lock(mutex_);
  auto found = wanted_.find(columns);
  return found == wanted_.end() ? nullptr : found->second.index.get();
}

void ViewContent::make_indexes_of(const ViewContent& earlier) const {
  std::vector<std::vector<size_t>> made;
  {
    std::lock_guard lock(earlier.mutex_);
    for (const auto& [columns, wanted] : earlier.wanted_) {
      if (wanted.index != nullptr) {
        made.push_back(columns);
      }
    }
  }
  for (const std::vector<size_t>& columns : made) {
    index(columns, true);
  }
}

}  // namespace tidemark
