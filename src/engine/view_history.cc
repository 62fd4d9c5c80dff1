#include "engine/view_history.h"

#include "zset/consolidate.h"

namespace tidemark {

namespace {

// Below this, a base that nobody reads is not worth letting go.
constexpr size_t kRowsKept = 8192;
// Of one level: keeps adding two up under some milliseconds.
constexpr size_t kLevelRowsMax = 65536;

size_t rows_of(const std::shared_ptr<const ViewContent>& content) {
  return content->rows().rows.rows;
}

}  // namespace

std::shared_ptr<const ViewContent> shared_negated(const ViewContent& content) {
  return std::make_shared<const ViewContent>(negated(content.rows()));
}

void ViewHistory::take_back_later(ViewRead& read) const {
  for (auto change = changes_.rbegin(); change != changes_.rend() && change->turn > read.turn;
       ++change) {
    read.changes.push_back(shared_negated(*change->rows));
    read.changed_rows += rows_of(change->rows);
  }
}

void ViewHistory::add(uint64_t turn, const ZBatch& changes, uint64_t first_pinned) {
  if (changes.rows.rows == 0 || (base_ == nullptr && first_pinned == UINT64_MAX)) {
    return;
  }
  changes_.push_back({turn, std::make_shared<const ViewContent>(owned(changes))});
  held_rows_ += changes.rows.rows;
  if (base_ == nullptr) {
    return;
  }
  if (held_rows_ > base_->rows().rows.rows + kRowsKept) {
    drop_base();
    trim(first_pinned);
    return;
  }
  add_to_levels(changes_.back().rows);
}

void ViewHistory::add_to_levels(std::shared_ptr<const ViewContent> rows) {
  changed_rows_ += rows_of(rows);
  levels_.push_back(std::move(rows));
  while (levels_.size() > 1) {
    const auto& last = levels_.back();
    const auto& before = levels_[levels_.size() - 2];
    bool is_level =
        rows_of(before) > 2 * rows_of(last) || rows_of(before) + rows_of(last) > kLevelRowsMax;
    if (is_level) {
      break;
    }
    ZBatch both[] = {before->rows(), last->rows()};
    ZBatch sum = consolidate(both);
    levels_.pop_back();
    levels_.pop_back();
    if (sum.rows.rows == 0) {  // the changes have taken each other back
      return;
    }
    levels_.push_back(std::make_shared<const ViewContent>(std::move(sum)));
  }
  if (rows_of(levels_.back()) > ViewContent::kLookedAtMax) {
    levels_.back()->make_indexes_of(*base_);
  }
}

void ViewHistory::rebase(uint64_t turn, std::shared_ptr<const ViewContent> content,
                         uint64_t first_pinned) {
  if (base_ == nullptr || turn <= base_turn_) {
    return;
  }
  drop_base();
  base_ = std::move(content);
  base_turn_ = turn;
  trim(first_pinned);
  for (const Change& change : changes_) {
    if (change.turn > base_turn_) {
      add_to_levels(change.rows);
    }
  }
}

void ViewHistory::drop_base() {
  base_.reset();
  levels_.clear();
  changed_rows_ = 0;
}

void ViewHistory::trim(uint64_t first_pinned) {
  uint64_t keep_after = std::min(first_pinned, base_ != nullptr ? base_turn_ : UINT64_MAX);
  while (!changes_.empty() && changes_.front().turn <= keep_after) {
    held_rows_ -= rows_of(changes_.front().rows);
    changes_.pop_front();
  }
}

}  // namespace tidemark
