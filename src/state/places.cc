#include "state/places.h"

namespace tidemark {

void Places::note(std::span<const KeyCopies> changes) {
  std::vector<int64_t> added = {0};  // by the changes before each
  for (const KeyCopies& change : changes) {
    added.push_back(added.back() + change.now - change.before);
  }
  for (Place& place : places_) {
    auto behind = place.is_end ? changes.end()
                               : std::ranges::lower_bound(changes, place.key, {}, &KeyCopies::key);
    place.before += added[static_cast<size_t>(behind - changes.begin())];
  }
}

std::vector<KeyCopies> Places::follow(const OrderedTable& table, std::vector<KeyCopies> changes,
                                      std::span<const int64_t> numbers) {
  note(changes);
  std::vector<KeyCopies> passed;
  auto pass = [&](std::string_view key, int64_t copies) {
    passed.push_back({std::string(key), copies, copies});
  };
  // A place that lies on another's way goes on from where that has come to: what is before it has
  // been passed.
  std::vector<size_t> back;
  for (size_t i = 0; i < places_.size(); ++i) {
    if (numbers[i] < places_[i].before) {
      back.push_back(i);
      continue;
    }
    if (i != 0 && places_[i - 1].is_behind(places_[i])) {
      places_[i] = places_[i - 1];
    }
    move(table, i, numbers[i], copies_of, pass);
  }
  for (; !back.empty(); back.pop_back()) {
    size_t i = back.back();
    if (i + 1 != places_.size() && places_[i].is_behind(places_[i + 1])) {
      places_[i] = places_[i + 1];
    }
    move(table, i, numbers[i], copies_of, pass);
  }
  std::vector<KeyCopies> all = std::move(changes);
  size_t changed = all.size();
  std::ranges::sort(passed, {}, &KeyCopies::key);
  for (KeyCopies& key : passed) {
    std::span<const KeyCopies> known(all.data(), changed);
    bool is_change = std::ranges::binary_search(known, key.key, {}, &KeyCopies::key);
    if (!is_change && (all.size() == changed || all.back().key != key.key)) {
      all.push_back(std::move(key));
    }
  }
  std::ranges::inplace_merge(all, all.begin() + static_cast<ptrdiff_t>(changed), {},
                             &KeyCopies::key);
  return all;
}

}  // namespace tidemark
