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

std::vector<uint32_t> KeyIndex::find(std::span<const Column* const> key) const {
  std::vector<const Column*> columns(key.begin(), key.end());
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

const KeyIndex* ViewContent::index(const std::vector<size_t>& columns) const {
  std::lock_guard lock(mutex_);
  Wanted& wanted = wanted_[columns];
  if (++wanted.times > 1 && wanted.index == nullptr) {
    wanted.index = std::make_unique<const KeyIndex>(rows_.rows, columns);
  }
  return wanted.index.get();
}

void ViewContent::want_as(const ViewContent& earlier) {
  std::scoped_lock lock(mutex_, earlier.mutex_);
  for (const auto& [columns, wanted] : earlier.wanted_) {
    wanted_[columns].times = wanted.times;
  }
}

}  // namespace tidemark
