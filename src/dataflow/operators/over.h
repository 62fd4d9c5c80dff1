#pragma once
// Window functions over the rows of a partition in order: every input row with the values of the
// calls behind it.
//
// All rows are kept in order. A changed row changes the values of the rows whose frames can hold
// it; these stretches are computed before and after, and their difference is given out. Where all
// frames are bounded, a change costs the rows within their reach; where one is not, it costs the
// partition on that side, but for running aggregates (over_running.h) and NTILE (over_tiles.h).

#include <string>

#include "dataflow/operator.h"
#include "dataflow/operators/over_functions.h"
#include "dataflow/operators/over_keys.h"
#include "dataflow/operators/over_running.h"
#include "dataflow/operators/over_tiles.h"
#include "state/ordered_table.h"

namespace tidemark {

class OverOperator final : public Operator {
 public:
  // Output: the input's columns, then a column for each call.
  OverOperator(const std::vector<Type>& types, OverSpec spec);

  std::string name() const override;
  Status step(StepContext& context, std::span<const Delta> in, Delta& out) override;
  void visit_state(const StateVisitor& visit) override { visit(rows_); }

 private:
  enum class Direction : uint8_t { kBefore, kAfter };
  // How far a call looks in one direction.
  struct Reach {
    bool is_all = false;
    WindowUnit unit = WindowUnit::kRows;
    WindowBound bound;              // signed as in the frame
    std::optional<size_t> counted;  // of rows: only those with a value in this column
  };
  // All of a partition's keys from first to last, both with them.
  struct Interval {
    std::string first;
    std::string last;
  };
  std::vector<KeyChange> changes_of(std::span<const ZBatch> batches) const;
  void apply(std::span<const KeyChange> changes, int64_t sign);
  // The rows that the changes (of one partition, in order) can have an effect on, added.
  void find_affected(std::span<const KeyChange> changes, std::vector<Interval>& affected) const;
  void step_partition(std::span<const KeyChange> changes, bool was_empty, OverOutput& output);
  void evaluate(const Interval& interval, int64_t sign, OverOutput& output);
  // The farthest key within reach of `from`, in its partition; not past `stop` (empty: no stop).
  std::string walk(const std::string& from, Direction direction, const std::vector<Reach>& reaches,
                   const std::string& stop) const;

  // Adds the row at the scan to those passed, and to `values` for each reach that counts them.
  void count_values(const OrderedTable::Scan& scan, const std::vector<Reach>& reaches,
                    std::vector<Column>& passed, std::vector<Int128>& values) const;
  std::string end_of(const std::string& partition, const std::string& from,
                     Direction direction) const;

  std::optional<OrderNumber> number_of(std::string_view key) const;

  OverSpec spec_;
  OverKeys keys_;
  std::unique_ptr<RunningWindow> running_;  // where it serves
  std::unique_ptr<TileWindow> tiles_;       // likewise
  Schema input_;
  Schema output_;
  OrderScale scale_;
  bool has_range_ = false;
  // Where a changed row has an effect, and what a row's value needs; by direction.
  std::vector<Reach> effect_[2];
  std::vector<Reach> need_[2];
  OrderedTable rows_;  // partition, sort columns, whole row -> weight
};

}  // namespace tidemark
