#include "dataflow/operators/output.h"

#include "types/hash.h"

namespace tidemark {

namespace {

std::vector<const Column*> key_pointers(const KeyedTable& table) {
  std::vector<const Column*> pointers;
  for (size_t k = 0; k < table.key_count(); ++k) {
    pointers.push_back(&table.key(k));
  }
  return pointers;
}

ZBatch collect(const KeyedTable& table, const Schema& schema) {
  std::vector<uint32_t> ids;
  ZBatch result;
  for (uint32_t id = 0; id < table.id_limit(); ++id) {
    if (table.is_live(id) && table.fixed_as<int64_t>(id) != 0) {
      ids.push_back(id);
      result.weights.push_back(table.fixed_as<int64_t>(id));
    }
  }
  result.rows.rows = ids.size();
  for (size_t c = 0; c < schema.size(); ++c) {
    // Copied, strings too: what is published is read by other threads while the table goes on
    // changing.
    auto column = std::make_shared<Column>(schema[c].type);
    column->reserve(ids.size());
    for (uint32_t id : ids) {
      column->append_copy(table.key(c), id);
    }
    result.rows.columns.push_back(std::move(column));
  }
  return result;
}

}  // namespace

OutputOperator::OutputOperator(Schema schema)
    : schema_(std::move(schema)),
      rows_(schema_.types(), {}, 16, sizeof(int64_t)),
      pending_(schema_.types(), {}, 16, sizeof(int64_t)) {}

Status OutputOperator::step(StepContext&, std::span<const Delta> in, Delta&) {
  if (in[0].reset) {
    pending_.clear();
    reset_pending_.set(1);
  }
  for (const ZBatch& batch : in[0].batches) {
    std::vector<const Column*> columns;
    for (const ColumnRef& column : batch.rows.columns) {
      columns.push_back(column.get());
    }
    hash_rows(columns, batch.rows.rows, hashes_);
    ids_.resize(batch.rows.rows);
    pending_.find_or_insert(columns, batch.rows.rows, hashes_, ids_.data());
    for (size_t i = 0; i < batch.rows.rows; ++i) {
      pending_.fixed_as<int64_t>(ids_[i]) += batch.weight(i);
      pending_.mark_changed(ids_[i]);
    }
  }
  return {};
}

ZBatch OutputOperator::publish() {
  pending_.load_all();
  if (reset_pending_.get() != 0) {
    rows_.load_all();
    // What was there goes, as far as it does not come again.
    std::vector<const Column*> columns = key_pointers(rows_);
    hash_rows(columns, rows_.id_limit(), hashes_);
    for (uint32_t id = 0; id < rows_.id_limit(); ++id) {
      if (rows_.is_live(id)) {
        uint32_t target = pending_.find_or_insert_one(columns, id, hashes_[id]);
        pending_.fixed_as<int64_t>(target) -= rows_.fixed_as<int64_t>(id);
      }
    }
    reset_pending_.set(0);
  }
  if (pending_.size() == 0) {
    return collect(pending_, schema_);
  }
  std::vector<const Column*> columns = key_pointers(pending_);
  hash_rows(columns, pending_.id_limit(), hashes_);
  rows_.fault_in(columns, pending_.id_limit(), hashes_);
  for (uint32_t id = 0; id < pending_.id_limit(); ++id) {
    int64_t change = pending_.is_live(id) ? pending_.fixed_as<int64_t>(id) : 0;
    if (change == 0) {
      continue;
    }
    uint32_t target = rows_.find_or_insert_one(columns, id, hashes_[id]);
    int64_t& weight = rows_.fixed_as<int64_t>(target);
    negative_rows_ -= weight < 0 ? 1 : 0;
    weight += change;
    rows_.mark_changed(target);
    negative_rows_ += weight < 0 ? 1 : 0;
    if (weight == 0) {
      rows_.erase(target);
    }
  }
  ZBatch result = collect(pending_, schema_);
  pending_.clear();
  return result;
}

ZBatch OutputOperator::content() {
  rows_.load_all();
  return collect(rows_, schema_);
}

}  // namespace tidemark
