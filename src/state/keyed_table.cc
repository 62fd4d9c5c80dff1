#include "state/keyed_table.h"

#include <algorithm>
#include <atomic>

#include "state/keyed_slot.h"
#include "types/column_copy.h"
#include "types/hash.h"

namespace tidemark {

namespace {

constexpr size_t kKeptMax = 4096;

template <typename Vector>
void give_back(Vector& values) {
  values.clear();
  if (values.capacity() > kKeptMax) {
    values.shrink_to_fit();
  }
}

// Whether somebody else holds the column, on whatever thread. No: their last look at it is over.
bool is_shared(const std::shared_ptr<Column>& column) {
  if (column.use_count() > 1) {
    return true;
  }
  std::atomic_thread_fence(std::memory_order_acquire);  // pairs with the release of the last one
  return false;
}

}  // namespace

bool KeyedTable::key_begins_with(uint32_t id, std::span<const Column* const> keys,
                                 size_t row) const {
  for (size_t k = 0; k < keys.size(); ++k) {
    if (!same_value(*keys_[k], id, *keys[k], row)) {
      return false;
    }
  }
  return true;
}

uint32_t KeyedTable::find_in_memory(std::span<const Column* const> keys, size_t row,
                                    uint64_t hash) const {
  size_t slots = slots_.size();
  for (size_t slot = home_of(hash, slots); slots_[slot] != 0; slot = slot_after(slot, slots)) {
    if (tag_matches(slots_[slot], hash) && key_equals(id_of(slots_[slot]), keys, row)) {
      return id_of(slots_[slot]);
    }
  }
  return kNone;
}

uint32_t KeyedTable::find_one(std::span<const Column* const> keys, size_t row, uint64_t hash) {
  unite();
  uint32_t id = find_in_memory(keys, row, hash);
  if (id == kNone && !is_complete_) [[unlikely]] {
    fault_in_row(keys, row, hash);
    id = find_in_memory(keys, row, hash);
  }
  return id;
}

uint32_t KeyedTable::find_or_insert_one(std::span<const Column* const> keys, size_t row,
                                        uint64_t hash) {
  uint32_t id = find_one(keys, row, hash);
  return id != kNone ? id : add(keys, row, hash, Missing::kIsAdded);
}

// A row that is not in memory yet.
uint32_t KeyedTable::add(std::span<const Column* const> keys, size_t row, uint64_t hash,
                         Missing missing) {
  reserve_for(1);
  uint32_t id = insert_at(free_slot(hash), keys, row, hash);
  if (missing == Missing::kIsLoaded) {
    loaded_.push_back({static_cast<uint32_t>(row), id});
  } else {
    mark_changed(id);
  }
  return id;
}

size_t KeyedTable::free_slot(uint64_t hash) const {
  size_t slot = home_of(hash, slots_.size());
  while (slots_[slot] != 0) {
    slot = slot_after(slot, slots_.size());
  }
  return slot;
}

absl::InlinedVector<const Column*, 8> KeyedTable::key_columns() const {
  absl::InlinedVector<const Column*, 8> columns;
  for (const std::shared_ptr<Column>& key : keys_) {
    columns.push_back(key.get());
  }
  return columns;
}

// As it was when the row came.
uint64_t KeyedTable::hash_of(uint32_t id) const {
  uint64_t hash = 0;
  hash_rows(key_columns(), id, 1, &hash);
  return hash;
}

std::shared_ptr<const Column> KeyedTable::shared_key(size_t i) const {
  CHECK(keys_[i]->physical() != PhysicalKind::kString);
  return keys_[i];
}

Column& KeyedTable::changing_key(size_t i) {
  if (is_shared(keys_[i])) {
    keys_[i] = std::make_shared<Column>(*keys_[i]);
  }
  return *keys_[i];
}

uint32_t KeyedTable::insert_at(size_t slot, std::span<const Column* const> keys, size_t row,
                               uint64_t hash) {
  uint32_t id;
  if (!free_ids_.empty()) {
    id = free_ids_.back();
    free_ids_.pop_back();
    reuse(id, keys, row);
  } else {
    CHECK(flags_.size() < kNone);
    id = static_cast<uint32_t>(flags_.size());
    reserve_ids(flags_.size() + 1);
    for (size_t k = 0; k < keys_.size(); ++k) {
      changing_key(k).append_copy(*keys[k], row);
    }
    extend_to(flags_.size() + 1);
  }
  slots_[slot] = slot_of(hash, id);
  ++live_;
  return id;
}

// A new row under an id that was free.
void KeyedTable::reuse(uint32_t id, std::span<const Column* const> keys, size_t row) {
  flags_[id] = kLive;
  for (size_t k = 0; k < keys_.size(); ++k) {
    changing_key(k).assign_copy(id, *keys[k], row);
  }
  std::fill_n(fixed(id), fixed_bytes_, std::byte{});  // perhaps none
}

void KeyedTable::reserve_for(size_t more) {
  if (is_too_full(live_ + more, slots_.size())) {
    resize_slots(slots_for(live_ + more));
  }
}

void KeyedTable::resize_slots(size_t slots) {
  auto before = std::exchange(slots_, decltype(slots_)(slots));
  for (uint64_t slot : before) {
    if (slot != 0) {
      slots_[free_slot(slot)] = slot;
    }
  }
}

void KeyedTable::reserve_ids(size_t ids) {
  if (ids <= room_) {
    return;
  }
  room_ = room_for(ids);
  for (size_t k = 0; k < keys_.size(); ++k) {
    changing_key(k).reserve(room_);
  }
  for (Column& column : payload_) {
    column.reserve(room_);
  }
  flags_.reserve(room_);
  fixed_.resize(room_ * fixed_bytes_);
}

// Ids up to there, for which there is room and whose keys are in the columns, are rows now.
void KeyedTable::extend_to(size_t end) {
  for (Column& column : payload_) {
    column.resize(end);
  }
  size_t first = flags_.size();
  flags_.resize(end, kLive);
  if (size_t bytes = (end - first) * fixed_bytes_; bytes != 0) {
    std::memset(fixed(static_cast<uint32_t>(first)), 0, bytes);
  }
}

void KeyedTable::erase(uint32_t id, uint64_t hash) {
  CHECK(is_live(id) && loose_from_ == kNone);
  if (store_ != nullptr && (flags_[id] & kStored) != 0) {
    note_erased(id);
  }
  remove_from_memory(id, hash);
}

void KeyedTable::remove_from_memory(uint32_t id, uint64_t hash) {
  size_t slots = slots_.size();
  size_t slot = home_of(hash, slots);
  while (slots_[slot] == 0 || id_of(slots_[slot]) != id) {
    slot = slot_after(slot, slots);
  }
  // Close the gap: move back every later entry of the run whose home is not after the gap.
  auto distance = [&](size_t from, size_t to) {
    return to >= from ? to - from : to + slots - from;
  };
  for (size_t next = slot_after(slot, slots); slots_[next] != 0; next = slot_after(next, slots)) {
    if (distance(home_of(slots_[next], slots), next) >= distance(slot, next)) {
      slots_[slot] = slots_[next];
      slot = next;
    }
  }
  slots_[slot] = 0;
  note_dead_bytes(id);
  flags_[id] = 0;
  free_ids_.push_back(id);
  --live_;
  if (live_ == 0) {
    reset_memory();
    return;
  }
  if (is_too_empty(live_, slots_.size())) {
    resize_slots(slots_for(live_));
  }
  if (dead_string_bytes_ > kCompactMin) {
    compact_strings();
  }
}

// What was held is given back, if it is much.
void KeyedTable::reset_memory() {
  for (std::shared_ptr<Column>& key : keys_) {
    if (is_shared(key)) {
      key = std::make_shared<Column>(key->type());
    } else {
      *key = Column(key->type());
    }
  }
  for (Column& column : payload_) {
    column = Column(column.type());
  }
  if (fixed_.size() > kKeptMax) {
    fixed_ = Buffer();
  }
  give_back(flags_);
  give_back(recent_);
  give_back(changed_);
  give_back(staged_);
  give_back(free_ids_);
  give_back(loose_free_);
  give_back(slots_);
  slots_.resize(kSlotsMin);
  room_ = 0;
  live_ = 0;
  dead_string_bytes_ = 0;
  loose_from_ = kNone;
  sample_at_ = 0;
  is_repetitive_ = false;
}

void KeyedTable::take_rows(KeyedTable& from) {
  CHECK(is_complete_ && from.is_complete_ && live_ == 0 && extension_ == nullptr &&
        from.extension_ == nullptr && fixed_bytes_ == from.fixed_bytes_);
  std::swap(keys_, from.keys_);
  std::swap(payload_, from.payload_);
  std::swap(fixed_, from.fixed_);
  std::swap(flags_, from.flags_);
  std::swap(recent_, from.recent_);
  std::swap(free_ids_, from.free_ids_);
  std::swap(slots_, from.slots_);
  std::swap(room_, from.room_);
  std::swap(live_, from.live_);
  std::swap(dead_string_bytes_, from.dead_string_bytes_);
  std::swap(loose_from_, from.loose_from_);
  std::swap(loose_free_, from.loose_free_);
  std::swap(sample_at_, from.sample_at_);
  std::swap(is_repetitive_, from.is_repetitive_);
  changed_ = {};
  for (uint32_t id = 0; id < flags_.size(); ++id) {
    flags_[id] &= kLive;  // the rest was said of the other's store
    if (is_live(id)) {
      mark_changed(id);
    }
  }
  from.clear();
}

void KeyedTable::assign_payload(uint32_t id, std::span<const Column* const> values, size_t row) {
  for (size_t c = 0; c < payload_.size(); ++c) {
    assign_payload(id, c, *values[c], row);
  }
}

void KeyedTable::assign_payload(std::span<const uint32_t> ids,
                                std::span<const Column* const> values) {
  for (size_t c = 0; c < payload_.size(); ++c) {
    bool is_kept =
        payload_[c].physical() == PhysicalKind::kString && keep_heap(payload_[c], *values[c]);
    for (size_t row = 0; row < ids.size(); ++row) {
      set_payload(ids[row], c, *values[c], row, is_kept);
    }
  }
  if (dead_string_bytes_ > kCompactMin) {
    compact_strings();
  }
}

void KeyedTable::assign_payload(uint32_t id, size_t column, const Column& values, size_t row) {
  set_payload(id, column, values, row, false);
  if (dead_string_bytes_ > kCompactMin) {
    compact_strings();
  }
}

// is_kept: the column keeps the heap that the value lies in.
void KeyedTable::set_payload(uint32_t id, size_t column, const Column& values, size_t row,
                             bool is_kept) {
  mark_changed(id);
  Column& target = payload_[column];
  if (target.physical() == PhysicalKind::kString) {
    StringRef& known = target.mutable_data<StringRef>()[id];
    StringRef value = values.data<StringRef>()[row];
    if (!known.is_inline() && known == value) {  // neither is NULL, and the bytes are here
      dead_string_bytes_ += is_kept ? value.size() : 0;
      return;
    }
    dead_string_bytes_ += known.is_inline() ? 0 : known.size();
    if (is_kept && !value.is_inline()) {
      known = value;
      if (target.has_nulls()) {
        target.mutable_nulls()[id] = 0;
      }
      return;
    }
  }
  target.assign_copy(id, values, row);
}

void KeyedTable::note_dead_bytes(uint32_t id) {
  auto release = [&](Column& column) {
    if (column.physical() == PhysicalKind::kString) {
      StringRef& ref = column.mutable_data<StringRef>()[id];
      dead_string_bytes_ += ref.is_inline() ? 0 : ref.size();
      ref = StringRef();
    }
  };
  for (const std::shared_ptr<Column>& key : keys_) {
    release(*key);  // nobody shares a column of strings
  }
  for (Column& column : payload_) {
    release(column);
  }
}

// Copies the live strings to fresh heaps once a third is dead: two bytes are moved for each that is
// given back.
void KeyedTable::compact_strings() {
  auto for_each_of_strings = [&](auto&& f) {
    for (const std::shared_ptr<Column>& key : keys_) {
      if (key->physical() == PhysicalKind::kString) {
        f(*key);  // nobody shares a column of strings
      }
    }
    for (Column& column : payload_) {
      if (column.physical() == PhysicalKind::kString) {
        f(column);
      }
    }
  };
  int64_t used = 0;
  for_each_of_strings(
      [&](Column& column) { used += static_cast<int64_t>(column.heap().used_bytes()); });
  if (dead_string_bytes_ * 3 < used) {
    return;
  }
  for_each_of_strings([&](Column& column) {
    Column fresh(column.type());
    fresh.reserve(room_);
    append_copies(fresh, column);
    column = std::move(fresh);
  });
  dead_string_bytes_ = 0;
}

size_t KeyedTable::held_bytes() const {
  size_t bytes =
      overlay_bytes() + fixed_.size() + flags_.capacity() +
      (free_ids_.capacity() + loose_free_.capacity() + changed_.capacity() + staged_.capacity()) *
          sizeof(uint32_t) +
      slots_.capacity() * sizeof(uint64_t);
  for (const std::shared_ptr<Column>& key : keys_) {
    bytes += key->held_bytes();
  }
  for (const Column& column : payload_) {
    bytes += column.held_bytes();
  }
  return bytes;
}

}  // namespace tidemark
