#include "dataflow/operators/accumulator.h"

#include <bit>
#include <limits>

#include "base/exact_sum.h"
#include "dataflow/operators/accumulator_parts.h"
#include "types/decimal.h"

namespace tidemark {

namespace {

class CountAccumulator final : public Accumulator {
 public:
  size_t bytes() const override { return 16; }
  bool grows_in_bytes() const override { return true; }
  void update(KeyedTable& groups, std::span<const uint32_t> ids, AccumulatorInputs inputs,
              const int64_t* weights) override {
    States<int64_t> counts = states<int64_t>(groups);
    for_each_term(*inputs[0], ids.size(), weights,
                  [&](size_t i, int64_t weight) { counts[ids[i]] += weight; });
  }
  void finish(const KeyedTable& groups, std::span<const uint32_t> ids, Column& out,
              std::vector<RowError>&) const override {
    size_t first = out.size();
    size_t end = first + ids.size();
    out.reserve(first == 0 ? end : std::bit_ceil(end));  // more may follow
    out.resize(end);
    int64_t* results = out.mutable_data<int64_t>() + first;
    for (size_t i = 0; i < ids.size(); ++i) {
      results[i] = at<int64_t>(groups, ids[i]);
    }
  }
};

// SUM and AVG of integers, in 128 bits.
template <typename T>
class IntegerSumAccumulator final : public Accumulator {
 public:
  IntegerSumAccumulator(bool average, const Type& result) : average_(average), result_(result) {}
  size_t bytes() const override { return sizeof(State); }
  bool grows_in_bytes() const override { return true; }
  void update(KeyedTable& groups, std::span<const uint32_t> ids, AccumulatorInputs inputs,
              const int64_t* weights) override {
    const T* values = inputs[0]->data<T>();
    States<State> sums = states<State>(groups);
    for_each_term(*inputs[0], ids.size(), weights, [&](size_t i, int64_t weight) {
      State& state = sums[ids[i]];
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
  bool grows_in_bytes() const override { return true; }
  bool grow_alike(const KeyedTable& groups, uint32_t a, uint32_t b) const override {
    const ExactSum& x = at<ExactSum>(groups, a);
    const ExactSum& y = at<ExactSum>(groups, b);
    return x.fixed == y.fixed && x.count == y.count && beside_of(groups, a) == beside_of(groups, b);
  }
  void update(KeyedTable& groups, std::span<const uint32_t> ids, AccumulatorInputs inputs,
              const int64_t* weights) override {
    const T* values = inputs[0]->data<T>();
    States<ExactSum> sums = states<ExactSum>(groups);
    for_each_term(*inputs[0], ids.size(), weights, [&](size_t i, int64_t weight) {
      ExactSum& sum = sums[ids[i]];
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
  bool grows_in_bytes() const override { return true; }
  void update(KeyedTable& groups, std::span<const uint32_t> ids, AccumulatorInputs inputs,
              const int64_t* weights) override {
    const Int128* values = inputs[0]->data<Int128>();
    for_each_term(*inputs[0], ids.size(), weights, [&](size_t i, int64_t weight) {
      State& state = at<State>(groups, ids[i]);
      state.count += weight;
      Int128 value = values[i];
      if (decimal_is_special(value)) [[unlikely]] {
        (value == kDecimalNan        ? state.nans
         : value == kDecimalInfinity ? state.infinities
                                     : state.negative_infinities) += static_cast<int32_t>(weight);
        return;
      }
      if (weight == 1) [[likely]] {
        UInt128 added = static_cast<UInt128>(value);
        state.low += added;
        state.high += (value < 0 ? -1 : 0) + (state.low < added ? 1 : 0);
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

// BOOL_AND and BOOL_OR.
class BooleanAccumulator final : public Accumulator {
 public:
  explicit BooleanAccumulator(bool any) : any_(any) {}
  size_t bytes() const override { return sizeof(State); }
  bool grows_in_bytes() const override { return true; }
  void update(KeyedTable& groups, std::span<const uint32_t> ids, AccumulatorInputs inputs,
              const int64_t* weights) override {
    const uint8_t* values = inputs[0]->data<uint8_t>();
    for_each_term(*inputs[0], ids.size(), weights, [&](size_t i, int64_t weight) {
      State& state = at<State>(groups, ids[i]);
      (values[i] != 0 ? state.trues : state.falses) += weight;
    });
  }
  void finish(const KeyedTable& groups, std::span<const uint32_t> ids, Column& out,
              std::vector<RowError>&) const override {
    for (uint32_t id : ids) {
      const State& state = at<State>(groups, id);
      if (state.trues == 0 && state.falses == 0) {
        out.append_null();
      } else {
        out.append(static_cast<uint8_t>(any_ ? state.trues > 0 : state.falses <= 0));
      }
    }
  }

 private:
  struct State {
    int64_t trues;
    int64_t falses;
  };
  bool any_;
};

std::unique_ptr<Accumulator> make_sum(const AggregateSpec& spec) {
  bool average = spec.kind == AggregateKind::kAvg;
  switch (spec.input_type.physical()) {
    case PhysicalKind::kInt32:
      return std::make_unique<IntegerSumAccumulator<int32_t>>(average, spec.result_type);
    case PhysicalKind::kInt64:
      return std::make_unique<IntegerSumAccumulator<int64_t>>(average, spec.result_type);
    case PhysicalKind::kFloat:
      return std::make_unique<FloatingSumAccumulator<float>>(average, spec.result_type);
    case PhysicalKind::kDouble:
      return std::make_unique<FloatingSumAccumulator<double>>(average, spec.result_type);
    case PhysicalKind::kInt128:
      return std::make_unique<DecimalSumAccumulator>(average, spec.input_type.scale,
                                                     spec.result_type);
    default:
      return nullptr;  // the binder lets only numbers through
  }
}

}  // namespace

bool is_over_different_values(const AggregateSpec& spec) {
  using enum AggregateKind;
  switch (spec.kind) {
    case kCountStar:
    case kCount:
    case kSum:
    case kAvg:
    case kVarPop:
    case kVarSamp:
    case kStddevPop:
    case kStddevSamp:
      return spec.distinct;
    // These do not change when a value comes again, or look at different values themselves.
    case kMin:
    case kMax:
    case kBoolAnd:
    case kBoolOr:
    case kListAgg:
    case kArrayAgg:
    case kCollect:
    case kFirstValue:
    case kLastValue:
    case kPercentileCont:
    case kPercentileDisc:
      return false;
  }
  CHECK(false);
}

std::unique_ptr<Accumulator> make_accumulator(const AggregateSpec& spec, Accumulator* keeper) {
  using enum AggregateKind;
  switch (spec.kind) {
    case kCountStar:
    case kCount:
      return std::make_unique<CountAccumulator>();
    case kSum:
    case kAvg:
      return make_sum(spec);
    case kVarPop:
    case kVarSamp:
    case kStddevPop:
    case kStddevSamp:
      return make_variance_accumulator(spec);
    case kMin:
    case kMax:
      return make_extreme_accumulator(spec, keeper);
    case kBoolAnd:
    case kBoolOr:
      return std::make_unique<BooleanAccumulator>(spec.kind == kBoolOr);
    case kListAgg:
    case kArrayAgg:
    case kCollect:
    case kFirstValue:
    case kLastValue:
    case kPercentileCont:
    case kPercentileDisc:
      return make_ordered_accumulator(spec, keeper);
  }
  CHECK(false);
}

}  // namespace tidemark
