#include "dataflow/operators/rank.h"

#include <algorithm>
#include <optional>

#include <fmt/core.h>

#include "dataflow/must_only_come.h"

namespace tidemark {

namespace {

// The partition's columns, then the others.
std::vector<size_t> arranged_columns(size_t columns, const std::vector<size_t>& partition) {
  std::vector<size_t> order;
  auto add = [&](size_t column) {
    if (std::ranges::find(order, column) == order.end()) {
      order.push_back(column);
    }
  };
  std::ranges::for_each(partition, add);
  for (size_t column = 0; column < columns; ++column) {
    add(column);
  }
  return order;
}

size_t place_of(const std::vector<size_t>& arranged, size_t column) {
  return static_cast<size_t>(std::ranges::find(arranged, column) - arranged.begin());
}

std::vector<Type> chosen_types(const std::vector<Type>& types, const std::vector<size_t>& columns) {
  std::vector<Type> chosen;
  for (size_t column : columns) {
    chosen.push_back(types[column]);
  }
  return chosen;
}

size_t different(std::vector<size_t> columns) {
  std::ranges::sort(columns);
  return static_cast<size_t>(std::ranges::unique(columns).begin() - columns.begin());
}

std::vector<SortKey> arranged_order(std::vector<SortKey> order,
                                    const std::vector<size_t>& arranged) {
  for (SortKey& key : order) {
    key.column = place_of(arranged, key.column);
  }
  return order;
}

}  // namespace

RankOperator::RankOperator(const std::vector<Type>& types, RankSpec spec)
    : spec_(std::move(spec)),
      arranged_(arranged_columns(types.size(), spec_.partition)),
      rows_(chosen_types(types, arranged_), different(spec_.partition),
            arranged_order(spec_.order, arranged_)) {
  for (const Type& type : types) {
    output_.fields.push_back({"", type});
  }
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

void RankOperator::show(uint32_t group, std::vector<Shown>& shown) const {
  uint64_t before = 0;  // rows in front of the current one
  uint64_t rank = 0, dense = 0;
  uint32_t last = 0;  // the row before the current one
  bool is_row_number = spec_.function == RankFunction::kRowNumber;
  rows_.for_each(group, [&](uint32_t row) {
    int64_t weight = rows_.weight(row);
    if (weight <= 0) {
      return true;
    }
    uint64_t copies = static_cast<uint64_t>(weight);
    if (is_row_number) {
      uint64_t from = std::max(before, spec_.offset);
      uint64_t to = std::min(before + copies, spec_.last);
      if (from < to && !spec_.with_number) {
        shown.push_back({row, 0, static_cast<int64_t>(to - from)});
      }
      for (uint64_t number = from + 1; spec_.with_number && number <= to; ++number) {
        shown.push_back({row, static_cast<int64_t>(number), 1});
      }
      before += copies;
      return before < spec_.last;
    }
    if (dense == 0 || !rows_.are_peers(last, row)) {
      rank = before + 1;
      ++dense;
    }
    last = row;
    uint64_t number = spec_.function == RankFunction::kRank ? rank : dense;
    if (number > spec_.last) {
      return false;
    }
    if (number > spec_.offset) {
      shown.push_back({row, spec_.with_number ? static_cast<int64_t>(number) : 0, weight});
    }
    before += copies;
    return true;
  });
}

void RankOperator::touch(std::span<const uint32_t> groups) {
  for (uint32_t group : groups) {
    uint32_t& mark = rows_.mark(group);
    if (mark == 0) {
      mark = 1;
      touched_.push_back(group);
      before_from_.push_back(before_.size());
      show(group, before_);
    }
  }
}

void RankOperator::compare(std::span<const Shown> before, std::span<const Shown> after) {
  // Mostly the ends are the same.
  while (!before.empty() && !after.empty() && before.front() == after.front()) {
    before = before.subspan(1);
    after = after.subspan(1);
  }
  while (!before.empty() && !after.empty() && before.back() == after.back()) {
    before = before.first(before.size() - 1);
    after = after.first(after.size() - 1);
  }
  size_t first = changes_.size();
  changes_.insert(changes_.end(), after.begin(), after.end());
  for (const Shown& shown : before) {
    changes_.push_back({shown.row, shown.number, -shown.copies});
  }
  if (before.empty() || after.empty()) {
    return;
  }
  auto begin = changes_.begin() + static_cast<ptrdiff_t>(first);
  auto key = [](const Shown& shown) { return std::pair(shown.row, shown.number); };
  std::ranges::sort(begin, changes_.end(), {}, key);
  auto kept = begin;
  for (auto at = begin; at != changes_.end();) {
    Shown sum = *at;
    for (++at; at != changes_.end() && key(*at) == key(sum); ++at) {
      sum.copies += at->copies;
    }
    if (sum.copies != 0) {
      *kept++ = sum;
    }
  }
  changes_.erase(kept, changes_.end());
}

void RankOperator::emit(Delta& out) {
  std::vector<uint32_t> ids;
  ZBatch batch;
  for (const Shown& change : changes_) {
    ids.push_back(change.row);
    batch.weights.push_back(change.copies);
  }
  batch.rows.rows = ids.size();
  for (size_t c = 0; c < arranged_.size(); ++c) {
    auto column = std::make_shared<Column>(output_[c].type);
    column->append_rows(rows_.column(place_of(arranged_, c)), ids);
    batch.rows.columns.push_back(std::move(column));
  }
  if (spec_.with_number) {
    auto numbers = std::make_shared<Column>(output_[arranged_.size()].type);
    numbers->reserve(ids.size());
    for (const Shown& change : changes_) {
      numbers->append(change.number);
    }
    batch.rows.columns.push_back(std::move(numbers));
  }
  if (!ids.empty()) {
    out.batches.push_back(std::move(batch));
  }
}

// A row behind one that has all the numbers before it cannot be shown.
ZBatch RankOperator::best_of(const ZBatch& arranged, std::vector<uint32_t>& groups) const {
  std::vector<uint32_t> best;
  for (uint32_t row = 0; row < groups.size(); ++row) {
    std::optional<uint32_t> last = rows_.nth(groups[row], spec_.last);
    if (!last || rows_.is_before(arranged.rows, row, *last)) {
      best.push_back(row);
    }
  }
  leave_first(arranged.rows, groups, best);
  if (best.size() == groups.size()) {
    return arranged;
  }
  ZBatch result{arranged.rows.select(best), {}};
  std::vector<uint32_t> theirs;
  for (uint32_t row : best) {
    result.weights.push_back(arranged.weight(row));
    theirs.push_back(groups[row]);
  }
  groups = std::move(theirs);
  return result;
}

void RankOperator::leave_first(const RowBatch& batch, std::span<const uint32_t> groups,
                               std::vector<uint32_t>& rows) const {
  std::ranges::stable_sort(rows, {}, [&](uint32_t row) { return groups[row]; });
  auto kept = rows.begin();
  for (auto from = rows.begin(); from != rows.end();) {
    auto to =
        std::find_if(from, rows.end(), [&](uint32_t row) { return groups[row] != groups[*from]; });
    auto end = to;
    if (static_cast<uint64_t>(to - from) > spec_.last) {
      end = from + static_cast<ptrdiff_t>(spec_.last);
      std::nth_element(from, end, to,
                       [&](uint32_t a, uint32_t b) { return rows_.is_before_in(batch, a, b); });
    }
    kept = std::copy(from, end, kept);
    from = to;
  }
  rows.erase(kept, rows.end());
  std::ranges::sort(rows);
}

void RankOperator::drop_surplus(uint32_t group) {
  uint64_t before = 0;
  surplus_.clear();
  rows_.for_each(group, [&](uint32_t row) {
    if (before >= spec_.last) {
      surplus_.push_back(row);
    }
    before += static_cast<uint64_t>(rows_.weight(row));
    return true;
  });
  for (uint32_t row : surplus_) {
    rows_.drop(group, row);
  }
}

Status RankOperator::step(StepContext&, std::span<const Delta> in, Delta& out) {
  if (spec_.insert_only) {
    TRY(must_only_come(in[0]));
  }
  if (in[0].reset) {
    rows_.clear();
    out.reset = true;
  }
  if (has_retractions(in[0].batches)) {
    rows_.rows().unite();  // now: rows that are remembered keep their ids
  }
  std::vector<ZBatch> batches;
  std::vector<std::vector<uint32_t>> groups;
  for (const ZBatch& batch : in[0].batches) {
    ZBatch& arranged = batches.emplace_back(ZBatch{{{}, batch.rows.rows}, batch.weights});
    for (size_t column : arranged_) {
      arranged.rows.columns.push_back(batch.rows.columns[column]);
    }
    rows_.find_groups(arranged, groups.emplace_back());
    if (spec_.insert_only) {
      arranged = best_of(arranged, groups.back());
    }
    touch(groups.back());
  }
  for (size_t i = 0; i < batches.size(); ++i) {
    rows_.apply(batches[i], groups[i]);
  }
  std::vector<Shown> after;
  for (size_t i = 0; i < touched_.size(); ++i) {
    size_t end = i + 1 < touched_.size() ? before_from_[i + 1] : before_.size();
    after.clear();
    show(touched_[i], after);
    compare(std::span(before_).subspan(before_from_[i], end - before_from_[i]), after);
    rows_.mark(touched_[i]) = 0;
    if (spec_.insert_only) {
      drop_surplus(touched_[i]);
    }
  }
  emit(out);
  rows_.sweep();
  touched_.clear();
  before_from_.clear();
  before_.clear();
  changes_.clear();
  return {};
}

}  // namespace tidemark
