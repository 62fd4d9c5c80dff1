#include "dataflow/operators/top_n.h"

#include <fmt/core.h>

#include "types/hash.h"

namespace tidemark {

TopNOperator::TopNOperator(std::vector<Type> types, std::vector<SortKey> order, uint64_t offset,
                           uint64_t limit)
    : order_(std::move(order)), offset_(offset), limit_(limit), rows_(types, {}, 16) {
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
  std::vector<const Column*> columns;
  for (const ColumnRef& column : batch.rows.columns) {
    columns.push_back(column.get());
  }
  hash_rows(columns, batch.rows.rows, hashes_);
  std::string key;
  auto key_of = [&](size_t row) {
    key.clear();
    for (const SortKey& sort : order_) {
      append_sort_key(*columns[sort.column], row, sort.descending, sort.nulls_first, key);
    }
    for (const Column* column :
         columns) {  // equal sort keys: by the whole row, so that ties are settled
      append_sort_key(*column, row, false, false, key);
    }
  };
  for (size_t i = 0; i < batch.rows.rows; ++i) {
    size_t before = rows_.size();
    uint32_t id = rows_.find_or_insert_one(columns, i, hashes_[i]);
    int64_t& weight = rows_.fixed_as<int64_t>(id);
    if (rows_.size() > before) {
      key_of(i);
      ordered_.emplace(key, id);
    }
    weight += batch.weight(i);
    if (weight == 0) {
      key_of(i);
      ordered_.erase(key);
      rows_.erase(id);
    }
  }
}

std::vector<std::pair<uint32_t, int64_t>> TopNOperator::window() const {
  std::vector<std::pair<uint32_t, int64_t>> result;
  uint64_t skip = offset_, left = limit_;
  for (const auto& [key, id] : ordered_) {
    if (left == 0) {
      break;
    }
    int64_t weight = rows_.fixed_as<int64_t>(id);
    if (weight <= 0) {
      continue;
    }
    uint64_t copies = static_cast<uint64_t>(weight);
    uint64_t skipped = std::min(skip, copies);
    skip -= skipped;
    uint64_t taken = std::min(copies - skipped, left);
    left -= limit_ == kNoLimit ? 0 : taken;
    if (taken > 0) {
      result.emplace_back(id, static_cast<int64_t>(taken));
    }
  }
  return result;
}

Status TopNOperator::step(StepContext&, std::span<const Delta> in, Delta& out) {
  if (in[0].reset) {
    rows_.clear();
    ordered_.clear();
    shown_ = make_columns(schema_);
    shown_weights_.clear();
    out.reset = true;
  }
  for (const ZBatch& batch : in[0].batches) {
    apply(batch);
  }
  // The window's rows before and after, as one delta; what stays cancels when it is consolidated
  // downstream, so only rows that differ are passed on.
  std::vector<Column> fresh = make_columns(schema_);
  std::vector<int64_t> fresh_weights;
  for (auto [id, copies] : window()) {
    for (size_t c = 0; c < fresh.size(); ++c) {
      fresh[c].append_copy(rows_.key(c), id);
    }
    fresh_weights.push_back(copies);
  }
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

size_t TopNOperator::state_bytes() const {
  size_t keys = 0;
  for (const auto& [key, id] : ordered_) {
    keys += key.capacity() + 40;
    if (keys > 0 && ordered_.size() > 1000) {
      keys *= ordered_.size();  // an estimate from the first key
      break;
    }
  }
  return rows_.held_bytes() + keys;
}

}  // namespace tidemark
