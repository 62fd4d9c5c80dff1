#pragma once
// An inner join of three relations or more that keeps no result in between.
//
// Every relation is arranged by each key by which it is looked up. With R[1] ... R[n] the
// collections through the last step and dR[1] ... dR[n] this step's changes, the answer changes by
//
//   the sum over i of  (R[1] + dR[1]) x ... x (R[i-1] + dR[i-1]) x dR[i] x R[i+1] x ... x R[n]
//
// Each term begins with the changes of one relation and looks up the others one after another along
// that relation's path, depth first and in pieces, so that what lies between is never large. A
// relation that is reset was empty before; then so was the answer, and the sum is all of it.

#include <memory>
#include <string>
#include <vector>

#include "dataflow/operator.h"
#include "dataflow/operators/arrange.h"
#include "dataflow/operators/join_side.h"
#include "expr/expr.h"

namespace tidemark {

// An arranged stream. Those of one relation bring the same changes in the same step.
struct DeltaJoinInput {
  size_t relation = 0;
  std::vector<bool> null_safe;  // per key column: NULL equals NULL
  std::vector<size_t> places;   // of each column of the relation, among those arranged
};

struct DeltaJoinColumn {
  size_t relation = 0;
  size_t column = 0;  // of the relation
  Type type;
};

// Columns here are numbers in DeltaJoinSpec::columns.
struct DeltaJoinStep {
  size_t input = 0;         // where rows are looked up
  std::vector<size_t> key;  // what they are looked up by, of relations that are there already
  ExprRef condition;        // which rows stay then; null: all
};

struct DeltaJoinSpec {
  std::vector<DeltaJoinInput> inputs;
  std::vector<DeltaJoinColumn> columns;           // of all relations, side by side
  std::vector<std::vector<DeltaJoinStep>> paths;  // by relation
  std::vector<size_t> output;
  std::vector<bool> needed;  // by output column; false: nobody reads it, and it is left out
  std::string description;
};

class DeltaJoinOperator final : public Operator, public ArrangementReader {
 public:
  // No condition can fail.
  explicit DeltaJoinOperator(DeltaJoinSpec spec);

  void read_from(size_t input, Arrangement& arrangement, std::span<const size_t> places) override;

  std::string name() const override { return spec_.description; }
  Status step(StepContext& context, std::span<const Delta> in, Delta& out) override;

 private:
  // Where the rows of one relation are that have been joined.
  struct Found {
    const JoinSide* side = nullptr;  // null: not looked up yet
    const DeltaJoinInput* input = nullptr;
    bool from_base = false;
    std::vector<uint32_t> at;

    JoinRows rows() const { return {side, from_base, at}; }
  };
  struct Joined {
    std::vector<Found> found;  // by relation
    std::vector<int64_t> weights;
  };

  // Rows on their way along the path of `changed`, and by what its step `place` looks them up.
  struct Probe {
    const Joined& joined;
    size_t changed;
    size_t place;
    std::vector<ColumnRef> key;
    std::vector<const Column*> keys;
    std::vector<uint64_t> hashes;
    std::vector<uint8_t> never;  // 1: matches nothing
  };

  bool can_meet(size_t changed) const;
  Status follow(StepContext& context, size_t changed, Delta& out);
  // The rest of the path from `place` on.
  Status look_up(StepContext& context, size_t changed, size_t place, const Joined& joined,
                 Delta& out);
  Status probe_base(StepContext& context, const Probe& probe, Delta& out);
  Status probe_delta(StepContext& context, const Probe& probe, Delta& out);
  // With what has been found.
  Status go_on(StepContext& context, const Probe& probe, bool from_base, ProbedPairs& pairs,
               Delta& out);
  void keep_true(StepContext& context, const Expr& condition, Joined& joined);
  ColumnRef gather(size_t column, const Joined& joined) const;
  Status emit(StepContext& context, const Joined& joined, Delta& out);
  const DeltaJoinStep& step_of(const Probe& probe) const {
    return spec_.paths[probe.changed][probe.place];
  }

  DeltaJoinSpec spec_;
  std::vector<Arrangement*> bases_;  // by input
  std::vector<size_t> first_input_;  // by relation
  // This step's, by input.
  std::vector<JoinSide> sides_;
  std::vector<std::unique_ptr<DeltaIndex>> indexes_;  // made when they are first asked
  size_t made_bytes_ = 0;
};

}  // namespace tidemark
