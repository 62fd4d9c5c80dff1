#include "dataflow/operators/top_n.h"

#include <fmt/core.h>

#include "types/hash.h"

namespace tidemark {

TopNOperator::TopNOperator(std::vector<Type> types, std::vector<SortKey> order, uint64_t offset,
                           uint64_t limit)
    : order_(std::move(order)), offset_(offset), limit_(limit) {
  for (Type& type : types) {
    schema_.fields.push_back({"", std::move(type)});
  }
  shown_ = make_columns(schema_);
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

void TopNOperator::read_window(std::vector<Column>& rows, std::vector<int64_t>& weights) const {
  rows = make_columns(schema_);
  weights.clear();
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
}

Status TopNOperator::step(StepContext&, std::span<const Delta> in, Delta& out) {
  if (!is_shown_known_) {
    read_window(shown_, shown_weights_);
    is_shown_known_ = true;
  }
  if (in[0].reset) {
    rows_.clear();
    shown_ = make_columns(schema_);
    shown_weights_.clear();
    out.reset = true;
  }
  for (const ZBatch& batch : in[0].batches) {
    apply(batch);
  }
  // The window's rows before and after, as one delta; what stays cancels when it is consolidated
  // downstream, so only rows that differ are passed on.
  std::vector<Column> fresh;
  std::vector<int64_t> fresh_weights;
  read_window(fresh, fresh_weights);
  KeyedTable changed(
      [&] {
        std::vector<Type> types;
        for (const Field& field : schema_.fields) {
          types.push_back(field.type);
        }
        return types;
      }(),
      {}, 16);
  std::vector<uint64_t> hashes;
  auto add = [&](const std::vector<Column>& columns, const std::vector<int64_t>& weights,
                 int64_t sign) {
    std::vector<const Column*> pointers;
    for (const Column& column : columns) {
      pointers.push_back(&column);
    }
    hash_rows(pointers, weights.size(), hashes);
    for (size_t i = 0; i < weights.size(); ++i) {
      changed.fixed_as<int64_t>(changed.find_or_insert_one(pointers, i, hashes[i])) +=
          sign * weights[i];
    }
  };
  add(shown_, shown_weights_, -1);
  add(fresh, fresh_weights, 1);
  std::vector<Column> result = make_columns(schema_);
  std::vector<int64_t> weights;
  for (uint32_t id = 0; id < changed.id_limit(); ++id) {
    int64_t weight = changed.is_live(id) ? changed.fixed_as<int64_t>(id) : 0;
    if (weight != 0) {
      for (size_t c = 0; c < result.size(); ++c) {
        result[c].append_copy(changed.key(c), id);
      }
      weights.push_back(weight);
    }
  }
  shown_ = std::move(fresh);
  shown_weights_ = std::move(fresh_weights);
  if (!weights.empty()) {
    out.batches.push_back({to_batch(std::move(result)), std::move(weights)});
  }
  return {};
}

}  // namespace tidemark
