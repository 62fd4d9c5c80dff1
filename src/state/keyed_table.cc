#include "state/keyed_table.h"

#include <algorithm>
#include <bit>

#include "state/keyed_slot.h"
#include "types/column_copy.h"

namespace tidemark {

namespace {

constexpr size_t kSlotsMin =
    64;  // few groups should not collide: probes that vary are mispredicted
constexpr size_t kCompactMin = 1 << 20;  // dead string bytes below this are not worth a pass

}  // namespace

bool KeyedTable::key_equals(uint32_t id, std::span<const Column* const> keys, size_t row) const {
  for (size_t k = 0; k < keys_.size(); ++k) {
    if (!same_value(keys_[k], id, *keys[k], row)) {
      return false;
    }
  }
  return true;
}

uint32_t KeyedTable::find_in_memory(std::span<const Column* const> keys, size_t row,
                                    uint64_t hash) const {
  for (size_t slot = hash & mask_; slots_[slot] != 0; slot = (slot + 1) & mask_) {
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
  return id != kNone ? id : add(keys, row, hash);
}

// A row that is not there yet, and is new to the store too.
uint32_t KeyedTable::add(std::span<const Column* const> keys, size_t row, uint64_t hash) {
  reserve_for(1);
  uint32_t id = insert_at(free_slot(hash), keys, row, hash);
  mark_changed(id);
  return id;
}

size_t KeyedTable::free_slot(uint64_t hash) const {
  size_t slot = hash & mask_;
  while (slots_[slot] != 0) {
    slot = (slot + 1) & mask_;
  }
  return slot;
}

uint32_t KeyedTable::insert_at(size_t slot, std::span<const Column* const> keys, size_t row,
                               uint64_t hash) {
  uint32_t id;
  if (!free_ids_.empty()) {
    id = free_ids_.back();
    free_ids_.pop_back();
    hashes_[id] = hash;
    reuse(id, keys, row);
  } else {
    CHECK(hashes_.size() < kNone);
    id = static_cast<uint32_t>(hashes_.size());
    hashes_.push_back(hash);
    flags_.push_back(kLive);
    for (size_t k = 0; k < keys_.size(); ++k) {
      keys_[k].append_copy(*keys[k], row);
    }
    for (Column& column : payload_) {
      column.append_null();
    }
    fixed_.resize(fixed_.size() + fixed_bytes_);
  }
  slots_[slot] = slot_of(hash, id);
  ++live_;
  return id;
}

// A new row under an id that was free.
void KeyedTable::reuse(uint32_t id, std::span<const Column* const> keys, size_t row) {
  flags_[id] = kLive;
  for (size_t k = 0; k < keys_.size(); ++k) {
    keys_[k].assign_copy(id, *keys[k], row);
  }
  for (Column& column : payload_) {
    column.set_null(id);
  }
  std::memset(fixed(id), 0, fixed_bytes_);
}

void KeyedTable::reserve_for(size_t more) {
  if ((live_ + more) * 2 > slots_.size()) {
    grow_slots(std::bit_ceil((live_ + more) * 2));
  }
}

void KeyedTable::grow_slots(size_t capacity) {
  slots_.assign(capacity, 0);
  mask_ = capacity - 1;
  size_t end = std::min<size_t>(hashes_.size(), loose_from_);
  for (uint32_t id = 0; id < end; ++id) {
    if (is_live(id)) {
      size_t slot = hashes_[id] & mask_;
      while (slots_[slot] != 0) {
        slot = (slot + 1) & mask_;
      }
      slots_[slot] = slot_of(hashes_[id], id);
    }
  }
}

void KeyedTable::erase(uint32_t id) {
  CHECK(is_live(id) && loose_from_ == kNone);
  if (store_ != nullptr && (flags_[id] & kStored) != 0) {
    note_erased(id);
  }
  remove_from_memory(id);
}

void KeyedTable::remove_from_memory(uint32_t id) {
  size_t slot = hashes_[id] & mask_;
  while (slots_[slot] == 0 || id_of(slots_[slot]) != id) {
    slot = (slot + 1) & mask_;
  }
  // Close the gap: move back every later entry of the run whose home is not after the gap.
  for (size_t next = (slot + 1) & mask_; slots_[next] != 0; next = (next + 1) & mask_) {
    size_t home = hashes_[id_of(slots_[next])] & mask_;
    if (((next - home) & mask_) >= ((next - slot) & mask_)) {
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
  } else if (dead_string_bytes_ > kCompactMin) {
    compact_strings();
  }
}

void KeyedTable::reset_memory() {
  for (Column& column : keys_) {
    column = Column(column.type());
  }
  for (Column& column : payload_) {
    column = Column(column.type());
  }
  fixed_.clear();
  hashes_.clear();
  flags_.clear();
  changed_.clear();
  free_ids_.clear();
  live_ = 0;
  dead_string_bytes_ = 0;
  loose_from_ = kNone;
  sample_at_ = 0;
  is_repetitive_ = false;
  slots_.clear();
  grow_slots(kSlotsMin);
}

void KeyedTable::assign_payload(uint32_t id, std::span<const Column* const> values, size_t row) {
  for (size_t c = 0; c < payload_.size(); ++c) {
    assign_payload(id, c, *values[c], row);
  }
}

void KeyedTable::assign_payload(uint32_t id, size_t column, const Column& values, size_t row) {
  mark_changed(id);
  Column& target = payload_[column];
  if (target.physical() == PhysicalKind::kString) {
    StringRef old = target.data<StringRef>()[id];
    dead_string_bytes_ += old.is_inline() ? 0 : old.size();
  }
  target.assign_copy(id, values, row);
  if (dead_string_bytes_ > kCompactMin) {
    compact_strings();
  }
}

void KeyedTable::note_dead_bytes(uint32_t id) {
  auto release = [&](Column& column) {
    if (column.physical() == PhysicalKind::kString) {
      StringRef& ref = column.mutable_data<StringRef>()[id];
      dead_string_bytes_ += ref.is_inline() ? 0 : ref.size();
      ref = StringRef();
    }
  };
  for (Column& column : keys_) {
    release(column);
  }
  for (Column& column : payload_) {
    release(column);
  }
}

// Copies the live strings to fresh heaps once the dead ones outweigh them.
void KeyedTable::compact_strings() {
  size_t used = 0;
  auto for_each_string_column = [&](auto&& f) {
    for (std::vector<Column>* columns : {&keys_, &payload_}) {
      for (Column& column : *columns) {
        if (column.physical() == PhysicalKind::kString) {
          f(column);
        }
      }
    }
  };
  for_each_string_column([&](Column& column) { used += column.heap().used_bytes(); });
  if (dead_string_bytes_ * 2 < used) {
    return;
  }
  for_each_string_column([&](Column& column) {
    Column fresh(column.type());
    append_copies(fresh, column);
    column = std::move(fresh);
  });
  dead_string_bytes_ = 0;
}

size_t KeyedTable::held_bytes() const {
  size_t bytes = fixed_.capacity() + hashes_.capacity() * 8 + flags_.capacity() +
                 free_ids_.capacity() * 4 + slots_.capacity() * 8;
  for (const Column& column : keys_) {
    bytes += column.held_bytes();
  }
  for (const Column& column : payload_) {
    bytes += column.held_bytes();
  }
  return bytes;
}

}  // namespace tidemark
