// The part of KeyedTable that works on many rows at once: look-ups in blocks.

#include <algorithm>

#include "state/keyed_slot.h"
#include "state/keyed_table.h"
#include "state/known_texts.h"
#include "types/column_copy.h"
#include "types/hash.h"

namespace tidemark {

namespace {

constexpr size_t kBlockRows = 1024;       // their slots and ids stay in the first cache
constexpr size_t kSlotsNear = 8 << 10;    // an index of up to 64 KiB answers without waiting
constexpr size_t kFixedNear = 128 << 10;  // and so do so many fixed bytes
constexpr size_t kCacheLine = 64;

constexpr size_t kGuessedMin = 256;      // smaller batches are hashed
constexpr size_t kGuessBits = 10;        // 4 KB of ids
constexpr size_t kMissedFraction = 8;    // an eighth of wrong guesses is too much
constexpr uint32_t kPauseMax = 1 << 10;  // batches
constexpr size_t kTextsAhead = 32;       // as hash_rows does

// Of a text's length, first four and last eight bytes.
inline size_t guess_of(const StringRef& value) {
  TextWords text(value);
  uint64_t ends = value.head() * 0x9E3779B97F4A7C15u ^ text.word(text.size - 8);
  return (ends * 0xD6E8FEB86659FD93u) >> (64 - kGuessBits);
}

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
    const T* known = keys_[0]->data<T>();
    size_t count = slots_.size();
    for (; i < rows; ++i) {
      uint64_t hash = hashes[i];
      size_t slot = home_of(hash, count);
      while (slots[slot] != 0 && !(tag_matches(slots[slot], hash) &&
                                   equal_physical(known[id_of(slots[slot])], values[i]))) {
        slot = slot_after(slot, count);
      }
      if (slots[slot] == 0) {
        break;
      }
      ids[i] = id_of(slots[slot]);
    }
    if (i < rows) {
      ids[i] = add(keys, i, hashes[i], Missing::kIsAdded);
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
      !keys_[0]->has_nulls()) {
    visit_physical(keys_[0]->physical(),
                   [&](auto tag) { resolve_single<decltype(tag)>(*keys[0], rows, hashes, ids); });
    return;
  }
  resolve(keys, rows, hashes, ids, Missing::kIsAdded);
}

void KeyedTable::find_or_insert(std::span<const Column* const> keys, size_t rows, uint32_t* ids) {
  unite();
  bool may = may_guess(keys, rows);
  if (!may || pause_ > 0) {
    pause_ -= may ? 1 : 0;
    hash_rows(keys, rows, hashes_);
    find_or_insert(keys, rows, hashes_, ids);
    return;
  }
  bool is_first = recent_.empty();
  recent_.resize(size_t{1} << kGuessBits);
  size_t missed = 0;
  for (size_t first = 0; first < rows; first += kBlockRows) {
    size_t count = std::min(kBlockRows, rows - first);
    guess(*keys[0], first, count, ids + first);
    missed += missed_.size();
    if (!missed_.empty()) {
      resolve_missed(keys, first, count, ids + first);
    }
  }
  if (missed * kMissedFraction <= rows) {
    next_pause_ = 1;
  } else if (!is_first) {
    pause_ = next_pause_;
    next_pause_ = std::min(next_pause_ * 2, kPauseMax);
  }
}

// One column of texts, without NULLs, and none of its rows only in the store.
bool KeyedTable::may_guess(std::span<const Column* const> keys, size_t rows) const {
  return rows >= kGuessedMin && is_complete_ && keys_.size() == 1 &&
         keys_[0]->physical() == PhysicalKind::kString && !keys[0]->has_nulls() &&
         !keys_[0]->has_nulls() && !flags_.empty();
}

void KeyedTable::guess(const Column& key, size_t first, size_t rows, uint32_t* ids) {
  const StringRef* values = key.data<StringRef>() + first;
  const StringRef* known = keys_[0]->data<StringRef>();
  const uint8_t* flags = flags_.data();
  const uint32_t* recent = recent_.data();
  missed_.resize(rows);
  uint32_t* wrong = missed_.data();
  size_t missed = 0;
  for (size_t i = 0; i < rows; ++i) {
    __builtin_prefetch(TextWords(values[std::min(i + kTextsAhead, rows - 1)]).data);
    uint32_t id = recent[guess_of(values[i])];
    ids[i] = id;
    wrong[missed] = static_cast<uint32_t>(i);
    missed += (flags[id] & kLive) != 0 && same_text(known[id], values[i]) ? 0 : 1;
  }
  missed_.resize(missed);
}

void KeyedTable::resolve_missed(std::span<const Column* const> keys, size_t first, size_t rows,
                                uint32_t* ids) {
  if (missed_.size() * kMissedFraction > rows) {
    hashes_.resize(rows);
    hash_rows(keys, first, rows, hashes_.data());
    resolve_block(keys, {first, rows, hashes_.data(), ids}, Missing::kIsAdded);
  } else {
    for (uint32_t i : missed_) {
      uint64_t hash = 0;
      hash_rows(keys, first + i, 1, &hash);
      ids[i] = find_or_insert_one(keys, first + i, hash);
    }
  }
  const StringRef* values = keys[0]->data<StringRef>() + first;
  for (uint32_t i : missed_) {
    recent_[guess_of(values[i])] = ids[i];
  }
}

void KeyedTable::resolve(std::span<const Column* const> keys, size_t rows,
                         std::span<const uint64_t> hashes, uint32_t* ids, Missing missing) {
  for (size_t first = 0; first < rows; first += kBlockRows) {
    Block block{first, std::min(kBlockRows, rows - first), hashes.data() + first, ids + first};
    resolve_block(keys, block, missing);
  }
}

void KeyedTable::fetch_fixed(std::span<const uint32_t> ids) const {
  if (flags_.size() * fixed_bytes_ <= kFixedNear) {
    return;
  }
  for (uint32_t id : ids) {
    for (size_t at = 0; id != kNone && at < fixed_bytes_; at += kCacheLine) {
      __builtin_prefetch(fixed(id) + at, 1);
    }
  }
}

// A slot with the row's tag is taken for the row's at first; then the keys are compared, a column
// at a time. The few that differ are looked up one by one.
void KeyedTable::resolve_block(std::span<const Column* const> keys, const Block& block,
                               Missing missing) {
  if (missing != Missing::kStays) {
    reserve_for(block.rows);
  }
  size_t slots = slots_.size();
  for (size_t i = 0; i < block.rows; ++i) {
    __builtin_prefetch(&slots_[home_of(block.hashes[i], slots)]);
  }
  fresh_.clear();
  reused_.clear();
  candidates_.clear();
  size_t fresh_from = flags_.size();
  for (uint32_t i = 0; i < block.rows; ++i) {
    uint64_t hash = block.hashes[i];
    size_t slot = find_slot(slots_.data(), slots, hash);
    if (slots_[slot] != 0) {
      block.ids[i] = id_of(slots_[slot]);
      candidates_.push_back(i);
    } else if (missing == Missing::kStays) {
      block.ids[i] = kNone;
    } else if (!free_ids_.empty()) {
      block.ids[i] = free_ids_.back();
      free_ids_.pop_back();
      slots_[slot] = slot_of(hash, block.ids[i]);
      reused_.push_back({static_cast<uint32_t>(block.first) + i, block.ids[i]});
    } else {
      block.ids[i] = static_cast<uint32_t>(fresh_from + fresh_.size());
      slots_[slot] = slot_of(hash, block.ids[i]);
      fresh_.push_back(static_cast<uint32_t>(block.first) + i);
    }
  }
  if (!fresh_.empty() || !reused_.empty()) {
    fill_new(keys, block, missing);
  }
  compare_keys(keys, block);
  for (size_t c = 0; c < candidates_.size(); ++c) {
    if (missing == Missing::kIsLoaded) {
      note_unused_texts(keys, block.first + candidates_[c]);
    }
    if (differs_[c] != 0) {
      uint32_t i = candidates_[c];
      size_t row = block.first + i;
      uint32_t id = find_in_memory(keys, row, block.hashes[i]);
      if (id == kNone && missing != Missing::kStays) {
        id = add(keys, row, block.hashes[i], missing);
      }
      block.ids[i] = id;
    }
  }
}

// The rows fresh_, of which the first gets the next id, and reused_: they have slots, and nothing
// else.
void KeyedTable::fill_new(std::span<const Column* const> keys, const Block& block,
                          Missing missing) {
  size_t first = flags_.size(), end = first + fresh_.size();
  CHECK(end < kNone);
  reserve_ids(end);
  for (size_t k = 0; k < keys_.size(); ++k) {
    Column& column = changing_key(k);
    if (column.physical() == PhysicalKind::kString &&
        (!candidates_.empty() || missing == Missing::kIsLoaded)) {
      fill_texts(column, *keys[k], block, missing);
      continue;
    }
    append_copies(column, *keys[k], fresh_);
    for (const auto& [row, id] : reused_) {
      column.assign_copy(id, *keys[k], row);
    }
  }
  extend_to(end);
  for (const auto& [row, id] : reused_) {
    flags_[id] = kLive;
    std::fill_n(fixed(id), fixed_bytes_, std::byte{});
  }
  live_ += fresh_.size() + reused_.size();
  if (missing == Missing::kIsLoaded) {
    for (size_t i = 0; i < fresh_.size(); ++i) {
      loaded_.push_back({fresh_[i], static_cast<uint32_t>(first + i)});
    }
    loaded_.insert(loaded_.end(), reused_.begin(), reused_.end());
    return;
  }
  for (const NewRow& row : reused_) {
    mark_changed(row.id);
  }
  for (size_t id = first; store_ != nullptr && id < end; ++id) {
    note_changed(static_cast<uint32_t>(id));
  }
}

// The same of one column of texts. A long one that a row of the block has too, which is there
// already, is not stored again: that row may be about to go, replaced by the new one. Those that
// are loaded lie in the column's heap as they are.
void KeyedTable::fill_texts(Column& column, const Column& given, const Block& block,
                            Missing missing) {
  size_t first = flags_.size();
  column.resize(first + fresh_.size());
  StringRef* texts = column.mutable_data<StringRef>();
  const StringRef* values = given.data<StringRef>();
  KnownTexts known(candidates_.size());
  for (uint32_t i : candidates_) {
    uint32_t id = block.ids[i];
    if (missing == Missing::kIsAdded && id < first && is_live(id) && !texts[id].is_inline() &&
        texts[id] == values[block.first + i]) {
      known.add(texts[id]);
    }
  }
  auto put = [&](uint32_t id, uint32_t row) {
    StringRef text = values[row];
    if (!text.is_inline() && missing == Missing::kIsAdded) {
      const StringRef* stored = known.find(text);
      dead_string_bytes_ -= stored != nullptr ? text.size() : 0;  // each row counts them as it goes
      text = stored != nullptr ? *stored : column.intern(text.view());
    }
    texts[id] = text;
    if (column.has_nulls() || given.is_null(row)) {
      column.mutable_nulls()[id] = given.is_null(row);
    }
  };
  for (size_t i = 0; i < fresh_.size(); ++i) {
    put(static_cast<uint32_t>(first + i), fresh_[i]);
  }
  for (const auto& [row, id] : reused_) {
    put(id, row);
  }
}

// A row that was to be loaded does not need its texts, which lie in the columns' heaps: it is
// there, or has them as a copy.
void KeyedTable::note_unused_texts(std::span<const Column* const> keys, size_t row) {
  for (const Column* key : keys) {
    if (key->physical() == PhysicalKind::kString) {
      StringRef text = key->data<StringRef>()[row];
      dead_string_bytes_ += text.is_inline() ? 0 : text.size();
    }
  }
}

void KeyedTable::compare_keys(std::span<const Column* const> keys, const Block& block) {
  differs_.assign(candidates_.size(), 0);
  for (size_t k = 0; k < keys_.size(); ++k) {
    const Column& known = *keys_[k];
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

}  // namespace tidemark
