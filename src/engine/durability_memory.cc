// The part of Durability that keeps the process within its memory limit (decision 0039): what is on
// disk leaves memory, and comes back.

#include <algorithm>
#include <chrono>
#include <thread>

#include "base/available_memory.h"
#include "engine/durability.h"
#include "engine/step_loop.h"

namespace tidemark {

uint64_t Durability::held_bytes() {
  uint64_t bytes = store_->memory_bytes() + gathered_.size_bytes();
  for_each_table([&](StateTable& table) { bytes += table.held_bytes(); });
  return bytes;
}

// The limit is for all that the process has: readers' rows, what is on its way to the disk, memory
// that is free and not given back; an eighth is for what comes between two looks. State has a
// quarter of it in any case.
uint64_t Durability::bytes_for_state(uint64_t held) const {
  uint64_t own = is_simulated_ ? 0 : own_memory();
  uint64_t other = own > held ? own - held : 0;
  return memory_limit_ / 8 * 7 - std::min(other, memory_limit_ / 8 * 5);
}

// What has not changed since the last checkpoint is on disk and may go; what has must first get
// there. While memory is beyond the limit and full of changes, the sources wait.
void Durability::keep_within_limit() {
  constexpr int64_t kLookUs = 20'000;  // counting costs some microseconds
  constexpr int64_t kGiveBackUs = 250'000;
  int64_t now = clock_.steady_us();
  if (memory_limit_ == 0 || (!is_over_limit_ && now - looked_us_ < kLookUs) ||
      loop_->is_joining()) {
    return;
  }
  looked_us_ = now;
  uint64_t held = held_bytes(), bytes_max = bytes_for_state(held);
  if (held > bytes_max) {
    loop_->drop_large_bases(memory_limit_ / 16);
    evict(bytes_max);
    is_all_warm_ = false;
    if (!is_simulated_ && now - gave_back_us_ > kGiveBackUs) {
      give_back_free_memory();
      gave_back_us_ = clock_.steady_us();
    }
  }
  is_over_limit_ = held > bytes_max && held_bytes() > bytes_max;
  has_spare_room_ = held <= bytes_max / 2;
  is_memory_full_of_changes_ = is_much(changed_bytes());
}

Durability::Changed Durability::changed_in(Dataflow& dataflow) {
  Changed changed;
  visit_tables(dataflow, [&](NodeId, size_t, StateTable& table) {
    if (size_t entries = table.changed_entries(); entries != 0) {
      changed.entries += entries;
      changed.bytes += table.held_bytes() / std::max<size_t>(table.held_rows(), 1) * entries;
    }
  });
  return changed;
}

uint64_t Durability::changed_bytes() {
  uint64_t bytes = 0;
  for_each_dataflow([&](Dataflow& dataflow) {
    bytes += goes_in_pieces(dataflow) ? 0 : changed_in(dataflow).bytes;
  });
  return bytes;
}

// Of changes, that a checkpoint is worth it: less costs more than it frees.
bool Durability::is_much(uint64_t changed_bytes) const {
  constexpr uint64_t kBytesMin = 4 << 20, kScarceBytesMin = 1 << 20;
  return changed_bytes >
         (is_over_limit_ ? kScarceBytesMin : std::max(memory_limit_ / 16, kBytesMin));
}

// Some of each table, whose memory is used again; if that is not enough, tables as a whole, the
// largest first, which give it back.
void Durability::evict(uint64_t bytes_max) {
  std::vector<StateTable*> tables;
  for_each_table([&](StateTable& table) {
    table.evict(table.surplus_entries());
    tables.push_back(&table);
  });
  uint64_t held = held_bytes();
  std::ranges::sort(tables, std::greater(), [](StateTable* table) { return table->held_bytes(); });
  for (size_t i = 0; i < tables.size() && held > bytes_max / 8 * 9; ++i) {
    uint64_t before = tables[i]->held_bytes();
    tables[i]->evict(SIZE_MAX);
    held -= before - std::min<uint64_t>(tables[i]->held_bytes(), before);
  }
}

bool Durability::has_room_for_all() {
  return memory_limit_ == 0 || store_->unpacked_bytes({}) <= bytes_for_state(held_bytes()) / 10 * 8;
}

bool Durability::has_room(uint64_t bytes) {
  uint64_t held = memory_limit_ == 0 ? 0 : held_bytes();
  return memory_limit_ == 0 || held + bytes <= bytes_for_state(held) / 10 * 8;
}

void Durability::make_room() {
  note_change();
  turn();
  while (holds_back() && !is_simulated_ && writer_->last_error().ok()) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    turn();
  }
}

bool Durability::warm() {
  constexpr size_t kEntries = 2048;  // about a millisecond of the step thread
  if (is_all_warm_ || !has_room(0)) {
    return false;
  }
  bool is_done = true;
  for_each_table([&](StateTable& table) {
    if (is_done && !table.is_complete()) {
      table.warm(kEntries);
      is_done = false;
    }
  });
  is_all_warm_ = is_done;
  return !is_done;
}

}  // namespace tidemark
