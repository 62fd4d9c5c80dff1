#pragma once
// A view's content, or a change of it, as readers share it: a consolidated Z-set, with indexes on
// the columns that look-ups have asked for. An index over a key or over the columns of CREATE INDEX
// is made by the first look-up; one over other columns by the second: the first look-up costs as
// much as reading the content, and may be the last.
//
// Thread rule: any thread.

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "zset/zset.h"

namespace tidemark {

// Rows by the values of some columns: an open-addressing table of row numbers.
class KeyIndex {
 public:
  // The rows outlive the index.
  KeyIndex(const RowBatch& rows, std::vector<size_t> columns);
  // The rows whose key columns equal row 0 of `key` (one column a key column, of the same types).
  std::vector<uint32_t> find(std::span<const Column* const> key) const;

 private:
  const RowBatch& rows_;
  std::vector<size_t> columns_;
  std::vector<uint32_t> slots_;  // row + 1; 0: free. A power of two
};

class ViewContent {
 public:
  // Up to so many rows are looked at one by one: an index would not be faster.
  static constexpr size_t kLookedAtMax = 16;

  explicit ViewContent(ZBatch rows) : rows_(std::move(rows)) {}
  ViewContent(const ViewContent&) = delete;
  ViewContent& operator=(const ViewContent&) = delete;

  const ZBatch& rows() const { return rows_; }
  // The index over the columns, made if need be. null: this is the first that has asked for it, and
  // they are not `declared`.
  const KeyIndex* index(const std::vector<size_t>& columns, bool is_declared) const;
  // The same if it is there; looks only.
  const KeyIndex* made_index(const std::vector<size_t>& columns) const;
  // Makes the indexes that the content before this one has.
  void make_indexes_of(const ViewContent& earlier) const;
  // True for the first that asks: it is the one that adds up this base and the changes since.
  bool claim_adding_up() const { return !is_claimed_.exchange(true); }

 private:
  struct Wanted {
    int times = 0;
    std::unique_ptr<const KeyIndex> index;
  };
  const ZBatch rows_;
  mutable std::mutex mutex_;  // guards wanted_; an index that is there does not change
  mutable std::map<std::vector<size_t>, Wanted> wanted_;
  mutable std::atomic<bool> is_claimed_ = false;
};

}  // namespace tidemark
