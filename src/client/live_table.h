#pragma once
// The content of a live query as a list of rows that keep their places: changes are applied as they
// come, and become the list at the end of their update.
//
// Laws: after commit(), the rows are exactly the multiset that the changes so far add up to. A row
// that is updated keeps its place, unless the wanted order moves it; a new row goes to the end, or
// to its ordered place; equal places are in order of arrival.
//
// Rows are matched by key when one is known, else by all their values (the last equal row goes
// first, and an update takes the place of the row that it replaces).

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "client/answer.h"
#include "types/column.h"

namespace tidemark {

class LiveTable {
 public:
  struct Entry {
    Row cells;
    std::vector<int64_t> changed_us;  // when each cell last changed; empty: never
    std::string sort_key;
    uint64_t arrival = 0;
    bool alive = true;
    bool placed = false;  // in the list, at the place that its sort key asks for
  };

  // Rows past rows_max are dropped from the front; 0: no limit.
  LiveTable(const AnswerHead& head, size_t rows_max);

  // One change; now_us marks the cells that differ.
  void apply(RowKind op, Row row, int64_t now_us);
  // The update is complete.
  void commit();

  size_t size() const { return order_.size(); }
  const Entry& entry(size_t position) const { return *order_[position]; }
  uint64_t dropped() const { return dropped_; }
  // When the newest change was applied; 0: none since the first content.
  int64_t last_change_us() const { return last_change_us_; }

 private:
  using Bucket = std::vector<std::unique_ptr<Entry>>;
  void insert(RowKind op, Row row, int64_t now_us);
  void retract(RowKind op, const Row& row);
  void replace(Entry& entry, Row row, int64_t now_us);
  // The alive entry that was added last; null: none.
  Entry* newest_alive(const std::string& identity);
  std::unique_ptr<Entry> take(Entry& entry);
  std::string identity_of(const Row& row) const;
  std::string sort_key_of(const Row& row);
  void place_new();
  void trim();

  AnswerHead head_;
  size_t rows_max_;
  // All rows with one identity, oldest first. With a key there is one, alive or not.
  std::unordered_map<std::string, Bucket> rows_;
  std::vector<Entry*> order_;     // as of the last commit, but for the cells
  std::vector<Entry*> unplaced_;  // new in this update, or to be moved by it
  std::vector<Entry*> dead_;      // taken out by this update; some have come back since
  Entry* replaced_ = nullptr;     // what a -U just took out; the +U that follows takes its place
  std::vector<Column> scratch_;   // one a sort key
  bool committed_ = false;
  uint64_t arrivals_ = 0;
  uint64_t dropped_ = 0;
  int64_t last_change_us_ = 0;
};

}  // namespace tidemark
