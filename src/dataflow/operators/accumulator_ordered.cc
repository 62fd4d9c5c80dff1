// The family of accumulator_ordered.h, and FIRST_VALUE and LAST_VALUE, which read one end of a
// group's values. Where rows only come they keep the value that shows and no other.

#include "dataflow/operators/accumulator_ordered.h"

namespace tidemark {

OrderedAccumulator::OrderedAccumulator(const AggregateSpec& spec, Accumulator* keeper)
    : spec_(spec), keeper_(static_cast<OrderedAccumulator*>(keeper)) {
  // An order of the value alone needs no columns of its own.
  if (spec_.order.size() == 1 && spec_.order[0].column == spec_.input) {
    value_order_ = spec_.order[0];
    spec_.order.clear();
    spec_.order_types.clear();
  }
  spec_.ignore_nulls = spec_.ignore_nulls || !sees_nulls(spec_.kind);
}

void OrderedAccumulator::make_key(State& state, AccumulatorInputs inputs, size_t row,
                                  std::string& key) {
  values_.append_prefix(state.number, key);
  for (size_t k = 0; k < spec_.order.size(); ++k) {
    append_sort_key(*inputs[1 + k], row, spec_.order[k].descending, spec_.order[k].nulls_first,
                    key);
  }
  append_sort_key(*inputs[0], row, value_order_.descending, value_order_.nulls_first, key);
}

void OrderedAccumulator::update(KeyedTable& groups, std::span<const uint32_t> ids,
                                AccumulatorInputs inputs, const int64_t* weights) {
  if (keeper_ == nullptr) {
    terms_.clear();
    for (size_t i = 0; i < ids.size(); ++i) {
      int64_t weight = weights == nullptr ? 1 : weights[i];
      if (weight != 0 && !(spec_.ignore_nulls && inputs[0]->is_null(i))) {
        State& state = at<State>(groups, ids[i]);
        Term& term = terms_.emplace_back(Term{0, {}, weight});
        make_key(state, inputs, i, term.key);
        term.number = state.number;
      }
    }
    keep(terms_);
  }
  note(keeper().terms_);
}

void OrderedAccumulator::finish(const KeyedTable& groups, std::span<const uint32_t> ids,
                                Column& out, std::vector<RowError>&) const {
  for (uint32_t id : ids) {
    finish_group(keeper().at<State>(groups, id).number, out);
  }
}

void OrderedAccumulator::release(KeyedTable& groups, uint32_t id) {
  uint64_t number = keeper().at<State>(std::as_const(groups), id).number;
  if (keeper_ == nullptr) {
    values_.release(number);
  }
  forget(number);
}

void OrderedAccumulator::clear() {
  values_.clear();
  forget_all();
}

void OrderedAccumulator::visit_state(const StateVisitor& visit) {
  if (keeper_ == nullptr) {
    values_.visit_state(visit);
  }
}

void OrderedAccumulator::read_value(std::string_view key, Column& out) const {
  ByteReader in(key.substr(sizeof(uint64_t)));  // behind the group's number
  for (size_t k = 0; k < spec_.order.size(); ++k) {
    skip_sort_key(in, spec_.order[k].descending, spec_.order_types[k].physical());
  }
  read_sort_key(in, value_order_.descending, out);
  CHECK(in.at_end());
}

namespace {

class EndAccumulator final : public OrderedAccumulator {
 public:
  EndAccumulator(const AggregateSpec& spec, Accumulator* keeper)
      : OrderedAccumulator(spec, keeper), is_first_(spec.kind == AggregateKind::kFirstValue) {}

 private:
  void keep(std::vector<Term>& terms) override {
    if (!spec().insert_only) {
      return OrderedAccumulator::keep(terms);
    }
    for (const Term& term : terms) {
      take(term);
    }
  }
  // The value takes the place of the group's only one, if it is nearer to the end that shows.
  void take(const Term& term) {
    std::string prefix = GroupValues::prefix(term.number);
    if (OrderedTable::Scan scan = table().forward(prefix);
        scan.valid() && scan.key().starts_with(prefix)) {
      if (is_first_ ? term.key >= scan.key() : term.key <= scan.key()) {
        return;
      }
    }
    own_values().set_only(term.number, term.key);
  }
  void finish_group(uint64_t number, Column& out) const override {
    std::string prefix = GroupValues::prefix(number);
    bool found = false;
    for_each_value(prefix,
                   is_first_ ? table().forward(prefix) : table().backward(end_of_prefix(prefix)),
                   [&](std::string_view key, int64_t) {
                     read_value(key, out);
                     found = true;
                     return false;
                   });
    if (!found) {
      out.append_null();
    }
  }

  bool is_first_;
};

}  // namespace

std::unique_ptr<Accumulator> make_ordered_accumulator(const AggregateSpec& spec,
                                                      Accumulator* keeper) {
  switch (spec.kind) {
    case AggregateKind::kFirstValue:
    case AggregateKind::kLastValue:
      return std::make_unique<EndAccumulator>(spec, keeper);
    case AggregateKind::kPercentileCont:
    case AggregateKind::kPercentileDisc:
      return make_percentile_accumulator(spec, keeper);
    default:
      return make_list_accumulator(spec, keeper);
  }
}

}  // namespace tidemark
