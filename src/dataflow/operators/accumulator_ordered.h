#pragma once
// What the aggregates of a group's values in order have in common. For accumulator*.cc only. Every
// group's values lie in one ordered table:
//
//   group number, sort columns, value -> weight
//
// Values that are equal in the sort columns are in the order of the values, so that what is shown
// depends on nothing but the multiset. Functions of the same values in the same order keep them
// once: one is the others' keeper.

#include <string>
#include <vector>

#include "dataflow/operators/accumulator_parts.h"
#include "state/places.h"

namespace tidemark {

class OrderedAccumulator : public Accumulator {
 public:
  OrderedAccumulator(const AggregateSpec& spec, Accumulator* keeper);

  size_t bytes() const override { return keeper_ == nullptr ? sizeof(State) : 0; }
  void update(KeyedTable& groups, std::span<const uint32_t> ids, AccumulatorInputs inputs,
              const int64_t* weights) final;
  void finish(const KeyedTable& groups, std::span<const uint32_t> ids, Column& out,
              std::vector<RowError>&) const final;
  void release(KeyedTable& groups, uint32_t id) override;
  void clear() override;
  void visit_state(const StateVisitor& visit) override;

 protected:
  using Term = GroupValues::Term;
  // The values' keeper puts the terms into the table; everyone hears of them then.
  virtual void keep(std::vector<Term>& terms) { values_.change(terms); }
  virtual void note(std::span<const Term> terms) { static_cast<void>(terms); }
  virtual void forget(uint64_t number) { static_cast<void>(number); }
  virtual void forget_all() {}
  // Appends the result of the group with this number, which may have no values.
  virtual void finish_group(uint64_t number, Column& out) const = 0;

  const AggregateSpec& spec() const { return spec_; }
  const OrderedTable& table() const { return keeper().values_.table(); }
  // Copies of a value that the function sees.
  int64_t seen_copies(int64_t weight) const {
    return spec_.distinct ? std::min<int64_t>(copies_of(weight), 1) : copies_of(weight);
  }
  void read_value(std::string_view key, Column& out) const;
  // f(key, copies), of those that have some, tells whether to go on.
  template <typename F>
  void for_each_value(const std::string& prefix, OrderedTable::Scan scan, F&& f) const {
    for (; scan.valid() && scan.key().starts_with(prefix); scan.next()) {
      if (int64_t copies = seen_copies(scan.weight()); copies > 0 && !f(scan.key(), copies)) {
        return;
      }
    }
  }
  GroupValues& own_values() { return values_; }

 private:
  struct State {
    uint64_t number;
    uint64_t unused;
  };
  const OrderedAccumulator& keeper() const { return keeper_ == nullptr ? *this : *keeper_; }
  void make_key(State& state, AccumulatorInputs inputs, size_t row, std::string& key);

  AggregateSpec spec_;
  SortKey value_order_;
  OrderedAccumulator* keeper_;
  GroupValues values_;
  std::vector<Term> terms_;  // of the last batch
};

// Of this file's family, in files of their own.
std::unique_ptr<Accumulator> make_list_accumulator(const AggregateSpec& spec, Accumulator* keeper);
std::unique_ptr<Accumulator> make_percentile_accumulator(const AggregateSpec& spec,
                                                         Accumulator* keeper);

}  // namespace tidemark
