#pragma once
// What views show now, for those who look up rows without asking the step thread. A view is here
// from the turn on after somebody has read it, and as long as it can be read.
//
// All views change together, at the end of a turn, before anybody is told of what the turn has
// published: whoever has been told of a mark finds it here, and what is found here never goes back.
//
// Thread rule: find() from any thread; the rest is the step thread's.

#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "catalog/catalog.h"
#include "engine/view_history.h"

namespace tidemark {

class PublishedViews {
 public:
  using Shown = std::shared_ptr<const ViewRead>;  // shared: immutable

  // Null: the view shows nothing, or nobody has read it for long.
  Shown find(ObjectId view) const {
    std::lock_guard lock(mutex_);
    auto found = shown_.find(view);
    return found == shown_.end() ? nullptr : found->second;
  }
  // A null pointer takes the view away.
  void replace(const std::vector<std::pair<ObjectId, Shown>>& views) {
    std::vector<Shown> old;  // let go after the lock
    std::lock_guard lock(mutex_);
    for (const auto& [view, shown] : views) {
      if (shown != nullptr) {
        Shown& place = shown_[view];
        old.push_back(std::exchange(place, shown));
      } else if (auto found = shown_.find(view); found != shown_.end()) {
        old.push_back(std::move(found->second));
        shown_.erase(found);
      }
    }
  }
  void remove(ObjectId view) { replace({{view, nullptr}}); }

 private:
  mutable std::mutex mutex_;  // guards shown_
  std::unordered_map<ObjectId, Shown> shown_;
};

}  // namespace tidemark
