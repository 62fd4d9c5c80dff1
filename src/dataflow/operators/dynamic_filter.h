#pragma once
// Rows whose column compares with a value that changes: column < bound, where the bound is the only
// column of the second input, which has at most one row. No row there, or NULL, keeps nothing.
//
// The rows are kept in the order of the column. When the bound moves, those between its old and its
// new place come or go, and no others are touched:
//
//   column > bound     . . . . . |old . . . |new . . . . .
//                                 └ go ────┘
//
// Values are ordered as they are compared: by their order-preserving bytes (NaN above all numbers,
// text by bytes). A row whose column is NULL can never pass, and is not kept.

#include <string>
#include <vector>

#include "dataflow/operator.h"
#include "expr/bound.h"
#include "state/ordered_table.h"

namespace tidemark {

class DynamicFilterOperator final : public Operator {
 public:
  DynamicFilterOperator(const std::vector<Type>& types, size_t column, BoundKind kind);

  std::string name() const override;
  Status step(StepContext& context, std::span<const Delta> in, Delta& out) override;
  void visit_state(const StateVisitor& visit) override;

 private:
  // The keys in [from, to).
  struct Range {
    std::string from;
    std::string to;
    bool is_empty() const { return from >= to; }
    bool holds(std::string_view key) const { return key >= from && key < to; }
    bool operator==(const Range&) const = default;
  };
  Range passing() const;
  void move(const Range& before, const Range& now, Delta& out);
  void emit(std::string_view from, std::string_view to, int64_t sign, Delta& out) const;
  void take_rows(const ZBatch& batch, const Range& range, Delta& out);

  Schema schema_;
  size_t column_;
  BoundKind kind_;
  OrderedTable rows_;    // the column, then the whole row -> weight
  OrderedTable bounds_;  // the bound -> 1
};

}  // namespace tidemark
