#include "dataflow/operators/set_difference.h"

#include "types/hash.h"

namespace tidemark {

SetDifferenceOperator::SetDifferenceOperator(const std::vector<Type>& types, bool intersect,
                                             bool all)
    : intersect_(intersect), all_(all), rows_(types, {}, sizeof(Counts)) {}

std::string SetDifferenceOperator::name() const {
  return std::string(intersect_ ? "Intersect" : "Except") + (all_ ? " all" : "");
}

int64_t SetDifferenceOperator::shown(const Counts& counts) const {
  auto [left, right] = counts.sides;
  if (intersect_) {
    return all_ ? std::max<int64_t>(std::min(left, right), 0) : (left > 0 && right > 0 ? 1 : 0);
  }
  return all_ ? std::max<int64_t>(left - right, 0) : (left > 0 && right <= 0 ? 1 : 0);
}

void SetDifferenceOperator::apply(const ZBatch& batch, size_t side, Delta& out) {
  std::vector<const Column*> columns;
  for (const ColumnRef& column : batch.rows.columns) {
    columns.push_back(column.get());
  }
  size_t rows = batch.rows.rows;
  hash_rows(columns, rows, hashes_);
  rows_.fault_in(columns, rows, hashes_);
  std::vector<uint32_t> changed;
  std::vector<int64_t> weights;
  for (uint32_t i = 0; i < rows; ++i) {
    uint32_t id = rows_.find_or_insert_one(columns, i, hashes_[i]);
    Counts& counts = rows_.fixed_as<Counts>(id);
    int64_t before = shown(counts);
    counts.sides[side] += batch.weight(i);
    int64_t change = shown(counts) - before;
    rows_.mark_changed(id);
    if (counts.sides[0] == 0 && counts.sides[1] == 0) {
      rows_.erase(id);
    }
    if (change != 0) {
      changed.push_back(i);
      weights.push_back(change);
    }
  }
  if (!changed.empty()) {
    out.batches.push_back({batch.rows.select(changed), std::move(weights)});
  }
}

void SetDifferenceOperator::reset_side(size_t side, Delta& out) {
  rows_.load_all();
  std::vector<Column> columns;
  std::vector<int64_t> weights;
  for (size_t c = 0; c < rows_.key_count(); ++c) {
    columns.emplace_back(rows_.key(c).type());
  }
  std::vector<uint32_t> gone;
  for (uint32_t id = 0; id < rows_.id_limit(); ++id) {
    if (!rows_.is_live(id) || rows_.fixed_as<Counts>(id).sides[side] == 0) {
      continue;
    }
    Counts& counts = rows_.fixed_as<Counts>(id);
    int64_t before = shown(counts);
    counts.sides[side] = 0;
    rows_.mark_changed(id);
    if (int64_t change = shown(counts) - before; change != 0) {
      for (size_t c = 0; c < columns.size(); ++c) {
        columns[c].append_copy(rows_.key(c), id);
      }
      weights.push_back(change);
    }
    if (counts.sides[1 - side] == 0) {
      gone.push_back(id);
    }
  }
  for (uint32_t id : gone) {
    rows_.erase(id);
  }
  if (!weights.empty()) {
    ZBatch batch{to_batch(std::move(columns)), std::move(weights)};
    batch.rows.rows = batch.weights.size();
    out.batches.push_back(std::move(batch));
  }
}

Status SetDifferenceOperator::step(StepContext&, std::span<const Delta> in, Delta& out) {
  for (size_t side : {0, 1}) {
    if (in[side].reset) {
      reset_side(side, out);
    }
    for (const ZBatch& batch : in[side].batches) {
      apply(batch, side, out);
    }
  }
  return {};
}

}  // namespace tidemark
