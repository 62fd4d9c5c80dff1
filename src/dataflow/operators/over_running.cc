#include "dataflow/operators/over_running.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "types/hash.h"

namespace tidemark {

namespace {

constexpr size_t kKeepEvery = 64;  // rows: some 10 us to pass, 2 bytes a row to keep

// RANK: the rows before this group of peers, which come in one update, and one.
class RankAccumulator final : public Accumulator {
 public:
  size_t bytes() const override { return sizeof(State); }
  bool grows_in_bytes() const override { return true; }
  bool grow_alike(const KeyedTable& groups, uint32_t a, uint32_t b) const override {
    return at<State>(groups, a).rows == at<State>(groups, b).rows;
  }
  void update(KeyedTable& groups, std::span<const uint32_t> ids, AccumulatorInputs,
              const int64_t* weights) override {
    if (!ids.empty()) {
      State& state = at<State>(groups, ids[0]);
      state.before = state.rows;
      state.rows += std::accumulate(weights, weights + ids.size(), int64_t{0});
    }
  }
  void finish(const KeyedTable& groups, std::span<const uint32_t> ids, Column& out,
              std::vector<RowError>&) const override {
    for (uint32_t id : ids) {
      out.append(at<State>(groups, id).before + 1);
    }
  }

 private:
  struct State {
    int64_t before;
    int64_t rows;
  };
};

// DENSE_RANK: the groups of peers up to this one.
class DenseRankAccumulator final : public Accumulator {
 public:
  size_t bytes() const override { return 16; }
  bool grows_in_bytes() const override { return true; }
  void update(KeyedTable& groups, std::span<const uint32_t> ids, AccumulatorInputs,
              const int64_t*) override {
    if (!ids.empty()) {
      ++at<int64_t>(groups, ids[0]);
    }
  }
  void finish(const KeyedTable& groups, std::span<const uint32_t> ids, Column& out,
              std::vector<RowError>&) const override {
    for (uint32_t id : ids) {
      out.append(at<int64_t>(groups, id));
    }
  }
};

std::unique_ptr<Accumulator> make_running_accumulator(const OverCall& call) {
  if (call.function == WindowFunction::kRank) {
    return std::make_unique<RankAccumulator>();
  }
  if (call.function == WindowFunction::kDenseRank) {
    return std::make_unique<DenseRankAccumulator>();
  }
  return make_accumulator(call.aggregate);
}

bool is_running(const OverCall& call) {
  const WindowFrame& frame = call.frame;
  bool is_of_kind =
      call.function == WindowFunction::kAggregate || call.function >= WindowFunction::kRowNumber;
  return is_of_kind && running_distance(frame.unit, frame.end) &&
         frame.start.kind == WindowBound::Kind::kUnboundedPreceding &&
         frame.exclude == WindowExclude::kNothing &&
         make_running_accumulator(call)->grows_in_bytes();
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
    const WindowFrame& first = spec.calls[0].frame;
    return is_running(call) && call.frame.unit == first.unit && call.frame.end == first.end;
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
          calls.push_back({&call, make_running_accumulator(call)});
        }
        return calls;
      }()),
      by_row_(spec.calls[0].frame.unit == WindowUnit::kRows),
      distance_(*running_distance(spec.calls[0].frame.unit, spec.calls[0].frame.end)),
      keeps_beside_(std::ranges::any_of(
          calls_, [](const Call& call) { return call.accumulator->keeps_beside(); })),
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
  for (Side side : {kOld, kNew}) {
    std::memset(states_.fixed(ids_[side]), 0, states_.fixed_bytes());
    if (states != nullptr) {
      load(side, *states);
    }
  }
  has_diverged_ = false;
  held_[kOld].clear();
  held_[kNew].clear();
  columns_.clear();
  for (const Type& type : types_) {
    columns_.emplace_back(type);
  }
}

std::string RunningWindow::save(Side side) const {
  std::string bytes(reinterpret_cast<const char*>(states_.fixed(ids_[side])),
                    states_.fixed_bytes());
  if (keeps_beside_) {
    for (const Call& call : calls_) {
      call.accumulator->append_beside(states_, ids_[side], bytes);
    }
  }
  return bytes;
}

void RunningWindow::load(Side side, std::string_view bytes) {
  if (keeps_beside_) {
    for (Call& call : calls_) {
      call.accumulator->release_beside(states_, ids_[side]);
    }
  }
  size_t fixed = states_.fixed_bytes();
  std::memcpy(states_.fixed(ids_[side]), bytes.data(), fixed);
  if (keeps_beside_) {
    ByteReader in(bytes.substr(fixed));
    for (Call& call : calls_) {
      call.accumulator->read_beside(states_, ids_[side], in);
    }
  }
}

bool RunningWindow::states_are_equal() const {
  return held_[kOld] == held_[kNew] && std::ranges::all_of(calls_, [&](const Call& call) {
           return call.accumulator->grow_alike(states_, ids_[kOld], ids_[kNew]);
         });
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
    distance_ == 0 ? add(kNew, rows, false) : pass_at_distance(rows[0], output, errors);
    return;
  }
  if (!has_diverged_) {
    load(kOld, save(kNew));
    held_[kOld] = held_[kNew];
    has_diverged_ = true;
  }
  if (distance_ != 0) {
    pass_at_distance(rows[0], output, errors);
  } else if (by_row_) {
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

// The next row of a side, where frames end at a distance from their rows.
void RunningWindow::take(Side side, uint32_t at, bool is_shown, OverOutput& output,
                         ErrorSet& errors) {
  const Row row{at, {1, 1}};
  std::deque<uint32_t>& held = held_[side];
  int64_t sign = side == kOld ? -1 : 1;
  held.push_back(at);
  if (distance_ < 0) {
    if (is_shown) {
      emit(row, values_of(side), sign, output, errors);
    }
    if (static_cast<int64_t>(held.size()) == -distance_) {
      add(side, std::array{Row{held.front(), {1, 1}}}, true);
      held.pop_front();
    }
    return;
  }
  add(side, std::span(&row, 1), true);
  if (static_cast<int64_t>(held.size()) > distance_) {
    if (is_shown) {
      emit({held.front(), {1, 1}}, values_of(side), sign, output, errors);
    }
    held.pop_front();
  }
}

void RunningWindow::pass_at_distance(const Row& row, OverOutput& output, ErrorSet& errors) {
  for (Side side : {kOld, kNew}) {
    for (int64_t copy = 0; copy < row.copies[side] && (has_diverged_ || side == kNew); ++copy) {
      take(side, row.at, has_diverged_, output, errors);
    }
  }
}

// The partition has ended, and so have all frames.
void RunningWindow::show_held(OverOutput& output, ErrorSet& errors) {
  for (Side side : {kOld, kNew}) {
    if (distance_ > 0 && has_diverged_ && !held_[side].empty()) {
      Values values = values_of(side);
      for (uint32_t at : held_[side]) {
        emit({at, {1, 1}}, values, side == kOld ? -1 : 1, output, errors);
      }
    }
  }
}

// As it was when the states were kept behind this key.
void RunningWindow::hold_before(const OrderedTable& rows, const std::string& partition,
                                const std::string& key) {
  size_t count = static_cast<size_t>(distance_ < 0 ? -distance_ - 1 : distance_);
  std::deque<uint32_t>& held = held_[kNew];
  OrderedTable::Scan scan = rows.backward(key + '\0');
  for (; held.size() < count && scan.valid() && scan.key().starts_with(partition); scan.next()) {
    if (scan.weight() <= 0) {
      continue;
    }
    OverKeys::read_row(scan.key(), keys_.sort_bytes(scan.key()), columns_);
    for (int64_t copy = 0; copy < scan.weight() && held.size() < count; ++copy) {
      held.push_front(static_cast<uint32_t>(columns_[0].size() - 1));
    }
  }
  held_[kOld] = held;
}

void RunningWindow::step(const OrderedTable& rows, std::span<const KeyChange> changes,
                         OverOutput& output, ErrorSet& errors) {
  const std::string& first_key = changes[0].key;
  std::string partition = first_key.substr(0, keys_.partition_bytes(first_key));
  Kept& kept = kept_[partition];
  auto stale = kept.lower_bound(first_key.substr(0, keys_.sort_bytes(first_key)));
  std::string from = partition;
  if (stale != kept.begin()) {
    from = std::prev(stale)->first + '\0';
    begin(&std::prev(stale)->second);
    hold_before(rows, partition, std::prev(stale)->first);
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
      kept.emplace_hint(stale, last_key, save(kNew));
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
  show_held(output, errors);
  if (kept.empty()) {
    kept_.erase(partition);
  }
}

}  // namespace tidemark
