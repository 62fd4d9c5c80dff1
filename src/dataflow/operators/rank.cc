#include "dataflow/operators/rank.h"

#include <set>

#include <fmt/core.h>

#include "zset/consolidate.h"

namespace tidemark {

RankOperator::RankOperator(const std::vector<Type>& types, RankSpec spec) : spec_(std::move(spec)) {
  for (const Type& type : types) {
    input_.fields.push_back({"", type});
  }
  output_ = input_;
  if (spec_.with_number) {
    output_.fields.push_back({"", Type::bigint().not_null()});
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

void RankOperator::apply(const ZBatch& batch) {
  std::vector<std::string> keys(batch.rows.rows);
  for (size_t row = 0; row < keys.size(); ++row) {
    const std::vector<ColumnRef>& columns = batch.rows.columns;
    for (size_t column : spec_.partition) {
      append_sort_key(*columns[column], row, false, false, keys[row]);
    }
    for (const SortKey& sort : spec_.order) {
      append_sort_key(*columns[sort.column], row, sort.descending, sort.nulls_first, keys[row]);
    }
    for (const ColumnRef& column : columns) {  // ties are settled by the whole row
      append_sort_key(*column, row, false, false, keys[row]);
    }
  }
  rows_.fault_in(std::vector<std::string_view>(keys.begin(), keys.end()));
  for (size_t row = 0; row < keys.size(); ++row) {
    rows_.add(keys[row], batch.weight(row));
  }
}

size_t RankOperator::read_key(std::string_view key, std::vector<Column>& row) const {
  ByteReader in(key);
  auto skip = [&](size_t column, bool descending) {
    Column unused(input_[column].type);
    read_sort_key(in, descending, unused);
  };
  for (size_t column : spec_.partition) {
    skip(column, false);
  }
  for (const SortKey& sort : spec_.order) {
    skip(sort.column, sort.descending);
  }
  size_t sort_bytes = key.size() - in.rest().size();
  row = make_columns(input_);
  for (Column& column : row) {
    read_sort_key(in, false, column);
  }
  CHECK(in.at_end());
  return sort_bytes;
}

void RankOperator::show(const std::string& partition, int64_t sign, std::vector<Column>& shown,
                        std::vector<int64_t>& weights) const {
  uint64_t before = 0;  // rows in front of the current one
  uint64_t rank = 0, dense = 0;
  std::string last_sort;
  std::vector<Column> row;
  auto add = [&](uint64_t number, int64_t copies) {
    for (size_t c = 0; c < row.size(); ++c) {
      shown[c].append_copy(row[c], 0);
    }
    if (spec_.with_number) {
      shown[row.size()].append(static_cast<int64_t>(number));
    }
    weights.push_back(sign * copies);
  };
  for (OrderedTable::Scan scan = rows_.forward(partition);
       scan.valid() && scan.key().starts_with(partition); scan.next()) {
    if (scan.weight() <= 0) {
      continue;
    }
    uint64_t copies = static_cast<uint64_t>(scan.weight());
    std::string_view sort = scan.key().substr(0, read_key(scan.key(), row));
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
        add(number, scan.weight());
      }
    } else {
      uint64_t from = std::max(before, spec_.offset);
      uint64_t to = std::min(before + copies, spec_.last);
      if (from < to && !spec_.with_number) {
        add(0, static_cast<int64_t>(to - from));
      }
      for (uint64_t number = from + 1; spec_.with_number && number <= to; ++number) {
        add(number, 1);
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
  std::vector<Column> shown = make_columns(output_);
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
