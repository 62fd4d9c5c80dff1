// MIN and MAX. Every group's values lie in one ordered table:
//
//   group number, value -> weight
//
// The extreme itself is in the group's bytes. A value that comes is held against it; the table is
// asked only when the extreme goes. Until something is taken back the table's keys are loose.
// Text: operators/accumulator_text_extreme.cc.
//
// MIN and MAX of the same values keep them once: one is the other's keeper. Where rows only come,
// no values are kept: the extreme is all.

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "dataflow/operators/accumulator_parts.h"

namespace tidemark {

namespace {

template <typename T>
class ExtremeAccumulator final : public Accumulator {
 public:
  ExtremeAccumulator(const AggregateSpec& spec, ExtremeAccumulator* keeper)
      : maximum_(spec.kind == AggregateKind::kMax),
        insert_only_(spec.insert_only),
        type_(spec.input_type),
        keeper_(keeper) {}
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
    if (insert_only_) {
      States<State> known = states<State>(groups);
      for_each_term(input, ids.size(), weights,
                    [&](size_t i, int64_t) { take(known[ids[i]], canonical(input.data<T>()[i])); });
      return;
    }
    if (keeper_ == nullptr) {
      change_values(groups, ids, input, weights);
    }
    const std::vector<uint8_t>& is_there = keeper_ == nullptr ? is_there_ : keeper_->is_there_;
    stale_.clear();
    size_t term = 0;
    for_each_term(input, ids.size(), weights, [&](size_t i, int64_t) {
      State& state = at<State>(groups, ids[i]);
      T value = canonical(input.data<T>()[i]);
      if (is_there[term++] != 0) {
        take(state, value);
      } else if (state.known == kKnown && !is_better(value, state.value) &&
                 !is_better(state.value, value)) {
        state.known = kStale;
        stale_.push_back(ids[i]);
      }
    });
    for (uint32_t id : stale_) {
      look_up(groups, id);
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
    if (keeper_ == nullptr && !insert_only_) {
      values_.release(at<State>(groups, id).number);
    }
  }
  void clear() override { values_.clear(); }
  void visit_state(const StateVisitor& visit) override {
    if (keeper_ == nullptr && !insert_only_) {
      values_.visit_state(visit);
    }
  }

 private:
  enum Known : uint64_t {
    kNone,   // no value has a weight above 0
    kKnown,  // `value`
    kStale,  // within update(): to be looked up
  };
  struct alignas(16) State {
    uint64_t number;  // 0 where the values are kept elsewhere, or not at all
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
  void look_up(KeyedTable& groups, uint32_t id) {
    State& state = at<State>(groups, id);
    if (state.known != kStale) {
      return;
    }
    const ExtremeAccumulator& keeper = keeper_ == nullptr ? *this : *keeper_;
    uint64_t number = keeper.template at<State>(std::as_const(groups), id).number;
    Column found(type_);
    state.known = read_extreme(keeper.values_.table(), number, maximum_, found) ? kKnown : kNone;
    state.value = state.known == kKnown ? found.data<T>()[0] : T{};
  }

  // Of each term of the batch, is_there_: whether its value has a weight above 0 then.
  void change_values(KeyedTable& groups, std::span<const uint32_t> ids, const Column& input,
                     const int64_t* weights) {
    OrderedTable& table = values_.table();
    if (!table.is_complete()) {
      fault_in(groups, ids, input, weights);
    }
    is_there_.clear();
    for_each_term(input, ids.size(), weights, [&](size_t i, int64_t weight) {
      make_key(at<State>(groups, ids[i]), input, i);
      bool is_loose = weight > 0 && table.takes_loose();
      if (is_loose) {
        table.add_loose(key_, weight);
      }
      is_there_.push_back(is_loose || table.add(key_, weight) > 0 ? 1 : 0);
    });
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
  bool insert_only_;
  Type type_;
  ExtremeAccumulator* keeper_;  // of the values, for both; null: they are here
  GroupValues values_;
  std::vector<uint8_t> is_there_;  // scratch
  std::vector<uint32_t> stale_;    // groups whose extreme went in this update
  std::string key_;                // scratch
};

}  // namespace

std::unique_ptr<Accumulator> make_extreme_accumulator(const AggregateSpec& spec,
                                                      Accumulator* keeper) {
  return visit_physical(spec.input_type.physical(), [&](auto tag) -> std::unique_ptr<Accumulator> {
    using T = decltype(tag);
    if constexpr (std::is_same_v<T, StringRef>) {
      return make_text_extreme_accumulator(spec, keeper);
    } else {
      return std::make_unique<ExtremeAccumulator<T>>(spec,
                                                     static_cast<ExtremeAccumulator<T>*>(keeper));
    }
  });
}

}  // namespace tidemark
