#pragma once
// What several accumulators are made of, and how each family is made. For accumulator*.cc only.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/core.h>

#include "dataflow/operators/accumulator.h"
#include "state/ordered_table.h"
#include "state/scalar.h"

namespace tidemark {

// In the files of the families.
std::unique_ptr<Accumulator> make_extreme_accumulator(const AggregateSpec& spec,
                                                      Accumulator* keeper);
std::unique_ptr<Accumulator> make_text_extreme_accumulator(const AggregateSpec& spec,
                                                           Accumulator* keeper);
std::unique_ptr<Accumulator> make_variance_accumulator(const AggregateSpec& spec);
std::unique_ptr<Accumulator> make_ordered_accumulator(const AggregateSpec& spec,
                                                      Accumulator* keeper);

// Calls f(row, weight) for every row whose input is not NULL and whose weight is not 0.
template <typename F>
void for_each_term(const Column& input, size_t rows, const int64_t* weights, F&& f) {
  const uint8_t* nulls = input.nulls();
  if (nulls == nullptr && weights == nullptr) {
    for (size_t i = 0; i < rows; ++i) {
      f(i, int64_t{1});
    }
    return;
  }
  for (size_t i = 0; i < rows; ++i) {
    int64_t weight = weights == nullptr ? 1 : weights[i];
    if (weight != 0 && (nulls == nullptr || nulls[i] == 0)) {
      f(i, weight);
    }
  }
}

inline Status out_of_range(std::string_view function, std::string value, const Type& type) {
  return Status::data_error(fmt::format("{} out of range of {}: {}", function,
                                        type.to_string_without_null(), value))
      .with_hint("aggregate a wider type, for example CAST(x AS BIGINT) or DECIMAL(38, 0)");
}

// Groups are known to an accumulator's own tables by a number that is theirs for good: ids are this
// process's, and a number is not given twice.
class GroupNumbers {
 public:
  // 0: not numbered yet.
  uint64_t of(uint64_t& number) {
    if (number == 0) {
      number = last_.get() + 1;
      last_.set(number);
    }
    return number;
  }
  StateTable& table() { return last_; }

 private:
  Scalar<uint64_t> last_;
};

// The values of every group in one ordered table, under the groups' numbers: what the accumulators
// keep that have to know an order.
class GroupValues {
 public:
  // What comes for a value, and the value's weight with it.
  struct Term {
    uint64_t number;  // of the group
    std::string key;
    int64_t weight;
    int64_t now = 0;
  };

  // What the keys of a group's values begin with. The number (0: none yet) is kept by the group.
  void append_prefix(uint64_t& number, std::string& key) {
    append_big_endian(numbers_.of(number), key);
  }
  // Adds to the weights of values, and says what they are then.
  void change(std::span<Term> terms) {
    if (!values_.is_complete()) {
      std::vector<std::string_view> keys;
      for (const Term& term : terms) {
        keys.push_back(term.key);
      }
      values_.fault_in(keys);
    }
    for (Term& term : terms) {
      term.now = values_.add(term.key, term.weight);
    }
  }
  static std::string prefix(uint64_t number) {
    std::string key;
    append_big_endian(number, key);
    return key;
  }
  uint64_t number_of(uint64_t& number) { return numbers_.of(number); }
  // The group has this value alone from now on.
  void set_only(uint64_t number, std::string_view key) {
    release(number);
    values_.add(key, 1);
  }
  void release(uint64_t number) { values_.erase_prefix(prefix(number)); }
  void clear() { values_.clear(); }
  void visit_state(const StateVisitor& visit) {
    visit(values_);
    visit(numbers_.table());
  }
  OrderedTable& table() { return values_; }
  const OrderedTable& table() const { return values_; }

 private:
  OrderedTable values_;
  GroupNumbers numbers_;
};

// The first value of the group, or the last, appended to `out`. Values whose weight is negative for
// the moment (a retraction that came before its row) are passed over.
inline bool read_extreme(const OrderedTable& table, uint64_t number, bool maximum, Column& out) {
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

}  // namespace tidemark
