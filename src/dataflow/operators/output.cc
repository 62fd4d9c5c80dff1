#include "dataflow/operators/output.h"

#include "types/hash.h"
#include "zset/consolidate.h"

namespace tidemark {

namespace {

std::vector<const Column*> pointers(const RowBatch& rows) {
  std::vector<const Column*> columns;
  for (const ColumnRef& column : rows.columns) {
    columns.push_back(column.get());
  }
  return columns;
}

// The table's rows. Other threads may read them while it goes on changing: a column is the table's
// own until that changes it; strings stay where they are in its heap.
ZBatch collect(const KeyedTable& table) {
  std::vector<uint32_t> ids;
  ZBatch result;
  bool is_weighted = false;
  for (uint32_t id = 0; id < table.id_limit(); ++id) {
    int64_t weight = table.fixed_as<int64_t>(id);
    if (table.is_live(id) && weight != 0) {
      ids.push_back(id);
      result.weights.push_back(weight);
      is_weighted = is_weighted || weight != 1;
    }
  }
  if (!is_weighted) {
    result.weights = {};
  }
  result.rows.rows = ids.size();
  bool is_whole = ids.size() == table.id_limit();
  for (size_t c = 0; c < table.key_count(); ++c) {
    const Column& key = table.key(c);
    if (is_whole && key.physical() != PhysicalKind::kString) {
      result.rows.columns.push_back(table.shared_key(c));
      continue;
    }
    auto column = std::make_shared<Column>(key.type());
    is_whole ? column->append_all(key) : column->append_rows(key, ids);
    result.rows.columns.push_back(std::move(column));
  }
  return result;
}

// What operators made, under the types of the view.
void set_types(ZBatch& batch, const Schema& schema) {
  for (size_t c = 0; c < schema.size(); ++c) {
    ColumnRef& column = batch.rows.columns[c];
    if (!column->type().same_as(schema[c].type)) {
      auto typed = std::make_shared<Column>(*column);
      typed->set_type(schema[c].type);
      column = std::move(typed);
    }
  }
}

}  // namespace

OutputOperator::OutputOperator(Schema schema)
    : schema_(std::move(schema)),
      rows_(schema_.types(), {}, sizeof(int64_t)),
      pending_(schema_.types(), {}, sizeof(int64_t)) {}

Status OutputOperator::step(StepContext&, std::span<const Delta> in, Delta&) {
  if (in[0].reset) {
    gathered_.clear();
    pending_.clear();
    reset_pending_.set(1);
  }
  settle();
  for (const ZBatch& batch : in[0].batches) {
    if (batch.rows.rows != 0) {
      gathered_.push_back(batch);
    }
  }
  return {};
}

void OutputOperator::settle() {
  for (const ZBatch& batch : gathered_) {
    add_pending(batch);
  }
  gathered_.clear();
}

void OutputOperator::add_pending(const ZBatch& batch) {
  std::vector<const Column*> columns = pointers(batch.rows);
  if (pending_.takes_loose() && !has_retractions(std::span(&batch, 1))) {
    pending_.append_loose(columns, batch.rows.rows, batch.weights);
    pending_.sample_loose();
    return;
  }
  hash_rows(columns, batch.rows.rows, hashes_);
  ids_.resize(batch.rows.rows);
  pending_.find_or_insert(columns, batch.rows.rows, hashes_, ids_.data());
  for (size_t i = 0; i < batch.rows.rows; ++i) {
    pending_.fixed_as<int64_t>(ids_[i]) += batch.weight(i);
    pending_.mark_changed(ids_[i]);
  }
}

void OutputOperator::take_back_content() {
  ZBatch gone = negated(content());
  if (gone.rows.rows != 0) {
    add_pending(gone);
  }
}

ZBatch OutputOperator::publish() {
  bool is_reset = reset_pending_.get() != 0;
  pending_.load_all();
  if (is_reset || pending_.size() != 0) {
    settle();
    if (is_reset) {
      take_back_content();
      reset_pending_.set(0);
    }
    ZBatch changes = collect(pending_);
    bool is_first = rows_.is_complete() && rows_.size() == 0 && pending_.is_complete();
    if (is_first && changes.rows.rows == pending_.size() &&
        !has_retractions(std::span(&changes, 1))) {
      rows_.take_rows(pending_);
      return changes;
    }
    pending_.clear();
    gathered_.push_back(std::move(changes));
  }
  std::vector<ZBatch> batches = std::move(gathered_);
  gathered_.clear();
  for (ZBatch& batch : batches) {
    set_types(batch, schema_);
  }
  if (batches.empty()) {
    return collect(pending_);
  }
  if (!has_retractions(batches)) {
    insert(batches);
    return concatenate(batches);
  }
  std::vector<uint64_t> hashes;
  ZBatch changes = consolidate(batches, hashes);
  apply(changes, hashes);
  return changes;
}

void OutputOperator::insert(std::span<const ZBatch> batches) {
  for (const ZBatch& batch : batches) {
    std::vector<const Column*> columns = pointers(batch.rows);
    if (rows_.takes_loose() && negative_rows_ == 0) {
      rows_.append_loose(columns, batch.rows.rows, batch.weights);
      rows_.sample_loose();
    } else {
      hash_rows(columns, batch.rows.rows, hashes_);
      apply(batch, hashes_);
    }
  }
}

void OutputOperator::apply(const ZBatch& changes, std::span<const uint64_t> hashes) {
  size_t rows = changes.rows.rows;
  std::vector<const Column*> columns = pointers(changes.rows);
  ids_.resize(rows);
  rows_.find_or_insert(columns, rows, hashes, ids_.data());
  for (size_t i = 0; i < rows; ++i) {
    int64_t& weight = rows_.fixed_as<int64_t>(ids_[i]);
    negative_rows_ -= weight < 0 ? 1 : 0;
    weight += changes.weight(i);
    negative_rows_ += weight < 0 ? 1 : 0;
    rows_.mark_changed(ids_[i]);
  }
  // Afterwards: a row that goes gives its id away.
  for (uint32_t id : ids_) {
    bool is_there = id < rows_.id_limit() && rows_.is_live(id);
    if (is_there && rows_.fixed_as<int64_t>(id) == 0) {
      rows_.erase(id);
    }
  }
}

ZBatch OutputOperator::content() {
  rows_.load_all();
  rows_.unite();
  return collect(rows_);
}

}  // namespace tidemark
