#pragma once
// The integral of one stream, indexed by key columns: what a join looks its rows up in. Columns are
// arranged: the key columns first, then the others.
//
//   rows   whole row -> weight, and links of the list of its key
//   keys   key       -> sum of weights, head of the list, number of different rows
//
// A row is found by hash, so a key with a million rows costs its changes one look-up each; only a
// reader that asks for the rows of that key walks them. `keys` and the links follow from `rows`:
// only those are kept in a store, and a key's rows come from there together, when it is first used.
//
// Rows that only come are loose (state/keyed_table.h): in the lists of their keys, with an entry
// each, until something is taken back.
//
// What is staged during a step becomes readable with commit() after it, so that every reader of a
// step sees the state through the last one, in whatever order operators run.
//
// Thread rule: the step thread.

#include <span>
#include <vector>

#include "state/keyed_table.h"
#include "zset/zset.h"

namespace tidemark {

// Pairs of a probing row and the id of a stored row, index by index.
struct ProbedPairs {
  std::vector<uint32_t> probe;
  std::vector<uint32_t> stored;
  size_t size() const { return probe.size(); }
  void clear() {
    probe.clear();
    stored.clear();
  }
};

class Arrangement final : private EntryExtension {
 public:
  // types: of the arranged columns; the first key_count are the key.
  Arrangement(std::vector<Type> types, size_t key_count);
  Arrangement(const Arrangement&) = delete;
  Arrangement& operator=(const Arrangement&) = delete;

  size_t key_count() const { return key_count_; }
  size_t column_count() const { return rows_.key_count(); }
  const Column& column(size_t i) const { return rows_.key(i); }
  int64_t weight(uint32_t id) const { return rows_.fixed_as<RowEntry>(id).weight; }
  bool is_empty();
  // For a reader that keeps state by row: from now on each different row has one id.
  void keep_rows_different() {
    rows_.unite();
    may_repeat_ = false;
  }

  // Adds to what commit() will apply; columns are arranged.
  void stage(Delta delta);
  void commit();

  // Where a probe goes on: it stops after about pairs_max pairs, in the middle of a key if need be.
  struct Cursor {
    std::vector<uint32_t> key_ids;  // per probing row; filled by start()
    size_t fetched = 0;             // entries of rows before this have been asked for
    size_t row = 0;
    uint32_t next = 0;  // 1 + the stored row to go on with; 0: at the head of row's key
  };
  // skip (may be null): one byte a row, 1 = matches nothing.
  Cursor start(std::span<const Column* const> keys, size_t rows, std::span<const uint64_t> hashes,
               const uint8_t* skip);
  // Appends the next pairs; false when there are no more.
  bool probe(Cursor& cursor, size_t pairs_max, ProbedPairs& out) const;

  // Sums of weights by key; 0 where there is no row.
  void key_weights(std::span<const Column* const> keys, size_t rows,
                   std::span<const uint64_t> hashes, int64_t* sums);
  // Ids of whole rows (arranged columns), KeyedTable::kNone where there is none.
  void find_rows(std::span<const Column* const> columns, size_t rows, uint32_t* ids);
  // Ids of all rows. Reads the whole state: for resets, and those who begin to read it.
  std::vector<uint32_t> all_rows();
  // All rows, copied, and what is staged, behind a reset: for a reader that has seen nothing yet.
  Delta content();

  KeyedTable& rows() { return rows_; }
  size_t held_bytes() const { return rows_.held_bytes() + keys_.held_bytes(); }

 private:
  struct RowEntry {
    int64_t weight;
    uint32_t next;  // 1 + id; 0: the last
    uint32_t prev;  // 1 + id; kHead: the first; 0: not in a list
  };
  struct KeyEntry {
    int64_t weight;
    uint32_t head;          // 1 + id of a row
    uint32_t rows : 31;     // in the list
    uint32_t is_whole : 1;  // the list has all rows of the key; else some are only in the store
  };
  static constexpr uint32_t kHead = UINT32_MAX;
  static constexpr size_t kStoredBytes = sizeof(int64_t);  // of a RowEntry: the weight

  // Before the lists of these keys are used: brings what is only in the store.
  void fault_in(std::span<const Column* const> keys, size_t rows, std::span<const uint64_t> hashes,
                const uint8_t* skip);
  // EntryExtension: rows that come from the store join their lists, rows that leave memory leave
  // them.
  void append(const KeyedTable&, uint32_t, std::string&) const override {}
  void read(KeyedTable&, uint32_t id, ByteReader&) override { read_.push_back(id); }
  void loaded(KeyedTable& table) override;
  void release(KeyedTable& table, uint32_t id) override;
  void united(KeyedTable& table, uint32_t kept, uint32_t gone) override;

  uint32_t key_of(uint32_t row);
  bool takes_loose(const ZBatch& batch) const;
  void apply(const ZBatch& batch);
  void fetch_lists(std::span<const uint32_t> key_ids) const;
  void link(uint32_t key, uint32_t row);
  void unlink(uint32_t key, uint32_t row);

  size_t key_count_;
  bool may_repeat_;
  KeyedTable rows_;
  KeyedTable keys_;
  std::vector<uint32_t> read_;  // ids that read() has named and loaded() has not linked yet
  std::vector<Delta> staged_;

  std::vector<uint64_t> row_hashes_, key_hashes_;  // scratch
  std::vector<uint32_t> row_ids_, key_ids_;
};

}  // namespace tidemark
