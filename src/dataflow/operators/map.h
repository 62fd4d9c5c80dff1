#pragma once
// Filter and project in one pass: rows that satisfy the predicate, as the projected expressions.
// Calls that several of them have in common are made once: those of the predicate for the rows that
// its other conditions have left, and what they give stays with these rows; the others for the rows
// that are left at the end.
//
// Large batches whose rows take long are cut into parts, which the context's workers share; the
// results are put together again, so that a batch comes out as it would otherwise.

#include <optional>
#include <utility>
#include <vector>

#include "dataflow/operator.h"
#include "expr/expr.h"

namespace tidemark {

class MapOperator final : public Operator {
 public:
  // predicate may be null (all rows).
  MapOperator(ExprRef predicate, std::vector<ExprRef> projections);

  std::string name() const override;
  Status step(StepContext& context, std::span<const Delta> in, Delta& out) override;

  // What a row is expected to take, until batches show it. For tests.
  void expect_row_ns(uint64_t ns) { row_ns_ = ns; }

 private:
  // Calls that are made for each row, then which rows stay.
  struct Stage {
    std::vector<ExprRef> calls;  // behind the columns and the calls of earlier stages
    ExprRef predicate;           // null: all
    std::vector<bool> used;      // of all of these, those that are read afterwards
  };
  struct Mapped {
    ZBatch rows;
    std::vector<RowError> failed;                    // of these, more than once perhaps
    std::vector<std::pair<Status, int64_t>> errors;  // of others, and their weights
    bool is_exceeded = false;                        // see EvalContext
    uint64_t time_ns = 0;                            // of a part
  };

  void make_stages(ExprRef predicate, std::vector<ExprRef> projections);
  // Depends on nothing but these: any thread.
  Mapped map(const ZBatch& in, EvalContext eval) const;
  bool is_worth_sharing(size_t rows) const;
  void note_time(uint64_t ns, size_t rows);
  // The same, shared; nullopt: a row is in error, or too much is made.
  std::optional<ZBatch> map_in_parts(const ZBatch& in, EvalContext eval, Workers& workers);
  bool is_handed_on(const Expr& projection) const;
  ColumnRef joined(const ZBatch& in, std::span<const Mapped> parts, size_t projection) const;
  void take_errors_out(Mapped& mapped);
  static ZBatch run(const Stage& stage, ZBatch batch, EvalContext& eval, Mapped& mapped);

  size_t width_ = 0;           // columns that are read ...
  std::vector<bool> is_read_;  // ... and not only handed on
  static constexpr uint64_t kUnknown = UINT64_MAX;
  uint64_t row_ns_ = kUnknown;  // decides how, never what comes out
  std::vector<Stage> stages_;
  std::vector<ExprRef> projections_;
};

}  // namespace tidemark
