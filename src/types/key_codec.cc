#include "types/key_codec.h"

#include <bit>
#include <cmath>

namespace tidemark {

namespace {

template <typename U>
void append_big_endian(U value, std::string& out) {
  for (int shift = static_cast<int>(sizeof(U)) * 8 - 8; shift >= 0; shift -= 8) {
    out += static_cast<char>(static_cast<uint8_t>(value >> shift));
  }
}

template <typename U, typename T>
U float_bits(T value) {
  if (std::isnan(value)) {
    return ~U{0};
  }
  U bits = std::bit_cast<U>(value == 0 ? T{0} : value);
  constexpr U kSign = U{1} << (sizeof(U) * 8 - 1);
  return (bits & kSign) ? ~bits : bits | kSign;
}

}  // namespace

void append_sort_key(const Column& column, size_t row, bool descending, bool nulls_first,
                     std::string& out) {
  if (column.is_null(row)) {
    out += nulls_first ? '\x00' : '\x02';
    return;
  }
  out += '\x01';
  size_t start = out.size();
  visit_physical(column.physical(), [&](auto tag) {
    using T = decltype(tag);
    T value = column.data<T>()[row];
    if constexpr (std::is_same_v<T, StringRef>) {
      for (char c : value.view()) {
        out += c;
        if (c == '\0') {
          out += '\xFF';
        }
      }
      out.append(2, '\0');
    } else if constexpr (std::is_same_v<T, float>) {
      append_big_endian(float_bits<uint32_t>(value), out);
    } else if constexpr (std::is_same_v<T, double>) {
      append_big_endian(float_bits<uint64_t>(value), out);
    } else if constexpr (std::is_same_v<T, uint8_t>) {
      out += static_cast<char>(value);
    } else if constexpr (std::is_same_v<T, Int128>) {
      append_big_endian(static_cast<UInt128>(value) ^ (UInt128{1} << 127), out);
    } else {
      using U = std::make_unsigned_t<T>;
      append_big_endian(static_cast<U>(static_cast<U>(value) ^ (U{1} << (sizeof(U) * 8 - 1))), out);
    }
  });
  if (descending) {
    for (size_t i = start; i < out.size(); ++i) {
      out[i] = static_cast<char>(~out[i]);
    }
  }
}

}  // namespace tidemark
