#pragma once
// Big-endian numbers, as PostgreSQL's protocol and binary formats have them.

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>

namespace tidemark {

// Reads a number at `at`; the bytes must be there.
template <typename T>
T read_big_endian(const char* at) {
  using Bits = std::conditional_t<sizeof(T) == 8, uint64_t,
                                  std::conditional_t<sizeof(T) == 4, uint32_t, uint16_t>>;
  Bits bits;
  std::memcpy(&bits, at, sizeof bits);
  return std::bit_cast<T>(std::byteswap(bits));
}

template <typename T>
void append_big_endian(std::string& out, T value) {
  using Bits = std::conditional_t<sizeof(T) == 8, uint64_t,
                                  std::conditional_t<sizeof(T) == 4, uint32_t, uint16_t>>;
  Bits bits = std::byteswap(std::bit_cast<Bits>(value));
  out.append(reinterpret_cast<const char*>(&bits), sizeof bits);
}

}  // namespace tidemark
