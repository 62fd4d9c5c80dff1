#include "dataflow/operators/dynamic_filter.h"

#include <algorithm>

#include <fmt/core.h>

#include "state/store.h"
#include "types/key_codec.h"
#include "zset/consolidate.h"

namespace tidemark {

namespace {

// Of keys: see types/key_codec.h.
constexpr std::string_view kFirstValue = "\x01";
constexpr std::string_view kNull = "\x02";

constexpr size_t kBatchRows = 64 << 10;

}  // namespace

DynamicFilterOperator::DynamicFilterOperator(const std::vector<Type>& types, size_t column,
                                             BoundKind kind)
    : column_(column), kind_(kind) {
  for (const Type& type : types) {
    schema_.fields.push_back({"", type});
  }
}

std::string DynamicFilterOperator::name() const {
  return fmt::format("DynamicFilter({})", kBoundNames[static_cast<size_t>(kind_)]);
}

void DynamicFilterOperator::visit_state(const StateVisitor& visit) {
  visit(rows_);
  visit(bounds_);
}

DynamicFilterOperator::Range DynamicFilterOperator::passing() const {
  std::string bound;
  for (OrderedTable::Scan scan = bounds_.forward({}); scan.valid() && bound.empty(); scan.next()) {
    bound = scan.weight() > 0 ? scan.key() : std::string_view();
  }
  if (bound.empty() || bound == kNull) {
    return {};
  }
  std::string first(kFirstValue), null(kNull), behind = end_of_prefix(bound);
  switch (kind_) {
    case BoundKind::kLess:
      return {std::move(first), std::move(bound)};
    case BoundKind::kLessEqual:
      return {std::move(first), std::move(behind)};
    case BoundKind::kEqual:
      return {std::move(bound), std::move(behind)};
    case BoundKind::kGreaterEqual:
      return {std::move(bound), std::move(null)};
    case BoundKind::kGreater:
      return {std::move(behind), std::move(null)};
  }
  CHECK(false);
}

void DynamicFilterOperator::emit(std::string_view from, std::string_view to, int64_t sign,
                                 Delta& out) const {
  std::vector<Column> rows = make_columns(schema_);
  std::vector<int64_t> weights;
  auto flush = [&] {
    if (!weights.empty()) {
      size_t count = weights.size();
      ZBatch batch{to_batch(std::move(rows)), std::move(weights)};
      batch.rows.rows = count;
      out.batches.push_back(std::move(batch));
      rows = make_columns(schema_);
      weights.clear();
    }
  };
  for (OrderedTable::Scan scan = rows_.forward(from); scan.valid() && scan.key() < to;
       scan.next()) {
    ByteReader in(scan.key());
    skip_sort_key(in, false, schema_[column_].type.physical());
    for (Column& column : rows) {
      read_sort_key(in, false, column);
    }
    weights.push_back(sign * scan.weight());
    if (weights.size() == kBatchRows) {
      flush();
    }
  }
  flush();
}

// What passes now and did not before comes; what did and does not goes.
void DynamicFilterOperator::move(const Range& before, const Range& now, Delta& out) {
  if (before == now) {
    return;
  }
  rows_.unite();
  bool is_apart =
      before.is_empty() || now.is_empty() || before.to <= now.from || now.to <= before.from;
  if (is_apart) {
    emit(before.from, before.to, -1, out);
    emit(now.from, now.to, 1, out);
    return;
  }
  auto between = [&](const std::string& was, const std::string& is, int64_t sign) {
    emit(std::min(was, is), std::max(was, is), was < is ? sign : -sign, out);
  };
  between(before.from, now.from, -1);
  between(before.to, now.to, 1);
}

void DynamicFilterOperator::take_rows(const ZBatch& batch, const Range& range, Delta& out) {
  const Column& column = *batch.rows.columns[column_];
  std::string bytes;           // of all keys, one behind the other
  std::vector<size_t> begins;  // of each, and the end
  std::vector<uint32_t> kept;  // rows whose column is not NULL
  std::vector<uint32_t> passed;
  ZBatch passing;
  for (uint32_t row = 0; row < batch.rows.rows; ++row) {
    if (column.is_null(row)) {
      continue;
    }
    begins.push_back(bytes.size());
    append_sort_key(column, row, false, false, bytes);
    for (const ColumnRef& each : batch.rows.columns) {
      append_sort_key(*each, row, false, false, bytes);
    }
    kept.push_back(row);
    if (range.holds(std::string_view(bytes).substr(begins.back()))) {
      passed.push_back(row);
      passing.weights.push_back(batch.weight(row));
    }
  }
  begins.push_back(bytes.size());
  std::vector<std::string_view> keys;
  for (size_t i = 0; i < kept.size(); ++i) {
    keys.push_back(std::string_view(bytes).substr(begins[i], begins[i + 1] - begins[i]));
  }
  if (rows_.takes_loose() && !has_retractions(std::span(&batch, 1))) {
    for (size_t i = 0; i < kept.size(); ++i) {
      rows_.add_loose(keys[i], batch.weight(kept[i]));
    }
  } else {
    rows_.fault_in(keys);
    for (size_t i = 0; i < kept.size(); ++i) {
      rows_.add(keys[i], batch.weight(kept[i]));
    }
  }
  if (!passed.empty()) {
    passing.rows = batch.rows.select(passed);
    passing.rows.rows = passed.size();
    out.batches.push_back(std::move(passing));
  }
}

Status DynamicFilterOperator::step(StepContext&, std::span<const Delta> in, Delta& out) {
  Range before = passing();
  if (in[1].reset) {
    bounds_.clear();
  }
  for (const ZBatch& batch : in[1].batches) {
    for (size_t row = 0; row < batch.rows.rows; ++row) {
      std::string key;
      append_sort_key(*batch.rows.columns[0], row, false, false, key);
      bounds_.add(key, batch.weight(row));
    }
  }
  Range now = passing();
  if (in[0].reset) {
    rows_.clear();
    out.reset = true;
  } else {
    move(before, now, out);
  }
  for (const ZBatch& batch : in[0].batches) {
    take_rows(batch, now, out);
  }
  return {};
}

}  // namespace tidemark
