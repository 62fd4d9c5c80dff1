#pragma once
// The operator interface: a function from this step's deltas, and state through the last step, to
// this step's delta. No blocking, no I/O, no clock in results. One virtual call a step, none a row.

#include <atomic>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "expr/function.h"
#include "state/ordered_table.h"
#include "state/state_table.h"
#include "zset/zset.h"

namespace tidemark {

class Workers;  // base/workers.h

// Row errors as a collection: message -> weight. A view is in error while any weight is positive,
// and comes back when the row that caused it is changed or gone.
class ErrorSet {
 public:
  void add(std::string_view message, int64_t weight) { counts_.add(message, weight); }
  void clear() { counts_.clear(); }
  // A message whose weight is positive, if there is one. It is asked for at every publication, and
  // there are seldom many: what a store has is read once.
  std::optional<std::string> first() const {
    constexpr size_t kReadAtOnce = 256;
    if (counts_.warm(kReadAtOnce) && counts_.size() == 0) {
      return std::nullopt;
    }
    for (OrderedTable::Scan scan = counts_.forward({}); scan.valid(); scan.next()) {
      if (scan.weight() > 0) {
        return std::string(scan.key());
      }
    }
    return std::nullopt;
  }
  StateTable& table() { return counts_; }

 private:
  mutable OrderedTable counts_;  // it keeps what it reads
};

struct StepLimits {
  const std::atomic<bool>* cancelled = nullptr;  // set by any thread; null: never
  size_t bytes_max = SIZE_MAX;                   // of the rows that an operator makes in a step
};

struct StepContext {
  uint64_t step = 0;  // the counter; sub-steps of a large commit count too
  EvalContext eval;   // zone and time; errors is scratch
  StepLimits limits;
  // That may be called in for large batches, whose results are the same without; null: none.
  Workers* workers = nullptr;

  // To be asked between pieces by an operator that may make much of little. Not OK: kCancelled, or
  // too much (SQLSTATE 54000); the step is to end with it.
  Status may_go_on(size_t made_bytes, std::string_view maker = "a join or UNNEST") const;
};

// Per operator: rows through it, for EXPLAIN ANALYZE and metrics.
struct OperatorStats {
  uint64_t rows_in = 0;
  uint64_t retractions = 0;  // of rows_in: rows that are taken back
  uint64_t rows_out = 0;
  uint64_t time_ns = 0;  // in step()
};

class Operator {
 public:
  virtual ~Operator() = default;
  // Shown by EXPLAIN and in metrics: "Aggregate(group by 1, 2 functions)".
  virtual std::string name() const = 0;
  // in[i] is this step's delta on input i (possibly empty). Row errors are added to errors().
  virtual Status step(StepContext& context, std::span<const Delta> in, Delta& out) = 0;
  // After every operator of the graph has run its step: what was staged becomes readable.
  virtual void commit() {}
  // Calls `visit` with every table of the operator's state, in a fixed order. What is not in a
  // table does not survive a restart: anything else an operator keeps between steps must follow
  // from these.
  virtual void visit_state(const StateVisitor& visit) { static_cast<void>(visit); }

  // Its row errors, then visit_state.
  void visit_tables(const StateVisitor& visit) {
    visit(errors_.table());
    visit_state(visit);
  }
  // Bytes of state held in memory.
  size_t state_bytes() {
    size_t bytes = 0;
    visit_tables([&](StateTable& table) { bytes += table.held_bytes(); });
    return bytes;
  }
  size_t state_rows() {
    size_t rows = 0;
    visit_tables([&](StateTable& table) { rows += table.held_rows(); });
    return rows;
  }
  const ErrorSet& errors() const { return errors_; }
  OperatorStats& stats() { return stats_; }

 protected:
  // Moves the row errors that evaluation left in the context into the error set, weighted.
  void take_errors(StepContext& context, const ZBatch& batch) {
    for (const RowError& error : context.eval.errors) {
      errors_.add(error.status.message(), batch.weight(error.row));
    }
    context.eval.errors.clear();
  }
  ErrorSet& mutable_errors() { return errors_; }

 private:
  ErrorSet errors_;
  OperatorStats stats_;
};

}  // namespace tidemark
