#include "dataflow/operators/accumulator.h"

#include <limits>

#include <absl/container/btree_map.h>
#include <fmt/core.h>

#include "base/exact_sum.h"
#include "types/decimal.h"
#include "types/hash.h"

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
  size_t held_bytes() const override { return pool_.held_bytes(); }

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

// Order-preserving keys for the ordered values of each group.
template <typename T>
struct OrderedKey {
  using Stored = T;
  static Stored of(const Column& input, size_t row) { return input.data<T>()[row]; }
  static void append(Stored value, Column& out) { out.append<T>(value); }
};
template <>
struct OrderedKey<StringRef> {
  using Stored = std::string;
  static Stored of(const Column& input, size_t row) { return std::string(input.string_at(row)); }
  static void append(const Stored& value, Column& out) { out.append_string(value); }
};
// Floats by their total order: NaN greatest, -0 as 0.
template <typename F>
struct OrderedFloat {
  F value;
  bool operator<(const OrderedFloat& other) const {
    bool nan = value != value, other_nan = other.value != other.value;
    return nan || other_nan ? !nan && other_nan : value < other.value;
  }
};
template <>
struct OrderedKey<double> {
  using Stored = OrderedFloat<double>;
  static Stored of(const Column& input, size_t row) { return {input.data<double>()[row]}; }
  static void append(Stored value, Column& out) { out.append(value.value); }
};
template <>
struct OrderedKey<float> {
  using Stored = OrderedFloat<float>;
  static Stored of(const Column& input, size_t row) { return {input.data<float>()[row]}; }
  static void append(Stored value, Column& out) { out.append(value.value); }
};

// MIN and MAX: every group's values in one B-tree ordered by (group, value) with their weights.
template <typename T>
class ExtremeAccumulator final : public Accumulator {
 public:
  explicit ExtremeAccumulator(bool maximum) : maximum_(maximum) {}
  size_t bytes() const override { return 0; }
  void update(KeyedTable&, std::span<const uint32_t> ids, const Column& input,
              const int64_t* weights) override {
    for_each_term(input, ids.size(), weights, [&](size_t i, int64_t weight) {
      auto [entry, inserted] = values_.try_emplace({ids[i], OrderedKey<T>::of(input, i)}, 0);
      entry->second += weight;
      if (entry->second == 0) {
        values_.erase(entry);
      }
    });
  }
  void finish(const KeyedTable&, std::span<const uint32_t> ids, Column& out,
              std::vector<RowError>&) const override {
    for (uint32_t id : ids) {
      auto found = maximum_ ? last_of(id) : first_of(id);
      if (found == values_.end()) {
        out.append_null();
      } else {
        OrderedKey<T>::append(found->first.second, out);
      }
    }
  }
  void release(KeyedTable&, uint32_t id) override {
    auto first = values_.lower_bound(GroupOnly{id});
    auto last = values_.lower_bound(GroupOnly{id + 1});
    values_.erase(first, last);
  }
  void clear() override { values_.clear(); }
  size_t held_bytes() const override {
    return values_.size() * (sizeof(typename Map::value_type) + 2);
  }

 private:
  using Stored = typename OrderedKey<T>::Stored;
  using Key = std::pair<uint32_t, Stored>;
  struct GroupOnly {
    uint32_t id;
  };
  struct Less {
    using is_transparent = void;
    bool operator()(const Key& a, const Key& b) const {
      return a.first != b.first ? a.first < b.first : a.second < b.second;
    }
    bool operator()(const Key& a, GroupOnly b) const { return a.first < b.id; }
    bool operator()(GroupOnly a, const Key& b) const { return a.id < b.first; }
  };
  using Map = absl::btree_map<Key, int64_t, Less>;

  // Values whose weight is negative for the moment (a retraction that came before its row) are
  // passed over.
  typename Map::const_iterator first_of(uint32_t id) const {
    for (auto it = values_.lower_bound(GroupOnly{id}); it != values_.end() && it->first.first == id;
         ++it) {
      if (it->second > 0) {
        return it;
      }
    }
    return values_.end();
  }
  typename Map::const_iterator last_of(uint32_t id) const {
    auto it = values_.lower_bound(GroupOnly{id + 1});
    while (it != values_.begin()) {
      --it;
      if (it->first.first != id) {
        break;
      }
      if (it->second > 0) {
        return it;
      }
    }
    return values_.end();
  }

  bool maximum_;
  Map values_;
};

// Counts each (group, value) and passes on only values that appear or disappear.
class DistinctAccumulator final : public Accumulator {
 public:
  DistinctAccumulator(std::unique_ptr<Accumulator> inner, const Type& input)
      : inner_(std::move(inner)), values_({Type::integer(), input}, {}, 16) {}
  size_t bytes() const override { return inner_->bytes(); }
  void set_offset(size_t offset) override { inner_->set_offset(offset); }
  void update(KeyedTable& groups, std::span<const uint32_t> ids, const Column& input,
              const int64_t* weights) override {
    Column group_ids(Type::integer());
    group_ids.reserve(ids.size());
    for (uint32_t id : ids) {
      group_ids.append(static_cast<int32_t>(id));
    }
    const Column* keys[] = {&group_ids, &input};
    hash_rows(keys, ids.size(), hashes_);
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
  size_t held_bytes() const override { return inner_->held_bytes() + values_.held_bytes(); }

 private:
  std::unique_ptr<Accumulator> inner_;
  KeyedTable values_;
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
      return visit_physical(input.physical(), [&](auto tag) -> std::unique_ptr<Accumulator> {
        return std::make_unique<ExtremeAccumulator<decltype(tag)>>(kind == AggregateKind::kMax);
      });
  }
  CHECK(false);
}

std::unique_ptr<Accumulator> make_distinct_accumulator(std::unique_ptr<Accumulator> inner,
                                                       const Type& input) {
  return std::make_unique<DistinctAccumulator>(std::move(inner), input);
}

}  // namespace tidemark
