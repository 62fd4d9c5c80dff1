#pragma once
// A reference to bytes in 16 bytes, as Umbra and its kin lay it out: the length, then the first
// four bytes, then either the remaining eight (strings of up to 12 bytes live inside) or a pointer.
//
//   | size (4) | prefix (4) | rest (8)    |   size <= 12, unused bytes are zero
//   | size (4) | prefix (4) | pointer (8) |   size > 12, bytes owned by a StringHeap
//
// Two short strings are equal exactly when their 16 bytes are. Little-endian machines only.

#include <bit>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

namespace tidemark {

class StringRef {
 public:
  static constexpr size_t kInlineMax = 12;

  StringRef() : words_{0, 0} {}
  // For more than kInlineMax bytes, `bytes` must outlive the reference.
  explicit StringRef(std::string_view bytes) {
    // Words are put together in registers: bytes stored one by one and read back as a word would
    // wait for the stores.
    size_t size = bytes.size();
    const char* data = bytes.data();
    words_[0] = static_cast<uint32_t>(size);
    words_[1] = 0;
    if (size > kInlineMax) {
      words_[0] |= load4(data) << 32;
      words_[1] = reinterpret_cast<uint64_t>(data);
    } else if (size >= 8) {
      words_[0] |= load4(data) << 32;
      words_[1] = load8(data + size - 8) >> (8 * (kInlineMax - size));
    } else if (size >= 4) {
      words_[0] |= load4(data) << 32;
      words_[1] = load4(data + size - 4) >> (8 * (8 - size));
    } else if (size != 0) {
      for (size_t at : {size_t{0}, size / 2, size - 1}) {
        words_[0] |= uint64_t{static_cast<uint8_t>(data[at])} << (32 + 8 * at);
      }
    }
  }

  uint32_t size() const { return static_cast<uint32_t>(words_[0]); }
  bool is_inline() const { return size() <= kInlineMax; }
  const char* data() const {
    return is_inline() ? reinterpret_cast<const char*>(this) + 4
                       : reinterpret_cast<const char*>(words_[1]);
  }
  // Valid as long as this object and the bytes it refers to.
  std::string_view view() const { return {data(), size()}; }

  // Size and prefix in one word, then the rest or the pointer.
  uint64_t head() const { return words_[0]; }
  uint64_t tail() const { return words_[1]; }

  friend bool operator==(const StringRef& a, const StringRef& b) {
    if (a.words_[0] != b.words_[0]) {
      return false;
    }
    return a.words_[1] == b.words_[1] || (!a.is_inline() && same_long(a, b));
  }

 private:
  // More than 12 bytes of equal length and prefix: eight at a time, the last eight overlapping. Up
  // to 28 bytes it is three words without a branch, for lengths that vary from row to row.
  static bool same_long(const StringRef& a, const StringRef& b) {
    const char* x = reinterpret_cast<const char*>(a.words_[1]);
    const char* y = reinterpret_cast<const char*>(b.words_[1]);
    size_t last = a.size() - 8;
    size_t middle = last < 12 ? last : 12;
    uint64_t differs = (load8(x + 4) ^ load8(y + 4)) | (load8(x + middle) ^ load8(y + middle)) |
                       (load8(x + last) ^ load8(y + last));
    for (size_t i = 20; i < last && differs == 0; i += 8) {
      differs = load8(x + i) ^ load8(y + i);
    }
    return differs == 0;
  }
  static uint64_t load4(const char* bytes) {
    uint32_t word;
    std::memcpy(&word, bytes, 4);
    return word;
  }
  static uint64_t load8(const char* bytes) {
    uint64_t word;
    std::memcpy(&word, bytes, 8);
    return word;
  }

  uint64_t words_[2];
};
static_assert(sizeof(StringRef) == 16 && std::endian::native == std::endian::little);

// Append-only storage for the bytes of long strings. Addresses stay valid for the heap's life.
// One thread appends; any thread may read what had been appended when it was given the heap.
class StringHeap {
 public:
  const char* append(std::string_view bytes) {
    if (bytes.size() > left_) {
      grow(bytes.size());
    }
    char* place = next_;
    std::memcpy(place, bytes.data(), bytes.size());
    next_ += bytes.size();
    left_ -= bytes.size();
    used_ += bytes.size();
    return place;
  }
  // Keeps the bytes of another heap alive, which is not appended to any more and keeps no other:
  // strings that are all wanted need not be copied.
  void keep(std::shared_ptr<const StringHeap> other);
  bool keeps_others() const { return !kept_.empty(); }
  // Bytes appended so far, here and in what is kept, and bytes held from the allocator. A heap that
  // several keep counts in each with its share, as of a short while ago.
  size_t used_bytes() const { return used_; }
  size_t held_bytes() const;

 private:
  void grow(size_t size);

  std::vector<std::unique_ptr<char[]>> chunks_;
  char* next_ = nullptr;
  size_t left_ = 0;
  size_t used_ = 0;
  size_t held_ = 0;  // here
  std::vector<std::shared_ptr<const StringHeap>> kept_;
  mutable size_t kept_held_ = 0;  // our share of what these hold
  mutable uint32_t asked_ = 0;    // since the last look at them
};

}  // namespace tidemark
