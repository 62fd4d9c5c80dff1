#include "dataflow/operators/over_running.h"

#include <algorithm>

#include "types/hash.h"

namespace tidemark {

namespace {

constexpr size_t kKeepEvery = 64;  // rows: some 10 us to pass, 2 bytes a row to keep

bool is_running(const OverCall& call) {
  const WindowFrame& frame = call.frame;
  bool is_to_current = frame.end.kind == WindowBound::Kind::kOffset && frame.end.whole == 0 &&
                       frame.end.real == 0 && frame.unit != WindowUnit::kRange;
  return call.function == WindowFunction::kAggregate && is_to_current &&
         frame.start.kind == WindowBound::Kind::kUnboundedPreceding &&
         frame.exclude == WindowExclude::kNothing;
}

// Offsets set; the bytes of all.
template <typename Calls>
size_t lay_out(Calls& calls) {
  size_t bytes = 0;
  for (auto& call : calls) {
    call.accumulator->set_offset(bytes);
    bytes += call.accumulator->bytes();
  }
  return bytes;
}

}  // namespace

std::unique_ptr<RunningWindow> RunningWindow::make(const OverSpec& spec, const OverKeys& keys,
                                                   const std::vector<Type>& types) {
  bool serves = std::ranges::all_of(spec.calls, [&](const OverCall& call) {
    return is_running(call) && call.frame.unit == spec.calls[0].frame.unit &&
           make_accumulator(call.aggregate)->grows_in_bytes();
  });
  return serves ? std::unique_ptr<RunningWindow>(new RunningWindow(spec, keys, types)) : nullptr;
}

RunningWindow::RunningWindow(const OverSpec& spec, const OverKeys& keys,
                             const std::vector<Type>& types)
    : keys_(keys),
      types_(types),
      calls_([&] {
        std::vector<Call> calls;
        for (const OverCall& call : spec.calls) {
          calls.push_back({&call, make_accumulator(call.aggregate)});
        }
        return calls;
      }()),
      by_row_(spec.calls[0].frame.unit == WindowUnit::kRows),
      states_({Type::bigint()}, {}, lay_out(calls_)) {
  Column sides(Type::bigint());
  sides.append(int64_t{kOld});
  sides.append(int64_t{kNew});
  const Column* key = &sides;
  std::vector<uint64_t> hashes;
  hash_rows(std::span(&key, 1), 2, hashes);
  states_.find_or_insert(std::span(&key, 1), 2, hashes, ids_);
}

// Both states are what was kept, or those before the first row.
void RunningWindow::begin(const std::string* states) {
  for (Call& call : calls_) {
    call.accumulator->clear();
  }
  if (states != nullptr) {
    std::memcpy(states_.fixed(ids_[kNew]), states->data(), states->size());
  } else {
    std::memset(states_.fixed(ids_[kNew]), 0, states_.fixed_bytes());
  }
  copy_state(kNew, kOld);
  has_diverged_ = false;
  columns_.clear();
  for (const Type& type : types_) {
    columns_.emplace_back(type);
  }
}

void RunningWindow::copy_state(Side from, Side to) {
  std::memcpy(states_.fixed(ids_[to]), states_.fixed(ids_[from]), states_.fixed_bytes());
}

bool RunningWindow::states_are_equal() const {
  return std::ranges::all_of(calls_, [&](const Call& call) {
    return call.accumulator->grow_alike(states_, ids_[kOld], ids_[kNew]);
  });
}

std::string RunningWindow::state_bytes() const {
  return {reinterpret_cast<const char*>(states_.fixed(ids_[kNew])), states_.fixed_bytes()};
}

void RunningWindow::add(Side side, std::span<const Row> rows, bool once) {
  std::vector<uint32_t> chosen;
  std::vector<int64_t> copies;
  for (const Row& row : rows) {
    if (row.copies[side] > 0) {
      chosen.push_back(row.at);
      copies.push_back(once ? 1 : row.copies[side]);
    }
  }
  std::vector<uint32_t> ids(chosen.size(), ids_[side]);
  for (const Call& call : calls_) {
    const AggregateSpec& spec = call.call->aggregate;
    bool reads = spec.kind != AggregateKind::kCountStar;
    Column input(reads ? types_[spec.input] : Type::boolean());
    if (reads) {
      input.append_rows(columns_[spec.input], chosen);
    } else {
      input.resize(chosen.size());
    }
    std::vector<int64_t> weights = copies;
    for (size_t i = 0; spec.filter && i < chosen.size(); ++i) {
      const Column& filter = columns_[*spec.filter];
      bool is_true = !filter.is_null(chosen[i]) && filter.data<uint8_t>()[chosen[i]] != 0;
      weights[i] = is_true ? weights[i] : 0;
    }
    const Column* inputs = &input;
    call.accumulator->update(states_, ids, std::span(&inputs, 1), weights.data());
  }
}

RunningWindow::Values RunningWindow::values_of(Side side) const {
  Values values;
  std::vector<RowError> errors;
  for (const Call& call : calls_) {
    call.accumulator->finish(states_, std::span(&ids_[side], 1),
                             values.columns.emplace_back(call.call->aggregate.result_type), errors);
  }
  if (!errors.empty()) {
    values.error = errors[0].status.message();
  }
  return values;
}

bool RunningWindow::same(const Values& a, const Values& b) const {
  if (a.error || b.error) {
    return a.error == b.error;
  }
  for (size_t c = 0; c < a.columns.size(); ++c) {
    if (!same_value(a.columns[c], 0, b.columns[c], 0)) {
      return false;
    }
  }
  return true;
}

void RunningWindow::emit(const Row& row, const Values& values, int64_t weight, OverOutput& output,
                         ErrorSet& errors) const {
  if (weight == 0) {
    return;
  }
  if (values.error) {
    errors.add(*values.error, weight);
    return;
  }
  for (size_t c = 0; c < columns_.size(); ++c) {
    output.columns[c].append_copy(columns_[c], row.at);
  }
  for (size_t c = 0; c < values.columns.size(); ++c) {
    output.columns[columns_.size() + c].append_copy(values.columns[c], 0);
  }
  output.weights.push_back(weight);
}

void RunningWindow::pass(std::span<const Row> rows, OverOutput& output, ErrorSet& errors) {
  bool changes = std::ranges::any_of(
      rows, [](const Row& row) { return row.copies[kOld] != row.copies[kNew]; });
  if (!changes && !has_diverged_) {
    add(kNew, rows, false);
    return;
  }
  if (!has_diverged_) {
    copy_state(kNew, kOld);
    has_diverged_ = true;
  }
  if (by_row_) {
    pass_singly(rows[0], output, errors);
  } else {
    add(kOld, rows, false);
    add(kNew, rows, false);
    Values before = values_of(kOld), now = values_of(kNew);
    bool is_same = same(before, now);
    for (const Row& row : rows) {
      emit(row, before, is_same ? 0 : -row.copies[kOld], output, errors);
      emit(row, now, is_same ? row.copies[kNew] - row.copies[kOld] : row.copies[kNew], output,
           errors);
    }
  }
  has_diverged_ = !states_are_equal();
}

void RunningWindow::pass_singly(const Row& row, OverOutput& output, ErrorSet& errors) {
  for (int64_t copy = 0; copy < std::max(row.copies[kOld], row.copies[kNew]); ++copy) {
    std::optional<Values> values[2];
    for (Side side : {kOld, kNew}) {
      if (copy < row.copies[side]) {
        add(side, std::span(&row, 1), true);
        values[side] = values_of(side);
      }
    }
    if (values[kOld] && values[kNew] && same(*values[kOld], *values[kNew])) {
      continue;
    }
    if (values[kOld]) {
      emit(row, *values[kOld], -1, output, errors);
    }
    if (values[kNew]) {
      emit(row, *values[kNew], 1, output, errors);
    }
  }
}

void RunningWindow::step(const OrderedTable& rows, std::span<const OverChange> changes,
                         OverOutput& output, ErrorSet& errors) {
  const std::string& first_key = changes[0].key;
  std::string partition = first_key.substr(0, keys_.partition_bytes(first_key));
  Kept& kept = kept_[partition];
  auto stale = kept.lower_bound(first_key.substr(0, keys_.sort_bytes(first_key)));
  std::string from = partition;
  if (stale != kept.begin()) {
    from = std::prev(stale)->first + '\0';
    begin(&std::prev(stale)->second);
  } else {
    begin(nullptr);
  }
  std::vector<Row> group;
  std::string group_bytes, last_key;
  size_t rows_since = 0, next_change = 0;
  auto end_group = [&] {
    pass(group, output, errors);
    while (stale != kept.end() && stale->first <= last_key) {
      stale = kept.erase(stale);
    }
    rows_since += group.size();
    if (rows_since >= kKeepEvery) {
      kept.emplace_hint(stale, last_key, state_bytes());
      rows_since = 0;
    }
    group.clear();
  };
  OrderedTable::Scan scan = rows.forward(from);
  auto in_partition = [&] { return scan.valid() && scan.key().starts_with(partition); };
  while (in_partition() || next_change < changes.size()) {
    bool is_change =
        next_change < changes.size() && (!in_partition() || changes[next_change].key <= scan.key());
    bool is_there = in_partition() && (!is_change || changes[next_change].key == scan.key());
    std::string key(is_change ? std::string_view(changes[next_change].key) : scan.key());
    int64_t now = is_there ? scan.weight() : 0;
    int64_t before = now - (is_change ? changes[next_change].weight : 0);
    size_t sort_bytes = keys_.sort_bytes(key);
    bool is_peer = !by_row_ && std::string_view(key).substr(0, sort_bytes) == group_bytes;
    if (!group.empty() && !is_peer) {
      end_group();
      if (!has_diverged_ && next_change == changes.size()) {
        break;
      }
    }
    group_bytes = key.substr(0, sort_bytes);
    OverKeys::read_row(key, sort_bytes, columns_);
    group.push_back({static_cast<uint32_t>(columns_[0].size() - 1),
                     {std::max<int64_t>(before, 0), std::max<int64_t>(now, 0)}});
    last_key = std::move(key);
    next_change += is_change ? 1 : 0;
    if (is_there) {
      scan.next();
    }
  }
  if (!group.empty()) {
    end_group();
  }
  if (kept.empty()) {
    kept_.erase(partition);
  }
}

}  // namespace tidemark
