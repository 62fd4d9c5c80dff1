#include "state/keyed_table.h"

namespace tidemark {

namespace {

constexpr size_t kSlotsMin =
    64;  // few groups should not collide: probes that vary are mispredicted
constexpr size_t kCompactMin = 1 << 20;  // dead string bytes below this are not worth a pass

uint64_t slot_of(uint64_t hash, uint32_t id) {
  return (hash & 0xFFFFFFFF00000000u) | (uint64_t{id} + 1);
}
bool tag_matches(uint64_t slot, uint64_t hash) {
  return ((slot ^ hash) >> 32) == 0;
}
uint32_t id_of(uint64_t slot) {
  return static_cast<uint32_t>(slot) - 1;
}

template <typename T>
bool equal_physical(const T& a, const T& b) {
  if constexpr (std::is_floating_point_v<T>) {
    return a == b || (a != a && b != b);
  } else {
    return a == b;
  }
}

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

// One key column without NULLs: a loop of its own for each physical type.
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
  fault_in(keys, rows, hashes);
  for (size_t i = 0; i < rows; ++i) {
    ids[i] = find_in_memory(keys, i, hashes[i]);
  }
}

void KeyedTable::find_or_insert(std::span<const Column* const> keys, size_t rows,
                                std::span<const uint64_t> hashes, uint32_t* ids) {
  fault_in(keys, rows, hashes);
  if (keys_.size() == 1 && !keys[0]->has_nulls() && !keys_[0].has_nulls()) {
    visit_physical(keys_[0].physical(),
                   [&](auto tag) { resolve_single<decltype(tag)>(*keys[0], rows, hashes, ids); });
    return;
  }
  for (size_t i = 0; i < rows; ++i) {
    uint32_t id = find_in_memory(keys, i, hashes[i]);
    ids[i] = id != kNone ? id : add(keys, i, hashes[i]);
  }
}

uint32_t KeyedTable::insert_at(size_t slot, std::span<const Column* const> keys, size_t row,
                               uint64_t hash) {
  uint32_t id;
  if (!free_ids_.empty()) {
    id = free_ids_.back();
    free_ids_.pop_back();
    hashes_[id] = hash;
    flags_[id] = kLive;
    for (size_t k = 0; k < keys_.size(); ++k) {
      keys_[k].assign_copy(id, *keys[k], row);
    }
    for (Column& column : payload_) {
      column.set_null(id);
    }
    std::memset(fixed(id), 0, fixed_bytes_);
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

void KeyedTable::reserve_for(size_t more) {
  if ((live_ + more) * 2 > slots_.size()) {
    grow_slots(slots_.size() * 2);
  }
}

void KeyedTable::grow_slots(size_t capacity) {
  slots_.assign(capacity, 0);
  mask_ = capacity - 1;
  for (uint32_t id = 0; id < hashes_.size(); ++id) {
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
  CHECK(is_live(id));
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
    fresh.reserve(column.size());
    for (size_t row = 0; row < column.size(); ++row) {
      fresh.append_copy(column, row);
    }
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
