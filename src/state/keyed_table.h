#pragma once
// Rows found by key: a hash index over key columns, with fixed-width bytes a row (accumulators,
// weights) and any number of payload columns beside them. The building block of arrangements and
// accumulator tables. Rows have small ids that stay the same until they are erased; ids are used
// again.
//
//   slots   [ hash tag 32 | id + 1 ]   open addressing, linear probing, backward-shift deletion
//   hashes  by id
//   key columns, payload columns, fixed bytes   by id
//
// Thread rule: one thread (the step thread).

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "state/state_table.h"
#include "types/column.h"

namespace tidemark {

class KeyedTable final : public StateTable {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;

  KeyedTable(std::vector<Type> key_types, std::vector<Type> payload_types, size_t fixed_bytes);

  size_t size() const { return live_; }
  // Ids are below this; some may be unused (is_live).
  size_t id_limit() const { return hashes_.size(); }
  bool is_live(uint32_t id) const { return live_flags_[id] != 0; }

  // ids[i] = id of the row whose key equals row i of `keys`, kNone if there is none.
  void find(std::span<const Column* const> keys, size_t rows, std::span<const uint64_t> hashes,
            uint32_t* ids) const;
  // As find, but adds missing keys (fixed bytes zero, payload NULL). Equal keys within the batch
  // get one id.
  void find_or_insert(std::span<const Column* const> keys, size_t rows,
                      std::span<const uint64_t> hashes, uint32_t* ids);
  // One row at a time, for callers whose rows depend on each other.
  uint32_t find_one(std::span<const Column* const> keys, size_t row, uint64_t hash) const;
  uint32_t find_or_insert_one(std::span<const Column* const> keys, size_t row, uint64_t hash);

  // Makes the rows of these keys findable by the one-row calls above, if some of them are only in
  // the store. One batched read. Without a store it does nothing.
  void fault_in(std::span<const Column* const> keys, size_t rows, std::span<const uint64_t> hashes);
  // To be called after the fixed bytes of a row were changed: the next checkpoint writes it. (New
  // rows, payload that was assigned and erased rows are noted by themselves.)
  void mark_changed(uint32_t id);

  void erase(uint32_t id);
  void clear();

  const Column& key(size_t i) const { return keys_[i]; }
  size_t key_count() const { return keys_.size(); }
  Column& payload(size_t i) { return payload_[i]; }
  const Column& payload(size_t i) const { return payload_[i]; }
  // Overwrites the payload of a row.
  void assign_payload(uint32_t id, std::span<const Column* const> values, size_t row);
  // The same for one payload column.
  void assign_payload(uint32_t id, size_t column, const Column& values, size_t row);

  std::byte* fixed(uint32_t id) { return fixed_.data() + id * fixed_bytes_; }
  const std::byte* fixed(uint32_t id) const { return fixed_.data() + id * fixed_bytes_; }
  size_t fixed_bytes() const { return fixed_bytes_; }
  template <typename T>
  T& fixed_as(uint32_t id) {
    return *reinterpret_cast<T*>(fixed(id));
  }
  template <typename T>
  const T& fixed_as(uint32_t id) const {
    return *reinterpret_cast<const T*>(fixed(id));
  }

  size_t held_bytes() const override;

 private:
  template <typename T>
  void resolve_single(const Column& key, size_t rows, std::span<const uint64_t> hashes,
                      uint32_t* ids, bool insert);
  bool key_equals(uint32_t id, std::span<const Column* const> keys, size_t row) const;
  uint32_t insert_at(size_t slot, std::span<const Column* const> keys, size_t row, uint64_t hash);
  void grow_slots(size_t capacity);
  void reserve_for(size_t more);
  void note_dead_bytes(uint32_t id);
  void compact_strings();

  std::vector<Column> keys_;
  std::vector<Column> payload_;
  size_t fixed_bytes_;
  std::vector<std::byte> fixed_;
  std::vector<uint64_t> hashes_;
  std::vector<uint8_t> live_flags_;
  std::vector<uint32_t> free_ids_;
  std::vector<uint64_t> slots_;
  size_t mask_ = 0;
  size_t live_ = 0;
  size_t dead_string_bytes_ = 0;
};

}  // namespace tidemark
