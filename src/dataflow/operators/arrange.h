#pragma once
// Keeps a stream as an arrangement that several joins read, and passes its changes on to them with
// the columns arranged, rows that came and went within the step taken out.

#include "dataflow/operators/holding.h"
#include "state/arrangement.h"

namespace tidemark {

// An operator that looks rows up in what its inputs are arranged in.
class ArrangementReader {
 public:
  virtual ~ArrangementReader() = default;
  // Of each input, before the first step: its arrangement, which outlives the operator, and where
  // that has the arranged columns that the operator was made for.
  virtual void read_from(size_t input, Arrangement& arrangement,
                         std::span<const size_t> places) = 0;
};

class ArrangeOperator final : public HoldingOperator {
 public:
  // order: for each arranged column the input column; the first key_count are the key.
  ArrangeOperator(std::vector<size_t> order, std::vector<Type> types, size_t key_count,
                  std::string description);

  // With the number of inputs of joins that it feeds, if it is shared.
  std::string name() const override;
  void add_reader() { ++readers_; }
  void remove_reader() { --readers_; }
  Status step(StepContext& context, std::span<const Delta> in, Delta& out) override;
  void commit() override { arrangement_.commit(); }
  Delta content() override { return arrangement_.content(); }
  void visit_state(const StateVisitor& visit) override { visit(arrangement_.rows()); }

  Arrangement& arrangement() { return arrangement_; }

 private:
  std::vector<size_t> order_;
  Arrangement arrangement_;
  std::string description_;
  size_t readers_ = 0;
};

}  // namespace tidemark
