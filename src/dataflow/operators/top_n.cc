#include "dataflow/operators/top_n.h"

#include <algorithm>

#include <fmt/core.h>

#include "dataflow/must_only_come.h"

namespace tidemark {

namespace {

constexpr size_t kTakenInRows = 1024;

// More copies than there can be are as good as all.
int64_t place_number(uint64_t number) {
  return static_cast<int64_t>(std::min<uint64_t>(number, std::numeric_limits<int64_t>::max()));
}

std::vector<int64_t> place_numbers(uint64_t offset, uint64_t limit) {
  std::vector<int64_t> numbers = {place_number(offset)};
  if (limit != TopNOperator::kNoLimit) {
    numbers.push_back(place_number(offset + std::min(limit, TopNOperator::kNoLimit - offset)));
  }
  return numbers;
}

}  // namespace

TopNOperator::TopNOperator(std::vector<Type> types, std::vector<SortKey> order, uint64_t offset,
                           uint64_t limit, bool is_insert_only)
    : order_(std::move(order)),
      numbers_(place_numbers(offset, limit)),
      is_insert_only_(is_insert_only),
      window_("", numbers_.size()) {
  for (Type& type : types) {
    schema_.fields.push_back({"", std::move(type)});
  }
}

std::string TopNOperator::name() const {
  return has_end() ? fmt::format("TopN(offset {}, limit {})", numbers_[kFirst],
                                 numbers_[kEnd] - numbers_[kFirst])
                   : fmt::format("Offset({})", numbers_[kFirst]);
}

// Equal sort keys: by the whole row, so that ties are settled.
void TopNOperator::append_key(const RowBatch& rows, size_t row, std::string& key) const {
  for (const SortKey& sort : order_) {
    append_sort_key(*rows.columns[sort.column], row, sort.descending, sort.nulls_first, key);
  }
  for (const ColumnRef& column : rows.columns) {
    append_sort_key(*column, row, false, false, key);
  }
}

void TopNOperator::append_row(std::string_view key, std::vector<Column>& columns) const {
  ByteReader in(key);
  for (const SortKey& sort : order_) {
    skip_sort_key(in, sort.descending, columns[sort.column].physical());
  }
  for (Column& column : columns) {
    read_sort_key(in, false, column);
  }
}

void TopNOperator::find_window() {
  window_ = Places("", numbers_.size());
  window_.follow(rows_, {}, numbers_);
  is_window_known_ = true;
}

int64_t TopNOperator::copies_inside(const Places& window, std::string_view key,
                                    int64_t copies) const {
  int64_t last = has_end() ? window[kEnd].copies_before(key, copies) : copies;
  return last - window[kFirst].copies_before(key, copies);
}

std::vector<KeyChange> TopNOperator::changes_of(const ZBatch& batch, size_t first,
                                                size_t last) const {
  std::vector<KeyChange> changes;
  std::string key;
  for (size_t row = first; row < last; ++row) {
    key.clear();
    append_key(batch.rows, row, key);
    if (!is_insert_only_ || window_[kEnd].is_behind(key)) {
      changes.push_back({key, batch.weight(row)});
    }
  }
  add_up(changes);
  return changes;
}

void TopNOperator::apply(const ZBatch& batch, size_t first, size_t last,
                         std::vector<Column>& columns, std::vector<int64_t>& weights) {
  std::vector<KeyChange> changes = changes_of(batch, first, last);
  std::vector<std::string_view> keys;
  for (const KeyChange& change : changes) {
    keys.push_back(change.key);
  }
  rows_.fault_in(keys);
  std::vector<KeyCopies> changed;
  for (KeyChange& change : changes) {
    int64_t now = rows_.add(change.key, change.weight);
    changed.push_back({std::move(change.key), copies_of(now - change.weight), copies_of(now)});
  }
  Places before = window_;
  for (const KeyCopies& key : window_.follow(rows_, std::move(changed), numbers_)) {
    int64_t change =
        copies_inside(window_, key.key, key.now) - copies_inside(before, key.key, key.before);
    if (change != 0) {
      append_row(key.key, columns);
      weights.push_back(change);
    }
  }
}

void TopNOperator::drop_surplus() {
  if (window_[kEnd].is_end) {
    return;
  }
  std::vector<std::pair<std::string, int64_t>> surplus;
  for (OrderedTable::Scan scan = rows_.forward(window_[kEnd].key + '\0'); scan.valid();
       scan.next()) {
    surplus.emplace_back(scan.key(), scan.weight());
  }
  for (const auto& [key, weight] : surplus) {
    rows_.add(key, -weight);
  }
}

Status TopNOperator::step(StepContext&, std::span<const Delta> in, Delta& out) {
  if (is_insert_only_) {
    TRY(must_only_come(in[0]));
  }
  if (in[0].reset) {
    rows_.clear();
    out.reset = true;
  }
  if (in[0].reset || !is_window_known_) {
    find_window();
  }
  ZBatch changes;
  std::vector<Column> columns = make_columns(schema_);
  // Of rows that only come each piece tells which of the next can still come into the window.
  size_t piece = is_insert_only_ ? kTakenInRows : SIZE_MAX;
  for (const ZBatch& batch : in[0].batches) {
    for (size_t first = 0; first < batch.rows.rows;) {
      size_t last = first + std::min(piece, batch.rows.rows - first);
      apply(batch, first, last, columns, changes.weights);
      if (is_insert_only_) {
        drop_surplus();
      }
      first = last;
    }
  }
  if (!changes.weights.empty()) {
    changes.rows = to_batch(std::move(columns));
    changes = consolidate(std::span(&changes, 1));
    if (changes.rows.rows != 0) {
      out.batches.push_back(std::move(changes));
    }
  }
  return {};
}

}  // namespace tidemark
