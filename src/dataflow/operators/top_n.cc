#include "dataflow/operators/top_n.h"

#include <algorithm>

#include <fmt/core.h>

#include "dataflow/must_only_come.h"

namespace tidemark {

TopNOperator::TopNOperator(std::vector<Type> types, std::vector<SortKey> order, uint64_t offset,
                           uint64_t limit, bool is_insert_only)
    : order_(std::move(order)), offset_(offset), limit_(limit), is_insert_only_(is_insert_only) {
  for (Type& type : types) {
    schema_.fields.push_back({"", std::move(type)});
  }
}

std::string TopNOperator::name() const {
  return limit_ == kNoLimit ? fmt::format("Offset({})", offset_)
                            : fmt::format("TopN(offset {}, limit {})", offset_, limit_);
}

// Equal sort keys: by the whole row, so that ties are settled.
void TopNOperator::append_key(const RowBatch& rows, size_t row, std::string& key) const {
  for (const SortKey& sort : order_) {
    append_sort_key(*rows.columns[sort.column], row, sort.descending, sort.nulls_first, key);
  }
  for (const ColumnRef& column : rows.columns) {
    append_sort_key(*column, row, false, false, key);
  }
}

void TopNOperator::apply(const ZBatch& batch) {
  std::vector<std::string> keys(batch.rows.rows);
  for (size_t row = 0; row < batch.rows.rows; ++row) {
    append_key(batch.rows, row, keys[row]);
  }
  rows_.fault_in(std::vector<std::string_view>(keys.begin(), keys.end()));
  for (size_t row = 0; row < batch.rows.rows; ++row) {
    rows_.add(keys[row], batch.weight(row));
  }
}

// Only what may come into the window.
void TopNOperator::apply_best(const ZBatch& batch) {
  std::string key;
  for (size_t row = 0; row < batch.rows.rows; ++row) {
    key.clear();
    append_key(batch.rows, row, key);
    if (!last_ || key < *last_) {
      rows_.add(key, batch.weight(row));
      if (rows_.size() > kept_max_) {
        drop_surplus();
      }
    }
  }
}

void TopNOperator::drop_surplus() {
  uint64_t left = limit_ < kNoLimit - offset_ ? offset_ + limit_ : kNoLimit;
  std::vector<std::pair<std::string, int64_t>> surplus;
  last_.reset();
  for (OrderedTable::Scan scan = rows_.forward({}); scan.valid(); scan.next()) {
    if (left == 0) {
      surplus.emplace_back(scan.key(), scan.weight());
      continue;
    }
    left -= std::min(left, static_cast<uint64_t>(scan.weight()));
    if (left == 0) {
      last_ = scan.key();
    }
  }
  for (const auto& [key, weight] : surplus) {
    rows_.add(key, -weight);
  }
  kept_max_ = std::max(kKeptMin, rows_.size() * 2);
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
  if (is_insert_only_) {
    TRY(must_only_come(in[0]));
  }
  if (in[0].reset) {
    rows_.clear();
    last_.reset();
    shown_ = read_window();
    out.reset = true;
  }
  for (const ZBatch& batch : in[0].batches) {
    is_insert_only_ ? apply_best(batch) : apply(batch);
  }
  if (is_insert_only_) {
    drop_surplus();
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
