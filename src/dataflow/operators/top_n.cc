#include "dataflow/operators/top_n.h"

#include <fmt/core.h>

#include "zset/consolidate.h"

namespace tidemark {

TopNOperator::TopNOperator(std::vector<Type> types, std::vector<SortKey> order, uint64_t offset,
                           uint64_t limit)
    : order_(std::move(order)), offset_(offset), limit_(limit) {
  for (Type& type : types) {
    schema_.fields.push_back({"", std::move(type)});
  }
}

std::string TopNOperator::name() const {
  return limit_ == kNoLimit ? fmt::format("Offset({})", offset_)
                            : fmt::format("TopN(offset {}, limit {})", offset_, limit_);
}

void TopNOperator::apply(const ZBatch& batch) {
  std::vector<std::string> keys(batch.rows.rows);
  for (size_t row = 0; row < batch.rows.rows; ++row) {
    for (const SortKey& sort : order_) {
      append_sort_key(*batch.rows.columns[sort.column], row, sort.descending, sort.nulls_first,
                      keys[row]);
    }
    // Equal sort keys: by the whole row, so that ties are settled.
    for (const ColumnRef& column : batch.rows.columns) {
      append_sort_key(*column, row, false, false, keys[row]);
    }
  }
  rows_.fault_in(std::vector<std::string_view>(keys.begin(), keys.end()));
  for (size_t row = 0; row < batch.rows.rows; ++row) {
    rows_.add(keys[row], batch.weight(row));
  }
}

ZBatch TopNOperator::read_window() const {
  std::vector<Column> rows = make_columns(schema_);
  std::vector<int64_t> weights;
  uint64_t skip = offset_, left = limit_;
  for (OrderedTable::Scan scan = rows_.forward({}); scan.valid() && left != 0; scan.next()) {
    if (scan.weight() < 0) {
      continue;
    }
    uint64_t copies = static_cast<uint64_t>(scan.weight());
    uint64_t skipped = std::min(skip, copies);
    skip -= skipped;
    uint64_t taken = std::min(copies - skipped, left);
    left -= limit_ == kNoLimit ? 0 : taken;
    if (taken == 0) {
      continue;
    }
    ByteReader in(scan.key());
    for (const SortKey& sort : order_) {
      skip_sort_key(in, sort.descending, rows[sort.column].physical());
    }
    for (Column& column : rows) {
      read_sort_key(in, false, column);
    }
    weights.push_back(static_cast<int64_t>(taken));
  }
  return {to_batch(std::move(rows)), std::move(weights)};
}

Status TopNOperator::step(StepContext&, std::span<const Delta> in, Delta& out) {
  if (!is_shown_known_) {
    shown_ = read_window();
    is_shown_known_ = true;
  }
  if (in[0].reset) {
    rows_.clear();
    shown_ = read_window();
    out.reset = true;
  }
  for (const ZBatch& batch : in[0].batches) {
    apply(batch);
  }
  ZBatch fresh = read_window();
  ZBatch both[] = {negated(shown_), fresh};
  ZBatch changes = consolidate(both);
  shown_ = std::move(fresh);
  if (changes.rows.rows != 0) {
    out.batches.push_back(std::move(changes));
  }
  return {};
}

}  // namespace tidemark
