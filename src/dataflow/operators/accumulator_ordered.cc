// Aggregates of a group's values in order: LISTAGG, ARRAY_AGG, FIRST_VALUE, LAST_VALUE,
// PERCENTILE_CONT, PERCENTILE_DISC. Every group's values lie in one ordered table:
//
//   group number, sort columns, value -> weight
//
// Values that are equal in the sort columns are in the order of the values, so that what is shown
// depends on nothing but the multiset. A result reads the group from its first value on;
// FIRST_VALUE and LAST_VALUE read one end, a percentile counts to its place. Where rows only come,
// FIRST_VALUE and LAST_VALUE keep the value that shows and no other.

#include <cmath>

#include "dataflow/operators/accumulator_parts.h"
#include "types/decimal.h"
#include "types/nested.h"

namespace tidemark {

namespace {

double number_of(const Column& column, size_t row) {
  return visit_physical(column.physical(), [&](auto tag) {
    using T = decltype(tag);
    if constexpr (std::is_same_v<T, StringRef>) {
      return 0.0;  // the binder lets only numbers through
    } else if constexpr (std::is_same_v<T, Int128>) {
      return decimal_to_double(column.data<T>()[row], column.type().scale);
    } else {
      return static_cast<double>(column.data<T>()[row]);
    }
  });
}

class OrderedAccumulator final : public Accumulator {
 public:
  explicit OrderedAccumulator(const AggregateSpec& spec) : spec_(spec) {
    // An order of the value alone needs no columns of its own.
    if (spec_.order.size() == 1 && spec_.order[0].column == spec_.input) {
      value_order_ = spec_.order[0];
      spec_.order.clear();
      spec_.order_types.clear();
    }
    bool null_is_a_value = spec.kind == AggregateKind::kArrayAgg ||
                           spec.kind == AggregateKind::kFirstValue ||
                           spec.kind == AggregateKind::kLastValue;
    skip_nulls_ = spec.ignore_nulls || !null_is_a_value;
    keeps_end_ = spec.insert_only && (spec.kind == AggregateKind::kFirstValue ||
                                      spec.kind == AggregateKind::kLastValue);
  }
  size_t bytes() const override { return sizeof(State); }

  void update(KeyedTable& groups, std::span<const uint32_t> ids, AccumulatorInputs inputs,
              const int64_t* weights) override {
    std::vector<std::string> keys;
    std::vector<int64_t> changes;
    for (size_t i = 0; i < ids.size(); ++i) {
      int64_t weight = weights == nullptr ? 1 : weights[i];
      if (weight != 0 && !(skip_nulls_ && inputs[0]->is_null(i))) {
        State& state = at<State>(groups, ids[i]);
        make_key(state, inputs, i, keys.emplace_back());
        changes.push_back(weight);
        if (keeps_end_) {
          take_end(state.number, keys.back());
          keys.pop_back();
        }
      }
    }
    if (!keeps_end_) {
      values_.change(keys, changes);
    }
  }

  void finish(const KeyedTable& groups, std::span<const uint32_t> ids, Column& out,
              std::vector<RowError>&) const override {
    for (uint32_t id : ids) {
      std::string prefix = GroupValues::prefix(at<State>(groups, id).number);
      switch (spec_.kind) {
        case AggregateKind::kFirstValue:
          finish_end(prefix, values_.table().forward(prefix), out);
          break;
        case AggregateKind::kLastValue:
          finish_end(prefix, values_.table().backward(end_of_prefix(prefix)), out);
          break;
        case AggregateKind::kListAgg:
          finish_list(prefix, out);
          break;
        case AggregateKind::kArrayAgg:
        case AggregateKind::kCollect:
          finish_array(prefix, out);
          break;
        default:
          finish_percentile(prefix, out);
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

  void make_key(State& state, AccumulatorInputs inputs, size_t row, std::string& key) {
    values_.append_prefix(state.number, key);
    for (size_t k = 0; k < spec_.order.size(); ++k) {
      append_sort_key(*inputs[1 + k], row, spec_.order[k].descending, spec_.order[k].nulls_first,
                      key);
    }
    append_sort_key(*inputs[0], row, value_order_.descending, value_order_.nulls_first, key);
  }
  // The value takes the place of the group's only one, if it is nearer to the end that shows.
  void take_end(uint64_t number, const std::string& key) {
    const OrderedTable& table = values_.table();
    std::string prefix = GroupValues::prefix(number);
    if (OrderedTable::Scan scan = table.forward(prefix);
        scan.valid() && scan.key().starts_with(prefix)) {
      bool is_first = spec_.kind == AggregateKind::kFirstValue;
      if (is_first ? key >= scan.key() : key <= scan.key()) {
        return;
      }
    }
    values_.set_only(number, key);
  }
  void read_value(const std::string& prefix, std::string_view key, Column& out) const {
    ByteReader in(key.substr(prefix.size()));
    for (size_t k = 0; k < spec_.order.size(); ++k) {
      skip_sort_key(in, spec_.order[k].descending, spec_.order_types[k].physical());
    }
    read_sort_key(in, value_order_.descending, out);
    CHECK(in.at_end());
  }
  // Values whose weight is negative for the moment (a retraction that came before its row) are
  // passed over. f(key, copies) tells whether to go on.
  template <typename F>
  void for_each_value(const std::string& prefix, OrderedTable::Scan scan, F&& f) const {
    for (; scan.valid() && scan.key().starts_with(prefix); scan.next()) {
      if (scan.weight() > 0 && !f(scan.key(), spec_.distinct ? 1 : scan.weight())) {
        return;
      }
    }
  }

  void finish_end(const std::string& prefix, OrderedTable::Scan scan, Column& out) const {
    bool found = false;
    for_each_value(prefix, std::move(scan), [&](std::string_view key, int64_t) {
      read_value(prefix, key, out);
      found = true;
      return false;
    });
    if (!found) {
      out.append_null();
    }
  }

  void finish_list(const std::string& prefix, Column& out) const {
    const std::string& separator = std::get<std::string>(spec_.parameter);
    std::string list;
    bool found = false;
    for_each_value(prefix, values_.table().forward(prefix),
                   [&](std::string_view key, int64_t copies) {
                     Column value(spec_.input_type);
                     read_value(prefix, key, value);
                     for (int64_t i = 0; i < copies; ++i) {
                       list += found ? separator : "";
                       list += value.string_at(0);
                       found = true;
                     }
                     return true;
                   });
    if (found) {
      out.append_string(list);
    } else {
      out.append_null();
    }
  }

  void finish_array(const std::string& prefix, Column& out) const {
    Column elements(spec_.input_type.as_nullable());
    for_each_value(prefix, values_.table().forward(prefix),
                   [&](std::string_view key, int64_t copies) {
                     read_value(prefix, key, elements);
                     size_t first = elements.size() - 1;
                     for (int64_t i = 1; i < copies; ++i) {
                       elements.append_copy(elements, first);
                     }
                     return true;
                   });
    if (elements.size() == 0) {
      out.append_null();
    } else {
      out.append_string(pack_array(elements));
    }
  }

  // PostgreSQL 16 manual, 9.21, and orderedsetaggs.c: the discrete place is ceil(fraction * n), the
  // continuous one fraction * (n - 1), interpolated as low + (high - low) * rest.
  void finish_percentile(const std::string& prefix, Column& out) const {
    int64_t count = 0;
    for_each_value(prefix, values_.table().forward(prefix), [&](std::string_view, int64_t copies) {
      count += copies;
      return true;
    });
    if (count == 0) {
      out.append_null();
      return;
    }
    double fraction = std::get<double>(spec_.parameter);
    double size = static_cast<double>(count);
    bool discrete = spec_.kind == AggregateKind::kPercentileDisc;
    double place = discrete ? std::max(std::ceil(fraction * size), 1.0) - 1 : fraction * (size - 1);
    int64_t low = static_cast<int64_t>(std::floor(place));
    int64_t high = discrete ? low : static_cast<int64_t>(std::ceil(place));
    Column ends(spec_.input_type);  // the values at low and, if it is another, at high
    int64_t passed = 0;
    for_each_value(prefix, values_.table().forward(prefix),
                   [&](std::string_view key, int64_t copies) {
                     bool has_low = passed <= low && low < passed + copies;
                     bool has_high = high != low && passed <= high && high < passed + copies;
                     for (int i = 0; i < has_low + has_high; ++i) {
                       read_value(prefix, key, ends);
                     }
                     passed += copies;
                     return passed <= high;
                   });
    if (discrete) {
      out.append_copy(ends, 0);
      return;
    }
    double first = number_of(ends, 0);
    out.append(low == high
                   ? first
                   : first + (number_of(ends, 1) - first) * (place - static_cast<double>(low)));
  }

  AggregateSpec spec_;
  SortKey value_order_;
  bool skip_nulls_ = true;
  bool keeps_end_ = false;  // one value a group: that which shows
  GroupValues values_;
};

}  // namespace

std::unique_ptr<Accumulator> make_ordered_accumulator(const AggregateSpec& spec) {
  return std::make_unique<OrderedAccumulator>(spec);
}

}  // namespace tidemark
