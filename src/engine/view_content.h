#pragma once
// A view's content as readers share it: a consolidated Z-set, with indexes on the columns that
// look-ups have asked for. An index is made by the second look-up over the same columns: the first
// one costs as much as reading the content, and may be the last.
//
// Thread rule: any thread.

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
  explicit ViewContent(ZBatch rows) : rows_(std::move(rows)) {}
  ViewContent(const ViewContent&) = delete;
  ViewContent& operator=(const ViewContent&) = delete;

  const ZBatch& rows() const { return rows_; }
  // The index over the columns; null: this is the first that has asked for it.
  const KeyIndex* index(const std::vector<size_t>& columns) const;
  // Columns that have been asked for here are wanted in the content that follows this one.
  void want_as(const ViewContent& earlier);

 private:
  struct Wanted {
    int times = 0;
    std::unique_ptr<const KeyIndex> index;
  };
  const ZBatch rows_;
  mutable std::mutex mutex_;  // guards wanted_; an index that is there does not change
  mutable std::map<std::vector<size_t>, Wanted> wanted_;
};

}  // namespace tidemark
