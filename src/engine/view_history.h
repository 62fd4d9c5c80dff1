#pragma once
// What a view showed at the ends of turns of the step loop, for those who read it off the step
// thread: a whole content, and the changes since. Batches are immutable and shared with readers, so
// a read of a view that nobody has changed copies nothing.
//
//   base: content at turn b ──► changes of turn b+1 ──► ... ──► now
//                               └─ levels: the same, added up ─┘
//
// A read of what is there now takes the levels: few and indexed, each of about twice the rows of
// the next, so that a change is added up log n times and a look-up asks log n of them.
//
// It begins with the first read and is let go when more has changed than it holds, unless somebody
// has read meanwhile. A pin (a transaction block) keeps all changes since its turn: the content at
// the pin is then what is there now, less those changes. Costs nothing for a view that is not read.
//
// Thread rule: the step thread, but for what ViewRead and ReadPin say.

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <vector>

#include "catalog/catalog.h"
#include "engine/view_content.h"
#include "types/lsn.h"
#include "zset/zset.h"

namespace tidemark {

// A view's content at a mark: the sum of the base and the changes. Immutable once it is handed out;
// any thread.
struct ViewRead {
  std::shared_ptr<const ViewContent> base;                  // shared: immutable
  std::vector<std::shared_ptr<const ViewContent>> changes;  // shared: immutable
  size_t changed_rows = 0;                                  // since the base, as they came
  ObjectId object = 0;
  uint64_t revision = 0;           // of the view's definition
  bool is_of_point = false;        // of the content it has only the rows of one point read
  bool is_of_only_source = false;  // there is no other: its mark can be held against any LSN
  uint64_t turn = 0;
  Lsn mark;
  int64_t commit_time_us = 0;
  int64_t published_us = 0;

  // So much has changed that a new base pays: each changed row is added up about twice.
  bool wants_adding_up() const {
    return changed_rows > std::max(kChangedRowsKept, base->rows().rows.rows / 2);
  }
  static constexpr size_t kChangedRowsKept = 4096;
};

// Keeps the changes of all views since a turn. Held by a session; the step loop forgets it when
// nobody does. Its fields are set before it is handed out and do not change.
struct ReadPin {
  struct Mark {
    Lsn mark;
    int64_t commit_time_us = 0;
    int64_t published_us = 0;
  };
  uint64_t turn = 0;
  std::map<uint64_t, Mark> marks;  // of the views (by object) that were live
};

class ViewHistory {
 public:
  // What a publication in `turn` has changed. first_pinned: the lowest pinned turn, or UINT64_MAX.
  void add(uint64_t turn, const ZBatch& changes, uint64_t first_pinned);
  // Fills in the content at the end of read.turn, which is pinned or the last one. `content` copies
  // it as it is now.
  template <typename Content>
  void read(ViewRead& read, uint64_t now, Content content);
  // The content at the end of the turn is to be asked for.
  bool needs_content(uint64_t turn) const { return base_ == nullptr || base_turn_ > turn; }
  // Adds the changes since read.turn, negated: the read's base is of now.
  void take_back_later(ViewRead& read) const;
  // A reader has added up what it was given at `turn`.
  void rebase(uint64_t turn, std::shared_ptr<const ViewContent> content, uint64_t first_pinned);
  // Lets go of what only later reads would use.
  void trim(uint64_t first_pinned);
  // Lets go of the base: the next reader makes another.
  void drop_base(uint64_t first_pinned) {
    drop_base();
    trim(first_pinned);
  }
  const std::shared_ptr<const ViewContent>& base() const { return base_; }
  size_t held_rows() const { return held_rows_; }
  size_t changed_rows() const { return changed_rows_; }  // since the base

 private:
  struct Change {
    uint64_t turn;
    std::shared_ptr<const ViewContent> rows;
  };
  void add_to_levels(std::shared_ptr<const ViewContent> rows);
  void drop_base();

  std::shared_ptr<const ViewContent> base_;  // null: nobody has read, or not for long
  uint64_t base_turn_ = 0;
  std::deque<Change> changes_;  // later than the base, or than the first pin
  size_t held_rows_ = 0;        // of changes_
  std::vector<std::shared_ptr<const ViewContent>> levels_;  // all changes since the base
  size_t changed_rows_ = 0;                                 // of them, as they came
};

std::shared_ptr<const ViewContent> shared_negated(const ViewContent& content);

template <typename Content>
void ViewHistory::read(ViewRead& read, uint64_t now, Content content) {
  if (base_ == nullptr && read.turn == now) {
    base_ = std::make_shared<const ViewContent>(content());
    base_turn_ = now;
  }
  if (base_ != nullptr && read.turn == now) {
    read.base = base_;
    read.changes = levels_;
    read.changed_rows = changed_rows_;
    return;
  }
  if (base_ != nullptr && base_turn_ <= read.turn) {
    read.base = base_;
    for (const Change& change : changes_) {
      if (change.turn > base_turn_ && change.turn <= read.turn) {
        read.changes.push_back(change.rows);
        read.changed_rows += change.rows->rows().rows.rows;
      }
    }
    return;
  }
  read.base = std::make_shared<const ViewContent>(content());
  take_back_later(read);
}

}  // namespace tidemark
