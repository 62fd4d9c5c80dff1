// VAR_POP, VAR_SAMP, STDDEV_POP, STDDEV_SAMP: exact moments, rounded once. Whole numbers are cut
// toward zero, as AVG of them is.

#include <cmath>

#include "base/exact_moments.h"
#include "dataflow/operators/accumulator_parts.h"
#include "types/decimal.h"

namespace tidemark {

namespace {

struct VarianceKind {
  bool sample;
  bool root;

  explicit VarianceKind(AggregateKind kind)
      : sample(kind == AggregateKind::kVarSamp || kind == AggregateKind::kStddevSamp),
        root(kind == AggregateKind::kStddevPop || kind == AggregateKind::kStddevSamp) {}
  bool exists(int64_t count) const { return count > (sample ? 1 : 0); }
  std::string_view name() const { return root ? "STDDEV" : "VARIANCE"; }
};

// Moments of a passing state in the middle of a commit may be of no set of numbers. It is not
// shown.
VarianceFraction checked(VarianceFraction fraction) {
  if (fraction.numerator.is_negative()) {
    fraction.numerator = BigInteger();
  }
  return fraction;
}

// T: int32_t, int64_t, Int128 (DECIMAL).
template <typename T>
class WholeVarianceAccumulator final : public Accumulator {
 public:
  explicit WholeVarianceAccumulator(const AggregateSpec& spec)
      : kind_(spec.kind),
        input_scale_(std::is_same_v<T, Int128> ? spec.input_type.scale : 0),
        result_(spec.result_type) {}
  size_t bytes() const override { return sizeof(WholeMoments); }
  bool grows_in_bytes() const override { return true; }
  void update(KeyedTable& groups, std::span<const uint32_t> ids, AccumulatorInputs inputs,
              const int64_t* weights) override {
    const T* values = inputs[0]->data<T>();
    for_each_term(*inputs[0], ids.size(), weights, [&](size_t i, int64_t weight) {
      WholeMoments& moments = at<WholeMoments>(groups, ids[i]);
      if constexpr (std::is_same_v<T, Int128>) {
        if (decimal_is_special(values[i])) {
          moments.specials += weight;
          return;
        }
      }
      moments.add(values[i], weight);
    });
  }
  void finish(const KeyedTable& groups, std::span<const uint32_t> ids, Column& out,
              std::vector<RowError>& errors) const override {
    for (size_t i = 0; i < ids.size(); ++i) {
      const WholeMoments& moments = at<WholeMoments>(groups, ids[i]);
      if (!kind_.exists(moments.count + moments.specials)) {
        out.append_null();
        continue;
      }
      if constexpr (std::is_same_v<T, Int128>) {
        if (moments.specials != 0) {
          out.append(kDecimalNan);
          continue;
        }
      }
      BigInteger value = value_of(moments);
      std::optional<Int128> fitting = value.to_int128();
      if (!fitting || !fits(*fitting)) {
        errors.push_back({static_cast<uint32_t>(i),
                          out_of_range(kind_.name(), "the exact value is too large", result_)});
        out.append_null();
        continue;
      }
      out.append(static_cast<T>(*fitting));
    }
  }

 private:
  BigInteger value_of(const WholeMoments& moments) const {
    VarianceFraction fraction = checked(variance_of(moments, kind_.sample));
    if constexpr (std::is_same_v<T, Int128>) {
      // The moments are those of unscaled values: times 10^input_scale, squares twice that.
      return kind_.root ? fraction_root_to_whole(fraction, 2 * (result_.scale - input_scale_),
                                                 Rounding::kHalfAway)
                        : fraction_to_whole(fraction, result_.scale - 2 * input_scale_,
                                            Rounding::kHalfAway);
    } else {
      return kind_.root ? fraction_root_to_whole(fraction, 0, Rounding::kCut)
                        : fraction_to_whole(fraction, 0, Rounding::kCut);
    }
  }
  bool fits(Int128 value) const {
    switch (result_.kind) {
      case TypeKind::kTinyint:
        return value <= INT8_MAX;
      case TypeKind::kSmallint:
        return value <= INT16_MAX;
      case TypeKind::kInt:
        return value <= INT32_MAX;
      case TypeKind::kBigint:
        return value <= INT64_MAX;
      default:
        return !decimal_is_special(value) && decimal_fits(value, kDecimalPrecisionMax);
    }
  }

  VarianceKind kind_;
  int input_scale_;
  Type result_;
};

template <typename T>
class FloatVarianceAccumulator final : public Accumulator {
 public:
  explicit FloatVarianceAccumulator(const AggregateSpec& spec)
      : kind_(spec.kind), result_(spec.result_type) {}
  size_t bytes() const override { return sizeof(FloatMoments); }
  bool grows_in_bytes() const override { return true; }
  bool grow_alike(const KeyedTable& groups, uint32_t a, uint32_t b) const override {
    const FloatMoments& x = at<FloatMoments>(groups, a);
    const FloatMoments& y = at<FloatMoments>(groups, b);
    return std::memcmp(&x, &y, offsetof(FloatMoments, wide)) == 0 && x.count == y.count &&
           beside_of(groups, a) == beside_of(groups, b);
  }
  void update(KeyedTable& groups, std::span<const uint32_t> ids, AccumulatorInputs inputs,
              const int64_t* weights) override {
    const T* values = inputs[0]->data<T>();
    for_each_term(*inputs[0], ids.size(), weights, [&](size_t i, int64_t weight) {
      at<FloatMoments>(groups, ids[i]).add(static_cast<double>(values[i]), weight, pool_);
    });
  }
  void finish(const KeyedTable& groups, std::span<const uint32_t> ids, Column& out,
              std::vector<RowError>& errors) const override {
    for (size_t i = 0; i < ids.size(); ++i) {
      const FloatMoments& moments = at<FloatMoments>(groups, ids[i]);
      const WideMoments* wide = pool_.find(moments);
      if (!kind_.exists(moments.count)) {
        out.append_null();
      } else if (wide != nullptr && wide->specials != 0) {
        out.append(std::numeric_limits<T>::quiet_NaN());
      } else {
        VarianceFraction fraction = checked(variance_of(moments, wide, kind_.sample));
        T value = static_cast<T>(kind_.root ? fraction_root_to_double(fraction)
                                            : fraction_to_double(fraction));
        if (std::isinf(value)) {
          errors.push_back({static_cast<uint32_t>(i),
                            out_of_range(kind_.name(), "the exact value is too large", result_)});
        }
        out.append(value);
      }
    }
  }
  void release(KeyedTable& groups, uint32_t id) override {
    pool_.release(at<FloatMoments>(groups, id));
  }
  void clear() override { pool_.clear(); }

  bool keeps_beside() const override { return true; }
  void append_beside(const KeyedTable& groups, uint32_t id, std::string& out) const override {
    const WideMoments* wide = pool_.find(at<FloatMoments>(groups, id));
    out += wide != nullptr ? '\1' : '\0';
    if (wide != nullptr) {
      wide->append_to(out);
    }
  }
  void read_beside(KeyedTable& groups, uint32_t id, ByteReader& in) override {
    FloatMoments& moments = at<FloatMoments>(groups, id);
    moments.wide = 0;  // a place in another process's pool
    if (in.fixed<uint8_t>() != 0) {
      pool_.of(moments).read_from(in);
    }
  }
  void release_beside(KeyedTable& groups, uint32_t id) override { release(groups, id); }

 private:
  VarianceKind kind_;
  Type result_;
  WideMomentsPool pool_;
};

}  // namespace

std::unique_ptr<Accumulator> make_variance_accumulator(const AggregateSpec& spec) {
  switch (spec.input_type.physical()) {
    case PhysicalKind::kInt32:
      return std::make_unique<WholeVarianceAccumulator<int32_t>>(spec);
    case PhysicalKind::kInt64:
      return std::make_unique<WholeVarianceAccumulator<int64_t>>(spec);
    case PhysicalKind::kInt128:
      return std::make_unique<WholeVarianceAccumulator<Int128>>(spec);
    case PhysicalKind::kFloat:
      return std::make_unique<FloatVarianceAccumulator<float>>(spec);
    case PhysicalKind::kDouble:
      return std::make_unique<FloatVarianceAccumulator<double>>(spec);
    default:
      return nullptr;  // the binder lets only numbers through
  }
}

}  // namespace tidemark
