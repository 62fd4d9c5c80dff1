#pragma once
// The first rows of each partition by order, with or without their numbers: LIMIT inside a
// correlated subquery, ROW_NUMBER, RANK and DENSE_RANK (with a bound: the top n of each partition).
//
// All rows are kept, each partition's in order; of rows that only come, those up to a bound of
// ROW_NUMBER. A step costs its changes, and for each partition
// that it touches a look at the rows up to the bound, before and after; columns are read only of
// rows that come, go or change their number.

#include <limits>
#include <string>

#include "dataflow/operator.h"
#include "expr/rank.h"
#include "state/sorted_arrangement.h"

namespace tidemark {

struct RankSpec {
  std::vector<size_t> partition;
  std::vector<SortKey> order;
  RankFunction function = RankFunction::kRowNumber;
  uint64_t offset = 0;                                   // numbers up to this are left out
  uint64_t last = std::numeric_limits<uint64_t>::max();  // and those above this
  bool with_number = false;                              // as a BIGINT column behind the input's
  bool insert_only = false;  // ROW_NUMBER up to `last`, and no row is ever taken back
};

class RankOperator final : public Operator {
 public:
  RankOperator(const std::vector<Type>& types, RankSpec spec);

  std::string name() const override;
  Status step(StepContext& context, std::span<const Delta> in, Delta& out) override;
  void visit_state(const StateVisitor& visit) override { visit(rows_.rows()); }

 private:
  // A row of the result: one of the state's, so many times, with a number (0: without).
  struct Shown {
    uint32_t row;
    int64_t number;
    int64_t copies;
    bool operator==(const Shown&) const = default;
  };

  // Remembers what is shown of the groups that this step touches for the first time.
  void touch(std::span<const uint32_t> groups);
  // Of rows that only come: those that can be shown. `groups` are theirs then.
  ZBatch best_of(const ZBatch& arranged, std::vector<uint32_t>& groups) const;
  // Leaves of the batch's rows, whose groups these are, the first `last` of each group.
  void leave_first(const RowBatch& batch, std::span<const uint32_t> groups,
                   std::vector<uint32_t>& rows) const;
  void drop_surplus(uint32_t group);
  void show(uint32_t group, std::vector<Shown>& shown) const;
  // Adds to changes_ what is shown now less what was shown before.
  void compare(std::span<const Shown> before, std::span<const Shown> after);
  void emit(Delta& out);

  RankSpec spec_;
  Schema output_;
  std::vector<size_t> arranged_;  // for each arranged column that of the input
  SortedArrangement rows_;

  // This step's.
  std::vector<uint32_t> touched_;
  std::vector<size_t> before_from_;  // of each touched group, in before_
  std::vector<Shown> before_;
  std::vector<Shown> changes_;
  std::vector<uint32_t> surplus_;  // scratch
};

}  // namespace tidemark
