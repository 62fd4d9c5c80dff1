// PERCENTILE_CONT and PERCENTILE_DISC. Of a group with many values, how many there are and the
// place of the last result are kept in memory: a change moves it by a few values.

#include <cmath>
#include <unordered_map>

#include "dataflow/operators/accumulator_ordered.h"
#include "types/decimal.h"

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

class PercentileAccumulator final : public OrderedAccumulator {
 public:
  PercentileAccumulator(const AggregateSpec& spec, Accumulator* keeper)
      : OrderedAccumulator(spec, keeper),
        fraction_(std::get<double>(spec.parameter)),
        is_discrete_(spec.kind == AggregateKind::kPercentileDisc) {}

 private:
  static constexpr size_t kManyValues = 64;  // some microseconds to count
  struct Counted {
    Places places;  // one
    int64_t copies;
  };

  void note(std::span<const Term> terms) override {
    for (const Term& term : counted_.empty() ? std::span<const Term>() : terms) {
      auto counted = counted_.find(term.number);
      if (counted != counted_.end()) {
        KeyCopies change{term.key, seen_copies(term.now - term.weight), seen_copies(term.now)};
        counted->second.places.note(std::span(&change, 1));
        counted->second.copies += change.now - change.before;
      }
    }
  }
  void forget(uint64_t number) override { counted_.erase(number); }
  void forget_all() override { counted_.clear(); }

  void finish_group(uint64_t number, Column& out) const override {
    if (auto counted = counted_.find(number); counted != counted_.end()) {
      return finish_counted(counted->second, out);
    }
    std::string prefix = GroupValues::prefix(number);
    Counted fresh{Places(prefix, 1), 0};
    size_t values = 0;
    for_each_value(prefix, table().forward(prefix), [&](std::string_view, int64_t copies) {
      fresh.copies += copies;
      ++values;
      return true;
    });
    finish_counted(fresh, out);
    if (values > kManyValues) {
      counted_.emplace(number, std::move(fresh));
    }
  }

  // PostgreSQL 16 manual, 9.21, and orderedsetaggs.c: the discrete place is ceil(fraction * n), the
  // continuous one fraction * (n - 1), interpolated as low + (high - low) * rest.
  void finish_counted(Counted& counted, Column& out) const {
    if (counted.copies == 0) {
      out.append_null();
      return;
    }
    double size = static_cast<double>(counted.copies);
    double place =
        is_discrete_ ? std::max(std::ceil(fraction_ * size), 1.0) - 1 : fraction_ * (size - 1);
    int64_t low = static_cast<int64_t>(std::floor(place));
    auto copies = [&](int64_t weight) { return seen_copies(weight); };
    counted.places.move(table(), 0, low, copies, [](std::string_view, int64_t) {});
    const Places::Place& at = counted.places[0];
    std::string prefix(counted.places.prefix());
    Column ends(spec().input_type);  // the value there and, if it is asked for, the one behind it
    int64_t passed = at.before;
    int64_t last = is_discrete_ ? low : static_cast<int64_t>(std::ceil(place));
    for_each_value(prefix, table().forward(at.key), [&](std::string_view key, int64_t found) {
      bool has_low = low < passed + found && ends.size() == 0;
      bool has_high = last != low && last < passed + found;
      for (int i = 0; i < has_low + has_high; ++i) {
        read_value(key, ends);
      }
      passed += found;
      return passed <= last;
    });
    if (ends.size() == 0) {  // the table could not be read, which its step reports
      out.append_null();
    } else if (is_discrete_) {
      out.append_copy(ends, 0);
    } else {
      double first = number_of(ends, 0);
      out.append(ends.size() == 1
                     ? first
                     : first + (number_of(ends, 1) - first) * (place - static_cast<double>(low)));
    }
  }

  double fraction_;
  bool is_discrete_;
  mutable std::unordered_map<uint64_t, Counted> counted_;  // by group
};

}  // namespace

std::unique_ptr<Accumulator> make_percentile_accumulator(const AggregateSpec& spec,
                                                         Accumulator* keeper) {
  return std::make_unique<PercentileAccumulator>(spec, keeper);
}

}  // namespace tidemark
