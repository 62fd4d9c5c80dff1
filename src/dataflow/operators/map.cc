#include "dataflow/operators/map.h"

#include <algorithm>

#include "expr/eval.h"
#include "expr/share_calls.h"

namespace tidemark {

MapOperator::MapOperator(ExprRef predicate, std::vector<ExprRef> projections) {
  std::vector<ExprRef> all{std::move(predicate)};
  all.insert(all.end(), projections.begin(), projections.end());
  std::vector<bool> read;
  for (const ExprRef& expression : all) {
    if (expression != nullptr) {
      collect_columns(*expression, read);
    }
  }
  width_ = read.size();
  SharedCalls shared = share_calls(std::move(all), 1, width_);
  calls_ = std::move(shared.calls);
  predicate_ = std::move(shared.expressions[0]);
  shared.expressions.erase(shared.expressions.begin());
  shared = share_calls(std::move(shared.expressions), projections.size(), width_ + calls_.size());
  late_calls_ = std::move(shared.calls);
  projections_ = std::move(shared.expressions);
  for (const ExprRef& projection : projections_) {
    collect_columns(*projection, used_);
  }
  for (const ExprRef& call : late_calls_) {
    collect_columns(*call, used_);
  }
  used_.resize(width_ + calls_.size());
}

RowBatch MapOperator::with_calls(const RowBatch& batch, size_t width,
                                 std::span<const ExprRef> calls, EvalContext& context) {
  RowBatch extended = batch;
  extended.columns.resize(width);
  for (const ExprRef& call : calls) {
    extended.columns.push_back(evaluate_column(*call, extended, context));
  }
  return extended;
}

std::string MapOperator::name() const {
  return predicate_ ? "Filter+Project" : "Project";
}

ZBatch MapOperator::map_batch(StepContext& context, const ZBatch& in) {
  RowBatch extended;
  const RowBatch* input = &in.rows;
  if (!calls_.empty()) {
    extended = with_calls(in.rows, width_, calls_, context.eval);
    input = &extended;
  }
  ZBatch out;
  ZBatch filtered;
  bool all = true;
  if (predicate_) {
    evaluate_filter(*predicate_, *input, context.eval, chosen_);
    take_errors(context, in);
    all = chosen_.size() == in.rows.rows;
    if (!all) {
      filtered.rows.rows = chosen_.size();
      filtered.rows.columns.resize(width_ + calls_.size());
      for (size_t c = 0; c < used_.size(); ++c) {
        if (used_[c]) {
          auto column = std::make_shared<Column>(input->columns[c]->type());
          column->append_rows(*input->columns[c], chosen_);
          filtered.rows.columns[c] = std::move(column);
        }
      }
      if (!in.weights.empty()) {
        filtered.weights.reserve(chosen_.size());
        for (uint32_t row : chosen_) {
          filtered.weights.push_back(in.weights[row]);
        }
      }
      input = &filtered.rows;
    }
  }
  RowBatch late;
  if (!late_calls_.empty()) {
    late = with_calls(*input, width_ + calls_.size(), late_calls_, context.eval);
    input = &late;
  }
  const ZBatch& source = all ? in : filtered;
  out.rows.rows = input->rows;
  for (const ExprRef& projection : projections_) {
    out.rows.columns.push_back(evaluate_column(*projection, *input, context.eval));
  }
  out.weights = source.weights;
  if (!context.eval.errors.empty()) {
    // Rows in error are not rows: they are taken out, once each.
    std::vector<bool> failed(out.rows.rows);
    std::vector<RowError> first_errors;
    for (RowError& error : context.eval.errors) {
      if (!failed[error.row]) {
        failed[error.row] = true;
        first_errors.push_back(std::move(error));
      }
    }
    context.eval.errors = std::move(first_errors);
    take_errors(context, source);
    std::vector<uint32_t> good;
    for (uint32_t row = 0; row < out.rows.rows; ++row) {
      if (!failed[row]) {
        good.push_back(row);
      }
    }
    ZBatch rest;
    rest.rows = out.rows.select(good);
    rest.rows.rows = good.size();
    rest.weights.reserve(good.size());
    for (uint32_t row : good) {
      rest.weights.push_back(source.weight(row));
    }
    return rest;
  }
  return out;
}

namespace {

// Bytes of the columns that are not those of the input.
size_t made(const ZBatch& mapped, const ZBatch& batch) {
  size_t bytes = 0;
  for (const ColumnRef& column : mapped.rows.columns) {
    bool is_new = std::ranges::find(batch.rows.columns, column) == batch.rows.columns.end();
    bytes += is_new ? column->held_bytes() : 0;
  }
  return bytes;
}

}  // namespace

Status MapOperator::step(StepContext& context, std::span<const Delta> in, Delta& out) {
  if (in[0].reset) {
    mutable_errors().clear();
    out.reset = true;
  }
  size_t made_bytes = 0;
  for (const ZBatch& batch : in[0].batches) {
    if (batch.rows.rows == 0) {
      continue;
    }
    ZBatch mapped = map_batch(context, batch);
    made_bytes += made(mapped, batch);
    TRY(context.may_go_on(made_bytes, "an expression"));
    if (mapped.rows.rows != 0) {
      out.batches.push_back(std::move(mapped));
    }
  }
  return {};
}

}  // namespace tidemark
