#pragma once
// Rows found by key: a hash index over key columns, with fixed-width bytes a row (accumulators,
// weights) and any number of payload columns beside them. The building block of arrangements and
// accumulator tables. Rows have small ids that stay the same until they are erased; ids are used
// again.
//
//   slots   [ hash tag 32 | id + 1 ]   open addressing, linear probing, backward-shift deletion
//   flags, key columns, payload columns, fixed bytes   by id
//
// Batches are worked off in blocks: all slots first, then a column at a time. The heap of a batch
// whose strings nearly all come in is kept rather than copied (types/column_copy.h), so tables that
// take in the same large batch share them.
//
// A table of weighted rows (fixed bytes that begin with the weight) can also take rows in without
// looking whether they are there: loose rows, which have no slots yet and may repeat. They get
// their slots, and equal rows become one, before anything is looked up, staged or evicted, or in
// pieces when there is nothing else to do. Where nothing can be taken back that is never.
//
// With a store (state_table.h) a row is one entry there: the key columns in order-preserving bytes
// (types/key_codec.h), then as value the payload columns (types/row_codec.h), the first
// stored_bytes of the fixed bytes, and what an EntryExtension adds. Ids are of this process only:
// never store them.
//
// Thread rule: one thread (the step thread).

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include <absl/container/inlined_vector.h>

#include "base/bytes.h"
#include "base/page_memory.h"
#include "state/state_table.h"
#include "types/column.h"
#include "zset/zset.h"

namespace tidemark {

class Workers;  // base/workers.h

class KeyedTable;
class StoreCursor;

// State that fixed bytes refer to and that lies elsewhere (a wide sum), kept with its row.
class EntryExtension {
 public:
  virtual ~EntryExtension() = default;
  virtual void append(const KeyedTable& table, uint32_t id, std::string& out) const = 0;
  // The row's fixed bytes are as they were stored: references in them are to be made anew.
  virtual void read(KeyedTable& table, uint32_t id, ByteReader& in) = 0;
  // After a number of read() calls: all that was loaded at once is there.
  virtual void loaded(KeyedTable&) {}
  // The row leaves memory.
  virtual void release(KeyedTable& table, uint32_t id) = 0;
  // A loose row, `gone`, is one with another, to which its weight has been added, and is about to
  // go; `kept` goes too if that has made its weight 0.
  virtual void united(KeyedTable&, uint32_t kept, uint32_t gone) {
    static_cast<void>(kept);
    static_cast<void>(gone);
  }
};

class KeyedTable final : public StateTable {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;

  // Of a row's fixed bytes only the first `stored_bytes` are kept in a store; the others are zero
  // in a row that comes from there.
  KeyedTable(std::vector<Type> key_types, std::vector<Type> payload_types, size_t fixed_bytes,
             size_t stored_bytes = SIZE_MAX);
  ~KeyedTable() override;
  KeyedTable(KeyedTable&&) noexcept;
  KeyedTable& operator=(KeyedTable&&) noexcept;

  // The extension outlives the table.
  void set_extension(EntryExtension* extension) { extension_ = extension; }

  // Rows in memory: all, if the table is complete.
  size_t size() const { return live_; }
  // Ids are below this; some may be unused (is_live).
  size_t id_limit() const { return flags_.size(); }
  bool is_live(uint32_t id) const { return (flags_[id] & kLive) != 0; }

  // ids[i] = id of the row whose key equals row i of `keys`, kNone if there is none.
  void find(std::span<const Column* const> keys, size_t rows, std::span<const uint64_t> hashes,
            uint32_t* ids);
  // As find, but adds missing keys (fixed bytes zero, payload to be assigned). Equal keys within
  // the batch get one id.
  void find_or_insert(std::span<const Column* const> keys, size_t rows,
                      std::span<const uint64_t> hashes, uint32_t* ids);
  // The same for callers who want no hashes: made here, and not at all for a large batch of texts
  // most of which came lately too, as the few groups of many rows do.
  void find_or_insert(std::span<const Column* const> keys, size_t rows, uint32_t* ids);
  // One row at a time, for callers whose rows depend on each other.
  uint32_t find_one(std::span<const Column* const> keys, size_t row, uint64_t hash);
  uint32_t find_or_insert_one(std::span<const Column* const> keys, size_t row, uint64_t hash);
  // Brings the rows of these keys that are only in the store to memory, in one batched read: to be
  // called before a loop of one-row calls, which otherwise read one by one. Without a store it does
  // nothing.
  void fault_in(std::span<const Column* const> keys, size_t rows, std::span<const uint64_t> hashes);
  // The same for every row whose first key columns equal row `row` of `keys`.
  void fault_in_prefix(std::span<const Column* const> keys, size_t row);
  // Those rows, of a table that is not complete: costs a range read, and a look at each row that
  // has changed since the last checkpoint that is on disk.
  std::vector<uint32_t> find_prefix(std::span<const Column* const> keys, size_t row);
  // Calls f with the rows that are only in the store, in its order and in pieces of up to so many,
  // until it says false. They do not come to memory, where the table is held meanwhile. Of a table
  // of weighted rows without payload; without loose ones.
  void for_each_stored(size_t rows_max, const std::function<bool(ZBatch)>& f);
  // About how many bytes of memory the rows would take that are only in the store, or more.
  uint64_t unloaded_bytes() const;
  // While it is held, nothing is evicted.
  void hold(bool is_held) { is_held_ = is_held; }
  // Whether append_loose() may be called now: all rows are in memory, those that were loose did not
  // repeat much, and few ids are free, which loose rows would leave so.
  bool takes_loose() const {
    return is_complete_ && !is_repetitive_ && !keys_.empty() &&
           free_ids_.size() <= flags_.size() / 4;
  }
  // Adds the rows as new entries with these weights, none of which is below 1 (empty: all 1), and
  // returns the first id; the others follow it. `workers`, if not null, take a column each.
  uint32_t append_loose(std::span<const Column* const> keys, size_t rows,
                        std::span<const int64_t> weights, Workers* workers = nullptr);
  // The same without workers, first under ids that erase_loose() gave back: ids[i] is row i's.
  void add_loose(std::span<const Column* const> keys, size_t rows, std::span<const int64_t> weights,
                 uint32_t* ids);
  bool is_loose(uint32_t id) const { return loose_from_ != kNone && id >= loose_from_; }
  // A loose row goes, and its weight with it; equal ones stay.
  void erase_loose(uint32_t id);
  // Takes all rows of another table of the same kind, which is empty then; this one is empty, and
  // complete. No extensions.
  void take_rows(KeyedTable& from);
  // To be called now and then between them: unites the loose rows once there are enough to see
  // that they repeat.
  void sample_loose();
  // Makes equal loose rows one, and gives all their slots.
  void unite() {
    if (loose_from_ != kNone) [[unlikely]] {
      unite_loose(flags_.size());
    }
  }

  // To be called after the fixed bytes of a row were changed: the next checkpoint writes it. (New
  // rows, payload that was assigned and erased rows are noted by themselves.)
  void mark_changed(uint32_t id) {
    if (store_ != nullptr && (flags_[id] & kChanged) == 0) {
      note_changed(id);
    }
  }

  void erase(uint32_t id) { erase(id, hash_of(id)); }
  void erase(uint32_t id, uint64_t hash);  // the hash of its key
  void clear();

  const Column& key(size_t i) const { return *keys_[i]; }
  // The column as it is now, for any thread: the table copies it before it changes it. Not of
  // strings: their heap goes on growing.
  std::shared_ptr<const Column> shared_key(size_t i) const;
  size_t key_count() const { return keys_.size(); }
  const Column& payload(size_t i) const { return payload_[i]; }
  // Overwrites the payload of a row.
  void assign_payload(uint32_t id, std::span<const Column* const> values, size_t row);
  // The same for many rows; where an id is there twice, the later one counts.
  void assign_payload(std::span<const uint32_t> ids, std::span<const Column* const> values);
  // The same for one row and one payload column.
  void assign_payload(uint32_t id, size_t column, const Column& values, size_t row);

  std::byte* fixed(uint32_t id) { return fixed_.data() + id * fixed_bytes_; }
  const std::byte* fixed(uint32_t id) const { return fixed_.data() + id * fixed_bytes_; }
  size_t fixed_bytes() const { return fixed_bytes_; }
  // Asks for the fixed bytes of these rows (kNone: of none) before a loop over them, so that their
  // misses of the cache overlap.
  void fetch_fixed(std::span<const uint32_t> ids) const;
  template <typename T>
  T& fixed_as(uint32_t id) {
    return *reinterpret_cast<T*>(fixed(id));
  }
  template <typename T>
  const T& fixed_as(uint32_t id) const {
    return *reinterpret_cast<const T*>(fixed(id));
  }

  void stage_some(StoreBatch& batch, size_t entries_max) override;
  void staged_is_durable() override;
  size_t changed_entries() const override;
  bool warm(size_t entries_max) override;
  bool index_loose(size_t entries_max) override;
  size_t evict(size_t entries_max) override;
  size_t surplus_entries() const override {
    // Memory is kept for ids that are free; a quarter of them is to be.
    size_t wanted = flags_.size() / 4;
    return free_ids_.size() < wanted ? wanted - free_ids_.size() : 0;
  }
  size_t held_bytes() const override;
  size_t held_rows() const override { return live_; }

 private:
  enum Flag : uint8_t {
    kLive = 1,
    kChanged = 2,  // since the last stage()
    kStored = 4,   // the store has the key, or will have when the staged batch is written
    kStaged = 8,   // that batch has the row, and is not on disk yet
  };
  struct Overlay;  // keys that are erased here and perhaps still in the store
  struct NewRow {
    uint32_t row;
    uint32_t id;
  };
  struct StoredRows;  // entries of the store, on their way to memory

  // kIsLoaded: it is an entry of the store; rows are StoredRows::keys.
  enum class Missing : uint8_t { kStays, kIsAdded, kIsLoaded };
  struct Block {
    size_t first;
    size_t rows;
    const uint64_t* hashes;  // of the block's rows
    uint32_t* ids;
  };

  template <typename T>
  void resolve_single(const Column& key, size_t rows, std::span<const uint64_t> hashes,
                      uint32_t* ids);
  void resolve(std::span<const Column* const> keys, size_t rows, std::span<const uint64_t> hashes,
               uint32_t* ids, Missing missing);
  void resolve_block(std::span<const Column* const> keys, const Block& block, Missing missing);
  void compare_keys(std::span<const Column* const> keys, const Block& block);
  bool may_guess(std::span<const Column* const> keys, size_t rows) const;
  void guess(const Column& key, size_t first, size_t rows, uint32_t* ids);
  void resolve_missed(std::span<const Column* const> keys, size_t first, size_t rows,
                      uint32_t* ids);
  void fill_new(std::span<const Column* const> keys, const Block& block, Missing missing);
  void fill_texts(Column& column, const Column& given, const Block& block, Missing missing);
  void note_unused_texts(std::span<const Column* const> keys, size_t row);
  void unite_loose(size_t end);
  void unite_one(std::span<const Column* const> keys, uint32_t id, uint64_t hash);
  uint32_t find_in_memory(std::span<const Column* const> keys, size_t row, uint64_t hash) const;
  // Those of a row, and the columns of all.
  uint64_t hash_of(uint32_t id) const;
  absl::InlinedVector<const Column*, 8> key_columns() const;
  bool key_equals(uint32_t id, std::span<const Column* const> keys, size_t row) const {
    return key_begins_with(id, keys, row);
  }
  bool key_begins_with(uint32_t id, std::span<const Column* const> keys, size_t row) const;
  uint32_t add(std::span<const Column* const> keys, size_t row, uint64_t hash, Missing missing);
  uint32_t insert_at(size_t slot, std::span<const Column* const> keys, size_t row, uint64_t hash);
  void reuse(uint32_t id, std::span<const Column* const> keys, size_t row);
  size_t free_slot(uint64_t hash) const;
  void remove_from_memory(uint32_t id, uint64_t hash);
  void reset_memory();
  void resize_slots(size_t slots);
  void reserve_for(size_t more);
  void reserve_ids(size_t ids);
  void extend_to(size_t end);
  Column& changing_key(size_t i);
  void set_payload(uint32_t id, size_t column, const Column& values, size_t row, bool is_kept);
  void note_dead_bytes(uint32_t id);
  void compact_strings();
  static constexpr int64_t kCompactMin = 1 << 20;  // fewer dead string bytes are not worth a pass

  // keyed_table_store.cc
  void note_changed(uint32_t id);
  void note_erased(uint32_t id);
  size_t overlay_bytes() const;
  void append_key(std::span<const Column* const> keys, size_t row, std::string& out) const;
  void append_key(uint32_t id, std::string& out) const;
  void append_entry(uint32_t id, std::string& out) const;
  void read_entry(uint32_t id, std::string_view value);
  void tell_loaded();
  bool is_erased(std::string_view key) const;
  void fault_in_row(std::span<const Column* const> keys, size_t row, uint64_t hash);
  // Whose heaps have the long texts of what is read.
  enum class Texts : uint8_t { kOfTable, kOfRows };
  bool read_stored(StoreCursor& cursor, size_t entries_max, Texts texts, StoredRows& rows);
  std::vector<uint32_t> take_in(const StoredRows& rows);
  ZBatch not_in_memory(const StoredRows& rows);
  std::vector<uint32_t> load_prefix(std::string_view prefix);

  std::vector<std::shared_ptr<Column>> keys_;  // shared with those who asked for shared_key()
  std::vector<Column> payload_;
  size_t fixed_bytes_;
  size_t stored_bytes_;
  Buffer fixed_;  // has room for room_ rows
  std::vector<uint8_t> flags_;
  std::vector<uint32_t> free_ids_;
  std::vector<uint64_t, PageAllocator<uint64_t>> slots_;  // 0: free
  size_t room_ = 0;                                       // ids for which the columns have room
  size_t live_ = 0;
  int64_t dead_string_bytes_ = 0;     // of rows that are gone, less those that others have too
  uint32_t loose_from_ = kNone;       // ids from here on are loose
  std::vector<uint32_t> loose_free_;  // of them: free
  size_t sample_at_ = 0;              // at so many loose rows some are looked at: do they repeat?
  bool is_repetitive_ = false;

  std::vector<uint32_t> recent_;  // ids by a guess from the text: the last that was found so
  uint32_t pause_ = 0;            // batches until guesses are tried again
  uint32_t next_pause_ = 1;       // after the next batch that they were no good for

  std::vector<uint64_t> hashes_;  // scratch
  std::vector<uint32_t> missed_;  // scratch: places in a block for which the guess was wrong
  std::vector<uint32_t> fresh_;  // scratch: rows of a block that are new, with ids after all others
  std::vector<NewRow> reused_;   // scratch: or with ids that were free
  std::vector<uint32_t> candidates_;  // places in a block whose slot has the tag
  std::vector<uint8_t> differs_;      // by candidate
  std::vector<NewRow> loaded_;        // scratch: rows of StoredRows that memory did not have

  EntryExtension* extension_ = nullptr;
  std::vector<uint32_t> changed_;  // ids; an id whose flag is gone counts for nothing
  std::vector<uint32_t> staged_;   // those of the staged batch; some may have another row by now
  std::unique_ptr<Overlay> overlay_;
  uint32_t evict_hand_ = 0;
  bool is_held_ = false;
};

}  // namespace tidemark
