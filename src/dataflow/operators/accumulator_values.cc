// Accumulators that keep every different value of a group: MIN, MAX, DISTINCT.

#include "dataflow/operators/accumulator_parts.h"
#include "state/ordered_table.h"
#include "types/hash.h"
#include "types/key_codec.h"

namespace tidemark {

namespace {

// MIN and MAX: every group's values with their weights, ordered by group number and value.
class ExtremeAccumulator final : public Accumulator {
 public:
  explicit ExtremeAccumulator(bool maximum) : maximum_(maximum) {}
  size_t bytes() const override { return sizeof(State); }
  void update(KeyedTable& groups, std::span<const uint32_t> ids, AccumulatorInputs inputs,
              const int64_t* weights) override {
    const Column& input = *inputs[0];
    if (!values_.is_complete()) {
      fault_in(groups, ids, input, weights);
    }
    for_each_term(input, ids.size(), weights, [&](size_t i, int64_t weight) {
      make_key(at<State>(groups, ids[i]), input, i);
      values_.add(key_, weight);
    });
  }
  void finish(const KeyedTable& groups, std::span<const uint32_t> ids, Column& out,
              std::vector<RowError>&) const override {
    std::string prefix;
    for (uint32_t id : ids) {
      prefix.clear();
      append_big_endian(at<State>(groups, id).number, prefix);
      OrderedTable::Scan scan =
          maximum_ ? values_.backward(end_of_prefix(prefix)) : values_.forward(prefix);
      // Values whose weight is negative for the moment (a retraction that came before its row) are
      // passed over.
      while (scan.valid() && scan.key().starts_with(prefix) && scan.weight() < 0) {
        scan.next();
      }
      if (!scan.valid() || !scan.key().starts_with(prefix)) {
        out.append_null();
        continue;
      }
      ByteReader in(scan.key().substr(prefix.size()));
      read_sort_key(in, false, out);
    }
  }
  void release(KeyedTable& groups, uint32_t id) override {
    std::string prefix;
    append_big_endian(at<State>(groups, id).number, prefix);
    values_.erase_prefix(prefix);
  }
  void clear() override { values_.clear(); }
  void visit_state(const StateVisitor& visit) override {
    visit(values_);
    visit(numbers_.table());
  }

 private:
  struct State {
    uint64_t number;
    uint64_t unused;
  };

  void make_key(State& state, const Column& input, size_t row) {
    key_.clear();
    append_big_endian(numbers_.of(state.number), key_);
    append_sort_key(input, row, false, false, key_);
  }
  void fault_in(KeyedTable& groups, std::span<const uint32_t> ids, const Column& input,
                const int64_t* weights) {
    std::vector<std::string> keys;
    for_each_term(input, ids.size(), weights, [&](size_t i, int64_t) {
      make_key(at<State>(groups, ids[i]), input, i);
      keys.push_back(key_);
    });
    std::vector<std::string_view> views(keys.begin(), keys.end());
    values_.fault_in(views);
  }

  bool maximum_;
  OrderedTable values_;
  GroupNumbers numbers_;
  std::string key_;  // scratch
};

// Counts each (group, value) and passes on only values that appear or disappear.
class DistinctAccumulator final : public Accumulator {
 public:
  DistinctAccumulator(std::unique_ptr<Accumulator> inner, const Type& input)
      : inner_(std::move(inner)), values_({Type::bigint(), input}, {}, 16, sizeof(int64_t)) {}
  size_t bytes() const override { return sizeof(State) + inner_->bytes(); }
  void set_offset(size_t offset) override {
    Accumulator::set_offset(offset);
    inner_->set_offset(offset + sizeof(State));
  }
  void update(KeyedTable& groups, std::span<const uint32_t> ids, AccumulatorInputs inputs,
              const int64_t* weights) override {
    const Column& input = *inputs[0];
    Column numbers(Type::bigint());
    numbers.reserve(ids.size());
    for (uint32_t id : ids) {
      numbers.append(static_cast<int64_t>(numbers_.of(at<State>(groups, id).number)));
    }
    const Column* keys[] = {&numbers, &input};
    hash_rows(keys, ids.size(), hashes_);
    values_.fault_in(keys, ids.size(), hashes_);
    std::vector<uint32_t> rows, changed_ids;
    std::vector<int64_t> changed_weights;
    for_each_term(input, ids.size(), weights, [&](size_t i, int64_t weight) {
      uint32_t entry = values_.find_or_insert_one(keys, i, hashes_[i]);
      int64_t& count = values_.fixed_as<int64_t>(entry);
      bool before = count > 0;
      count += weight;
      bool after = count > 0;
      if (before != after) {
        rows.push_back(static_cast<uint32_t>(i));
        changed_ids.push_back(ids[i]);
        changed_weights.push_back(after ? 1 : -1);
      }
      values_.mark_changed(entry);
      if (count == 0) {
        values_.erase(entry);
      }
    });
    if (!rows.empty()) {
      Column changed(input.type());
      changed.append_rows(input, rows);
      const Column* argument = &changed;
      inner_->update(groups, changed_ids, std::span(&argument, 1), changed_weights.data());
    }
  }
  void finish(const KeyedTable& groups, std::span<const uint32_t> ids, Column& out,
              std::vector<RowError>& errors) const override {
    inner_->finish(groups, ids, out, errors);
  }
  void release(KeyedTable& groups, uint32_t id) override { inner_->release(groups, id); }
  void clear() override {
    inner_->clear();
    values_.clear();
  }
  void visit_state(const StateVisitor& visit) override {
    visit(values_);
    visit(numbers_.table());
    inner_->visit_state(visit);
  }
  bool keeps_beside() const override { return inner_->keeps_beside(); }
  void append_beside(const KeyedTable& groups, uint32_t id, std::string& out) const override {
    inner_->append_beside(groups, id, out);
  }
  void read_beside(KeyedTable& groups, uint32_t id, ByteReader& in) override {
    inner_->read_beside(groups, id, in);
  }
  void release_beside(KeyedTable& groups, uint32_t id) override {
    inner_->release_beside(groups, id);
  }

 private:
  struct State {
    uint64_t number;
    uint64_t unused;
  };

  std::unique_ptr<Accumulator> inner_;
  KeyedTable values_;  // (group number, value) -> weight
  GroupNumbers numbers_;
  std::vector<uint64_t> hashes_;
};

}  // namespace

std::unique_ptr<Accumulator> make_extreme_accumulator(bool maximum) {
  return std::make_unique<ExtremeAccumulator>(maximum);
}

std::unique_ptr<Accumulator> make_distinct_accumulator(std::unique_ptr<Accumulator> inner,
                                                       const Type& input) {
  return std::make_unique<DistinctAccumulator>(std::move(inner), input);
}

}  // namespace tidemark
