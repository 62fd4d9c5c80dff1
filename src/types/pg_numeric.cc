#include "types/pg_numeric.h"

#include <algorithm>
#include <bit>

#include <fmt/core.h>

#include "types/decimal.h"

namespace tidemark {

namespace {

constexpr uint16_t kSignMinus = 0x4000;
constexpr uint16_t kSignNan = 0xC000;
constexpr uint16_t kSignInfinity = 0xD000;
constexpr uint16_t kSignNegativeInfinity = 0xF000;
constexpr size_t kHeaderBytes = 8;

uint16_t read_u16(const char* at) {
  uint16_t value;
  std::memcpy(&value, at, 2);
  return std::byteswap(value);
}

void append_u16(std::string& out, uint16_t value) {
  value = std::byteswap(value);
  out.append(reinterpret_cast<const char*>(&value), 2);
}

struct WireNumeric {
  int digits;
  int weight;
  uint16_t sign;
  int display_scale;
  const char* at;

  int digit(int i) const { return read_u16(at + 2 * i); }
};

Result<WireNumeric> parse(std::string_view bytes) {
  if (bytes.size() < kHeaderBytes) {
    return Status::data_error("malformed numeric");
  }
  WireNumeric n{.digits = static_cast<int16_t>(read_u16(bytes.data())),
                .weight = static_cast<int16_t>(read_u16(bytes.data() + 2)),
                .sign = read_u16(bytes.data() + 4),
                .display_scale = static_cast<int16_t>(read_u16(bytes.data() + 6)),
                .at = bytes.data() + kHeaderBytes};
  if (n.digits < 0 || bytes.size() != kHeaderBytes + 2 * static_cast<size_t>(n.digits)) {
    return Status::data_error("malformed numeric");
  }
  for (int i = 0; i < n.digits; ++i) {
    if (n.digit(i) > 9999) {
      return Status::data_error("malformed numeric");
    }
  }
  return n;
}

Status does_not_fit(std::string_view bytes, int precision, int scale) {
  std::string text;
  TRY(append_pg_numeric_text(bytes, text));
  return Status::data_error(
      fmt::format("value does not fit DECIMAL({}, {}): {}", precision, scale, text));
}

}  // namespace

Result<Int128> decode_pg_numeric(std::string_view bytes, int precision, int scale) {
  WireNumeric n = TRY(parse(bytes));
  switch (n.sign) {
    case kSignNan:
      return kDecimalNan;
    case kSignInfinity:
      return kDecimalInfinity;
    case kSignNegativeInfinity:
      return kDecimalNegativeInfinity;
    default:
      break;
  }
  UInt128 sum = 0;
  for (int i = 0; i < n.digits; ++i) {
    int digit = n.digit(i);
    if (digit == 0) {
      continue;
    }
    int exponent = 4 * (n.weight - i) + scale;
    if (exponent < 0) {
      int divisor = exponent <= -4 ? 10000 : static_cast<int>(power_of_ten(-exponent));
      if (digit % divisor != 0) {
        return does_not_fit(bytes, precision, scale);
      }
      sum += static_cast<UInt128>(digit / divisor);
      continue;
    }
    if (exponent > kDecimalPrecisionMax - 1) {
      return does_not_fit(bytes, precision, scale);
    }
    UInt128 unit = static_cast<UInt128>(power_of_ten(exponent));
    // 10^38 is below 2^127 / 1.7, so one more check after the sum is enough below this bound.
    if (unit >
        static_cast<UInt128>(power_of_ten(kDecimalPrecisionMax)) / static_cast<UInt128>(digit)) {
      return does_not_fit(bytes, precision, scale);
    }
    sum += unit * static_cast<UInt128>(digit);
  }
  Int128 value = static_cast<Int128>(sum);
  if (value < 0 || !decimal_fits(value, precision)) {
    return does_not_fit(bytes, precision, scale);
  }
  return n.sign == kSignMinus ? -value : value;
}

Status append_pg_numeric_text(std::string_view bytes, std::string& out) {
  WireNumeric n = TRY(parse(bytes));
  switch (n.sign) {
    case kSignNan:
      out += "NaN";
      return {};
    case kSignInfinity:
      out += "Infinity";
      return {};
    case kSignNegativeInfinity:
      out += "-Infinity";
      return {};
    default:
      break;
  }
  if (n.sign == kSignMinus) {
    out += '-';
  }
  auto digit_at = [&](int power) {  // the base-10000 digit worth 10000^power
    int i = n.weight - power;
    return i >= 0 && i < n.digits ? n.digit(i) : 0;
  };
  if (n.weight < 0) {
    out += '0';
  }
  for (int power = n.weight; power >= 0; --power) {
    out += power == n.weight ? fmt::format("{}", digit_at(power))
                             : fmt::format("{:04}", digit_at(power));
  }
  if (n.display_scale > 0) {
    out += '.';
    size_t end = out.size() + static_cast<size_t>(n.display_scale);
    for (int power = -1; out.size() < end; --power) {
      out += fmt::format("{:04}", digit_at(power));
    }
    out.resize(end);
  }
  return {};
}

void append_pg_numeric(Int128 value, int scale, std::string& out) {
  uint16_t special = value == kDecimalNan                ? kSignNan
                     : value == kDecimalInfinity         ? kSignInfinity
                     : value == kDecimalNegativeInfinity ? kSignNegativeInfinity
                                                         : 0;
  if (special != 0) {
    append_u16(out, 0);
    append_u16(out, 0);
    append_u16(out, special);
    append_u16(out, 0);
    return;
  }
  UInt128 rest = value < 0 ? -static_cast<UInt128>(value) : static_cast<UInt128>(value);
  // Align the point with a digit of base 10000; 38 digits and 3 of padding make at most 11 of them,
  // but may pass 2^128, so the lowest digit is taken apart first.
  int padding = (4 - scale % 4) % 4;
  int fraction_digits = (scale + padding) / 4;
  UInt128 low_unit = static_cast<UInt128>(power_of_ten(4 - padding));
  int digits[16];
  int count = 0;
  digits[count++] = static_cast<int>(rest % low_unit) * static_cast<int>(power_of_ten(padding));
  for (rest /= low_unit; rest != 0; rest /= 10000) {
    digits[count++] = static_cast<int>(rest % 10000);
  }
  int first = count - 1;  // digits[i] is worth 10000^(i - fraction_digits)
  int last = 0;
  while (last <= first && digits[last] == 0) {
    ++last;
  }
  while (first >= last && digits[first] == 0) {
    --first;
  }
  int used = std::max(first - last + 1, 0);
  append_u16(out, static_cast<uint16_t>(used));
  append_u16(out, static_cast<uint16_t>(used == 0 ? 0 : first - fraction_digits));
  append_u16(out, value < 0 ? kSignMinus : 0);
  append_u16(out, static_cast<uint16_t>(scale));
  for (int i = first; i >= last && used != 0; --i) {
    append_u16(out, static_cast<uint16_t>(digits[i]));
  }
}

}  // namespace tidemark
