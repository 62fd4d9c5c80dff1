#include "dataflow/operators/union_all.h"

#include <algorithm>

#include "types/hash.h"

namespace tidemark {

namespace {

// All rows, so many times their weights.
ZBatch all_rows(const KeyedTable& rows, int64_t times) {
  ZBatch batch;
  std::vector<Column> columns;
  for (size_t c = 0; c < rows.key_count(); ++c) {
    columns.emplace_back(rows.key(c).type());
  }
  for (uint32_t id = 0; id < rows.id_limit(); ++id) {
    if (rows.is_live(id)) {
      for (size_t c = 0; c < columns.size(); ++c) {
        columns[c].append_copy(rows.key(c), id);
      }
      batch.weights.push_back(rows.fixed_as<int64_t>(id) * times);
    }
  }
  batch.rows = to_batch(std::move(columns));
  return batch;
}

}  // namespace

UnionOperator::UnionOperator(const std::vector<Type>& types, size_t inputs, bool is_insert_only)
    : is_insert_only_(is_insert_only) {
  for (size_t i = 0; i < inputs; ++i) {
    inputs_.emplace_back(types, std::vector<Type>(), sizeof(int64_t));
  }
}

void UnionOperator::keep(KeyedTable& rows, const ZBatch& batch) {
  std::vector<const Column*> columns;
  for (const ColumnRef& column : batch.rows.columns) {
    columns.push_back(column.get());
  }
  hash_rows(columns, batch.rows.rows, hashes_);
  rows.fault_in(columns, batch.rows.rows, hashes_);
  for (size_t i = 0; i < batch.rows.rows; ++i) {
    uint32_t id = rows.find_or_insert_one(columns, i, hashes_[i]);
    int64_t& weight = rows.fixed_as<int64_t>(id);
    weight += batch.weight(i);
    rows.mark_changed(id);
    if (weight == 0) {
      rows.erase(id);
    }
  }
}

void UnionOperator::reset_all(std::span<const Delta> in, Delta& out) {
  out.reset = true;
  for (size_t i = 0; i < in.size(); ++i) {
    if (!in[i].reset) {
      inputs_[i].load_all();
      if (inputs_[i].size() != 0) {
        out.batches.push_back(all_rows(inputs_[i], 1));
      }
    }
  }
}

Status UnionOperator::step(StepContext&, std::span<const Delta> in, Delta& out) {
  if (is_insert_only_ && std::ranges::any_of(in, &Delta::reset)) {
    reset_all(in, out);
  }
  for (size_t i = 0; i < in.size(); ++i) {
    if (in[i].reset) {
      inputs_[i].load_all();
      if (!is_insert_only_ && inputs_[i].size() != 0) {
        out.batches.push_back(all_rows(inputs_[i], -1));
      }
      inputs_[i].clear();
    }
    for (const ZBatch& batch : in[i].batches) {
      keep(inputs_[i], batch);
      out.batches.push_back(batch);
    }
  }
  return {};
}

}  // namespace tidemark
