#pragma once
// ORDER BY ... LIMIT/OFFSET: the rows at places [offset, offset + limit) of the ordered input. All
// rows are kept in order, or, if rows only come, those up to the window's end. Where the window
// begins and ends is known by places (state/places.h): a step costs its changes and the rows that
// come into the window or leave it.

#include <limits>
#include <string>

#include "dataflow/operator.h"
#include "state/ordered_table.h"
#include "state/places.h"
#include "types/key_codec.h"

namespace tidemark {

class TopNOperator final : public Operator {
 public:
  static constexpr uint64_t kNoLimit = std::numeric_limits<uint64_t>::max();
  // is_insert_only: there is a limit, and no row is ever taken back.
  TopNOperator(std::vector<Type> types, std::vector<SortKey> order, uint64_t offset, uint64_t limit,
               bool is_insert_only = false);

  std::string name() const override;
  Status step(StepContext& context, std::span<const Delta> in, Delta& out) override;
  void visit_state(const StateVisitor& visit) override { visit(rows_); }

 private:
  enum Place : size_t { kFirst, kEnd };
  bool has_end() const { return numbers_.size() > kEnd; }
  void append_key(const RowBatch& rows, size_t row, std::string& key) const;
  void append_row(std::string_view key, std::vector<Column>& columns) const;
  // From the first row on: what was emitted follows from rows_.
  void find_window();
  // Copies of a key that are inside, of so many.
  int64_t copies_inside(const Places& window, std::string_view key, int64_t copies) const;
  // What there is to take in of these rows, in order, each key once.
  std::vector<KeyChange> changes_of(const ZBatch& batch, size_t first, size_t last) const;
  // Takes the rows in, and adds what comes into the window or leaves it.
  void apply(const ZBatch& batch, size_t first, size_t last, std::vector<Column>& columns,
             std::vector<int64_t>& weights);
  // Rows behind the window, which can no longer come into it. The first of them stays: it tells
  // what need not be taken in.
  void drop_surplus();

  std::vector<SortKey> order_;
  std::vector<int64_t> numbers_;  // of the window's places: its end only if there is a limit
  bool is_insert_only_;
  Schema schema_;
  OrderedTable rows_;  // sort key, then the whole row -> weight
  Places window_;
  bool is_window_known_ = false;
};

}  // namespace tidemark
