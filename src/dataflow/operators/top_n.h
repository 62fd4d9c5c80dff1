#pragma once
// ORDER BY ... LIMIT/OFFSET: the rows at places [offset, offset + limit) of the ordered input. All
// rows are kept in order; a step costs its changes and one pass over the window's rows.

#include <limits>
#include <string>

#include "dataflow/operator.h"
#include "state/keyed_table.h"
#include "state/ordered_table.h"
#include "types/key_codec.h"

namespace tidemark {

class TopNOperator final : public Operator {
 public:
  static constexpr uint64_t kNoLimit = std::numeric_limits<uint64_t>::max();
  TopNOperator(std::vector<Type> types, std::vector<SortKey> order, uint64_t offset,
               uint64_t limit);

  std::string name() const override;
  Status step(StepContext& context, std::span<const Delta> in, Delta& out) override;
  void visit_state(const StateVisitor& visit) override { visit(rows_); }

 private:
  void apply(const ZBatch& batch);
  // The rows of the window, each once, with how many copies of it are in it.
  ZBatch read_window() const;

  std::vector<SortKey> order_;
  uint64_t offset_;
  uint64_t limit_;
  Schema schema_;
  OrderedTable rows_;            // sort key, then the whole row -> weight
  bool is_shown_known_ = false;  // false at the start: what was emitted follows from rows_
  ZBatch shown_;                 // what was emitted
};

}  // namespace tidemark
