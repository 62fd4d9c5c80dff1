#pragma once
// What joins have of one of their inputs in one step: its rows through the last step, and what
// changes.

#include <span>
#include <vector>

#include "state/arrangement.h"
#include "zset/zset.h"

namespace tidemark {

// Bounds the batches that a join makes, however many partners a row has.
constexpr size_t kPairsMax = 64 << 10;

struct JoinSide {
  Arrangement* base = nullptr;  // rows through the last step
  bool base_empty = false;      // reset: those rows count no more
  ZBatch delta;                 // arranged
  std::vector<const Column*> columns;
  std::span<const Column* const> keys;
  std::vector<uint64_t> hashes;  // of the keys, per row of delta
  std::vector<uint8_t> never;    // per row of delta, 1: a NULL in the key, matches nothing

  JoinSide() = default;
  JoinSide(JoinSide&&) = default;  // `keys` points into the buffer of `columns`, which moves along
  JoinSide& operator=(JoinSide&&) = default;
  size_t rows() const { return delta.rows.rows; }
  bool has_base() const { return !base_empty && !base->is_empty(); }
};

// delta: arranged as the base. null_safe: per key column, NULL equals NULL.
JoinSide make_join_side(Arrangement& base, bool reset, ZBatch delta,
                        const std::vector<bool>& null_safe);

// Per row, 1: a NULL in a key column that is not null-safe.
void note_nulls(std::span<const Column* const> keys, size_t rows,
                const std::vector<bool>& null_safe, std::vector<uint8_t>& never);

// Rows of one side, by row of its delta or by id of its base.
struct JoinRows {
  const JoinSide* side = nullptr;  // null: NULLs in its place
  bool from_base = false;
  std::span<const uint32_t> at;

  const Column& column(size_t index) const {
    return from_base ? side->base->column(index) : *side->columns[index];
  }
  int64_t weight(size_t i) const {
    return from_base ? side->base->weight(at[i]) : side->delta.weight(at[i]);
  }
};

// Puts rows that a join makes, with one weight each, among its changes, and returns the bytes that
// they count for: rows without columns do too.
size_t add_joined(RowBatch rows, std::vector<int64_t> weights, Delta& out);

// Rows of one side's delta by their key.
class DeltaIndex {
 public:
  explicit DeltaIndex(const JoinSide& side);

  static constexpr uint32_t kEnd = UINT32_MAX;
  // The first row whose key equals row `row` of these; kEnd: there is none.
  uint32_t first(std::span<const Column* const> keys, size_t row, uint64_t hash) const {
    return from(heads_[hash & (heads_.size() - 1)], keys, row, hash);
  }
  // The one after it.
  uint32_t next(uint32_t at, std::span<const Column* const> keys, size_t row, uint64_t hash) const {
    return from(next_[at], keys, row, hash);
  }

 private:
  uint32_t from(uint32_t at, std::span<const Column* const> keys, size_t row, uint64_t hash) const;

  const JoinSide& side_;
  std::vector<uint32_t> heads_;
  std::vector<uint32_t> next_;
};

}  // namespace tidemark
