#pragma once
// The entry of a table's changes into the dataflow. Where the source sends whole old rows, changes
// become weights as they are. Where it sends only keys (REPLICA IDENTITY DEFAULT), or leaves out
// unchanged TOASTed values, the old row comes from an arrangement of the needed columns by key.

#include <optional>

#include "state/keyed_table.h"
#include "types/change.h"
#include "zset/zset.h"

namespace tidemark {

class Upsert {
 public:
  // types: of all columns read. key: indexes of the columns that identify a row; empty: the
  // source's old rows are whole and no state is kept.
  Upsert(std::vector<Type> types, std::vector<size_t> key);

  // Rows of a snapshot: all are new.
  Status snapshot(const RowBatch& rows, Delta& out);
  // Changes in source order. Error (kCorruption): an old row that is not known.
  Status apply(const ChangeBatch& changes, Delta& out);
  // All rows are gone (TRUNCATE, or a snapshot that begins anew).
  void reset(Delta& out);

  bool keeps_rows() const { return rows_.has_value(); }
  // All rows, copied, if they are kept.
  ZBatch content();
  size_t state_bytes() const { return rows_ ? rows_->held_bytes() : 0; }
  void visit_state(const StateVisitor& visit) {
    if (rows_) {
      visit(*rows_);
    }
  }

 private:
  void retract(uint32_t id, std::vector<Column>& out, std::vector<int64_t>& weights) const;

  std::vector<Type> types_;
  std::vector<size_t> key_;
  std::vector<size_t> value_;       // the other columns, in order
  std::optional<KeyedTable> rows_;  // key -> value columns
  std::vector<uint64_t> hashes_;    // scratch
  std::vector<uint32_t> ids_;
};

}  // namespace tidemark
