#include "dataflow/operators/distinct_values.h"

#include <algorithm>

#include "types/hash.h"

namespace tidemark {

namespace {

size_t bytes_of_counts(size_t functions) {
  return (functions * sizeof(int64_t) + 15) / 16 * 16;
}

}  // namespace

DistinctValues::DistinctValues(const Type& input, size_t functions)
    : values_({Type::bigint(), input}, {}, bytes_of_counts(functions), functions * sizeof(int64_t)),
      changes_(functions) {}

void DistinctValues::choose(const Column& input, std::span<const int64_t* const> weights,
                            size_t rows) {
  chosen_.clear();
  bool always = std::ranges::any_of(weights, [](const int64_t* w) { return w == nullptr; });
  for (uint32_t row = 0; row < rows; ++row) {
    bool counts =
        always || std::ranges::any_of(weights, [row](const int64_t* of) { return of[row] != 0; });
    if (counts && !input.is_null(row)) {
      chosen_.push_back(row);
    }
  }
}

void DistinctValues::update(KeyedTable& groups, std::span<const uint32_t> ids, const Column& input,
                            std::span<const int64_t* const> weights) {
  for (Changes& changes : changes_) {
    changes.rows.clear();
    changes.ids.clear();
    changes.weights.clear();
  }
  choose(input, weights, ids.size());
  if (chosen_.empty()) {
    return;
  }
  size_t rows = chosen_.size();
  Column numbers(Type::bigint());
  numbers.reserve(rows);
  for (uint32_t row : chosen_) {
    uint64_t& number = *reinterpret_cast<uint64_t*>(groups.fixed(ids[row]) + offset_);
    numbers.append(static_cast<int64_t>(numbers_.of(number)));
  }
  Column picked(input.type());
  if (rows != ids.size()) {
    picked.append_rows(input, chosen_);
  }
  const Column* keys[] = {&numbers, rows != ids.size() ? &picked : &input};
  hash_rows(keys, rows, hashes_);
  entries_.resize(rows);
  values_.find_or_insert(keys, rows, hashes_, entries_.data());
  values_.fetch_fixed(entries_);
  bool is_some_gone = false;
  for (size_t i = 0; i < rows; ++i) {
    uint32_t row = chosen_[i];
    int64_t* known = counts(entries_[i]);
    for (size_t f = 0; f < weights.size(); ++f) {
      int64_t weight = weights[f] == nullptr ? 1 : weights[f][row];
      bool before = known[f] > 0;
      known[f] += weight;
      bool after = known[f] > 0;
      is_some_gone = is_some_gone || (weight != 0 && known[f] == 0);
      if (before != after) {
        changes_[f].rows.push_back(row);
        changes_[f].ids.push_back(ids[row]);
        changes_[f].weights.push_back(after ? 1 : -1);
      }
    }
    values_.mark_changed(entries_[i]);
  }
  // Afterwards: an entry that goes gives its id away.
  for (size_t i = 0; is_some_gone && i < rows; ++i) {
    uint32_t entry = entries_[i];
    if (entry < values_.id_limit() && values_.is_live(entry) &&
        std::all_of(counts(entry), counts(entry) + weights.size(),
                    [](int64_t count) { return count == 0; })) {
      values_.erase(entry, hashes_[i]);
    }
  }
}

}  // namespace tidemark
