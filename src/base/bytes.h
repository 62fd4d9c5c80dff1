#pragma once
// Fixed little-endian numbers, varints and length-prefixed strings: what the records on disk are
// made of. Each writer has its reader beside it. A reader never reads past its end: it fails, stays
// failed, and gives zeros.

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace tidemark {

static_assert(std::endian::native == std::endian::little);

// Any trivially copyable value, as it lies in memory.
template <typename T>
void append_fixed(T value, std::string& out) {
  static_assert(std::is_trivially_copyable_v<T>);
  out.append(reinterpret_cast<const char*>(&value), sizeof(T));
}

// Seven bits a byte, lowest first; the top bit says that more follow.
inline void append_varint(uint64_t value, std::string& out) {
  while (value >= 0x80) {
    out += static_cast<char>(value | 0x80);
    value >>= 7;
  }
  out += static_cast<char>(value);
}

inline void append_bytes(std::string_view bytes, std::string& out) {
  append_varint(bytes.size(), out);
  out += bytes;
}

// Numbers whose order is the order of their bytes.
template <typename U>
void append_big_endian(U value, std::string& out) {
  if constexpr (sizeof(U) == 16) {
    append_big_endian(static_cast<uint64_t>(value >> 64), out);
    append_big_endian(static_cast<uint64_t>(value), out);
  } else {
    append_fixed(std::byteswap(value), out);
  }
}

class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : bytes_(bytes) {}

  template <typename T>
  T fixed() {
    T value{};
    if (std::string_view raw = take(sizeof(T)); raw.size() == sizeof(T)) {
      std::memcpy(&value, raw.data(), sizeof(T));
    }
    return value;
  }
  uint64_t varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      uint8_t byte = fixed<uint8_t>();
      value |= static_cast<uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) {
        return value;
      }
    }
    failed_ = true;
    return 0;
  }
  std::string_view bytes() {
    uint64_t size = varint();
    if (size > bytes_.size()) {
      failed_ = true;
      return {};
    }
    return take(size);
  }
  template <typename U>
  U big_endian() {
    U value = 0;
    for (char byte : take(sizeof(U))) {
      value = static_cast<U>(value << 8) | static_cast<uint8_t>(byte);
    }
    return value;
  }
  // The next `size` bytes; empty and failed if there are fewer.
  std::string_view take(size_t size) {
    if (size > bytes_.size() || failed_) {
      failed_ = true;
      return {};
    }
    std::string_view taken = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return taken;
  }

  std::string_view rest() const { return bytes_; }
  void fail() { failed_ = true; }
  bool failed() const { return failed_; }
  // Everything was read, and nothing more was asked for.
  bool at_end() const { return !failed_ && bytes_.empty(); }

 private:
  std::string_view bytes_;
  bool failed_ = false;
};

}  // namespace tidemark
