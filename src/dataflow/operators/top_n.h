#pragma once
// ORDER BY ... LIMIT/OFFSET: the rows at places [offset, offset + limit) of the ordered input. All
// rows are kept in order; a step costs its changes and one pass over the window's rows.

#include <limits>
#include <string>

#include <absl/container/btree_map.h>

#include "dataflow/operator.h"
#include "state/keyed_table.h"
#include "types/key_codec.h"

namespace tidemark {

class TopNOperator final : public Operator {
 public:
  static constexpr uint64_t kNoLimit = std::numeric_limits<uint64_t>::max();
  TopNOperator(std::vector<Type> types, std::vector<SortKey> order, uint64_t offset,
               uint64_t limit);

  std::string name() const override;
  Status step(StepContext& context, std::span<const Delta> in, Delta& out) override;
  size_t state_bytes() const override;

 private:
  void apply(const ZBatch& batch);
  // Row ids of the window, with how many copies of each are in it.
  std::vector<std::pair<uint32_t, int64_t>> window() const;

  std::vector<SortKey> order_;
  uint64_t offset_;
  uint64_t limit_;
  KeyedTable rows_;                                 // whole rows -> weight
  absl::btree_map<std::string, uint32_t> ordered_;  // sort key, then the whole row -> id
  Schema schema_;
  std::vector<Column> shown_;  // what was emitted, row by row
  std::vector<int64_t> shown_weights_;
  std::vector<uint64_t> hashes_;
};

}  // namespace tidemark
