#pragma once
// INTERSECT and EXCEPT over whole rows: how often a row is there follows from how often each input
// has it.
//
//                 DISTINCT                    ALL
//   INTERSECT     1 if both have it           the smaller number
//   EXCEPT        1 if only the left has it   left less right, not below 0

#include "dataflow/operator.h"
#include "state/keyed_table.h"

namespace tidemark {

class SetDifferenceOperator final : public Operator {
 public:
  SetDifferenceOperator(const std::vector<Type>& types, bool intersect, bool all);

  std::string name() const override;
  Status step(StepContext& context, std::span<const Delta> in, Delta& out) override;
  void visit_state(const StateVisitor& visit) override { visit(rows_); }

 private:
  struct Counts {
    int64_t sides[2];
  };
  int64_t shown(const Counts& counts) const;
  void apply(const ZBatch& batch, size_t side, Delta& out);
  // Takes one side out of all rows.
  void reset_side(size_t side, Delta& out);

  bool intersect_;
  bool all_;
  KeyedTable rows_;
  std::vector<uint64_t> hashes_;
};

}  // namespace tidemark
