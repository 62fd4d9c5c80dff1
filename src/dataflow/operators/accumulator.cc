#include "dataflow/operators/accumulator.h"

#include <limits>

#include <fmt/core.h>

#include "base/exact_sum.h"
#include "state/ordered_table.h"
#include "state/scalar.h"
#include "types/decimal.h"
#include "types/hash.h"
#include "types/key_codec.h"

namespace tidemark {

namespace {

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

Status out_of_range(std::string_view function, std::string value, const Type& type) {
  return Status::data_error(fmt::format("{} out of range of {}: {}", function,
                                        type.to_string_without_null(), value))
      .with_hint("aggregate a wider type, for example CAST(x AS BIGINT) or DECIMAL(38, 0)");
}

class CountAccumulator final : public Accumulator {
 public:
  size_t bytes() const override { return 16; }
  void update(KeyedTable& groups, std::span<const uint32_t> ids, const Column& input,
              const int64_t* weights) override {
    for_each_term(input, ids.size(), weights,
                  [&](size_t i, int64_t weight) { at<int64_t>(groups, ids[i]) += weight; });
  }
  void finish(const KeyedTable& groups, std::span<const uint32_t> ids, Column& out,
              std::vector<RowError>&) const override {
    for (uint32_t id : ids) {
      out.append(at<int64_t>(groups, id));
    }
  }
};

// SUM and AVG of integers, in 128 bits.
template <typename T>
class IntegerSumAccumulator final : public Accumulator {
 public:
  IntegerSumAccumulator(bool average, const Type& result) : average_(average), result_(result) {}
  size_t bytes() const override { return sizeof(State); }
  void update(KeyedTable& groups, std::span<const uint32_t> ids, const Column& input,
              const int64_t* weights) override {
    const T* values = input.data<T>();
    for_each_term(input, ids.size(), weights, [&](size_t i, int64_t weight) {
      State& state = at<State>(groups, ids[i]);
      state.sum += static_cast<Int128>(values[i]) * weight;
      state.count += weight;
    });
  }
  void finish(const KeyedTable& groups, std::span<const uint32_t> ids, Column& out,
              std::vector<RowError>& errors) const override {
    for (size_t i = 0; i < ids.size(); ++i) {
      const State& state = at<State>(groups, ids[i]);
      if (state.count == 0) {
        out.append_null();
        continue;
      }
      Int128 value = average_ ? state.sum / state.count : state.sum;
      int bits = result_.kind == TypeKind::kTinyint    ? 8
                 : result_.kind == TypeKind::kSmallint ? 16
                 : result_.kind == TypeKind::kInt      ? 32
                                                       : 64;
      Int128 limit = Int128{1} << (bits - 1);
      if (value >= limit || value < -limit) {
        std::string text;
        decimal_append(value, 0, text);
        errors.push_back(
            {static_cast<uint32_t>(i), out_of_range(average_ ? "AVG" : "SUM", text, result_)});
        out.append_null();
        continue;
      }
      out.append(static_cast<T>(value));
    }
  }

 private:
  struct State {
    Int128 sum;
    int64_t count;
    int64_t unused;
  };
  bool average_;
  Type result_;
};

// SUM and AVG of FLOAT and DOUBLE: exact, rounded once.
template <typename T>
class FloatingSumAccumulator final : public Accumulator {
 public:
  FloatingSumAccumulator(bool average, const Type& result) : average_(average), result_(result) {}
  size_t bytes() const override { return sizeof(ExactSum); }
  void update(KeyedTable& groups, std::span<const uint32_t> ids, const Column& input,
              const int64_t* weights) override {
    const T* values = input.data<T>();
    for_each_term(input, ids.size(), weights, [&](size_t i, int64_t weight) {
      ExactSum& sum = at<ExactSum>(groups, ids[i]);
      exact_sum_add(sum, static_cast<double>(values[i]), weight, pool_);
      sum.count += weight;
    });
  }
  void finish(const KeyedTable& groups, std::span<const uint32_t> ids, Column& out,
              std::vector<RowError>& errors) const override {
    for (size_t i = 0; i < ids.size(); ++i) {
      const ExactSum& sum = at<ExactSum>(groups, ids[i]);
      if (sum.count == 0) {
        out.append_null();
        continue;
      }
      std::optional<T> value;
      if (average_) {
        // A count below zero is a passing state in the middle of a commit: it is not shown.
        std::optional<double> mean = sum.count > 0 ? exact_sum_mean(sum, pool_) : 0.0;
        value = mean ? std::optional<T>(static_cast<T>(*mean)) : std::nullopt;
      } else if constexpr (sizeof(T) == 4) {
        value = exact_sum_float(sum, pool_);
      } else {
        value = exact_sum_double(sum, pool_);
      }
      if (!value) {
        errors.push_back(
            {static_cast<uint32_t>(i),
             out_of_range(average_ ? "AVG" : "SUM", "the exact sum is too large", result_)});
        out.append_null();
        continue;
      }
      out.append(*value);
    }
  }
  void release(KeyedTable& groups, uint32_t id) override {
    pool_.release(at<ExactSum>(groups, id));
  }
  void clear() override { pool_.clear(); }

  bool keeps_beside() const override { return true; }
  void append_beside(const KeyedTable& groups, uint32_t id, std::string& out) const override {
    const WideSum* wide = pool_.find(at<ExactSum>(groups, id));
    out += wide != nullptr ? '\1' : '\0';
    if (wide != nullptr) {
      wide->append_to(out);
    }
  }
  void read_beside(KeyedTable& groups, uint32_t id, ByteReader& in) override {
    ExactSum& sum = at<ExactSum>(groups, id);
    sum.wide = 0;  // a place in another process's pool
    if (in.fixed<uint8_t>() != 0) {
      pool_.of(sum).read_from(in);
    }
  }
  void release_beside(KeyedTable& groups, uint32_t id) override { release(groups, id); }

 private:
  bool average_;
  Type result_;
  WideSumPool pool_;
};

// SUM and AVG of DECIMAL in 192 bits, so that what goes over 38 digits and comes back is exact.
class DecimalSumAccumulator final : public Accumulator {
 public:
  DecimalSumAccumulator(bool average, int scale, const Type& result)
      : average_(average), scale_(scale), result_(result) {}
  size_t bytes() const override { return sizeof(State); }
  void update(KeyedTable& groups, std::span<const uint32_t> ids, const Column& input,
              const int64_t* weights) override {
    const Int128* values = input.data<Int128>();
    for_each_term(input, ids.size(), weights, [&](size_t i, int64_t weight) {
      State& state = at<State>(groups, ids[i]);
      state.count += weight;
      Int128 value = values[i];
      if (decimal_is_special(value)) [[unlikely]] {
        (value == kDecimalNan        ? state.nans
         : value == kDecimalInfinity ? state.infinities
                                     : state.negative_infinities) += static_cast<int32_t>(weight);
        return;
      }
      // value * weight in 192 bits: two partial products of 64 x 64.
      UInt128 magnitude =
          value < 0 ? ~static_cast<UInt128>(value) + 1 : static_cast<UInt128>(value);
      uint64_t times =
          weight < 0 ? ~static_cast<uint64_t>(weight) + 1 : static_cast<uint64_t>(weight);
      UInt128 low = static_cast<UInt128>(static_cast<uint64_t>(magnitude)) * times;
      UInt128 high =
          static_cast<UInt128>(static_cast<uint64_t>(magnitude >> 64)) * times + (low >> 64);
      UInt128 product_low = (high << 64) | static_cast<uint64_t>(low);
      int64_t product_high = static_cast<int64_t>(high >> 64);
      if ((value < 0) != (weight < 0)) {
        UInt128 before = state.low;
        state.low -= product_low;
        state.high -= product_high + (before < product_low ? 1 : 0);
      } else {
        state.low += product_low;
        state.high += product_high + (state.low < product_low ? 1 : 0);
      }
    });
  }
  void finish(const KeyedTable& groups, std::span<const uint32_t> ids, Column& out,
              std::vector<RowError>& errors) const override {
    for (size_t i = 0; i < ids.size(); ++i) {
      const State& state = at<State>(groups, ids[i]);
      if (state.count == 0) {
        out.append_null();
      } else if (state.nans != 0 || (state.infinities != 0 && state.negative_infinities != 0)) {
        out.append(kDecimalNan);
      } else if (state.infinities != 0 || state.negative_infinities != 0) {
        out.append(state.infinities != 0 ? kDecimalInfinity : kDecimalNegativeInfinity);
      } else {
        Result<Int128> value = total(state);
        if (value.ok()) {
          out.append(*value);
        } else {
          errors.push_back(
              {static_cast<uint32_t>(i),
               out_of_range(average_ ? "AVG" : "SUM", "more than 38 digits", result_)});
          out.append_null();
        }
      }
    }
  }

 private:
  struct State {
    UInt128 low;
    int64_t high;
    int64_t count;
    int32_t nans;
    int32_t infinities;
    int32_t negative_infinities;
    int32_t unused;
  };

  Result<Int128> total(const State& state) const {
    Int128 sum = static_cast<Int128>(state.low);
    bool fits = state.high == (sum < 0 ? -1 : 0);
    if (!fits || !decimal_fits(sum, kDecimalPrecisionMax) || decimal_is_special(sum)) {
      return Status::data_error("out of range");
    }
    if (average_) {
      return decimal_divide(sum, scale_, state.count, 0, kDecimalPrecisionMax, result_.scale);
    }
    return sum;
  }

  bool average_;
  int scale_;
  Type result_;
};

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

// MIN and MAX: every group's values with their weights, ordered by group number and value.
class ExtremeAccumulator final : public Accumulator {
 public:
  explicit ExtremeAccumulator(bool maximum) : maximum_(maximum) {}
  size_t bytes() const override { return sizeof(State); }
  void update(KeyedTable& groups, std::span<const uint32_t> ids, const Column& input,
              const int64_t* weights) override {
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
  void update(KeyedTable& groups, std::span<const uint32_t> ids, const Column& input,
              const int64_t* weights) override {
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
      inner_->update(groups, changed_ids, changed, changed_weights.data());
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

std::unique_ptr<Accumulator> make_accumulator(AggregateKind kind, const Type& input,
                                              const Type& result) {
  switch (kind) {
    case AggregateKind::kCountStar:
    case AggregateKind::kCount:
      return std::make_unique<CountAccumulator>();
    case AggregateKind::kSum:
    case AggregateKind::kAvg: {
      bool average = kind == AggregateKind::kAvg;
      switch (input.physical()) {
        case PhysicalKind::kInt32:
          return std::make_unique<IntegerSumAccumulator<int32_t>>(average, result);
        case PhysicalKind::kInt64:
          return std::make_unique<IntegerSumAccumulator<int64_t>>(average, result);
        case PhysicalKind::kFloat:
          return std::make_unique<FloatingSumAccumulator<float>>(average, result);
        case PhysicalKind::kDouble:
          return std::make_unique<FloatingSumAccumulator<double>>(average, result);
        case PhysicalKind::kInt128:
          return std::make_unique<DecimalSumAccumulator>(average, input.scale, result);
        default:
          return nullptr;  // the binder lets only numbers through
      }
    }
    case AggregateKind::kMin:
    case AggregateKind::kMax:
      return std::make_unique<ExtremeAccumulator>(kind == AggregateKind::kMax);
  }
  CHECK(false);
}

std::unique_ptr<Accumulator> make_distinct_accumulator(std::unique_ptr<Accumulator> inner,
                                                       const Type& input) {
  return std::make_unique<DistinctAccumulator>(std::move(inner), input);
}

}  // namespace tidemark
