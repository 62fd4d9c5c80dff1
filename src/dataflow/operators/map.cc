#include "dataflow/operators/map.h"

#include <algorithm>
#include <iterator>

#include "expr/eval.h"
#include "expr/share_calls.h"

namespace tidemark {

namespace {

bool reads_beyond(const Expr& expr, size_t width) {
  std::vector<bool> columns;
  collect_columns(expr, columns);
  return columns.size() > width;
}

// What is taken out of the evaluation's errors, each row's first one, with the row's weight.
void move_errors(EvalContext& eval, const ZBatch& batch,
                 std::vector<std::pair<Status, int64_t>>& errors) {
  for (RowError& error : eval.errors) {
    errors.emplace_back(std::move(error.status), batch.weight(error.row));
  }
  eval.errors.clear();
}

// Rows in error are not rows: they are taken out. What is left in eval.errors has each once.
std::vector<uint32_t> good_rows(size_t rows, EvalContext& eval) {
  std::vector<bool> failed(rows);
  std::vector<RowError> first_errors;
  for (RowError& error : eval.errors) {
    if (!failed[error.row]) {
      failed[error.row] = true;
      first_errors.push_back(std::move(error));
    }
  }
  eval.errors = std::move(first_errors);
  std::vector<uint32_t> good;
  for (uint32_t row = 0; row < rows; ++row) {
    if (!failed[row]) {
      good.push_back(row);
    }
  }
  return good;
}

std::vector<int64_t> weights_of(const ZBatch& batch, std::span<const uint32_t> rows) {
  std::vector<int64_t> weights;
  weights.reserve(batch.weights.empty() ? 0 : rows.size());
  for (size_t i = 0; i < rows.size() && !batch.weights.empty(); ++i) {
    weights.push_back(batch.weights[rows[i]]);
  }
  return weights;
}

}  // namespace

MapOperator::MapOperator(ExprRef predicate, std::vector<ExprRef> projections) {
  std::vector<bool> read;
  for (const ExprRef& projection : projections) {
    collect_columns(*projection, read);
  }
  if (predicate != nullptr) {
    collect_columns(*predicate, read);
  }
  width_ = read.size();
  make_stages(std::move(predicate), std::move(projections));
  std::vector<bool> used;
  for (const ExprRef& projection : projections_) {
    collect_columns(*projection, used);
  }
  size_t width = width_;
  for (const Stage& stage : stages_) {
    width += stage.calls.size();
  }
  for (size_t i = stages_.size(); i-- > 0;) {
    used.resize(width);
    stages_[i].used = used;
    if (stages_[i].predicate != nullptr) {
      collect_columns(*stages_[i].predicate, used);
    }
    for (const ExprRef& call : stages_[i].calls) {
      collect_columns(*call, used);
    }
    width -= stages_[i].calls.size();
  }
}

// Conditions without shared calls, if there are such; the others and what they share; what only
// projections share.
void MapOperator::make_stages(ExprRef predicate, std::vector<ExprRef> projections) {
  std::vector<ExprRef> all;
  if (predicate != nullptr && can_fail(*predicate)) {
    all.push_back(predicate);  // the order of its conditions says which rows are in error
  } else if (predicate != nullptr) {
    split_and(predicate, all);
  }
  size_t conditions = all.size(), width = width_;
  std::ranges::move(projections, std::back_inserter(all));
  SharedCalls shared = share_calls(std::move(all), conditions, width);
  auto behind = shared.expressions.begin() + static_cast<ptrdiff_t>(conditions);
  auto late = std::stable_partition(shared.expressions.begin(), behind, [&](const ExprRef& each) {
    return !reads_beyond(*each, width);
  });
  if (late != shared.expressions.begin()) {
    stages_.push_back({{}, make_and({shared.expressions.begin(), late}), {}});
  }
  width += shared.calls.size();
  if (late != behind) {
    stages_.push_back({std::move(shared.calls), make_and({late, behind}), {}});
  }
  size_t count = static_cast<size_t>(shared.expressions.end() - behind);
  shared = share_calls({behind, shared.expressions.end()}, count, width);
  if (!shared.calls.empty()) {
    stages_.push_back({std::move(shared.calls), nullptr, {}});
  }
  projections_ = std::move(shared.expressions);
}

std::string MapOperator::name() const {
  bool filters = !stages_.empty() && stages_[0].predicate != nullptr;
  return filters ? "Filter+Project" : "Project";
}

ZBatch MapOperator::run(const Stage& stage, ZBatch batch, EvalContext& eval, Mapped& mapped) {
  for (const ExprRef& call : stage.calls) {
    batch.rows.columns.push_back(evaluate_column(*call, batch.rows, eval));
  }
  if (stage.predicate == nullptr) {
    return batch;
  }
  std::vector<uint32_t> chosen;
  evaluate_filter(*stage.predicate, batch.rows, eval, chosen);
  move_errors(eval, batch, mapped.errors);
  if (chosen.size() == batch.rows.rows) {
    return batch;
  }
  ZBatch filtered;
  filtered.rows.rows = chosen.size();
  filtered.rows.columns.resize(batch.rows.columns.size());
  for (size_t c = 0; c < stage.used.size(); ++c) {
    if (stage.used[c]) {
      auto column = std::make_shared<Column>(batch.rows.columns[c]->type());
      column->append_rows(*batch.rows.columns[c], chosen);
      filtered.rows.columns[c] = std::move(column);
    }
  }
  filtered.weights = weights_of(batch, chosen);
  return filtered;
}

MapOperator::Mapped MapOperator::map(const ZBatch& in, EvalContext eval) const {
  Mapped mapped;
  ZBatch batch = in;
  batch.rows.columns.resize(width_);
  for (const Stage& stage : stages_) {
    batch = run(stage, std::move(batch), eval, mapped);
  }
  ZBatch& out = mapped.rows;
  out.rows.rows = batch.rows.rows;
  for (const ExprRef& projection : projections_) {
    out.rows.columns.push_back(evaluate_column(*projection, batch.rows, eval));
  }
  if (eval.errors.empty()) {
    out.weights = std::move(batch.weights);
  } else {
    std::vector<uint32_t> good = good_rows(batch.rows.rows, eval);
    move_errors(eval, batch, mapped.errors);
    out.rows = out.rows.select(good);
    out.rows.rows = good.size();
    out.weights = weights_of(batch, good);
  }
  mapped.is_exceeded = eval.is_exceeded;
  return mapped;
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
    Mapped mapped = map(batch, context.eval);
    for (const auto& [error, weight] : mapped.errors) {
      mutable_errors().add(error.message(), weight);
    }
    context.eval.is_exceeded = context.eval.is_exceeded || mapped.is_exceeded;
    made_bytes += made(mapped.rows, batch);
    TRY(context.may_go_on(made_bytes, "an expression"));
    if (mapped.rows.rows.rows != 0) {
      out.batches.push_back(std::move(mapped.rows));
    }
  }
  return {};
}

}  // namespace tidemark
