// The part of KeyedTable that works on many rows at once: look-ups in blocks, and loose rows.

#include <algorithm>
#include <bit>

#include "state/keyed_slot.h"
#include "state/keyed_table.h"
#include "types/column_copy.h"
#include "types/hash.h"

namespace tidemark {

namespace {

constexpr size_t kBlockRows = 1024;        // their slots and ids stay in the first cache
constexpr size_t kSlotsNear = 8 << 10;     // an index of up to 64 KiB answers without waiting
constexpr size_t kSampleRows = 4096;       // loose rows are counted first at so many, ...
constexpr size_t kSampleGrowth = 16;       // ... then at 16 times as many, and so on
constexpr size_t kRepetitiveFraction = 4;  // a quarter that repeats is too much

}  // namespace

// One key column without NULLs, and a small index: a loop of its own for each physical type.
template <typename T>
void KeyedTable::resolve_single(const Column& key, size_t rows, std::span<const uint64_t> hashes,
                                uint32_t* ids) {
  const Column* keys[] = {&key};
  const T* values = key.data<T>();
  for (size_t i = 0; i < rows;) {
    // What add() moves is read again after it.
    const uint64_t* slots = slots_.data();
    const T* known = keys_[0].data<T>();
    size_t mask = mask_;
    for (; i < rows; ++i) {
      uint64_t hash = hashes[i];
      size_t slot = hash & mask;
      while (slots[slot] != 0 && !(tag_matches(slots[slot], hash) &&
                                   equal_physical(known[id_of(slots[slot])], values[i]))) {
        slot = (slot + 1) & mask;
      }
      if (slots[slot] == 0) {
        break;
      }
      ids[i] = id_of(slots[slot]);
    }
    if (i < rows) {
      ids[i] = add(keys, i, hashes[i]);
      ++i;
    }
  }
}

void KeyedTable::find(std::span<const Column* const> keys, size_t rows,
                      std::span<const uint64_t> hashes, uint32_t* ids) {
  unite();
  fault_in(keys, rows, hashes);
  resolve(keys, rows, hashes, ids, Missing::kStays);
}

void KeyedTable::find_or_insert(std::span<const Column* const> keys, size_t rows,
                                std::span<const uint64_t> hashes, uint32_t* ids) {
  unite();
  fault_in(keys, rows, hashes);
  if (keys_.size() == 1 && slots_.size() <= kSlotsNear && !keys[0]->has_nulls() &&
      !keys_[0].has_nulls()) {
    visit_physical(keys_[0].physical(),
                   [&](auto tag) { resolve_single<decltype(tag)>(*keys[0], rows, hashes, ids); });
    return;
  }
  resolve(keys, rows, hashes, ids, Missing::kIsAdded);
}

void KeyedTable::resolve(std::span<const Column* const> keys, size_t rows,
                         std::span<const uint64_t> hashes, uint32_t* ids, Missing missing) {
  for (size_t first = 0; first < rows; first += kBlockRows) {
    Block block{first, std::min(kBlockRows, rows - first), hashes.data() + first, ids + first};
    resolve_block(keys, block, missing);
  }
}

// A slot with the row's tag is taken for the row's at first; then the keys are compared, a column
// at a time. The few that differ are looked up one by one.
void KeyedTable::resolve_block(std::span<const Column* const> keys, const Block& block,
                               Missing missing) {
  if (missing == Missing::kIsAdded) {
    reserve_for(block.rows);
  }
  for (size_t i = 0; i < block.rows; ++i) {
    __builtin_prefetch(&slots_[block.hashes[i] & mask_]);
  }
  fresh_.clear();
  candidates_.clear();
  size_t fresh_from = hashes_.size();
  for (uint32_t i = 0; i < block.rows; ++i) {
    uint64_t hash = block.hashes[i];
    size_t slot = hash & mask_;
    while (slots_[slot] != 0 && !tag_matches(slots_[slot], hash)) {
      slot = (slot + 1) & mask_;
    }
    if (slots_[slot] != 0) {
      block.ids[i] = id_of(slots_[slot]);
      candidates_.push_back(i);
    } else if (missing == Missing::kStays) {
      block.ids[i] = kNone;
    } else if (!free_ids_.empty()) {
      block.ids[i] = insert_at(slot, keys, block.first + i, hash);
      mark_changed(block.ids[i]);
    } else {
      block.ids[i] = static_cast<uint32_t>(fresh_from + fresh_.size());
      slots_[slot] = slot_of(hash, block.ids[i]);
      fresh_.push_back(static_cast<uint32_t>(block.first) + i);
      hashes_.push_back(hash);
    }
  }
  if (!fresh_.empty()) {
    append_fresh(keys, fresh_from);
  }
  compare_keys(keys, block);
  for (size_t c = 0; c < candidates_.size(); ++c) {
    if (differs_[c] != 0) {
      uint32_t i = candidates_[c];
      size_t row = block.first + i;
      uint32_t id = find_in_memory(keys, row, block.hashes[i]);
      block.ids[i] =
          id == kNone && missing == Missing::kIsAdded ? add(keys, row, block.hashes[i]) : id;
    }
  }
}

// The rest of the rows fresh_, whose hashes and slots are made: ids from `first` on.
void KeyedTable::append_fresh(std::span<const Column* const> keys, size_t first) {
  CHECK(hashes_.size() < kNone);
  for (size_t k = 0; k < keys_.size(); ++k) {
    append_copies(keys_[k], *keys[k], fresh_);
  }
  for (Column& column : payload_) {
    column.resize(hashes_.size());
    std::fill_n(column.mutable_nulls() + first, fresh_.size(), uint8_t{1});
  }
  flags_.resize(hashes_.size(), kLive);
  fixed_.resize(hashes_.size() * fixed_bytes_);
  live_ += fresh_.size();
  for (size_t id = first; store_ != nullptr && id < hashes_.size(); ++id) {
    note_changed(static_cast<uint32_t>(id));
  }
}

void KeyedTable::compare_keys(std::span<const Column* const> keys, const Block& block) {
  differs_.assign(candidates_.size(), 0);
  for (size_t k = 0; k < keys_.size(); ++k) {
    const Column& known = keys_[k];
    const Column& given = *keys[k];
    if (known.has_nulls() || given.has_nulls()) {
      for (size_t c = 0; c < candidates_.size(); ++c) {
        uint32_t i = candidates_[c];
        differs_[c] |= same_value(known, block.ids[i], given, block.first + i) ? 0 : 1;
      }
      continue;
    }
    visit_physical(known.physical(), [&](auto tag) {
      using T = decltype(tag);
      const T* stored = known.data<T>();
      const T* values = given.data<T>() + block.first;
      for (size_t c = 0; c < candidates_.size(); ++c) {
        uint32_t i = candidates_[c];
        differs_[c] |= equal_physical(stored[block.ids[i]], values[i]) ? 0 : 1;
      }
    });
  }
}

// --- loose rows ---

uint32_t KeyedTable::append_loose(std::span<const Column* const> keys, size_t rows,
                                  std::span<const int64_t> weights) {
  CHECK(is_complete_);
  if (loose_from_ == kNone) {
    loose_from_ = static_cast<uint32_t>(hashes_.size());
    sample_at_ = std::max(sample_at_, kSampleRows);
  }
  size_t first = hashes_.size(), end = first + rows;
  CHECK(end < kNone);
  for (size_t k = 0; k < keys_.size(); ++k) {
    append_copies(keys_[k], *keys[k]);
  }
  for (Column& column : payload_) {
    column.resize(end);
    if (rows != 0) {
      std::fill_n(column.mutable_nulls() + first, rows, uint8_t{1});
    }
  }
  hashes_.resize(end);
  flags_.resize(end, kLive);
  fixed_.resize(end * fixed_bytes_);
  for (size_t i = 0; i < rows; ++i) {
    fixed_as<int64_t>(static_cast<uint32_t>(first + i)) = weights.empty() ? 1 : weights[i];
  }
  live_ += rows;
  for (size_t id = first; store_ != nullptr && id < end; ++id) {
    note_changed(static_cast<uint32_t>(id));
  }
  return static_cast<uint32_t>(first);
}

void KeyedTable::sample_loose() {
  if (loose_from_ != kNone && hashes_.size() - loose_from_ >= sample_at_) {
    sample_at_ *= kSampleGrowth;
    unite_loose();
  }
}

void KeyedTable::unite_loose() {
  size_t first = loose_from_, end = hashes_.size();
  reserve_for(0);
  std::vector<const Column*> keys;
  for (const Column& key : keys_) {
    keys.push_back(&key);
  }
  hash_rows(keys, first, end - first, hashes_.data() + first);
  loose_from_ = kNone;
  size_t live_before = live_;
  for (size_t block = first; block < end; block += kBlockRows) {
    size_t block_end = std::min(block + kBlockRows, end);
    for (size_t id = block; id < block_end; ++id) {
      __builtin_prefetch(&slots_[hashes_[id] & mask_]);
    }
    for (size_t id = block; id < block_end; ++id) {
      unite_one(static_cast<uint32_t>(id), keys);
    }
  }
  if (end - first >= kSampleRows) {
    is_repetitive_ = (live_before - live_) * kRepetitiveFraction > end - first;
  }
}

void KeyedTable::unite_one(uint32_t id, std::span<const Column* const> keys) {
  uint64_t hash = hashes_[id];
  uint32_t kept = find_in_memory(keys, id, hash);
  if (kept == kNone) {
    slots_[free_slot(hash)] = slot_of(hash, id);
    return;
  }
  fixed_as<int64_t>(kept) += fixed_as<int64_t>(id);
  mark_changed(kept);
  if (extension_ != nullptr) {
    extension_->united(*this, kept, id);
  }
  note_dead_bytes(id);
  flags_[id] = 0;
  free_ids_.push_back(id);
  --live_;
  if (fixed_as<int64_t>(kept) == 0) {
    erase(kept);
  }
}

}  // namespace tidemark
