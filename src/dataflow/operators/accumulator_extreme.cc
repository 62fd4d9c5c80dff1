// MIN and MAX. Every group's values lie in one ordered table:
//
//   group number, value -> weight
//
// The extreme itself is in the group's bytes. A value that comes is held against it; the table is
// asked only when the extreme goes. Until something is taken back the table's keys are loose.
// Text has no place in the group's bytes: its extreme is read from the table each time.

#include <algorithm>
#include <cmath>
#include <limits>

#include "dataflow/operators/accumulator_parts.h"

namespace tidemark {

namespace {

// The first value of the group, or the last, appended to `out`. Values whose weight is negative for
// the moment (a retraction that came before its row) are passed over.
bool read_extreme(const OrderedTable& table, uint64_t number, bool maximum, Column& out) {
  std::string prefix = GroupValues::prefix(number);
  OrderedTable::Scan scan = maximum ? table.backward(end_of_prefix(prefix)) : table.forward(prefix);
  while (scan.valid() && scan.key().starts_with(prefix) && scan.weight() < 0) {
    scan.next();
  }
  if (!scan.valid() || !scan.key().starts_with(prefix)) {
    return false;
  }
  ByteReader in(scan.key().substr(prefix.size()));
  read_sort_key(in, false, out);
  return true;
}

class TextExtremeAccumulator final : public Accumulator {
 public:
  explicit TextExtremeAccumulator(bool maximum) : maximum_(maximum) {}
  size_t bytes() const override { return sizeof(State); }

  void update(KeyedTable& groups, std::span<const uint32_t> ids, AccumulatorInputs inputs,
              const int64_t* weights) override {
    std::vector<std::string> keys;
    std::vector<int64_t> changes;
    for_each_term(*inputs[0], ids.size(), weights, [&](size_t i, int64_t weight) {
      values_.append_prefix(at<State>(groups, ids[i]).number, keys.emplace_back());
      append_sort_key(*inputs[0], i, false, false, keys.back());
      changes.push_back(weight);
    });
    values_.change(keys, changes);
  }
  void finish(const KeyedTable& groups, std::span<const uint32_t> ids, Column& out,
              std::vector<RowError>&) const override {
    for (uint32_t id : ids) {
      if (!read_extreme(values_.table(), at<State>(groups, id).number, maximum_, out)) {
        out.append_null();
      }
    }
  }
  void release(KeyedTable& groups, uint32_t id) override {
    values_.release(at<State>(groups, id).number);
  }
  void clear() override { values_.clear(); }
  void visit_state(const StateVisitor& visit) override { values_.visit_state(visit); }

 private:
  struct State {
    uint64_t number;
    uint64_t unused;
  };
  bool maximum_;
  GroupValues values_;
};

template <typename T>
class ExtremeAccumulator final : public Accumulator {
 public:
  ExtremeAccumulator(bool maximum, const Type& type) : maximum_(maximum), type_(type) {}
  size_t bytes() const override { return sizeof(State); }
  bool grows_in_bytes() const override { return true; }
  bool grow_alike(const KeyedTable& groups, uint32_t a, uint32_t b) const override {
    const State& x = at<State>(groups, a);
    const State& y = at<State>(groups, b);
    return x.known == y.known &&
           (x.known != kKnown || (!is_better(x.value, y.value) && !is_better(y.value, x.value)));
  }

  void update(KeyedTable& groups, std::span<const uint32_t> ids, AccumulatorInputs inputs,
              const int64_t* weights) override {
    const Column& input = *inputs[0];
    OrderedTable& table = values_.table();
    if (!table.is_complete()) {
      fault_in(groups, ids, input, weights);
    }
    stale_.clear();
    for_each_term(input, ids.size(), weights, [&](size_t i, int64_t weight) {
      State& state = at<State>(groups, ids[i]);
      make_key(state, input, i);
      T value = canonical(input.data<T>()[i]);
      if (weight > 0 && table.takes_loose()) {
        table.add_loose(key_, weight);
        take(state, value);
      } else if (table.add(key_, weight) > 0) {
        take(state, value);
      } else if (state.known == kKnown && !is_better(value, state.value) &&
                 !is_better(state.value, value)) {
        state.known = kStale;
        stale_.push_back(ids[i]);
      }
    });
    for (uint32_t id : stale_) {
      look_up(at<State>(groups, id));
    }
  }

  void finish(const KeyedTable& groups, std::span<const uint32_t> ids, Column& out,
              std::vector<RowError>&) const override {
    for (uint32_t id : ids) {
      const State& state = at<State>(groups, id);
      CHECK(state.known != kStale);
      if (state.known == kKnown) {
        out.append(state.value);
      } else {
        out.append_null();
      }
    }
  }
  void release(KeyedTable& groups, uint32_t id) override {
    values_.release(at<State>(groups, id).number);
  }
  void clear() override { values_.clear(); }
  void visit_state(const StateVisitor& visit) override { values_.visit_state(visit); }

 private:
  enum Known : uint64_t {
    kNone,   // no value has a weight above 0
    kKnown,  // `value`
    kStale,  // within update(): to be looked up
  };
  struct alignas(16) State {
    uint64_t number;
    uint64_t known;
    T value;
  };

  // -0 is 0, and there is one NaN, as in the table's keys.
  static T canonical(T value) {
    if constexpr (std::is_floating_point_v<T>) {
      return value == 0 ? T{0} : (std::isnan(value) ? std::numeric_limits<T>::quiet_NaN() : value);
    }
    return value;
  }
  static bool is_less(T a, T b) {
    if constexpr (std::is_floating_point_v<T>) {
      return std::isnan(b) ? !std::isnan(a) : a < b;  // NaN is above all
    }
    return a < b;
  }
  bool is_better(T a, T b) const { return maximum_ ? is_less(b, a) : is_less(a, b); }

  // A value that is there. One that is to be looked up stays so: it may be another.
  void take(State& state, T value) {
    if (state.known == kNone || (state.known == kKnown && is_better(value, state.value))) {
      state.known = kKnown;
      state.value = value;
    }
  }
  void look_up(State& state) {
    if (state.known != kStale) {
      return;
    }
    Column found(type_);
    state.known = read_extreme(values_.table(), state.number, maximum_, found) ? kKnown : kNone;
    state.value = state.known == kKnown ? found.data<T>()[0] : T{};
  }

  void make_key(State& state, const Column& input, size_t row) {
    key_.clear();
    values_.append_prefix(state.number, key_);
    append_sort_key(input, row, false, false, key_);
  }
  void fault_in(KeyedTable& groups, std::span<const uint32_t> ids, const Column& input,
                const int64_t* weights) {
    std::vector<std::string> keys;
    for_each_term(input, ids.size(), weights, [&](size_t i, int64_t) {
      make_key(at<State>(groups, ids[i]), input, i);
      keys.push_back(key_);
    });
    values_.table().fault_in(std::vector<std::string_view>(keys.begin(), keys.end()));
  }

  bool maximum_;
  Type type_;
  GroupValues values_;
  std::vector<uint32_t> stale_;  // groups whose extreme went in this update
  std::string key_;              // scratch
};

}  // namespace

std::unique_ptr<Accumulator> make_extreme_accumulator(const AggregateSpec& spec) {
  bool maximum = spec.kind == AggregateKind::kMax;
  return visit_physical(spec.input_type.physical(), [&](auto tag) -> std::unique_ptr<Accumulator> {
    using T = decltype(tag);
    if constexpr (std::is_same_v<T, StringRef>) {
      return std::make_unique<TextExtremeAccumulator>(maximum);
    } else {
      return std::make_unique<ExtremeAccumulator<T>>(maximum, spec.input_type);
    }
  });
}

}  // namespace tidemark
