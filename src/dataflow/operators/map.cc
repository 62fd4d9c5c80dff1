#include "dataflow/operators/map.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <numeric>

#include "base/workers.h"
#include "expr/eval.h"
#include "expr/share_calls.h"

namespace tidemark {

namespace {

constexpr size_t kPartRows = 2048;  // of a batch that workers share: some 100 us, and even shares

uint64_t ns_since(std::chrono::steady_clock::time_point begin) {
  return static_cast<uint64_t>(
      std::chrono::nanoseconds(std::chrono::steady_clock::now() - begin).count());
}

bool reads_beyond(const Expr& expr, size_t width) {
  std::vector<bool> columns;
  collect_columns(expr, columns);
  return columns.size() > width;
}

// Rows [first, first + rows), with these columns alone.
ZBatch slice(const ZBatch& batch, size_t first, size_t rows, const std::vector<bool>& columns) {
  std::vector<uint32_t> chosen(rows);
  std::iota(chosen.begin(), chosen.end(), static_cast<uint32_t>(first));
  ZBatch part;
  part.rows.rows = rows;
  part.rows.columns.resize(columns.size());
  for (size_t c = 0; c < columns.size(); ++c) {
    if (columns[c]) {
      auto column = std::make_shared<Column>(batch.rows.columns[c]->type());
      column->append_rows(*batch.rows.columns[c], chosen);
      part.rows.columns[c] = std::move(column);
    }
  }
  if (!batch.weights.empty()) {
    auto weights = batch.weights.begin() + static_cast<ptrdiff_t>(first);
    part.weights.assign(weights, weights + static_cast<ptrdiff_t>(rows));
  }
  return part;
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
    if (!is_handed_on(*projection)) {
      collect_columns(*projection, is_read_);
    }
  }
  size_t width = width_;
  for (const Stage& stage : stages_) {
    width += stage.calls.size();
  }
  for (size_t i = stages_.size(); i-- > 0;) {
    used.resize(width);
    stages_[i].used = used;
    for (std::vector<bool>* columns : {&used, &is_read_}) {
      if (stages_[i].predicate != nullptr) {
        collect_columns(*stages_[i].predicate, *columns);
      }
      for (const ExprRef& call : stages_[i].calls) {
        collect_columns(*call, *columns);
      }
    }
    width -= stages_[i].calls.size();
  }
  is_read_.resize(width_);
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
  for (RowError& error : eval.errors) {
    mapped.errors.emplace_back(std::move(error.status), batch.weight(error.row));
  }
  eval.errors.clear();
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
  out.weights = std::move(batch.weights);
  mapped.failed = std::move(eval.errors);
  mapped.is_exceeded = eval.is_exceeded;
  return mapped;
}

// Rows in error are not rows: they are taken out, once each.
void MapOperator::take_errors_out(Mapped& mapped) {
  for (const auto& [error, weight] : mapped.errors) {
    mutable_errors().add(error.message(), weight);
  }
  if (mapped.failed.empty()) {
    return;
  }
  ZBatch& rows = mapped.rows;
  std::vector<bool> failed(rows.rows.rows);
  for (const RowError& error : mapped.failed) {
    if (!failed[error.row]) {
      failed[error.row] = true;
      mutable_errors().add(error.status.message(), rows.weight(error.row));
    }
  }
  std::vector<uint32_t> good;
  for (uint32_t row = 0; row < rows.rows.rows; ++row) {
    if (!failed[row]) {
      good.push_back(row);
    }
  }
  rows.weights = weights_of(rows, good);
  rows.rows = rows.rows.select(good);
  rows.rows.rows = good.size();
}

// A batch is cut if it takes long, and its rows more than to be copied into a part and out of it.
bool MapOperator::is_worth_sharing(size_t rows) const {
  constexpr uint64_t kBatchNs = 200'000;  // to wake a thread takes a tenth
  constexpr uint64_t kRowNs = 40;
  return row_ns_ != kUnknown && row_ns_ >= kRowNs && row_ns_ * rows >= kBatchNs;
}

// The least that rows took of late: on a busy machine clocks run while threads do not.
void MapOperator::note_time(uint64_t ns, size_t rows) {
  uint64_t grown = row_ns_ == kUnknown ? kUnknown : row_ns_ + row_ns_ / 8 + 1;
  row_ns_ = std::min(grown, ns / rows);
}

// A column that comes out as it comes in.
bool MapOperator::is_handed_on(const Expr& projection) const {
  bool filters =
      std::ranges::any_of(stages_, [](const Stage& s) { return s.predicate != nullptr; });
  const auto* column = std::get_if<ColumnExpr>(&projection.node);
  return !filters && column != nullptr && column->index < width_;
}

std::optional<ZBatch> MapOperator::map_in_parts(const ZBatch& in, EvalContext eval,
                                                Workers& workers) {
  size_t rows = in.rows.rows;
  std::vector<Mapped> parts((rows + kPartRows - 1) / kPartRows);
  eval.bytes_max /= parts.size();
  workers.for_each(parts.size(), [&](size_t part) {
    size_t first = part * kPartRows;
    auto begin = std::chrono::steady_clock::now();
    parts[part] = map(slice(in, first, std::min(kPartRows, rows - first), is_read_), eval);
    parts[part].time_ns = ns_since(begin);
  });
  uint64_t least_ns = parts[0].time_ns;
  for (size_t part = 1; part + 1 < parts.size(); ++part) {  // but the last, which may be short
    least_ns = std::min(least_ns, parts[part].time_ns);
  }
  note_time(least_ns, kPartRows);
  ZBatch out;
  for (const Mapped& part : parts) {
    if (!part.errors.empty() || !part.failed.empty() || part.is_exceeded) {
      return std::nullopt;
    }
    out.rows.rows += part.rows.rows.rows;
    out.weights.insert(out.weights.end(), part.rows.weights.begin(), part.rows.weights.end());
  }
  out.rows.columns.resize(projections_.size());
  workers.for_each(projections_.size(),
                   [&](size_t i) { out.rows.columns[i] = joined(in, parts, i); });
  return out;
}

ColumnRef MapOperator::joined(const ZBatch& in, std::span<const Mapped> parts,
                              size_t projection) const {
  const Expr& expr = *projections_[projection];
  if (is_handed_on(expr)) {
    return in.rows.columns[std::get<ColumnExpr>(expr.node).index];
  }
  size_t rows = 0;
  for (const Mapped& part : parts) {
    rows += part.rows.rows.rows;
  }
  auto column = std::make_shared<Column>(parts[0].rows.rows.columns[projection]->type());
  column->reserve(rows);
  for (const Mapped& part : parts) {
    column->append_all(*part.rows.rows.columns[projection]);
  }
  return column;
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
    bool may_share = context.workers != nullptr && context.workers->count() > 1 &&
                     batch.rows.rows >= 2 * kPartRows;
    std::optional<ZBatch> shared;
    if (may_share && is_worth_sharing(batch.rows.rows)) {
      shared = map_in_parts(batch, context.eval, *context.workers);
    }
    Mapped mapped;
    if (shared) {
      mapped.rows = std::move(*shared);
    } else {
      auto begin = std::chrono::steady_clock::now();
      mapped = map(batch, context.eval);
      if (may_share) {
        note_time(ns_since(begin), batch.rows.rows);
      }
      take_errors_out(mapped);
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
