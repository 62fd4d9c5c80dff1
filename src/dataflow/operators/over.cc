#include "dataflow/operators/over.h"

#include <algorithm>

#include <fmt/core.h>

#include "state/store.h"
#include "zset/consolidate.h"

namespace tidemark {

namespace {

// The frame that a call looks at.
WindowFrame frame_of(const OverCall& call) {
  WindowFrame frame = call.frame;
  switch (call.function) {
    case WindowFunction::kAggregate:
    case WindowFunction::kFirstValue:
    case WindowFunction::kLastValue:
    case WindowFunction::kNthValue:
    case WindowFunction::kRowNumber:
    case WindowFunction::kRank:
    case WindowFunction::kDenseRank:
      break;
    case WindowFunction::kLag:
    case WindowFunction::kLead: {
      frame.unit = WindowUnit::kRows;
      frame.start = frame.end = WindowBound{};
      if (call.offset_column) {
        frame.start.kind = WindowBound::Kind::kUnboundedPreceding;
        frame.end.kind = WindowBound::Kind::kUnboundedFollowing;
        break;
      }
      int64_t offset = call.function == WindowFunction::kLag ? -call.offset : call.offset;
      frame.start.whole = frame.end.whole = offset;
      break;
    }
    case WindowFunction::kNtile:
    case WindowFunction::kCumeDist:
    case WindowFunction::kPercentRank:
      frame.unit = WindowUnit::kRows;
      frame.start.kind = WindowBound::Kind::kUnboundedPreceding;
      frame.end.kind = WindowBound::Kind::kUnboundedFollowing;
  }
  return frame;
}

}  // namespace

OverOperator::OverOperator(const std::vector<Type>& types, OverSpec spec)
    : spec_(std::move(spec)),
      keys_(types, spec_),
      running_(RunningWindow::make(spec_, keys_, types)),
      tiles_(TileWindow::make(spec_, keys_, types)) {
  for (const Type& type : types) {
    input_.fields.push_back({"", type});
  }
  output_ = input_;
  if (spec_.order.size() == 1) {
    scale_ = OrderScale(types[spec_.order[0].column], spec_.order[0].descending);
  }
  constexpr size_t kBefore = static_cast<size_t>(Direction::kBefore);
  constexpr size_t kAfter = static_cast<size_t>(Direction::kAfter);
  for (const OverCall& call : spec_.calls) {
    output_.fields.push_back({"", call.aggregate.result_type});
    WindowFrame frame = frame_of(call);
    has_range_ = has_range_ || frame.unit == WindowUnit::kRange;
    // What lies between a row and the near end of its frame is read, not needed.
    auto reach = [&](const WindowBound& bound, bool mirrored) {
      Reach result{bound.kind != WindowBound::Kind::kOffset, frame.unit, bound, {}};
      if (mirrored) {
        result.bound.whole = -bound.whole;
        result.bound.real = -bound.real;
      }
      return result;
    };
    need_[kBefore].push_back(reach(frame.start, false));
    need_[kAfter].push_back(reach(frame.end, false));
    effect_[kBefore].push_back(reach(frame.end, true));
    effect_[kAfter].push_back(reach(frame.start, true));
    if (std::optional<NearestValues> nearest =
            nearest_values(call.function, call.aggregate.ignore_nulls, call.frame,
                           call.offset_column ? std::nullopt : std::optional(call.offset))) {
      size_t near = nearest->is_before ? kBefore : kAfter;
      auto values = [&](bool before) {
        WindowBound bound;
        bound.whole = before ? -nearest->count : nearest->count;
        return Reach{false, WindowUnit::kRows, bound, call.aggregate.input};
      };
      need_[near].back() = values(nearest->is_before);
      effect_[1 - near].back() = values(!nearest->is_before);
    }
  }
}

std::string OverOperator::name() const {
  return fmt::format("Over({} partition keys, {} functions)", spec_.partition.size(),
                     spec_.calls.size());
}

std::optional<OrderNumber> OverOperator::number_of(std::string_view key) const {
  ByteReader in(key.substr(keys_.partition_bytes(key)));
  Column value(input_[spec_.order[0].column].type);
  read_sort_key(in, spec_.order[0].descending, value);
  return value.is_null(0) ? std::nullopt : std::optional(scale_.number_of(value, 0));
}

// The first or last key of the partition, or `from` if that is farther.
std::string OverOperator::end_of(const std::string& partition, const std::string& from,
                                 Direction direction) const {
  bool forward = direction == Direction::kAfter;
  std::string past =
      partition.empty() ? "\xFF" : end_of_prefix(partition);  // keys begin with 0 to 2
  OrderedTable::Scan scan = forward ? rows_.backward(past) : rows_.forward(partition);
  while (scan.valid() && scan.key().starts_with(partition) && scan.weight() <= 0) {
    scan.next();
  }
  if (!scan.valid() || !scan.key().starts_with(partition) ||
      (forward ? scan.key() < from : scan.key() > from)) {
    return from;
  }
  return std::string(scan.key());
}

void OverOperator::count_values(const OrderedTable::Scan& scan, const std::vector<Reach>& reaches,
                                std::vector<Column>& passed, std::vector<Int128>& values) const {
  OverKeys::read_row(scan.key(), keys_.sort_bytes(scan.key()), passed);
  size_t last = passed[0].size() - 1;
  for (size_t i = 0; i < reaches.size(); ++i) {
    if (reaches[i].counted && !passed[*reaches[i].counted].is_null(last)) {
      values[i] += scan.weight();
    }
  }
}

std::string OverOperator::walk(const std::string& from, Direction direction,
                               const std::vector<Reach>& reaches, const std::string& stop) const {
  bool forward = direction == Direction::kAfter;
  std::string partition = from.substr(0, keys_.partition_bytes(from));
  std::string group = from.substr(0, keys_.sort_bytes(from));
  std::optional<OrderNumber> number = has_range_ ? number_of(from) : std::nullopt;
  std::string farthest = from;
  if (std::any_of(reaches.begin(), reaches.end(), [](const Reach& each) { return each.is_all; })) {
    return stop.empty() ? end_of(partition, from, direction) : stop;
  }
  Int128 rows = 0, groups = 0;
  std::vector<Int128> values(reaches.size());  // passed, for those that count them
  bool counts_values =
      std::ranges::any_of(reaches, [](const Reach& each) { return each.counted.has_value(); });
  std::vector<Column> passed = make_columns(counts_values ? input_ : Schema());
  OrderedTable::Scan scan = forward ? rows_.forward(from) : rows_.backward(from);
  for (; scan.valid() && scan.key().starts_with(partition); scan.next()) {
    if (scan.weight() <= 0 || scan.key() == from) {
      continue;
    }
    if (!stop.empty() && (forward ? scan.key() >= stop : scan.key() <= stop)) {
      return stop;
    }
    if (!scan.key().starts_with(group)) {
      group = scan.key().substr(0, keys_.sort_bytes(scan.key()));
      ++groups;
    }
    auto is_within = [&](const Reach& reach) {
      Int128 distance = forward ? reach.bound.whole : -reach.bound.whole;
      switch (reach.unit) {
        case WindowUnit::kRows:
          return (reach.counted ? values[static_cast<size_t>(&reach - reaches.data())] : rows) <
                 distance;
        case WindowUnit::kGroups:
          return groups <= distance;
        case WindowUnit::kRange: {
          if (groups == 0) {
            return true;
          }
          std::optional<OrderNumber> here = number_of(scan.key());
          if (!here || !number) {
            return false;
          }
          // Months are of different lengths: a few more days than they have.
          WindowBound bound = reach.bound;
          if (bound.in_months) {
            bound.in_months = false;
            constexpr Int128 kMonth = Int128{32} * 86'400'000'000;
            bound.whole = bound.whole * kMonth + (forward ? kMonth : -kMonth);
          }
          OrderNumber edge = scale_.shifted(*number, bound);
          return forward ? !scale_.before(edge, *here) : !scale_.before(*here, edge);
        }
      }
      CHECK(false);
    };
    if (std::none_of(reaches.begin(), reaches.end(), is_within)) {
      break;
    }
    farthest = scan.key();
    rows += scan.weight();
    if (counts_values) {
      count_values(scan, reaches, passed, values);
    }
  }
  return farthest;
}

void OverOperator::find_affected(std::span<const KeyChange> changes,
                                 std::vector<Interval>& affected) const {
  for (size_t i = 0; i < changes.size(); ++i) {
    const std::string& key = changes[i].key;
    // Not past the neighbours: what lies beyond is theirs.
    affected.push_back(
        {walk(key, Direction::kBefore, effect_[0], i == 0 ? std::string() : changes[i - 1].key),
         walk(key, Direction::kAfter, effect_[1],
              i + 1 == changes.size() ? std::string() : changes[i + 1].key)});
  }
}

void OverOperator::evaluate(const Interval& interval, int64_t sign, OverOutput& output) {
  std::string first = walk(interval.first, Direction::kBefore, need_[0], {});
  std::string last = walk(interval.last, Direction::kAfter, need_[1], {});
  OverRows rows;
  rows.columns = make_columns(input_);
  rows.scale = scale_;
  Stretch wanted{SIZE_MAX, 0};
  std::string group;
  bool numbered_before = false;
  for (OrderedTable::Scan scan = rows_.forward(first); scan.valid() && scan.key() <= last;
       scan.next()) {
    if (scan.weight() <= 0) {
      continue;
    }
    std::string_view key = scan.key();
    if (rows.size() == 0 || !key.starts_with(group)) {
      group = key.substr(0, keys_.sort_bytes(key));
      rows.group_first.push_back(rows.size());
    }
    std::optional<OrderNumber> number = has_range_ ? number_of(key) : std::nullopt;
    OverKeys::read_row(key, group.size(), rows.columns);
    bool is_wanted = interval.first <= key && key <= interval.last;
    for (int64_t copy = 0; copy < scan.weight(); ++copy) {
      size_t position = rows.size();
      rows.row.push_back(static_cast<uint32_t>(rows.columns[0].size() - 1));
      rows.group.push_back(static_cast<uint32_t>(rows.group_first.size() - 1));
      if (has_range_) {
        rows.numbers.push_back(number.value_or(OrderNumber{}));
        if (number) {
          rows.numbered.first = numbered_before ? rows.numbered.first : position;
          rows.numbered.last = position + 1;
          numbered_before = true;
        }
      }
      if (is_wanted) {
        wanted.first = std::min(wanted.first, position);
        wanted.last = position + 1;
      }
    }
  }
  if (wanted.first >= wanted.last) {
    return;
  }
  rows.group_first.push_back(rows.size());
  std::vector<RowError> errors;
  std::vector<Column> values;
  for (const OverCall& call : spec_.calls) {
    evaluate_over(call, rows, wanted, values.emplace_back(call.aggregate.result_type), errors);
  }
  std::vector<bool> failed(wanted.last - wanted.first);
  for (const RowError& error : errors) {
    failed[error.row] = true;
    mutable_errors().add(error.status.message(), sign);
  }
  for (size_t i = 0; i < failed.size(); ++i) {
    if (failed[i]) {
      continue;
    }
    for (size_t c = 0; c < rows.columns.size(); ++c) {
      output.columns[c].append_copy(rows.columns[c], rows.row[wanted.first + i]);
    }
    for (size_t c = 0; c < values.size(); ++c) {
      output.columns[rows.columns.size() + c].append_copy(values[c], i);
    }
    output.weights.push_back(sign);
  }
}

void OverOperator::apply(std::span<const KeyChange> changes, int64_t sign) {
  for (const KeyChange& change : changes) {
    rows_.add(change.key, sign * change.weight);
  }
}

void OverOperator::step_partition(std::span<const KeyChange> changes, bool was_empty,
                                  OverOutput& output) {
  if (running_ != nullptr) {
    apply(changes, 1);
    running_->step(rows_, changes, output, mutable_errors());
    return;
  }
  if (tiles_ != nullptr) {
    std::string_view first = changes[0].key;
    tiles_->find(rows_, first.substr(0, keys_.partition_bytes(first)));
    apply(changes, 1);
    tiles_->step(rows_, changes, output);
    return;
  }
  std::vector<Interval> found;
  if (!was_empty) {
    find_affected(changes, found);
  }
  apply(changes, 1);
  find_affected(changes, found);
  std::sort(found.begin(), found.end(),
            [](const Interval& a, const Interval& b) { return a.first < b.first; });
  std::vector<Interval> affected;
  for (Interval& interval : found) {
    if (!affected.empty() && interval.first <= affected.back().last) {
      affected.back().last = std::max(affected.back().last, interval.last);
    } else {
      affected.push_back(std::move(interval));
    }
  }
  for (const Interval& interval : affected) {
    evaluate(interval, 1, output);
  }
  if (was_empty) {
    return;
  }
  apply(changes, -1);
  for (const Interval& interval : affected) {
    evaluate(interval, -1, output);
  }
  apply(changes, 1);
}

std::vector<KeyChange> OverOperator::changes_of(std::span<const ZBatch> batches) const {
  std::vector<KeyChange> changes;
  for (const ZBatch& batch : batches) {
    const std::vector<ColumnRef>& columns = batch.rows.columns;
    for (size_t row = 0; row < batch.rows.rows; ++row) {
      std::string key;
      keys_.append(columns, row, key);
      changes.push_back({std::move(key), batch.weight(row)});
    }
  }
  add_up(changes);
  return changes;
}

Status OverOperator::step(StepContext&, std::span<const Delta> in, Delta& out) {
  if (in[0].reset) {
    rows_.clear();
    if (running_ != nullptr) {
      running_->clear();
    }
    if (tiles_ != nullptr) {
      tiles_->clear();
    }
    mutable_errors().clear();
    out.reset = true;
  }
  std::vector<KeyChange> changes = changes_of(in[0].batches);
  if (changes.empty()) {
    return {};
  }
  bool was_empty = rows_.is_empty();
  std::vector<std::string_view> keys;
  for (const KeyChange& change : changes) {
    keys.push_back(change.key);
  }
  rows_.fault_in(keys);
  OverOutput output{make_columns(output_), {}};
  for (size_t first = 0; first < changes.size();) {
    std::string_view partition =
        std::string_view(changes[first].key).substr(0, keys_.partition_bytes(changes[first].key));
    size_t last = first + 1;
    while (last < changes.size() && changes[last].key.starts_with(partition)) {
      ++last;
    }
    step_partition(std::span(changes).subspan(first, last - first), was_empty, output);
    first = last;
  }
  if (!output.weights.empty()) {
    ZBatch both{to_batch(std::move(output.columns)), std::move(output.weights)};
    ZBatch difference = consolidate(std::span(&both, 1));
    if (difference.rows.rows != 0) {
      out.batches.push_back(std::move(difference));
    }
  }
  return {};
}

}  // namespace tidemark
