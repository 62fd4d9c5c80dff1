#include "dataflow/operators/upsert.h"

#include <fmt/core.h>

#include "types/column_copy.h"
#include "types/hash.h"
#include "types/text.h"
#include "zset/changelog.h"

namespace tidemark {

Upsert::Upsert(std::vector<Type> types, std::vector<size_t> key)
    : types_(std::move(types)), key_(std::move(key)) {
  if (key_.empty()) {
    return;
  }
  std::vector<Type> key_types, value_types;
  for (size_t column : key_) {
    key_types.push_back(types_[column]);
  }
  for (size_t column = 0; column < types_.size(); ++column) {
    if (std::find(key_.begin(), key_.end(), column) == key_.end()) {
      value_.push_back(column);
      value_types.push_back(types_[column]);
    }
  }
  rows_.emplace(std::move(key_types), std::move(value_types), 0);
}

void Upsert::reset(Delta& out) {
  if (rows_) {
    rows_->clear();
  }
  out.clear();
  out.reset = true;
}

Status Upsert::snapshot(const RowBatch& rows, Delta& out) {
  if (rows_) {
    std::vector<const Column*> keys, values;
    for (size_t column : key_) {
      keys.push_back(rows.columns[column].get());
    }
    for (size_t column : value_) {
      values.push_back(rows.columns[column].get());
    }
    hash_rows(keys, rows.rows, hashes_);
    ids_.resize(rows.rows);
    rows_->find_or_insert(keys, rows.rows, hashes_, ids_.data());
    rows_->assign_payload(ids_, values);
  }
  out.batches.push_back({rows, {}});
  return {};
}

ZBatch Upsert::content() {
  rows_->load_all();
  std::vector<uint32_t> ids;
  for (uint32_t id = 0; id < rows_->id_limit(); ++id) {
    if (rows_->is_live(id)) {
      ids.push_back(id);
    }
  }
  std::vector<ColumnRef> columns(types_.size());
  auto add = [&](size_t column, const Column& stored) {
    auto copy = std::make_shared<Column>(types_[column]);
    append_copies(*copy, stored, ids);
    columns[column] = std::move(copy);
  };
  for (size_t k = 0; k < key_.size(); ++k) {
    add(key_[k], rows_->key(k));
  }
  for (size_t v = 0; v < value_.size(); ++v) {
    add(value_[v], rows_->payload(v));
  }
  ZBatch result;
  result.rows.rows = ids.size();
  result.rows.columns = std::move(columns);
  return result;
}

void Upsert::retract(uint32_t id, std::vector<Column>& out, std::vector<int64_t>& weights) const {
  for (size_t k = 0; k < key_.size(); ++k) {
    out[key_[k]].append_copy(rows_->key(k), id);
  }
  for (size_t v = 0; v < value_.size(); ++v) {
    out[value_[v]].append_rows(rows_->payload(v), std::span(&id, 1));
  }
  weights.push_back(-1);
}

Status Upsert::apply(const ChangeBatch& changes, Delta& out) {
  if (!rows_) {
    if (changes.old_rows == OldRows::kKeyOnly || !changes.unchanged.empty()) {
      return Status::unavailable(
                 "the source sends old rows by key only, but sent whole ones when this view was "
                 "made")
          .with_hint(
              "the table's REPLICA IDENTITY changed: make the view again, or run ALTER TABLE ... "
              "REPLICA IDENTITY FULL");
    }
    out.batches.push_back(from_changelog(changes));
    return {};
  }
  const RowBatch& rows = changes.rows;
  std::vector<const Column*> keys;
  for (size_t column : key_) {
    keys.push_back(rows.columns[column].get());
  }
  hash_rows(keys, rows.rows, hashes_);
  rows_->fault_in(keys, rows.rows, hashes_);
  std::vector<Column> result;
  for (const Type& type : types_) {
    result.emplace_back(type);
  }
  std::vector<int64_t> weights;
  auto unknown = [&](size_t row) {
    std::string key;
    for (const Column* column : keys) {
      key += (key.empty() ? "" : ", ") + text_of(*column, row);
    }
    return Status::corruption(
        fmt::format("the source changed a row that was never seen: key ({})", key));
  };
  auto is_unchanged = [&](size_t column, size_t row) {
    return !changes.unchanged.empty() && !changes.unchanged[column].empty() &&
           changes.unchanged[column][row];
  };
  // The old row of an update whose key changes: its unchanged values are wanted by the new row.
  std::vector<Column> moved;
  for (size_t i = 0; i < rows.rows; ++i) {
    uint32_t id = rows_->find_one(keys, i, hashes_[i]);
    if (is_retraction(changes.kinds[i])) {
      if (id == KeyedTable::kNone) {
        return unknown(i);
      }
      retract(id, result, weights);
      moved.clear();
      if (changes.kinds[i] == RowKind::kUpdateBefore) {
        for (size_t v = 0; v < value_.size(); ++v) {
          moved.emplace_back(types_[value_[v]]);
          moved[v].append_copy(rows_->payload(v), id);
        }
      }
      rows_->erase(id);
      continue;
    }
    if (id != KeyedTable::kNone) {
      retract(id, result, weights);
    } else {
      if (changes.kinds[i] == RowKind::kUpdateAfter && moved.empty() && !value_.empty()) {
        return unknown(i);
      }
      id = rows_->find_or_insert_one(keys, i, hashes_[i]);
    }
    for (size_t k = 0; k < key_.size(); ++k) {
      result[key_[k]].append_copy(*keys[k], i);
    }
    for (size_t v = 0; v < value_.size(); ++v) {
      size_t column = value_[v];
      const Column& stored = rows_->payload(v);
      if (!is_unchanged(column, i)) {
        rows_->assign_payload(id, v, *rows.columns[column], i);
      } else if (!moved.empty()) {
        rows_->assign_payload(id, v, moved[v], 0);
      }
      result[column].append_rows(stored, std::span(&id, 1));
    }
    weights.push_back(1);
    moved.clear();
  }
  if (!weights.empty()) {
    ZBatch batch{to_batch(std::move(result)), std::move(weights)};
    out.batches.push_back(std::move(batch));
  }
  return {};
}

}  // namespace tidemark
