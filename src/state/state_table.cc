#include "state/state_table.h"

#include "state/store.h"

namespace tidemark {

void StateTable::attach(const Store& store, std::string prefix, bool is_stored) {
  CHECK(store_ == nullptr);
  store_ = &store;
  prefix_ = std::move(prefix);
  warmed_to_ = prefix_;
  is_complete_ = !is_stored;
  is_anything_stored_ = is_stored;
}

void StateTable::load_all() {
  constexpr size_t kChunk = 1 << 14;
  while (!is_complete_ && status_.ok()) {
    warm(kChunk);
  }
}

void StateTable::note_cleared() {
  is_complete_ = true;
  is_cleared_ = is_cleared_ || is_anything_stored_;
  is_anything_stored_ = false;
}

void StateTable::stage_cleared(StoreBatch& batch) {
  if (is_cleared_) {
    batch.erase_prefix(prefix_);
    is_cleared_ = false;
  }
}

void StateTable::fail(Status status) {
  store_->note_damage(status);
  if (status_.ok()) {
    status_ = std::move(status);
  }
}

}  // namespace tidemark
