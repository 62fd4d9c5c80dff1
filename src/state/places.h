#pragma once
// Places in a run of an ordered table: numbered copies of the keys that begin with one prefix, each
// key as often as its weight (or once). A place knows its key and how many copies come before it,
// so that it is found again after a change without counting from the run's first key:
//
//   keys      a   b      c      d
//   weights   1   3      2      1
//   copies    0   1 2 3  4 5    6       place 3: key b, 1 copy before it, offset 2
//
// A change costs each place a comparison; a place that moves, the keys in between. What is kept
// follows from the table, and is in memory only.
//
// Thread rule: that of the table.

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "state/ordered_table.h"
#include "types/key_codec.h"

namespace tidemark {

// A key, and how many copies of it there were and are.
struct KeyCopies {
  std::string key;
  int64_t before;
  int64_t now;
};

// Copies of a key by its weight, which can be below 0 for the moment (a retraction that came before
// its row).
inline int64_t copies_of(int64_t weight) {
  return std::max<int64_t>(weight, 0);
}

class Places {
 public:
  struct Place {
    std::string key;
    int64_t before = 0;   // copies of the run's keys before this one
    int64_t offset = 0;   // among the key's copies
    bool is_end = false;  // behind the run's last key, in the key's stead

    bool is_behind(std::string_view other) const { return is_end || other < key; }
    bool is_behind(const Place& other) const { return !other.is_end && is_behind(other.key); }
    // Of so many copies of a key, those before the place.
    int64_t copies_before(std::string_view other, int64_t copies) const {
      return is_behind(other) ? copies : other == key ? std::min(offset, copies) : 0;
    }
  };

  // `prefix`: the run's. All places are its first, whatever the table has.
  Places(std::string prefix, size_t count)
      : prefix_(std::move(prefix)), places_(count, Place{prefix_}) {}

  const Place& operator[](size_t place) const { return places_[place]; }
  std::span<const Place> all() const { return places_; }
  std::string_view prefix() const { return prefix_; }

  // What has changed in the table, in the order of the keys.
  void note(std::span<const KeyCopies> changes);

  // Moves a place to the copy with this number, or to the end if there are not so many.
  // copies(weight): of a key. passed(key, copies) is called for the keys from where it was to where
  // it comes to, both included as far as the table has them; not if it stays.
  template <typename Copies, typename Passed>
  void move(const OrderedTable& table, size_t place, int64_t number, Copies&& copies,
            Passed&& passed);

  // Notes the changes and moves every place to the copy with its number; the numbers ascend.
  // Returns, in order, all keys of which copies may lie between other places than before: those
  // that changed, and those that a place has passed.
  std::vector<KeyCopies> follow(const OrderedTable& table, std::vector<KeyCopies> changes,
                                std::span<const int64_t> numbers);

 private:
  bool is_within(const OrderedTable::Scan& scan) const {
    return scan.valid() && scan.key().starts_with(prefix_);
  }
  std::string end() const { return prefix_.empty() ? "\xFF" : end_of_prefix(prefix_); }

  std::string prefix_;
  std::vector<Place> places_;
};

template <typename Copies, typename Passed>
void Places::move(const OrderedTable& table, size_t place, int64_t number, Copies&& copies,
                  Passed&& passed) {
  Place& at = places_[place];
  if (number < at.before) {
    // The key itself: its copies are all behind the place from now on.
    OrderedTable::Scan here = table.forward(at.is_end ? end() : at.key);
    if (!at.is_end && is_within(here) && here.key() == at.key) {
      passed(here.key(), copies(here.weight()));
    }
    OrderedTable::Scan scan = table.backward(at.is_end ? end() : at.key);
    at.is_end = false;
    for (; is_within(scan) && number < at.before; scan.next()) {
      int64_t found = copies(scan.weight());
      passed(scan.key(), found);
      at.before -= found;
      at.key = scan.key();
    }
    at.offset = number - at.before;
    return;
  }
  if (at.is_end) {
    return;
  }
  OrderedTable::Scan scan = table.forward(at.key);
  for (; is_within(scan); scan.next()) {
    int64_t found = copies(scan.weight());
    bool is_here = number < at.before + found;
    if (is_here && scan.key() == at.key && number == at.before + at.offset) {
      return;
    }
    passed(scan.key(), found);
    if (is_here) {
      at.key = scan.key();
      at.offset = number - at.before;
      return;
    }
    at.before += found;
  }
  at = {.key = {}, .before = at.before, .offset = 0, .is_end = true};
}

}  // namespace tidemark
