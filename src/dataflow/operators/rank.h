#pragma once
// The first rows of each partition by order, with or without their numbers: LIMIT inside a
// correlated subquery, ROW_NUMBER, RANK and DENSE_RANK (with a bound: the top n of each partition).
//
// All rows are kept in order. A step costs its changes, and for each partition that it touches one
// pass over the rows up to the bound, before and after.

#include <limits>
#include <string>

#include "dataflow/operator.h"
#include "expr/rank.h"
#include "state/ordered_table.h"
#include "types/key_codec.h"

namespace tidemark {

struct RankSpec {
  std::vector<size_t> partition;
  std::vector<SortKey> order;
  RankFunction function = RankFunction::kRowNumber;
  uint64_t offset = 0;                                   // numbers up to this are left out
  uint64_t last = std::numeric_limits<uint64_t>::max();  // and those above this
  bool with_number = false;                              // as a BIGINT column behind the input's
};

class RankOperator final : public Operator {
 public:
  RankOperator(const std::vector<Type>& types, RankSpec spec);

  std::string name() const override;
  Status step(StepContext& context, std::span<const Delta> in, Delta& out) override;
  void visit_state(const StateVisitor& visit) override { visit(rows_); }

 private:
  void apply(const ZBatch& batch);
  // Adds the partition's shown rows to `shown`, with this sign.
  void show(const std::string& partition, int64_t sign, std::vector<Column>& shown,
            std::vector<int64_t>& weights) const;
  // Reads a key: the length of its partition and sort columns, and its row into `row`.
  size_t read_key(std::string_view key, std::vector<Column>& row) const;

  RankSpec spec_;
  Schema input_;
  Schema output_;
  OrderedTable rows_;  // partition, sort columns, whole row -> weight
};

}  // namespace tidemark
