#include "types/key_codec.h"

#include <bit>
#include <cmath>
#include <limits>

namespace tidemark {

namespace {

template <typename U, typename T>
U float_bits(T value) {
  if (std::isnan(value)) {
    return ~U{0};
  }
  U bits = std::bit_cast<U>(value == 0 ? T{0} : value);
  constexpr U kSign = U{1} << (sizeof(U) * 8 - 1);
  return (bits & kSign) ? ~bits : bits | kSign;
}

template <typename T, typename U>
T float_of(U bits) {
  if (bits == ~U{0}) {
    return std::numeric_limits<T>::quiet_NaN();
  }
  constexpr U kSign = U{1} << (sizeof(U) * 8 - 1);
  return std::bit_cast<T>((bits & kSign) ? bits & ~kSign : ~bits);
}

// The bytes up to the end mark, without escapes: where they lie, or in `text`. All of them are
// turned over if `flip` is 0xFF.
std::string_view read_text(ByteReader& in, uint8_t flip, std::string& text) {
  const char zero = static_cast<char>(flip);
  if (size_t run = in.rest().find(zero);
      flip == 0 && run < in.rest().size() - 1 && in.rest()[run + 1] == 0) {
    return in.take(run + 2).substr(0, run);  // the first zero is the end mark's
  }
  while (!in.failed()) {
    size_t run = in.rest().find(zero);
    if (run == std::string_view::npos) {
      in.fail();
      break;
    }
    text += in.take(run + 1);
    uint8_t next = in.fixed<uint8_t>() ^ flip;
    if (next == 0) {
      text.pop_back();
      break;
    }
    if (next != 0xFF) {
      in.fail();
    }
  }
  if (flip != 0) {
    for (char& byte : text) {
      byte = static_cast<char>(byte ^ flip);
    }
  }
  return text;
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
      std::string_view text = value.view();
      for (size_t zero = text.find('\0'); zero != std::string_view::npos; zero = text.find('\0')) {
        out += text.substr(0, zero + 1);
        out += '\xFF';
        text.remove_prefix(zero + 1);
      }
      out += text;
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

void read_sort_key(ByteReader& in, bool descending, Column& column) {
  read_sort_key(in, descending, column, column);
}

void read_sort_key(ByteReader& in, bool descending, Column& column, Column& texts) {
  uint8_t mark = in.fixed<uint8_t>();
  if (mark == 0 || mark == 2) {
    column.append_null();
    return;
  }
  if (mark != 1) {
    in.fail();
    return;
  }
  visit_physical(column.physical(), [&](auto tag) {
    using T = decltype(tag);
    if constexpr (std::is_same_v<T, StringRef>) {
      std::string text;
      column.append(texts.intern(read_text(in, descending ? 0xFF : 0, text)));
    } else {
      using U = std::conditional_t<
          std::is_same_v<T, float>, uint32_t,
          std::conditional_t<
              std::is_same_v<T, double>, uint64_t,
              std::conditional_t<std::is_same_v<T, Int128>, UInt128, std::make_unsigned<T>>>>;
      if constexpr (std::is_same_v<T, float> || std::is_same_v<T, double>) {
        U bits = in.big_endian<U>();
        column.append(float_of<T>(descending ? static_cast<U>(~bits) : bits));
      } else if constexpr (std::is_same_v<T, Int128>) {
        U bits = in.big_endian<U>();
        bits = descending ? ~bits : bits;
        column.append(static_cast<Int128>(bits ^ (UInt128{1} << 127)));
      } else {
        using N = typename U::type;
        N bits = in.big_endian<N>();
        bits = descending ? static_cast<N>(~bits) : bits;
        constexpr N kSign =
            std::is_same_v<T, uint8_t> ? N{0} : static_cast<N>(N{1} << (sizeof(N) * 8 - 1));
        column.append(static_cast<T>(bits ^ kSign));
      }
    }
  });
}

void skip_sort_key(ByteReader& in, bool descending, PhysicalKind kind) {
  if (in.fixed<uint8_t>() != 1) {
    return;
  }
  if (kind == PhysicalKind::kString) {
    std::string text;
    read_text(in, descending ? 0xFF : 0, text);
  } else {
    in.take(physical_width(kind));
  }
}

}  // namespace tidemark
