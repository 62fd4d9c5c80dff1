// MIN and MAX of text. Every group's values lie in one ordered table:
//
//   group number, value -> weight
//
// Where rows only come, the group's extreme is its only value there. Text has no place in the
// group's bytes: the extremes of the groups that were used last are beside the table, by their
// numbers, so that a value that comes is held against one, and results need no look at the table.

#include <algorithm>
#include <bit>
#include <utility>

#include "dataflow/operators/accumulator_parts.h"

namespace tidemark {

namespace {

// What follows from the table.
class KnownExtremes {
 public:
  enum class Is : uint8_t {
    kNone,  // no value has a weight above 0
    kText,
    kStale,  // to be looked up
  };
  struct Entry {
    uint64_t number = 0;  // of the group; 0: of none
    Is is = Is::kNone;
    std::string text;
  };

  // For so many groups; there may be more than have room.
  void make_room(size_t groups) {
    size_t wanted = std::bit_ceil(std::clamp(groups, kEntriesMin, kEntriesMax));
    if (wanted <= entries_.size()) {
      return;
    }
    std::vector<Entry> before = std::exchange(entries_, std::vector<Entry>(wanted));
    for (Entry& entry : before) {
      Entry& place = entries_[entry.number & (wanted - 1)];
      place = std::move(entry);
    }
  }
  // Another group may have been there: then it is stale.
  Entry& of(uint64_t number) {
    Entry& entry = entries_[number & (entries_.size() - 1)];
    if (entry.number != number) {
      entry.number = number;
      entry.is = Is::kStale;
    }
    return entry;
  }
  // Null: it is not known.
  const Entry* find(uint64_t number) const {
    if (entries_.empty()) {
      return nullptr;
    }
    const Entry& entry = entries_[number & (entries_.size() - 1)];
    return entry.number == number && entry.is != Is::kStale ? &entry : nullptr;
  }
  void forget(uint64_t number) {
    if (!entries_.empty()) {
      of(number).is = Is::kStale;
    }
  }
  void clear() { entries_ = {}; }

 private:
  static constexpr size_t kEntriesMin = 64;
  static constexpr size_t kEntriesMax = 1 << 16;  // 3 MiB
  std::vector<Entry> entries_;
};

class TextExtremeAccumulator final : public Accumulator {
 public:
  TextExtremeAccumulator(const AggregateSpec& spec, TextExtremeAccumulator* keeper)
      : maximum_(spec.kind == AggregateKind::kMax),
        insert_only_(spec.insert_only),
        type_(spec.input_type),
        keeper_(keeper) {}
  size_t bytes() const override { return keeper_ == nullptr ? sizeof(State) : 0; }

  void update(KeyedTable& groups, std::span<const uint32_t> ids, AccumulatorInputs inputs,
              const int64_t* weights) override {
    known_.make_room(groups.size());
    if (insert_only_) {
      take_best(groups, ids, *inputs[0], weights);
      return;
    }
    if (keeper_ == nullptr) {
      change_values(groups, ids, *inputs[0], weights);
    }
    follow(groups, ids, *inputs[0], weights);
  }
  void finish(const KeyedTable& groups, std::span<const uint32_t> ids, Column& out,
              std::vector<RowError>&) const override {
    for (uint32_t id : ids) {
      uint64_t number = keeper().at<State>(groups, id).number;
      if (const KnownExtremes::Entry* known = known_.find(number)) {
        known->is == Is::kText ? out.append_string(known->text) : out.append_null();
      } else if (!read_extreme(keeper().values_.table(), number, maximum_, out)) {
        out.append_null();
      }
    }
  }
  void release(KeyedTable& groups, uint32_t id) override {
    uint64_t number = keeper().at<State>(std::as_const(groups), id).number;
    known_.forget(number);
    if (keeper_ == nullptr) {
      values_.release(number);
    }
  }
  void clear() override {
    known_.clear();
    values_.clear();
  }
  void visit_state(const StateVisitor& visit) override {
    if (keeper_ == nullptr) {
      values_.visit_state(visit);
    }
  }

 private:
  using Is = KnownExtremes::Is;
  struct State {
    uint64_t number;
    uint64_t unused;
  };

  const TextExtremeAccumulator& keeper() const { return keeper_ == nullptr ? *this : *keeper_; }
  bool is_better(std::string_view a, std::string_view b) const { return maximum_ ? a > b : a < b; }

  void change_values(KeyedTable& groups, std::span<const uint32_t> ids, const Column& input,
                     const int64_t* weights) {
    std::vector<GroupValues::Term> terms;
    for_each_term(input, ids.size(), weights, [&](size_t i, int64_t weight) {
      State& state = at<State>(groups, ids[i]);
      GroupValues::Term& term = terms.emplace_back(GroupValues::Term{0, {}, weight});
      values_.append_prefix(state.number, term.key);
      append_sort_key(input, i, false, false, term.key);
    });
    values_.change(terms);
  }
  int64_t weight_of(uint64_t number, const Column& input, size_t row) {
    std::string key = GroupValues::prefix(number);
    append_sort_key(input, row, false, false, key);
    return values_.table().weight(key);
  }
  void look_up(KnownExtremes::Entry& entry) const {
    Column found(type_);
    bool is_there = read_extreme(keeper().values_.table(), entry.number, maximum_, found);
    entry.is = is_there ? Is::kText : Is::kNone;
    entry.text = is_there ? found.string_at(0) : std::string_view();
  }

  // When the table has the batch's changes.
  void follow(KeyedTable& groups, std::span<const uint32_t> ids, const Column& input,
              const int64_t* weights) {
    TextExtremeAccumulator& keeper = keeper_ == nullptr ? *this : *keeper_;
    stale_.clear();
    for_each_term(input, ids.size(), weights, [&](size_t i, int64_t weight) {
      uint64_t number = keeper.at<State>(groups, ids[i]).number;
      KnownExtremes::Entry& entry = known_.of(number);
      std::string_view value = input.string_at(i);
      if (entry.is == Is::kStale) {
        stale_.push_back(number);
      } else if (weight < 0) {
        entry.is = entry.is == Is::kText && entry.text == value ? Is::kStale : entry.is;
        if (entry.is == Is::kStale) {
          stale_.push_back(number);
        }
      } else if ((entry.is == Is::kNone || is_better(value, entry.text)) &&
                 keeper.weight_of(number, input, i) > 0) {
        entry.is = Is::kText;
        entry.text = value;
      }
    });
    for (uint64_t number : stale_) {
      KnownExtremes::Entry& entry = known_.of(number);
      if (entry.is == Is::kStale) {
        look_up(entry);
      }
    }
  }

  void take_best(KeyedTable& groups, std::span<const uint32_t> ids, const Column& input,
                 const int64_t* weights) {
    for_each_term(input, ids.size(), weights, [&](size_t i, int64_t) {
      uint64_t number = values_.number_of(at<State>(groups, ids[i]).number);
      KnownExtremes::Entry& entry = known_.of(number);
      if (entry.is == Is::kStale) {
        look_up(entry);
      }
      std::string_view value = input.string_at(i);
      if (entry.is == Is::kNone || is_better(value, entry.text)) {
        std::string key = GroupValues::prefix(number);
        append_sort_key(input, i, false, false, key);
        values_.set_only(number, key);
        entry.is = Is::kText;
        entry.text = value;
      }
    });
  }

  bool maximum_;
  bool insert_only_;
  Type type_;
  TextExtremeAccumulator* keeper_;  // of the values, for both; null: they are here
  GroupValues values_;
  KnownExtremes known_;
  std::vector<uint64_t> stale_;  // scratch: groups whose extreme is to be looked up
};

}  // namespace

std::unique_ptr<Accumulator> make_text_extreme_accumulator(const AggregateSpec& spec,
                                                           Accumulator* keeper) {
  return std::make_unique<TextExtremeAccumulator>(spec,
                                                  static_cast<TextExtremeAccumulator*>(keeper));
}

}  // namespace tidemark
