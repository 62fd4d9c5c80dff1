// The part of KeyedTable that takes rows in without looking whether they are there.

#include <algorithm>
#include <array>
#include <numeric>

#include <absl/container/flat_hash_set.h>

#include "base/workers.h"
#include "state/keyed_slot.h"
#include "state/keyed_table.h"
#include "types/column_copy.h"
#include "types/hash.h"

namespace tidemark {

namespace {

constexpr size_t kLooseBlock = 1024;       // rows whose hashes are made together
constexpr size_t kSampleRows = 4096;       // loose rows are counted first at so many, ...
constexpr size_t kSampleGrowth = 16;       // ... then at 16 times as many, and so on
constexpr size_t kSampledOf = 16;          // of them one in so many is looked at
constexpr size_t kRepetitiveFraction = 4;  // a quarter that repeats is too much

}  // namespace

uint32_t KeyedTable::append_loose(std::span<const Column* const> keys, size_t rows,
                                  std::span<const int64_t> weights, Workers* workers) {
  CHECK(is_complete_);
  if (loose_from_ == kNone) {
    loose_from_ = static_cast<uint32_t>(flags_.size());
    sample_at_ = std::max(sample_at_, kSampleRows);
  }
  size_t first = flags_.size(), end = first + rows;
  CHECK(end < kNone);
  reserve_ids(end);
  auto append = [&](size_t part) {
    if (part < keys_.size()) {
      append_kept(changing_key(part), *keys[part]);
      return;
    }
    extend_to(end);
    for (size_t i = 0; i < rows; ++i) {
      fixed_as<int64_t>(static_cast<uint32_t>(first + i)) = weights.empty() ? 1 : weights[i];
    }
  };
  for_each_piece(rows >= kSharedRows ? workers : nullptr, keys_.size() + 1, append);
  live_ += rows;
  for (size_t id = first; store_ != nullptr && id < end; ++id) {
    note_changed(static_cast<uint32_t>(id));
  }
  return static_cast<uint32_t>(first);
}

void KeyedTable::add_loose(std::span<const Column* const> keys, size_t rows,
                           std::span<const int64_t> weights, uint32_t* ids) {
  size_t reused = std::min(rows, loose_free_.size());
  std::copy_n(loose_free_.end() - static_cast<ptrdiff_t>(reused), reused, ids);
  loose_free_.resize(loose_free_.size() - reused);
  for (size_t k = 0; k < keys_.size() && reused != 0; ++k) {
    Column& column = changing_key(k);
    for (size_t i = 0; i < reused; ++i) {
      column.assign_copy(ids[i], *keys[k], i);
    }
  }
  for (size_t i = 0; i < reused; ++i) {
    flags_[ids[i]] = kLive;
    std::fill_n(fixed(ids[i]), fixed_bytes_, std::byte{});
    fixed_as<int64_t>(ids[i]) = weights.empty() ? 1 : weights[i];
    mark_changed(ids[i]);
  }
  live_ += reused;
  if (reused == rows) {
    return;
  }
  std::vector<uint32_t> others(rows - reused);
  std::iota(others.begin(), others.end(), static_cast<uint32_t>(reused));
  std::vector<Column> rest;
  std::vector<const Column*> given(keys.begin(), keys.end());
  rest.reserve(keys.size());
  for (size_t k = 0; k < keys.size() && reused != 0; ++k) {
    rest.emplace_back(keys[k]->type()).append_rows(*keys[k], others);
    given[k] = &rest.back();
  }
  uint32_t first =
      append_loose(given, others.size(), weights.empty() ? weights : weights.subspan(reused));
  std::iota(ids + reused, ids + rows, first);
}

void KeyedTable::erase_loose(uint32_t id) {
  CHECK(is_loose(id) && is_live(id));
  note_dead_bytes(id);
  flags_[id] = 0;
  loose_free_.push_back(id);
  --live_;
  if (dead_string_bytes_ > kCompactMin) {
    compact_strings();
  }
}

// Looks at the rows that are alike in some bits of their hashes: equal rows are.
void KeyedTable::sample_loose() {
  if (loose_from_ == kNone || flags_.size() - loose_from_ < sample_at_) {
    return;
  }
  sample_at_ *= kSampleGrowth;
  size_t sampled = 0, repeated = 0;
  absl::flat_hash_set<uint64_t> seen;
  std::array<uint64_t, kLooseBlock> hashes;
  for (size_t block = loose_from_, end = flags_.size(); block < end; block += kLooseBlock) {
    size_t rows = std::min(kLooseBlock, end - block);
    hash_rows(key_columns(), block, rows, hashes.data());
    for (size_t i = 0; i < rows; ++i) {
      if (hashes[i] % kSampledOf == 0 && is_live(static_cast<uint32_t>(block + i))) {
        ++sampled;
        bool is_known = find_in_memory(key_columns(), block + i, hashes[i]) != kNone;
        repeated += is_known || !seen.insert(hashes[i]).second ? 1 : 0;
      }
    }
  }
  if (repeated * kRepetitiveFraction > sampled) {
    unite_loose(flags_.size());
  }
}

// Ids that erase_loose() gave back are not to get behind the loose ones.
bool KeyedTable::index_loose(size_t entries_max) {
  if (loose_from_ == kNone || flags_.size() - loose_from_ <= kLooseFew || !loose_free_.empty()) {
    return false;
  }
  unite_loose(std::min(loose_from_ + entries_max, flags_.size()));
  return true;
}

// Those with ids below `end`.
void KeyedTable::unite_loose(size_t end) {
  size_t first = loose_from_;
  reserve_for(0);
  loose_from_ = end == flags_.size() ? kNone : static_cast<uint32_t>(end);
  size_t live_before = live_;
  absl::InlinedVector<const Column*, 8> keys = key_columns();
  std::array<uint64_t, kLooseBlock> hashes;
  for (size_t block = first; block < end; block += kLooseBlock) {
    size_t rows = std::min(kLooseBlock, end - block);
    hash_rows(keys, block, rows, hashes.data());
    for (size_t i = 0; i < rows; ++i) {
      __builtin_prefetch(&slots_[home_of(hashes[i], slots_.size())]);
    }
    for (size_t i = 0; i < rows; ++i) {
      if (is_live(static_cast<uint32_t>(block + i))) {
        unite_one(keys, static_cast<uint32_t>(block + i), hashes[i]);
      }
    }
  }
  if (loose_from_ == kNone) {
    free_ids_.insert(free_ids_.end(), loose_free_.begin(), loose_free_.end());
    loose_free_.clear();
  }
  if (end - first >= kSampleRows) {
    is_repetitive_ = (live_before - live_) * kRepetitiveFraction > end - first;
  }
}

// keys: the table's own columns.
void KeyedTable::unite_one(std::span<const Column* const> keys, uint32_t id, uint64_t hash) {
  size_t slot = home_of(hash, slots_.size());
  while (slots_[slot] != 0 &&
         !(tag_matches(slots_[slot], hash) && key_equals(id_of(slots_[slot]), keys, id))) {
    slot = slot_after(slot, slots_.size());
  }
  if (slots_[slot] == 0) {
    slots_[slot] = slot_of(hash, id);
    return;
  }
  uint32_t kept = id_of(slots_[slot]);
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
