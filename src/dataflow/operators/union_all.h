#pragma once
// UNION ALL: the sum of its inputs. Each input's rows are kept, so that one that is reset
// (TRUNCATE, a source that begins anew) can be taken out of the sum.

#include "dataflow/operator.h"
#include "state/keyed_table.h"

namespace tidemark {

class UnionOperator final : public Operator {
 public:
  // is_insert_only: no row is ever taken back, not even of an input that is reset: all are reset
  // then, and the rows of the others come again.
  UnionOperator(const std::vector<Type>& types, size_t inputs, bool is_insert_only);

  std::string name() const override { return "Union"; }
  Status step(StepContext& context, std::span<const Delta> in, Delta& out) override;
  void visit_state(const StateVisitor& visit) override {
    for (KeyedTable& rows : inputs_) {
      visit(rows);
    }
  }

 private:
  void keep(KeyedTable& rows, const ZBatch& batch);
  void reset_all(std::span<const Delta> in, Delta& out);

  std::vector<KeyedTable> inputs_;  // whole rows -> weight
  bool is_insert_only_;
  std::vector<uint64_t> hashes_;
  std::vector<uint32_t> ids_;
};

}  // namespace tidemark
