#include "dataflow/operators/rank.h"

#include <set>

#include <fmt/core.h>

#include "types/hash.h"
#include "zset/consolidate.h"

namespace tidemark {

RankOperator::RankOperator(std::vector<Type> types, RankSpec spec)
    : spec_(std::move(spec)), rows_(types, {}, 16) {
  for (Type& type : types) {
    schema_.fields.push_back({"", std::move(type)});
  }
  if (spec_.with_number) {
    schema_.fields.push_back({"", Type::bigint().not_null()});
  }
}

std::string RankOperator::name() const {
  constexpr const char* kNames[] = {"RowNumber", "Rank", "DenseRank"};
  std::string bound = spec_.last == std::numeric_limits<uint64_t>::max()
                          ? ""
                          : fmt::format(", up to {}", spec_.last);
  return fmt::format("{}({} partition keys{})", kNames[static_cast<size_t>(spec_.function)],
                     spec_.partition.size(), bound);
}

void RankOperator::key_of(std::span<const Column* const> columns, size_t row, size_t& sort_bytes,
                          std::string& key) const {
  for (size_t column : spec_.partition) {
    append_sort_key(*columns[column], row, false, false, key);
  }
  for (const SortKey& sort : spec_.order) {
    append_sort_key(*columns[sort.column], row, sort.descending, sort.nulls_first, key);
  }
  sort_bytes = key.size();
  for (const Column* column : columns) {  // ties are settled by the whole row
    append_sort_key(*column, row, false, false, key);
  }
}

void RankOperator::apply(const ZBatch& batch) {
  std::vector<const Column*> columns;
  for (const ColumnRef& column : batch.rows.columns) {
    columns.push_back(column.get());
  }
  hash_rows(columns, batch.rows.rows, hashes_);
  rows_.fault_in(columns, batch.rows.rows, hashes_);
  std::string key;
  for (size_t i = 0; i < batch.rows.rows; ++i) {
    size_t before = rows_.size();
    uint32_t id = rows_.find_or_insert_one(columns, i, hashes_[i]);
    int64_t& weight = rows_.fixed_as<int64_t>(id);
    weight += batch.weight(i);
    rows_.mark_changed(id);
    bool added = rows_.size() > before;
    if (!added && weight != 0) {
      continue;
    }
    key.clear();
    size_t sort_bytes = 0;
    key_of(columns, i, sort_bytes, key);
    size_t bytes = key.size() + 48;
    if (weight == 0) {
      rows_.erase(id);
      ordered_bytes_ -= ordered_.erase(key) != 0 ? bytes : 0;
    } else {
      ordered_bytes_ += bytes;
      ordered_.emplace(key, Place{id, static_cast<uint32_t>(sort_bytes)});
    }
  }
}

void RankOperator::show(const std::string& partition, int64_t sign, std::vector<Column>& shown,
                        std::vector<int64_t>& weights) const {
  uint64_t before = 0;  // rows in front of the current one
  uint64_t rank = 0, dense = 0;
  std::string_view last_sort;
  size_t columns = rows_.key_count();
  auto add = [&](uint32_t id, uint64_t number, int64_t copies) {
    for (size_t c = 0; c < columns; ++c) {
      shown[c].append_copy(rows_.key(c), id);
    }
    if (spec_.with_number) {
      shown[columns].append(static_cast<int64_t>(number));
    }
    weights.push_back(sign * copies);
  };
  for (auto at = ordered_.lower_bound(partition);
       at != ordered_.end() && at->first.starts_with(partition); ++at) {
    int64_t weight = rows_.fixed_as<int64_t>(at->second.id);
    if (weight <= 0) {
      continue;
    }
    uint64_t copies = static_cast<uint64_t>(weight);
    std::string_view sort = std::string_view(at->first).substr(0, at->second.sort_bytes);
    if (dense == 0 || sort != last_sort) {
      rank = before + 1;
      ++dense;
      last_sort = sort;
    }
    if (spec_.function != RankFunction::kRowNumber) {
      uint64_t number = spec_.function == RankFunction::kRank ? rank : dense;
      if (number > spec_.last) {
        return;
      }
      if (number > spec_.offset) {
        add(at->second.id, number, weight);
      }
    } else {
      uint64_t from = std::max(before, spec_.offset);
      uint64_t to = std::min(before + copies, spec_.last);
      if (from < to && !spec_.with_number) {
        add(at->second.id, 0, static_cast<int64_t>(to - from));
      }
      for (uint64_t number = from + 1; spec_.with_number && number <= to; ++number) {
        add(at->second.id, number, 1);
      }
      if (before + copies >= spec_.last) {
        return;
      }
    }
    before += copies;
  }
}

Status RankOperator::step(StepContext&, std::span<const Delta> in, Delta& out) {
  if (in[0].reset) {
    rows_.clear();
    ordered_.clear();
    ordered_bytes_ = 0;
    out.reset = true;
  }
  std::set<std::string> touched;
  std::string key;
  for (const ZBatch& batch : in[0].batches) {
    for (size_t row = 0; row < batch.rows.rows; ++row) {
      key.clear();
      for (size_t column : spec_.partition) {
        append_sort_key(*batch.rows.columns[column], row, false, false, key);
      }
      touched.insert(key);
    }
  }
  std::vector<Column> shown = make_columns(schema_);
  std::vector<int64_t> weights;
  for (const std::string& partition : touched) {
    show(partition, -1, shown, weights);
  }
  for (const ZBatch& batch : in[0].batches) {
    apply(batch);
  }
  for (const std::string& partition : touched) {
    show(partition, 1, shown, weights);
  }
  if (!weights.empty()) {
    ZBatch both{to_batch(std::move(shown)), std::move(weights)};
    both.rows.rows = both.weights.size();
    ZBatch changes = consolidate(std::span(&both, 1));
    if (changes.rows.rows != 0) {
      out.batches.push_back(std::move(changes));
    }
  }
  return {};
}

}  // namespace tidemark
