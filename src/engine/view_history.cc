#include "engine/view_history.h"

#include <algorithm>

#include "zset/consolidate.h"

namespace tidemark {

namespace {

// Below this, a base that nobody reads is not worth letting go.
constexpr size_t kRowsKept = 8192;

}  // namespace

std::shared_ptr<const ZBatch> shared_negated(const ZBatch& batch) {
  return std::make_shared<const ZBatch>(negated(batch));
}

void ViewHistory::add(uint64_t turn, const ZBatch& changes, uint64_t first_pinned) {
  if (changes.rows.rows == 0 || (base_ == nullptr && first_pinned == UINT64_MAX)) {
    return;
  }
  changes_.push_back({turn, std::make_shared<const ZBatch>(owned(changes))});
  held_rows_ += changes.rows.rows;
  if (base_ != nullptr && held_rows_ > base_->rows().rows.rows + kRowsKept) {
    base_.reset();
    trim(first_pinned);
  }
}

void ViewHistory::rebase(uint64_t turn, std::shared_ptr<const ViewContent> content,
                         uint64_t first_pinned) {
  if (base_ != nullptr && turn > base_turn_) {
    base_ = std::move(content);
    base_turn_ = turn;
    trim(first_pinned);
  }
}

void ViewHistory::trim(uint64_t first_pinned) {
  uint64_t keep_after = std::min(first_pinned, base_ != nullptr ? base_turn_ : UINT64_MAX);
  while (!changes_.empty() && changes_.front().turn <= keep_after) {
    held_rows_ -= changes_.front().rows->rows.rows;
    changes_.pop_front();
  }
}

}  // namespace tidemark
