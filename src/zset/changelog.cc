#include "zset/changelog.h"

#include <unordered_map>

#include "types/column_copy.h"
#include "types/hash.h"

namespace tidemark {

ChangeBatch to_changelog(const ZBatch& delta, const std::optional<std::vector<size_t>>& key) {
  size_t rows = delta.rows.rows;
  std::vector<const Column*> key_columns;
  for (size_t column : key.value_or(std::vector<size_t>())) {
    key_columns.push_back(delta.rows.columns[column].get());
  }
  // partner[i]: the inserted row that replaces the deleted row i.
  constexpr uint32_t kNone = UINT32_MAX;
  std::vector<uint32_t> partner(rows, kNone);
  std::vector<bool> paired(rows);
  if (key) {
    std::vector<uint64_t> hashes;
    hash_rows(key_columns, rows, hashes);
    std::unordered_multimap<uint64_t, uint32_t> inserted;
    for (uint32_t i = 0; i < rows; ++i) {
      if (delta.weight(i) == 1) {
        inserted.emplace(hashes[i], i);
      }
    }
    for (uint32_t i = 0; i < rows; ++i) {
      if (delta.weight(i) != -1) {
        continue;
      }
      auto [first, last] = inserted.equal_range(hashes[i]);
      for (auto candidate = first; candidate != last; ++candidate) {
        bool same = true;
        for (const Column* column : key_columns) {
          same = same && same_value(*column, i, *column, candidate->second);
        }
        if (same) {
          partner[i] = candidate->second;
          paired[candidate->second] = true;
          inserted.erase(candidate);
          break;
        }
      }
    }
  }
  std::vector<uint32_t> order;
  ChangeBatch result;
  auto emit = [&](uint32_t row, RowKind kind) {
    order.push_back(row);
    result.kinds.push_back(kind);
  };
  for (uint32_t i = 0; i < rows; ++i) {
    for (int64_t w = delta.weight(i); w < 0 && partner[i] == kNone; ++w) {
      emit(i, RowKind::kDelete);
    }
  }
  for (uint32_t i = 0; i < rows; ++i) {
    if (partner[i] != kNone) {
      emit(i, RowKind::kUpdateBefore);
      emit(partner[i], RowKind::kUpdateAfter);
    }
    for (int64_t w = delta.weight(i); w > 0 && !paired[i]; --w) {
      emit(i, RowKind::kInsert);
    }
  }
  // Copies: an update may wait long for its reader, and its bytes are counted.
  result.rows.rows = order.size();
  for (const ColumnRef& column : delta.rows.columns) {
    auto copy = std::make_shared<Column>(column->type());
    append_copies(*copy, *column, order);
    result.rows.columns.push_back(std::move(copy));
  }
  return result;
}

ZBatch from_changelog(const ChangeBatch& changes) {
  ZBatch result;
  result.rows = changes.rows;
  result.weights.resize(changes.kinds.size());
  for (size_t i = 0; i < changes.kinds.size(); ++i) {
    result.weights[i] = is_retraction(changes.kinds[i]) ? -1 : 1;
  }
  return result;
}

}  // namespace tidemark
