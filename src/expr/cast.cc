#include "expr/cast.h"

#include <cmath>
#include <limits>

#include <fmt/core.h>

#include "expr/cast_rules.h"
#include "expr/functions/utf8.h"
#include "types/datetime.h"
#include "types/decimal.h"
#include "types/nested.h"
#include "types/text.h"

namespace tidemark {

namespace {

Type decimal_for(const Type& type) {
  return type.kind == TypeKind::kDecimal ? type : Type::decimal(integer_digits(type.kind), 0);
}

int64_t integer_at(const Argument& input, TypeKind kind, size_t row) {
  return kind == TypeKind::kBigint ? input.at<int64_t>(row) : input.at<int32_t>(row);
}

// One conversion loop: what fails is reported, or NULL with is_try.
struct CastLoop {
  const KernelFrame& frame;
  const Argument& input;
  const Type& from;
  bool is_try;

  void fail(size_t row, std::string_view why) const {
    if (is_try) {
      frame.out.set_null(row);
      return;
    }
    std::string value = text_of(*input.column, row * input.stride);
    constexpr size_t kShownMax = 100;
    if (value.size() > kShownMax) {
      value = value.substr(0, kShownMax) + "...";
    }
    frame.fail(row, fmt::format("cannot cast {} '{}' to {}: {}", from.to_string_without_null(),
                                value, frame.result.to_string_without_null(), why));
  }

  // f(row) -> Result<T>, T the physical type of the result.
  template <typename T, typename F>
  void run(F&& f) const {
    for (size_t row = 0; row < frame.rows; ++row) {
      if (frame.out.is_null(row)) {
        continue;
      }
      Result<T> value = f(row);
      if (value.ok()) {
        frame.out.mutable_data<T>()[row] = *value;
      } else {
        fail(row, value.status().message());
      }
    }
  }
};

Status out_of_range() {
  return Status::data_error("out of range");
}

void store_integer(const CastLoop& loop, auto&& value_of) {
  auto range = integer_range(loop.frame.result.kind);
  if (loop.frame.result.kind == TypeKind::kBigint) {
    loop.run<int64_t>(value_of);
    return;
  }
  loop.run<int32_t>([&](size_t row) -> Result<int32_t> {
    int64_t value = TRY(value_of(row));
    if (value < range.first || value > range.second) {
      return out_of_range();
    }
    return static_cast<int32_t>(value);
  });
}

template <typename T>
Result<int64_t> truncate_to_integer(T value) {
  // PostgreSQL rounds, Flink (Java) truncates toward zero; NaN and what does not fit is an error
  // here.
  if (!(value >= static_cast<T>(-9223372036854775808.0) &&
        value < static_cast<T>(9223372036854775808.0))) {
    return out_of_range();
  }
  return static_cast<int64_t>(value);
}

void to_integer(const CastLoop& loop) {
  switch (loop.from.kind) {
    case TypeKind::kBoolean:
      store_integer(loop, [&](size_t row) -> Result<int64_t> {
        return int64_t{loop.input.at<uint8_t>(row)};
      });
      return;
    case TypeKind::kFloat:
      store_integer(loop,
                    [&](size_t row) { return truncate_to_integer(loop.input.at<float>(row)); });
      return;
    case TypeKind::kDouble:
      store_integer(loop,
                    [&](size_t row) { return truncate_to_integer(loop.input.at<double>(row)); });
      return;
    case TypeKind::kDecimal:
      store_integer(loop, [&](size_t row) -> Result<int64_t> {
        Int128 value = loop.input.at<Int128>(row);
        if (decimal_is_special(value)) {
          return out_of_range();
        }
        value /= power_of_ten(loop.from.scale);
        if (value > std::numeric_limits<int64_t>::max() ||
            value < std::numeric_limits<int64_t>::min()) {
          return out_of_range();
        }
        return static_cast<int64_t>(value);
      });
      return;
    case TypeKind::kIntervalMonth:
      store_integer(loop, [&](size_t row) -> Result<int64_t> {
        return int64_t{loop.input.at<int32_t>(row)};
      });
      return;
    case TypeKind::kIntervalDay:  // Flink counts milliseconds
      store_integer(
          loop, [&](size_t row) -> Result<int64_t> { return loop.input.at<int64_t>(row) / 1000; });
      return;
    default:
      store_integer(loop, [&](size_t row) -> Result<int64_t> {
        return integer_at(loop.input, loop.from.kind, row);
      });
  }
}

template <typename T>
void to_floating(const CastLoop& loop) {
  loop.run<T>([&](size_t row) -> Result<T> {
    switch (loop.from.kind) {
      case TypeKind::kBoolean:
        return static_cast<T>(loop.input.at<uint8_t>(row));
      case TypeKind::kFloat:
        return static_cast<T>(loop.input.at<float>(row));
      case TypeKind::kDouble: {
        double value = loop.input.at<double>(row);
        T narrowed = static_cast<T>(value);
        if (std::isinf(narrowed) && !std::isinf(value)) {
          return out_of_range();
        }
        return narrowed;
      }
      case TypeKind::kDecimal:
        return static_cast<T>(decimal_to_double(loop.input.at<Int128>(row), loop.from.scale));
      default:
        return static_cast<T>(integer_at(loop.input, loop.from.kind, row));
    }
  });
}

// Digits before the point that any value of the type may have; 0: not a type of exact numbers.
int whole_digits(const Type& type) {
  if (type.kind == TypeKind::kDecimal) {
    return type.precision - type.scale;
  }
  return type.is_integer() ? integer_digits(type.kind) : 0;
}

// To a type that has room for every value: nothing is rounded, nothing fails.
void widen_to_decimal(const CastLoop& loop) {
  Int128* out = loop.frame.out.mutable_data<Int128>();
  bool is_decimal = loop.from.kind == TypeKind::kDecimal;
  Int128 factor = power_of_ten(loop.frame.result.scale - (is_decimal ? loop.from.scale : 0));
  for (size_t row = 0; row < loop.frame.rows; ++row) {
    Int128 value = is_decimal ? loop.input.at<Int128>(row)
                              : Int128{integer_at(loop.input, loop.from.kind, row)};
    out[row] = decimal_is_special(value) ? value : value * factor;
  }
}

void to_decimal(const CastLoop& loop) {
  int precision = loop.frame.result.precision, scale = loop.frame.result.scale;
  int digits = whole_digits(loop.from);
  bool keeps_fraction = loop.from.kind != TypeKind::kDecimal || loop.from.scale <= scale;
  if (digits != 0 && digits <= precision - scale && keeps_fraction) {
    widen_to_decimal(loop);
    return;
  }
  loop.run<Int128>([&](size_t row) -> Result<Int128> {
    switch (loop.from.kind) {
      case TypeKind::kBoolean:
        return decimal_rescale(loop.input.at<uint8_t>(row), 0, scale, precision);
      case TypeKind::kFloat:
        return decimal_from_double(loop.input.at<float>(row), precision, scale);
      case TypeKind::kDouble:
        return decimal_from_double(loop.input.at<double>(row), precision, scale);
      case TypeKind::kDecimal:
        return decimal_rescale(loop.input.at<Int128>(row), loop.from.scale, scale, precision);
      default:
        return decimal_rescale(integer_at(loop.input, loop.from.kind, row), 0, scale, precision);
    }
  });
}

// Trims to the length of CHAR, VARCHAR, BINARY, VARBINARY, and pads CHAR with blanks, BINARY with
// zeros (Flink 1.15 and later).
std::string fit_length(std::string text, const Type& type) {
  size_t length = static_cast<size_t>(type.length);
  if (type.is_binary()) {
    if (text.size() > length) {
      text.resize(length);
    } else if (type.kind == TypeKind::kBinary) {
      text.resize(length, '\0');
    }
    return text;
  }
  text.resize(byte_offset(text, length));
  if (type.kind == TypeKind::kChar) {
    text.append(length - code_points(text), ' ');
  }
  return text;
}

void to_text(const CastLoop& loop) {
  const Type& type = loop.frame.result;
  bool plain_string = loop.from.is_character() && type.kind == TypeKind::kVarchar &&
                      (type.length == kLengthMax || type.length >= loop.from.length);
  Column& out = loop.frame.out;
  if (plain_string) {
    out.share_heaps(*loop.input.column);
  }
  TextFormat format{loop.frame.context.zone};
  std::string text;
  for (size_t row = 0; row < loop.frame.rows; ++row) {
    if (out.is_null(row)) {
      continue;
    }
    size_t at = row * loop.input.stride;
    if (plain_string) {
      out.mutable_data<StringRef>()[row] = loop.input.at<StringRef>(row);
      continue;
    }
    text.clear();
    if (loop.from.kind == TypeKind::kBoolean) {
      text = loop.input.at<uint8_t>(row) ? "TRUE" : "FALSE";  // as Flink writes them
    } else if (loop.from.is_binary()) {
      text = loop.input.string_at(row);
    } else {
      append_text(*loop.input.column, at, text, format);
    }
    if (type.length != kLengthMax) {
      text = fit_length(std::move(text), type);
    }
    out.mutable_data<StringRef>()[row] = out.intern(text);
  }
}

void parse_text(const CastLoop& loop) {
  TextFormat format{loop.frame.context.zone};
  Column& out = loop.frame.out;
  Column parsed(loop.frame.result);
  for (size_t row = 0; row < loop.frame.rows; ++row) {
    if (out.is_null(row)) {
      continue;
    }
    parsed.clear();
    std::string_view text = loop.input.string_at(row);
    if (loop.frame.result.is_binary()) {
      out.mutable_data<StringRef>()[row] =
          out.intern(fit_length(std::string(text), loop.frame.result));
      continue;
    }
    Status status = append_parsed(text, parsed, format);
    if (!status.ok()) {
      // The value is part of our own message already.
      loop.fail(row, status.message().substr(0, status.message().find(": '")));
      continue;
    }
    out.assign_copy(row, parsed, 0);
  }
}

void to_boolean(const CastLoop& loop) {
  loop.run<uint8_t>([&](size_t row) -> Result<uint8_t> {
    return static_cast<uint8_t>(integer_at(loop.input, loop.from.kind, row) != 0);
  });
}

void to_temporal(const CastLoop& loop) {
  const std::string& zone = loop.frame.context.zone;
  TypeKind to = loop.frame.result.kind;
  int precision = loop.frame.result.precision;
  auto from_date = [](int32_t days) {
    return days == kDateInfinity           ? kTimestampInfinity
           : days == kDateNegativeInfinity ? kTimestampNegativeInfinity
                                           : int64_t{days} * kMicrosPerDay;
  };
  auto wall_clock = [&](size_t row) -> Result<int64_t> {  // the input as TIMESTAMP
    switch (loop.from.kind) {
      case TypeKind::kDate:
        return from_date(loop.input.at<int32_t>(row));
      case TypeKind::kTime:
        return int64_t{day_of_timestamp(loop.frame.context.now_us)} * kMicrosPerDay +
               loop.input.at<int64_t>(row);
      case TypeKind::kTimestampLtz:
        return timestamp_from_instant(loop.input.at<int64_t>(row), zone);
      default:
        return loop.input.at<int64_t>(row);
    }
  };
  switch (to) {
    case TypeKind::kDate:
      loop.run<int32_t>([&](size_t row) -> Result<int32_t> {
        int64_t us = TRY(wall_clock(row));
        return us == kTimestampInfinity           ? kDateInfinity
               : us == kTimestampNegativeInfinity ? kDateNegativeInfinity
                                                  : day_of_timestamp(us);
      });
      return;
    case TypeKind::kTime:
      loop.run<int64_t>([&](size_t row) -> Result<int64_t> {
        return loop.from.kind == TypeKind::kTime ? loop.input.at<int64_t>(row)
                                                 : time_of_timestamp(TRY(wall_clock(row)));
      });
      return;
    case TypeKind::kTimestamp:
      loop.run<int64_t>([&](size_t row) -> Result<int64_t> {
        return round_micros(TRY(wall_clock(row)), precision);
      });
      return;
    default:
      loop.run<int64_t>([&](size_t row) -> Result<int64_t> {
        if (loop.from.kind == TypeKind::kTimestampLtz) {
          return round_micros(loop.input.at<int64_t>(row), precision);
        }
        return round_micros(TRY(instant_from_timestamp(TRY(wall_clock(row)), zone)), precision);
      });
  }
}

void to_interval(const CastLoop& loop) {
  bool months = loop.frame.result.kind == TypeKind::kIntervalMonth;
  if (months) {
    loop.run<int32_t>([&](size_t row) -> Result<int32_t> {
      return static_cast<int32_t>(integer_at(loop.input, loop.from.kind, row));
    });
  } else {
    loop.run<int64_t>([&](size_t row) -> Result<int64_t> {
      return integer_at(loop.input, loop.from.kind, row) * 1000;
    });
  }
}

// ARRAY to ARRAY, element by element.
void array_to_array(const CastLoop& loop) {
  Column& out = loop.frame.out;
  const Type& from = loop.from.children[0];
  const Type& to = loop.frame.result.children[0];
  for (size_t row = 0; row < loop.frame.rows; ++row) {
    if (out.is_null(row)) {
      continue;
    }
    Column elements(from);
    unpack_array(loop.input.string_at(row), elements);
    Column converted(to);
    converted.resize(elements.size());
    for (size_t i = 0; i < elements.size(); ++i) {
      if (elements.is_null(i)) {
        converted.set_null(i);
      }
    }
    EvalContext nested_context{loop.frame.context.zone, loop.frame.context.now_us, {}};
    std::vector<Type> types{from};
    KernelFrame nested{nested_context, elements.size(), to, types, converted};
    cast_column(nested, {&elements, 1}, from, loop.is_try);
    if (!nested_context.errors.empty()) {
      loop.fail(row, nested_context.errors[0].status.message());
      continue;
    }
    out.mutable_data<StringRef>()[row] = out.intern(pack_array(converted));
  }
}

}  // namespace

bool is_implicitly_castable(const Type& from, const Type& to) {
  if (from.kind == TypeKind::kNull || from.same_as(to)) {
    return true;
  }
  if (from.is_character() && to.is_character()) {
    return true;
  }
  if (from.is_binary() && to.is_binary()) {
    return true;
  }
  if (from.is_numeric() && to.is_numeric()) {
    if (to.is_approximate()) {
      return !(from.kind == TypeKind::kDouble && to.kind == TypeKind::kFloat);
    }
    if (to.kind == TypeKind::kDecimal) {
      return !from.is_approximate();
    }
    return from.is_integer() && from.kind <= to.kind;
  }
  if (from.kind == to.kind && (from.is_temporal() || from.is_interval())) {
    return true;
  }
  if (from.kind == TypeKind::kDate && to.is_timestamp()) {
    return true;
  }
  if (from.is_timestamp() && to.is_timestamp()) {
    return true;
  }
  return from.kind == TypeKind::kArray && to.kind == TypeKind::kArray &&
         is_implicitly_castable(from.children[0], to.children[0]);
}

bool is_castable(const Type& from, const Type& to) {
  if (is_implicitly_castable(from, to)) {
    return true;
  }
  if (to.is_character()) {
    return true;
  }
  if (from.is_character()) {
    return !to.is_interval() && to.kind != TypeKind::kMap && to.kind != TypeKind::kMultiset &&
           to.kind != TypeKind::kRow && to.kind != TypeKind::kNull;
  }
  if (from.is_numeric() && to.is_numeric()) {
    return true;
  }
  if (from.kind == TypeKind::kBoolean && to.is_numeric()) {
    return true;
  }
  if (from.is_integer() && (to.kind == TypeKind::kBoolean || to.is_interval())) {
    return true;
  }
  if (from.is_interval() && (to.kind == TypeKind::kInt || to.kind == TypeKind::kBigint)) {
    return true;
  }
  if (from.is_timestamp() && (to.kind == TypeKind::kDate || to.kind == TypeKind::kTime)) {
    return true;
  }
  if (from.kind == TypeKind::kTime && to.is_timestamp()) {
    return true;
  }
  return from.kind == TypeKind::kArray && to.kind == TypeKind::kArray &&
         is_castable(from.children[0], to.children[0]);
}

Result<Type> common_type(const Type& a, const Type& b) {
  bool nullable = a.nullable || b.nullable;
  auto with_null = [&](Type type) {
    type.nullable = nullable;
    return type;
  };
  if (a.kind == TypeKind::kNull) {
    return with_null(b);
  }
  if (b.kind == TypeKind::kNull || a.same_as(b)) {
    return with_null(a);
  }
  if (a.is_numeric() && b.is_numeric()) {
    if (a.is_approximate() || b.is_approximate()) {
      bool both_float = a.kind == TypeKind::kFloat && b.kind == TypeKind::kFloat;
      return with_null(both_float ? Type::float32() : Type::float64());
    }
    if (a.is_integer() && b.is_integer()) {
      return with_null(Type::of(std::max(a.kind, b.kind)));
    }
    Type x = decimal_for(a), y = decimal_for(b);
    int scale = std::max(x.scale, y.scale);
    int whole = std::max(x.precision - x.scale, y.precision - y.scale);
    scale = std::min(scale, std::max(0, kDecimalPrecisionMax - whole));
    return with_null(Type::decimal(std::min(whole + scale, kDecimalPrecisionMax), scale));
  }
  if (a.is_character() && b.is_character()) {
    return with_null(Type::varchar(std::max(a.length, b.length)));
  }
  if (a.is_binary() && b.is_binary()) {
    Type type = Type::bytes();
    type.length = std::max(a.length, b.length);
    return with_null(type);
  }
  if (a.kind == b.kind && (a.is_temporal() || a.is_interval())) {
    return with_null(a.precision >= b.precision ? a : b);
  }
  if ((a.kind == TypeKind::kDate && b.is_timestamp()) ||
      (b.kind == TypeKind::kDate && a.is_timestamp())) {
    return with_null(a.is_timestamp() ? a : b);
  }
  if (a.is_timestamp() && b.is_timestamp()) {
    return with_null(Type::timestamp_ltz(std::max(a.precision, b.precision)));
  }
  // Text next to a date, time, timestamp or boolean is read as one (Flink: comparison after a
  // cast).
  if (a.is_character() && (b.is_temporal() || b.kind == TypeKind::kBoolean)) {
    return with_null(b);
  }
  if (b.is_character() && (a.is_temporal() || a.kind == TypeKind::kBoolean)) {
    return with_null(a);
  }
  if (a.kind == TypeKind::kArray && b.kind == TypeKind::kArray) {
    return with_null(Type::array(TRY(common_type(a.children[0], b.children[0]))));
  }
  return Status::invalid_argument(fmt::format("no common type of {} and {}",
                                              a.to_string_without_null(),
                                              b.to_string_without_null()))
      .with_hint("convert one side with CAST");
}

void cast_column(const KernelFrame& frame, const Argument& input, const Type& from, bool is_try) {
  CastLoop loop{frame, input, from, is_try};
  const Type& to = frame.result;
  if (from.kind == TypeKind::kNull) {
    return;  // all NULL already
  }
  if (to.is_character()) {
    to_text(loop);
  } else if (from.is_character()) {
    parse_text(loop);
  } else if (to.is_integer()) {
    to_integer(loop);
  } else if (to.kind == TypeKind::kFloat) {
    to_floating<float>(loop);
  } else if (to.kind == TypeKind::kDouble) {
    to_floating<double>(loop);
  } else if (to.kind == TypeKind::kDecimal) {
    to_decimal(loop);
  } else if (to.kind == TypeKind::kBoolean) {
    to_boolean(loop);
  } else if (to.is_temporal()) {
    to_temporal(loop);
  } else if (to.is_interval() && from.is_integer()) {
    to_interval(loop);
  } else if (to.kind == TypeKind::kArray) {
    array_to_array(loop);
  } else if (to.is_binary()) {
    Column& out = frame.out;
    for (size_t row = 0; row < frame.rows; ++row) {
      if (!out.is_null(row)) {
        out.mutable_data<StringRef>()[row] =
            out.intern(fit_length(std::string(input.string_at(row)), to));
      }
    }
  } else {
    CHECK(from.physical() == to.physical());  // intervals of the same family
    visit_physical(to.physical(), [&](auto tag) {
      using T = decltype(tag);
      for (size_t row = 0; row < frame.rows; ++row) {
        frame.out.mutable_data<T>()[row] = input.at<T>(row);
      }
    });
  }
}

}  // namespace tidemark
