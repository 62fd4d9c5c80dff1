#include "types/decimal.h"

#include <array>
#include <charconv>
#include <cmath>

#include <fmt/core.h>

namespace tidemark {

namespace {

constexpr auto kPowers = [] {
  std::array<Int128, 39> powers{};
  Int128 power = 1;
  for (int i = 0; i < 39; ++i) {
    powers[static_cast<size_t>(i)] = power;
    if (i < 38) {
      power *= 10;
    }
  }
  return powers;
}();

UInt128 magnitude(Int128 value) {
  return value < 0 ? ~static_cast<UInt128>(value) + 1 : static_cast<UInt128>(value);
}

// An unsigned 256-bit integer, enough for the product of two decimals and for scaling a dividend.
struct Wide {
  UInt128 high = 0;
  UInt128 low = 0;

  bool operator==(const Wide&) const = default;
};

Wide multiply_wide(UInt128 a, UInt128 b) {
  constexpr UInt128 kMask = ~uint64_t{0};
  UInt128 a0 = a & kMask, a1 = a >> 64, b0 = b & kMask, b1 = b >> 64;
  UInt128 p00 = a0 * b0, p01 = a0 * b1, p10 = a1 * b0, p11 = a1 * b1;
  UInt128 middle = (p00 >> 64) + (p01 & kMask) + (p10 & kMask);
  return {p11 + (p01 >> 64) + (p10 >> 64) + (middle >> 64), (middle << 64) | (p00 & kMask)};
}

// Quotient and remainder of a / b by binary long division; b != 0.
std::pair<Wide, UInt128> divide_wide(Wide a, UInt128 b) {
  if (a.high == 0) {
    return {Wide{0, a.low / b}, a.low % b};
  }
  Wide quotient;
  UInt128 remainder = 0;
  for (int bit = 255; bit >= 0; --bit) {
    bool carry = (remainder >> 127) != 0;
    remainder = (remainder << 1) | ((bit >= 128 ? a.high >> (bit - 128) : a.low >> bit) & 1);
    quotient.high = (quotient.high << 1) | (quotient.low >> 127);
    quotient.low <<= 1;
    if (carry || remainder >= b) {
      remainder -= b;
      quotient.low |= 1;
    }
  }
  return {quotient, remainder};
}

Status out_of_range(int precision, int scale) {
  return Status::data_error(fmt::format("value does not fit DECIMAL({}, {})", precision, scale));
}

// sign * a rounded to a quotient by b (half away from zero), checked against the precision.
Result<Int128> rounded_quotient(bool negative, Wide a, UInt128 b, int precision, int scale) {
  auto [quotient, remainder] = divide_wide(a, b);
  if (remainder >= b - remainder) {
    quotient.low += 1;
    quotient.high += quotient.low == 0 ? 1 : 0;
  }
  if (quotient.high != 0 || quotient.low >= static_cast<UInt128>(power_of_ten(precision))) {
    if (!(precision == kDecimalPrecisionMax && quotient.high == 0 &&
          quotient.low < static_cast<UInt128>(kPowers[38]))) {
      return out_of_range(precision, scale);
    }
  }
  Int128 value = static_cast<Int128>(quotient.low);
  return negative ? -value : value;
}

Wide scaled(UInt128 value, int exponent) {
  return multiply_wide(value, static_cast<UInt128>(power_of_ten(exponent)));
}

bool is_nan(Int128 value) {
  return value == kDecimalNan;
}
bool is_infinite(Int128 value) {
  return value == kDecimalInfinity || value == kDecimalNegativeInfinity;
}

}  // namespace

Int128 power_of_ten(int exponent) {
  CHECK(exponent >= 0 && exponent <= 38);
  return kPowers[static_cast<size_t>(exponent)];
}

bool decimal_fits(Int128 value, int precision) {
  if (decimal_is_special(value)) {
    return true;
  }
  return magnitude(value) < static_cast<UInt128>(power_of_ten(precision));
}

Result<Int128> decimal_rescale(Int128 value, int scale_from, int scale_to, int precision) {
  if (decimal_is_special(value)) {
    return value;
  }
  if (scale_to >= scale_from) {
    Wide wide = scaled(magnitude(value), scale_to - scale_from);
    return rounded_quotient(value < 0, wide, 1, precision, scale_to);
  }
  return rounded_quotient(value < 0, Wide{0, magnitude(value)},
                          static_cast<UInt128>(power_of_ten(scale_from - scale_to)), precision,
                          scale_to);
}

Result<Int128> decimal_parse(std::string_view text, int precision, int scale, bool exact) {
  auto bad = [&] { return Status::data_error(fmt::format("not a number: '{}'", text)); };
  std::string_view rest = text;
  while (!rest.empty() && rest.front() == ' ') {
    rest.remove_prefix(1);
  }
  while (!rest.empty() && rest.back() == ' ') {
    rest.remove_suffix(1);
  }
  bool negative = false;
  if (!rest.empty() && (rest.front() == '-' || rest.front() == '+')) {
    negative = rest.front() == '-';
    rest.remove_prefix(1);
  }
  auto equals = [&](std::string_view word) {
    return rest.size() == word.size() && std::equal(rest.begin(), rest.end(), word.begin(),
                                                    [](char a, char b) { return (a | 0x20) == b; });
  };
  if (equals("nan") && !negative) {
    return kDecimalNan;
  }
  if (equals("infinity") || equals("inf")) {
    return negative ? kDecimalNegativeInfinity : kDecimalInfinity;
  }
  // Digits without leading zeros, how many of them stand behind the point, and the exponent.
  std::string digits;
  int64_t fraction = 0;
  bool any = false, point = false;
  size_t i = 0;
  for (; i < rest.size(); ++i) {
    char c = rest[i];
    if (c == '.' && !point) {
      point = true;
    } else if (c >= '0' && c <= '9') {
      any = true;
      fraction += point ? 1 : 0;
      if (c != '0' || !digits.empty()) {
        digits += c;
      }
    } else {
      break;
    }
  }
  int64_t exponent = 0;
  if (any && i < rest.size() && (rest[i] == 'e' || rest[i] == 'E')) {
    const char* first = rest.data() + i + 1;
    const char* last = rest.data() + rest.size();
    if (first != last && *first == '+') {
      ++first;
    }
    auto [end, error] = std::from_chars(first, last, exponent);
    if (error != std::errc() || end != last || exponent > 100000 || exponent < -100000) {
      return bad();
    }
    i = rest.size();
  }
  if (!any || i != rest.size()) {
    return bad();
  }
  // value = digits * 10^(exponent - fraction); wanted: unscaled at `scale`.
  int64_t shift = exponent - fraction + scale;
  bool round_up = false;
  if (shift < 0 && !digits.empty()) {
    size_t drop = static_cast<size_t>(-shift);
    if (drop > digits.size()) {
      if (exact) {
        return Status::data_error(
            fmt::format("value needs more than {} fraction digits: '{}'", scale, text));
      }
      digits.clear();
    } else {
      size_t keep = digits.size() - drop;
      round_up = digits[keep] >= '5';
      if (exact && digits.find_first_not_of('0', keep) != std::string::npos) {
        return Status::data_error(
            fmt::format("value needs more than {} fraction digits: '{}'", scale, text));
      }
      digits.resize(keep);
    }
  } else if (shift > 0 && !digits.empty()) {
    if (static_cast<size_t>(shift) + digits.size() > 60) {
      return out_of_range(precision, scale);
    }
    digits.append(static_cast<size_t>(shift), '0');
  }
  if (digits.size() > 38) {
    return out_of_range(precision, scale);
  }
  Int128 value = 0;
  for (char c : digits) {
    value = value * 10 + (c - '0');
  }
  value += round_up ? 1 : 0;
  if (!decimal_fits(value, precision)) {
    return out_of_range(precision, scale);
  }
  return negative ? -value : value;
}

void decimal_append(Int128 value, int scale, std::string& out) {
  if (is_nan(value)) {
    out += "NaN";
    return;
  }
  if (is_infinite(value)) {
    out += value < 0 ? "-Infinity" : "Infinity";
    return;
  }
  char buffer[48];
  char* end = buffer + sizeof(buffer);
  char* place = end;
  UInt128 rest = magnitude(value);
  int written = 0;
  while (rest != 0 || written <= scale) {
    if (written == scale && scale > 0) {
      *--place = '.';
    }
    *--place = static_cast<char>('0' + static_cast<int>(rest % 10));
    rest /= 10;
    ++written;
  }
  if (value < 0) {
    *--place = '-';
  }
  out.append(place, static_cast<size_t>(end - place));
}

namespace {

Result<Int128> add_signed(Int128 a, int scale_a, Int128 b, int scale_b, int precision, int scale) {
  int common = std::max(scale_a, scale_b);
  Wide wide_a = scaled(magnitude(a), common - scale_a);
  Wide wide_b = scaled(magnitude(b), common - scale_b);
  bool negative = a < 0;
  Wide sum;
  if ((a < 0) == (b < 0)) {
    sum.low = wide_a.low + wide_b.low;
    sum.high = wide_a.high + wide_b.high + (sum.low < wide_a.low ? 1 : 0);
  } else {
    bool a_larger =
        wide_a.high != wide_b.high ? wide_a.high > wide_b.high : wide_a.low >= wide_b.low;
    const Wide& large = a_larger ? wide_a : wide_b;
    const Wide& small = a_larger ? wide_b : wide_a;
    negative = a_larger ? a < 0 : b < 0;
    sum.low = large.low - small.low;
    sum.high = large.high - small.high - (large.low < small.low ? 1 : 0);
  }
  if (scale < common) {
    return rounded_quotient(negative, sum, static_cast<UInt128>(power_of_ten(common - scale)),
                            precision, scale);
  }
  if (scale > common) {
    if (sum.high != 0) {
      return out_of_range(precision, scale);
    }
    sum = scaled(sum.low, scale - common);
  }
  return rounded_quotient(negative, sum, 1, precision, scale);
}

}  // namespace

Result<Int128> decimal_add(Int128 a, int scale_a, Int128 b, int scale_b, int precision, int scale) {
  if (decimal_is_special(a) || decimal_is_special(b)) {
    if (is_nan(a) || is_nan(b)) {
      return kDecimalNan;
    }
    if (is_infinite(a) && is_infinite(b) && a != b) {
      return kDecimalNan;
    }
    return is_infinite(a) ? a : b;
  }
  return add_signed(a, scale_a, b, scale_b, precision, scale);
}

Result<Int128> decimal_subtract(Int128 a, int scale_a, Int128 b, int scale_b, int precision,
                                int scale) {
  Int128 negated = b;
  if (!is_nan(b)) {
    negated = b == kDecimalInfinity           ? kDecimalNegativeInfinity
              : b == kDecimalNegativeInfinity ? kDecimalInfinity
                                              : -b;
  }
  return decimal_add(a, scale_a, negated, scale_b, precision, scale);
}

Result<Int128> decimal_multiply(Int128 a, int scale_a, Int128 b, int scale_b, int precision,
                                int scale) {
  if (decimal_is_special(a) || decimal_is_special(b)) {
    if (is_nan(a) || is_nan(b) || a == 0 || b == 0) {
      return kDecimalNan;
    }
    return (a < 0) == (b < 0) ? kDecimalInfinity : kDecimalNegativeInfinity;
  }
  Wide product = multiply_wide(magnitude(a), magnitude(b));
  bool negative = (a < 0) != (b < 0);
  int product_scale = scale_a + scale_b;
  if (scale >= product_scale) {
    if (product.high != 0) {
      return out_of_range(precision, scale);
    }
    return rounded_quotient(negative, scaled(product.low, scale - product_scale), 1, precision,
                            scale);
  }
  int drop = product_scale - scale;
  if (drop > 38) {
    return rounded_quotient(negative,
                            divide_wide(product, static_cast<UInt128>(power_of_ten(38))).first,
                            static_cast<UInt128>(power_of_ten(drop - 38)), precision, scale);
  }
  return rounded_quotient(negative, product, static_cast<UInt128>(power_of_ten(drop)), precision,
                          scale);
}

Result<Int128> decimal_divide(Int128 a, int scale_a, Int128 b, int scale_b, int precision,
                              int scale) {
  if (b == 0 && !is_nan(a)) {
    return Status::data_error("division by zero");
  }
  if (decimal_is_special(a) || decimal_is_special(b)) {
    if (is_nan(a) || is_nan(b) || (is_infinite(a) && is_infinite(b))) {
      return kDecimalNan;
    }
    if (is_infinite(b)) {
      return Int128{0};
    }
    return (a < 0) == (b < 0) ? kDecimalInfinity : kDecimalNegativeInfinity;
  }
  // a / 10^sa / (b / 10^sb) * 10^scale = a * 10^(scale + sb - sa) / b
  int shift = scale + scale_b - scale_a;
  bool negative = (a < 0) != (b < 0);
  if (shift < 0) {
    Wide divisor = scaled(magnitude(b), std::min(-shift, 38));
    if (divisor.high != 0) {
      return Int128{0};
    }
    return rounded_quotient(negative, Wide{0, magnitude(a)}, divisor.low, precision, scale);
  }
  Wide dividend = scaled(magnitude(a), std::min(shift, 38));
  if (shift > 38) {
    if (dividend.high != 0) {
      return out_of_range(precision, scale);
    }
    dividend = scaled(dividend.low, shift - 38);
  }
  return rounded_quotient(negative, dividend, magnitude(b), precision, scale);
}

Result<Int128> decimal_modulo(Int128 a, int scale_a, Int128 b, int scale_b, int precision,
                              int scale) {
  if (b == 0 && !is_nan(a)) {
    return Status::data_error("division by zero");
  }
  if (decimal_is_special(a) || decimal_is_special(b)) {
    if (is_nan(a) || is_nan(b) || is_infinite(a)) {
      return kDecimalNan;
    }
    return decimal_rescale(a, scale_a, scale, precision);
  }
  int common = std::max(scale_a, scale_b);
  Wide divisor = scaled(magnitude(b), common - scale_b);
  Wide dividend = scaled(magnitude(a), common - scale_a);
  if (divisor.high != 0) {
    return decimal_rescale(a, scale_a, scale, precision);
  }
  Int128 rest = static_cast<Int128>(divide_wide(dividend, divisor.low).second);
  return decimal_rescale(a < 0 ? -rest : rest, common, scale, precision);
}

double decimal_to_double(Int128 value, int scale) {
  if (is_nan(value)) {
    return std::nan("");
  }
  if (is_infinite(value)) {
    return value < 0 ? -HUGE_VAL : HUGE_VAL;
  }
  // By way of text, so that the result is the double nearest to the decimal.
  std::string text;
  decimal_append(value, scale, text);
  double result = 0;
  std::from_chars(text.data(), text.data() + text.size(), result);
  return result;
}

Result<Int128> decimal_from_double(double value, int precision, int scale) {
  if (std::isnan(value)) {
    return kDecimalNan;
  }
  if (std::isinf(value)) {
    return value < 0 ? kDecimalNegativeInfinity : kDecimalInfinity;
  }
  char buffer[64];
  auto [end, error] = std::to_chars(buffer, buffer + sizeof(buffer), value);
  CHECK(error == std::errc());
  return decimal_parse({buffer, static_cast<size_t>(end - buffer)}, precision, scale);
}

}  // namespace tidemark
