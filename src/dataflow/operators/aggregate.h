#pragma once
// GROUP BY (and, without functions, DISTINCT): one accumulator row a group. Each step retracts the
// old result rows of the groups it touched and inserts the new ones; groups whose result stays the
// same are silent. Without group columns there is always exactly one row.
//
// Functions do not know of each other: of a large batch each takes its share on a thread of its own
// (docs/decisions/0037).

#include <memory>
#include <vector>

#include "dataflow/operators/accumulator.h"
#include "dataflow/operators/distinct_values.h"
#include "dataflow/operators/holding.h"
#include "state/scalar.h"

namespace tidemark {

class AggregateOperator final : public HoldingOperator, private EntryExtension {
 public:
  // Output columns: the group columns, then one per aggregate.
  AggregateOperator(std::vector<size_t> group_columns, std::vector<Type> group_types,
                    std::vector<AggregateSpec> specs);

  std::string name() const override;
  Status step(StepContext& context, std::span<const Delta> in, Delta& out) override;
  void visit_state(const StateVisitor& visit) override;
  Delta content() override;
  size_t content_bytes() override;

 private:
  // At the front of each group's fixed bytes.
  struct Header {
    int64_t rows;
    uint32_t touched;  // 1 + index into touched_, 0: not in this step
    uint8_t emitted;   // a result row stands downstream
    uint8_t failed;    // an error stands in errors()
  };
  static_assert(sizeof(Header) == 16);
  // The DISTINCT functions over one column.
  struct Distinct {
    std::vector<size_t> functions;  // of specs_
    std::unique_ptr<DistinctValues> values;
  };
  // Any other function, with those that read the values it keeps, and what it reads of a batch.
  struct Plain {
    std::vector<size_t> functions;      // of specs_
    std::vector<const Column*> inputs;  // scratch
    std::vector<int64_t> weights;       // likewise
  };

  static std::vector<Distinct> make_distincts(const std::vector<AggregateSpec>& specs);
  static std::vector<Plain> make_plains(const std::vector<AggregateSpec>& specs);
  // Gives every part its place in a group's fixed bytes, and returns how many there are.
  size_t lay_out();

  void reset(Delta& out);
  // Who shares the work on so many rows; null: nobody.
  Workers* sharers(size_t rows);
  void apply(const ZBatch& batch);
  void apply_plain(const ZBatch& batch, Plain& plain);
  void apply_distinct(const ZBatch& batch, const Distinct& distinct);
  // What each row counts for a function: null if all count 1. `kept` may hold it.
  static const int64_t* weights_of(const AggregateSpec& spec, const ZBatch& batch,
                                   std::vector<int64_t>& kept);
  void touch(std::span<const uint32_t> ids, const int64_t* weights);
  void emit(Delta& out);
  void finish_groups(std::span<const uint32_t> ids, std::vector<Column>& columns,
                     std::vector<RowError>& errors);
  void make_global_group();
  // EntryExtension: what the accumulators keep beside the groups' bytes.
  void append(const KeyedTable& table, uint32_t id, std::string& out) const override;
  void read(KeyedTable& table, uint32_t id, ByteReader& in) override;
  void release(KeyedTable& table, uint32_t id) override;

  std::vector<size_t> group_columns_;
  std::vector<AggregateSpec> specs_;
  Schema result_schema_;
  std::vector<std::unique_ptr<Accumulator>> accumulators_;
  std::vector<Distinct> distincts_;
  std::vector<Plain> plains_;
  bool keeps_beside_ = false;    // some function keeps what is not in the groups' bytes
  bool is_insert_only_ = false;  // likewise relies on it that no row is taken back
  KeyedTable groups_;
  Scalar<uint8_t> started_;  // 1: the global group's first row has been emitted

  // Groups touched in this step, and the result rows that they had before.
  std::vector<uint32_t> touched_;
  std::vector<uint32_t> old_group_;  // per row of old_
  std::vector<Column> old_;

  std::vector<uint32_t> ids_;
  Workers* workers_ = nullptr;  // of this step
};

}  // namespace tidemark
