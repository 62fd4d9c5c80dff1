#pragma once
// The end of a view's graph: its content, and what the steps since the last publication changed in
// it.

#include "dataflow/operator.h"
#include "state/keyed_table.h"
#include "state/scalar.h"

namespace tidemark {

class OutputOperator final : public Operator {
 public:
  explicit OutputOperator(Schema schema);

  std::string name() const override { return "Output"; }
  // Gathers changes; they become part of the content at publish().
  Status step(StepContext& context, std::span<const Delta> in, Delta& out) override;
  void visit_state(const StateVisitor& visit) override {
    visit(rows_);
    visit(pending_);
    visit(reset_pending_);
  }

  // Makes everything gathered visible and returns it, consolidated: rows that came and went since
  // the last publication are not in it.
  ZBatch publish();
  // The published content, each row once with its weight.
  ZBatch content();
  size_t row_count() const { return rows_.size(); }
  const Schema& schema() const { return schema_; }
  // A row with negative weight stands in the content: the source or an operator is at fault.
  bool has_negative_rows() const { return negative_rows_ != 0; }

 private:
  Schema schema_;
  KeyedTable rows_;     // whole rows -> weight
  KeyedTable pending_;  // whole rows -> change of weight
  Scalar<uint8_t> reset_pending_;
  size_t negative_rows_ = 0;
  std::vector<uint64_t> hashes_;
  std::vector<uint32_t> ids_;
};

}  // namespace tidemark
