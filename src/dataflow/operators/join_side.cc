#include "dataflow/operators/join_side.h"

#include <algorithm>
#include <bit>

#include "types/hash.h"

namespace tidemark {

namespace {

bool same_key(std::span<const Column* const> a, size_t row_a, std::span<const Column* const> b,
              size_t row_b) {
  for (size_t k = 0; k < a.size(); ++k) {
    if (!same_value(*a[k], row_a, *b[k], row_b)) {
      return false;
    }
  }
  return true;
}

}  // namespace

void note_nulls(std::span<const Column* const> keys, size_t rows,
                const std::vector<bool>& null_safe, std::vector<uint8_t>& never) {
  never.assign(rows, 0);
  for (size_t k = 0; k < keys.size(); ++k) {
    if (null_safe[k] || !keys[k]->has_nulls()) {
      continue;
    }
    for (size_t row = 0; row < rows; ++row) {
      never[row] |= keys[k]->nulls()[row];
    }
  }
}

JoinSide make_join_side(Arrangement& base, bool reset, ZBatch delta,
                        const std::vector<bool>& null_safe) {
  JoinSide side;
  side.base = &base;
  side.base_empty = reset;
  side.delta = std::move(delta);
  for (const ColumnRef& column : side.delta.rows.columns) {
    side.columns.push_back(column.get());
  }
  side.keys = std::span(side.columns).first(side.columns.empty() ? 0 : base.key_count());
  hash_rows(side.keys, side.rows(), side.hashes);
  note_nulls(side.keys, side.rows(), null_safe, side.never);
  return side;
}

size_t add_joined(RowBatch rows, std::vector<int64_t> weights, Delta& out) {
  ZBatch batch{std::move(rows), std::move(weights)};
  size_t bytes = held_bytes(batch);
  if (std::ranges::all_of(batch.weights, [](int64_t weight) { return weight == 1; })) {
    batch.weights.clear();
  }
  out.batches.push_back(std::move(batch));
  return bytes;
}

DeltaIndex::DeltaIndex(const JoinSide& side)
    : side_(side), heads_(std::bit_ceil(side.rows() * 2 + 1), kEnd), next_(side.rows(), kEnd) {
  for (uint32_t row = 0; row < side.rows(); ++row) {
    if (!side.never[row]) {
      uint32_t& head = heads_[side.hashes[row] & (heads_.size() - 1)];
      next_[row] = head;
      head = row;
    }
  }
}

uint32_t DeltaIndex::from(uint32_t at, std::span<const Column* const> keys, size_t row,
                          uint64_t hash) const {
  while (at != kEnd && (side_.hashes[at] != hash || !same_key(keys, row, side_.keys, at))) {
    at = next_[at];
  }
  return at;
}

}  // namespace tidemark
