#pragma once
// ORDER BY ... LIMIT/OFFSET: the rows at places [offset, offset + limit) of the ordered input. All
// rows are kept in order, or, if rows only come, those up to the window's end; a step costs its
// changes and one pass over the window's rows.

#include <limits>
#include <optional>
#include <string>

#include "dataflow/operator.h"
#include "state/keyed_table.h"
#include "state/ordered_table.h"
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
  void append_key(const RowBatch& rows, size_t row, std::string& key) const;
  void apply(const ZBatch& batch);
  void apply_best(const ZBatch& batch);
  // The rows of the window, each once, with how many copies of it are in it.
  ZBatch read_window() const;
  // Rows behind the window, which can no longer come into it.
  void drop_surplus();

  std::vector<SortKey> order_;
  uint64_t offset_;
  uint64_t limit_;
  bool is_insert_only_;
  // Of an insert-only input: the key that ended the window when it was looked at last, if it was
  // full, and so many keys at which it is looked at again.
  std::optional<std::string> last_;
  static constexpr size_t kKeptMin = 1024;
  size_t kept_max_ = kKeptMin;
  Schema schema_;
  OrderedTable rows_;            // sort key, then the whole row -> weight
  bool is_shown_known_ = false;  // false at the start: what was emitted follows from rows_
  ZBatch shown_;                 // what was emitted
};

}  // namespace tidemark
