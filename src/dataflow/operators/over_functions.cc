#include "dataflow/operators/over_functions.h"

#include <algorithm>

#include <fmt/core.h>

#include "types/hash.h"

namespace tidemark {

namespace {

// An aggregate over a frame that moves: rows enter and leave one group's accumulator, so that a row
// costs what its frame differs by from that of the row before.
class MovingAggregate {
 public:
  MovingAggregate(const AggregateSpec& spec, const OverRows& rows)
      : spec_(spec),
        rows_(rows),
        accumulator_(make_accumulator(spec)),
        group_({}, {}, (accumulator_->set_offset(0), accumulator_->bytes())) {
    std::vector<uint64_t> hashes;
    hash_rows({}, 1, hashes);
    id_ = group_.find_or_insert_one({}, 0, hashes[0]);
  }

  void move_to(Stretch frame) {
    if (frame.first >= current_.last || frame.last <= current_.first) {
      change(current_, -1);
      change(frame, 1);
    } else {
      change({current_.first, frame.first}, -1);
      change({frame.first, current_.first}, 1);
      change({current_.last, frame.last}, 1);
      change({frame.last, current_.last}, -1);
    }
    current_ = frame;
  }
  void change(Stretch stretch, int64_t weight) {
    if (stretch.first >= stretch.last) {
      return;
    }
    size_t count = stretch.last - stretch.first;
    std::span<const uint32_t> chosen(rows_.row.data() + stretch.first, count);
    inputs_.clear();
    inputs_.push_back(gather(spec_.kind == AggregateKind::kCountStar ? 0 : spec_.input, chosen));
    for (const SortKey& key : spec_.order) {
      inputs_.push_back(gather(key.column, chosen));
    }
    weights_.assign(count, weight);
    if (spec_.filter) {
      const Column& filter = rows_.columns[*spec_.filter];
      for (size_t i = 0; i < count; ++i) {
        bool is_true = !filter.is_null(chosen[i]) && filter.data<uint8_t>()[chosen[i]] != 0;
        weights_[i] = is_true ? weight : 0;
      }
    }
    std::vector<const Column*> columns;
    for (const Column& input : inputs_) {
      columns.push_back(&input);
    }
    ids_.assign(count, id_);
    accumulator_->update(group_, ids_, columns, weights_.data());
  }
  void finish(Column& out, std::vector<RowError>& errors) const {
    accumulator_->finish(group_, std::span(&id_, 1), out, errors);
  }
  Stretch current() const { return current_; }

 private:
  Column gather(size_t column, std::span<const uint32_t> chosen) const {
    if (spec_.kind == AggregateKind::kCountStar) {
      Column none(Type::boolean());
      none.resize(chosen.size());
      return none;
    }
    Column values(rows_.columns[column].type());
    values.append_rows(rows_.columns[column], chosen);
    return values;
  }

  const AggregateSpec& spec_;
  const OverRows& rows_;
  std::unique_ptr<Accumulator> accumulator_;
  KeyedTable group_;
  uint32_t id_ = 0;
  Stretch current_;
  std::vector<Column> inputs_;  // scratch
  std::vector<int64_t> weights_;
  std::vector<uint32_t> ids_;
};

Stretch common(Stretch a, Stretch b) {
  Stretch result{std::max(a.first, b.first), std::min(a.last, b.last)};
  return result.first < result.last ? result : Stretch{};
}

void evaluate_aggregate(const OverCall& call, const OverRows& rows, Stretch wanted, Column& out,
                        std::vector<RowError>& errors) {
  MovingAggregate aggregate(call.aggregate, rows);
  std::vector<RowError> found;
  for (size_t position = wanted.first; position < wanted.last; ++position) {
    Stretch frame = rows.frame(position, call.frame);
    size_t kept = OverRows::kNone;
    Stretch left_out = common(frame, rows.excluded(position, call.frame.exclude, kept));
    Stretch kept_row = frame.contains(kept) ? Stretch{kept, kept + 1} : Stretch{};
    bool same = frame.first == aggregate.current().first && frame.last == aggregate.current().last;
    if (!same) {
      aggregate.move_to(frame);
    } else if (position != wanted.first && call.frame.exclude == WindowExclude::kNothing &&
               found.empty()) {
      out.append_copy(out, out.size() - 1);
      continue;
    }
    aggregate.change(left_out, -1);
    aggregate.change(kept_row, 1);
    found.clear();
    aggregate.finish(out, found);
    for (RowError& error : found) {
      errors.push_back({static_cast<uint32_t>(position - wanted.first), error.status});
    }
    aggregate.change(kept_row, -1);
    aggregate.change(left_out, 1);
  }
}

// The call's number for the row at a position; nothing if it is NULL.
std::optional<int64_t> offset_at(const OverCall& call, const OverRows& rows, size_t position) {
  if (!call.offset_column) {
    return call.offset;
  }
  const Column& offsets = rows.columns[*call.offset_column];
  uint32_t row = rows.row[position];
  return offsets.is_null(row) ? std::nullopt
                              : std::optional(std::clamp(offsets.data<int64_t>()[row],
                                                         -kWindowOffsetMax, kWindowOffsetMax));
}
// The same where only numbers from 1 have a meaning.
std::optional<int64_t> count_at(const OverCall& call, const OverRows& rows, size_t position,
                                size_t row, std::vector<RowError>& errors) {
  std::optional<int64_t> count = offset_at(call, rows, position);
  if (count && *count < 1) {
    errors.push_back({static_cast<uint32_t>(row),
                      Status::data_error(fmt::format(
                          "the number of {} is out of range: {}",
                          kWindowFunctionNames[static_cast<size_t>(call.function)], *count))});
    return std::nullopt;
  }
  return count;
}

void evaluate_value(const OverCall& call, const OverRows& rows, Stretch wanted, Column& out,
                    std::vector<RowError>& errors) {
  const Column& values = rows.columns[call.aggregate.input];
  bool from_end = call.function == WindowFunction::kLastValue;
  for (size_t position = wanted.first; position < wanted.last; ++position) {
    std::optional<int64_t> nth =
        count_at(call, rows, position, position - wanted.first, errors);  // 1 but for NTH_VALUE
    Stretch frame = nth ? rows.frame(position, call.frame) : Stretch{};
    size_t kept = OverRows::kNone;
    Stretch left_out = rows.excluded(position, call.frame.exclude, kept);
    size_t found = OverRows::kNone;
    int64_t passed = 0;
    for (size_t i = 0; i < frame.last - frame.first && found == OverRows::kNone; ++i) {
      size_t at = from_end ? frame.last - 1 - i : frame.first + i;
      bool counts = (!left_out.contains(at) || at == kept) &&
                    !(call.aggregate.ignore_nulls && values.is_null(rows.row[at]));
      passed += counts ? 1 : 0;
      found = counts && passed == nth ? at : OverRows::kNone;
    }
    if (found == OverRows::kNone) {
      out.append_null();
    } else {
      out.append_copy(values, rows.row[found]);
    }
  }
}

void evaluate_lag(const OverCall& call, const OverRows& rows, Stretch wanted, Column& out) {
  const Column& values = rows.columns[call.aggregate.input];
  int64_t size = static_cast<int64_t>(rows.size());
  for (size_t position = wanted.first; position < wanted.last; ++position) {
    std::optional<int64_t> number = offset_at(call, rows, position);
    if (!number) {
      out.append_null();
      continue;
    }
    int64_t offset = call.function == WindowFunction::kLag ? -*number : *number;
    int64_t at = static_cast<int64_t>(position) + offset;
    if (call.aggregate.ignore_nulls && offset != 0) {
      int64_t direction = offset < 0 ? -1 : 1, left = offset * direction;
      at = static_cast<int64_t>(position);
      while (left > 0 && at + direction >= -1 && at + direction <= size) {
        at += direction;
        bool inside = at >= 0 && at < size;
        left -= inside && !values.is_null(rows.row[static_cast<size_t>(at)]) ? 1 : 0;
      }
    }
    if (at >= 0 && at < size) {
      out.append_copy(values, rows.row[static_cast<size_t>(at)]);
    } else if (call.fallback) {
      out.append_copy(rows.columns[*call.fallback], rows.row[position]);
    } else {
      out.append_null();
    }
  }
}

// The rows are the whole partition.
void evaluate_place(const OverCall& call, const OverRows& rows, Stretch wanted, Column& out,
                    std::vector<RowError>& errors) {
  double size = static_cast<double>(rows.size());
  for (size_t position = wanted.first; position < wanted.last; ++position) {
    Stretch peers = rows.peers(position);
    switch (call.function) {
      case WindowFunction::kRowNumber:
        out.append(static_cast<int64_t>(position) + 1);
        break;
      case WindowFunction::kRank:
        out.append(static_cast<int64_t>(peers.first) + 1);
        break;
      case WindowFunction::kDenseRank:
        out.append(int64_t{rows.group[position]} + 1);
        break;
      case WindowFunction::kNtile: {
        // The first tiles have one row more where the rows do not come out even.
        std::optional<int64_t> tiles = count_at(call, rows, 0, position - wanted.first, errors);
        if (!tiles) {
          out.append_null();
          break;
        }
        int64_t count = static_cast<int64_t>(rows.size()), at = static_cast<int64_t>(position);
        int64_t few = count / *tiles, larger = count % *tiles;
        int64_t in_larger = larger * (few + 1);
        out.append(at < in_larger ? at / (few + 1) + 1 : larger + (at - in_larger) / few + 1);
        break;
      }
      case WindowFunction::kCumeDist:
        out.append(static_cast<double>(peers.last) / size);
        break;
      default:
        CHECK(call.function == WindowFunction::kPercentRank);
        out.append(rows.size() == 1 ? 0.0 : static_cast<double>(peers.first) / (size - 1));
    }
  }
}

}  // namespace

void evaluate_over(const OverCall& call, const OverRows& rows, Stretch wanted, Column& out,
                   std::vector<RowError>& errors) {
  switch (call.function) {
    case WindowFunction::kAggregate:
      return evaluate_aggregate(call, rows, wanted, out, errors);
    case WindowFunction::kFirstValue:
    case WindowFunction::kLastValue:
    case WindowFunction::kNthValue:
      return evaluate_value(call, rows, wanted, out, errors);
    case WindowFunction::kLag:
    case WindowFunction::kLead:
      return evaluate_lag(call, rows, wanted, out);
    case WindowFunction::kNtile:
    case WindowFunction::kCumeDist:
    case WindowFunction::kPercentRank:
    case WindowFunction::kRowNumber:
    case WindowFunction::kRank:
    case WindowFunction::kDenseRank:
      return evaluate_place(call, rows, wanted, out, errors);
  }
  CHECK(false);
}

}  // namespace tidemark
