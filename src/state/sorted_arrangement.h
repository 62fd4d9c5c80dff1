#pragma once
// The integral of one stream by key columns, the rows of each key in order: what a top n of
// partitions reads. Columns are arranged: the key columns first, then the others.
//
//   rows    whole row -> weight
//   groups  key       -> its rows' ids in order: one id, or a run of blocks of ids
//
// Rows that are equal in the order's columns are in the order of whole rows, so that what is read
// depends on nothing but the multiset. A change costs O(log n) comparisons of rows, and the move of
// at most a block of ids. `groups` follow from `rows`: only those are kept in a store, and a key's
// rows come from there together, when it is first used.
//
// Rows that only come are loose (state/keyed_table.h), equal ones side by side, until something is
// taken back.
//
// Thread rule: the step thread.

#include <optional>
#include <span>
#include <vector>

#include "state/keyed_table.h"
#include "types/key_codec.h"
#include "zset/zset.h"

namespace tidemark {

class SortedArrangement final : private EntryExtension {
 public:
  // types: of the arranged columns, the first key_count are the key; order: over arranged columns.
  SortedArrangement(std::vector<Type> types, size_t key_count, std::vector<SortKey> order);
  SortedArrangement(const SortedArrangement&) = delete;
  SortedArrangement& operator=(const SortedArrangement&) = delete;

  // The group of each row, new ones included. Groups stay until sweep().
  void find_groups(const ZBatch& batch, std::vector<uint32_t>& groups);
  // Adds the rows, whose groups were found. A row whose weight becomes 0 leaves its group, but can
  // be read until sweep().
  void apply(const ZBatch& batch, std::span<const uint32_t> groups);
  // Lets go of the rows and groups that are no more.
  void sweep();
  void clear();

  // A number that a reader may give to a group, 0 at first and after sweep() if it was set to 0.
  uint32_t& mark(uint32_t group) { return groups_.fixed_as<Group>(group).mark; }
  // The rows of a group in order, from the first on; f(id) tells whether to go on.
  template <typename F>
  void for_each(uint32_t group, F&& f) const;
  // The n-th row of a group, from 1; nullopt: it has fewer.
  std::optional<uint32_t> nth(uint32_t group, uint64_t n) const;
  // Whether a row of a batch comes before one of the group's in order, or before another of its
  // own.
  bool is_before(const RowBatch& batch, size_t row, uint32_t other) const;
  bool is_before_in(const RowBatch& batch, size_t row, size_t other) const;
  // A row leaves its group as if it had been taken back.
  void drop(uint32_t group, uint32_t row);
  int64_t weight(uint32_t row) const { return rows_.fixed_as<RowEntry>(row).weight; }
  const Column& column(size_t i) const { return rows_.key(i); }
  // Whether two rows are equal in the order's columns.
  bool are_peers(uint32_t a, uint32_t b) const;

  KeyedTable& rows() { return rows_; }

 private:
  struct RowEntry {
    int64_t weight;
    uint32_t is_placed;  // in its group
    uint32_t unused;
  };
  struct Group {
    uint32_t at;  // the id of its one row, or the number of its run
    uint32_t mark;
    uint32_t rows;      // ids
    uint16_t is_run;    // a run also if rows have gone from it
    uint16_t is_whole;  // all rows of the key are in memory
  };
  static constexpr size_t kStoredBytes = sizeof(int64_t);  // of a RowEntry: the weight
  static constexpr size_t kBlockMax = 512;                 // ids; a full block is cut in two
  using Block = std::vector<uint32_t>;                     // never empty
  using Run = std::vector<Block>;
  struct Place {
    size_t block;
    size_t index;
  };

  void append(const KeyedTable&, uint32_t, std::string&) const override {}
  void read(KeyedTable&, uint32_t id, ByteReader&) override { read_.push_back(id); }
  void loaded(KeyedTable& table) override;
  void release(KeyedTable& table, uint32_t id) override;
  void united(KeyedTable& table, uint32_t kept, uint32_t gone) override;

  std::vector<uint32_t> groups_of(std::span<const uint32_t> rows);
  void load_group(std::span<const Column* const> keys, size_t row, uint32_t group);
  int compare(uint32_t a, uint32_t b) const;
  template <typename ColumnOf>
  bool is_before(const RowBatch& batch, size_t row, size_t other, ColumnOf&& column_of) const;
  bool is_before(uint32_t a, uint32_t b) const;
  // Where the row is, or has to go, among others in order; equal rows are told apart by id.
  Place place_of(const Run& run, uint32_t row) const;
  void insert(uint32_t group, uint32_t row);
  void remove(uint32_t group, uint32_t row);

  size_t key_count_;
  std::vector<SortKey> order_;
  KeyedTable rows_;
  KeyedTable groups_;
  std::vector<Run> runs_;
  std::vector<uint32_t> free_runs_;
  std::vector<uint32_t> read_;  // ids that read() has named and loaded() has not placed yet
  size_t negative_ = 0;         // rows that weigh less than nothing, until more of a commit comes
  std::vector<uint32_t> gone_rows_;    // weigh nothing, perhaps
  std::vector<uint32_t> dropped_;      // likewise, of drop()
  std::vector<uint32_t> gone_groups_;  // have no rows, perhaps

  std::vector<uint64_t> hashes_, row_hashes_;  // scratch
  std::vector<uint32_t> row_ids_;
};

template <typename F>
void SortedArrangement::for_each(uint32_t group, F&& f) const {
  const Group& entry = groups_.fixed_as<Group>(group);
  if (entry.rows == 0) {
    return;
  }
  if (entry.is_run == 0) {
    f(entry.at);
    return;
  }
  for (const Block& block : runs_[entry.at]) {
    for (uint32_t row : block) {
      if (!f(row)) {
        return;
      }
    }
  }
}

}  // namespace tidemark
