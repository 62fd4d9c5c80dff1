#include "zset/consolidate.h"

#include <bit>

#include "types/column_copy.h"
#include "types/hash.h"

namespace tidemark {

ZBatch concatenate(std::span<const ZBatch> batches) {
  if (batches.size() == 1) {
    return batches[0];
  }
  ZBatch all;
  if (batches.empty()) {
    return all;
  }
  size_t columns = batches[0].rows.columns.size();
  bool is_weighted = false;
  for (const ZBatch& batch : batches) {
    all.rows.rows += batch.rows.rows;
    is_weighted = is_weighted || !batch.weights.empty();
  }
  for (const ZBatch& batch : is_weighted ? batches : std::span<const ZBatch>()) {
    size_t end = all.weights.size() + batch.rows.rows;
    all.weights.insert(all.weights.end(), batch.weights.begin(), batch.weights.end());
    all.weights.resize(end, 1);
  }
  for (size_t c = 0; c < columns; ++c) {
    auto column = std::make_shared<Column>(batches[0].rows.columns[c]->type());
    column->reserve(all.rows.rows);
    for (const ZBatch& batch : batches) {
      column->append_all(*batch.rows.columns[c]);
    }
    all.rows.columns.push_back(std::move(column));
  }
  return all;
}

ZBatch owned(const ZBatch& batch) {
  ZBatch result{{{}, batch.rows.rows}, batch.weights};
  for (const ColumnRef& column : batch.rows.columns) {
    auto copy = std::make_shared<Column>(column->type());
    append_copies(*copy, *column);
    result.rows.columns.push_back(std::move(copy));
  }
  return result;
}

ZBatch negated(const ZBatch& batch) {
  ZBatch result{batch.rows, batch.weights};
  result.weights.resize(batch.rows.rows, 1);
  for (int64_t& weight : result.weights) {
    weight = -weight;
  }
  return result;
}

ZBatch consolidate(std::span<const ZBatch> batches) {
  std::vector<uint64_t> hashes;
  return consolidate(batches, hashes);
}

ZBatch consolidate(std::span<const ZBatch> batches, std::vector<uint64_t>& hashes) {
  ZBatch all = concatenate(batches);
  size_t rows = all.rows.rows;
  std::vector<const Column*> columns;
  for (const ColumnRef& column : all.rows.columns) {
    columns.push_back(column.get());
  }
  hash_rows(columns, rows, hashes);
  // Open addressing over row numbers; at most half full.
  constexpr uint32_t kFree = UINT32_MAX;
  std::vector<uint32_t> slots(std::bit_ceil(rows * 2 + 1), kFree);
  size_t mask = slots.size() - 1;
  std::vector<uint32_t> different;
  std::vector<int64_t> weights(rows);
  auto same = [&](uint32_t a, uint32_t b) {
    for (const Column* column : columns) {
      if (!same_value(*column, a, *column, b)) {
        return false;
      }
    }
    return true;
  };
  for (uint32_t row = 0; row < rows; ++row) {
    size_t slot = hashes[row] & mask;
    while (slots[slot] != kFree &&
           (hashes[slots[slot]] != hashes[row] || !same(slots[slot], row))) {
      slot = (slot + 1) & mask;
    }
    if (slots[slot] == kFree) {
      slots[slot] = row;
      different.push_back(row);
    }
    weights[slots[slot]] += all.weight(row);
  }
  std::erase_if(different, [&](uint32_t row) { return weights[row] == 0; });
  ZBatch result;
  result.rows = all.rows.select(different);
  result.weights.reserve(different.size());
  for (size_t i = 0; i < different.size(); ++i) {
    result.weights.push_back(weights[different[i]]);
    hashes[i] = hashes[different[i]];
  }
  hashes.resize(different.size());
  return result;
}

bool has_retractions(std::span<const ZBatch> batches) {
  for (const ZBatch& batch : batches) {
    for (int64_t weight : batch.weights) {
      if (weight < 1) {
        return true;
      }
    }
  }
  return false;
}

}  // namespace tidemark
