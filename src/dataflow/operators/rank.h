#pragma once
// The first rows of each partition by order, with or without their numbers: LIMIT inside a
// correlated subquery, ROW_NUMBER, RANK and DENSE_RANK (with a bound: the top n of each partition).
//
// All rows are kept in order. A step costs its changes, and for each partition that it touches one
// pass over the rows up to the bound, before and after.

#include <limits>
#include <string>

#include <absl/container/btree_map.h>

#include "dataflow/operator.h"
#include "state/keyed_table.h"
#include "types/key_codec.h"

namespace tidemark {

enum class RankFunction : uint8_t { kRowNumber, kRank, kDenseRank };

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
  RankOperator(std::vector<Type> types, RankSpec spec);

  std::string name() const override;
  Status step(StepContext& context, std::span<const Delta> in, Delta& out) override;
  void visit_state(const StateVisitor& visit) override { visit(rows_); }
  size_t state_bytes() const override { return rows_.held_bytes() + ordered_bytes_; }

 private:
  struct Place {
    uint32_t id;
    uint32_t sort_bytes;  // of the key: partition and sort columns
  };
  void key_of(std::span<const Column* const> columns, size_t row, size_t& sort_bytes,
              std::string& key) const;
  void apply(const ZBatch& batch);
  // Adds the partition's shown rows to `shown`, with this sign.
  void show(const std::string& partition, int64_t sign, std::vector<Column>& shown,
            std::vector<int64_t>& weights) const;

  RankSpec spec_;
  KeyedTable rows_;                              // whole rows -> weight
  absl::btree_map<std::string, Place> ordered_;  // partition, sort columns, whole row
  size_t ordered_bytes_ = 0;
  Schema schema_;
  std::vector<uint64_t> hashes_;
};

}  // namespace tidemark
