#pragma once
// Bytes with an order, of which up to 30 lie inside the object: keys of the ordered tables.

#include <algorithm>
#include <compare>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>

namespace tidemark {

class SmallBytes {
 public:
  static constexpr size_t kInlineMax = 30;

  SmallBytes() : size_(0), bytes_{} {}
  explicit SmallBytes(std::string_view bytes);
  SmallBytes(const SmallBytes& other) : SmallBytes(other.view()) {}
  SmallBytes(SmallBytes&& other) noexcept : size_(0), bytes_{} { swap(other); }
  SmallBytes& operator=(SmallBytes other) noexcept {
    swap(other);
    return *this;
  }
  ~SmallBytes() {
    if (!is_inline()) {
      delete[] heap().data;
    }
  }

  std::string_view view() const {
    return is_inline() ? std::string_view(bytes_, size_)
                       : std::string_view(heap().data, heap().size);
  }
  size_t heap_bytes() const { return is_inline() ? 0 : heap().size; }

  friend bool operator==(const SmallBytes& a, const SmallBytes& b) { return a.view() == b.view(); }
  friend bool operator<(const SmallBytes& a, const SmallBytes& b) { return a.view() < b.view(); }

 private:
  static constexpr uint16_t kOnHeap = UINT16_MAX;
  struct Heap {
    char* data;
    size_t size;
  };

  bool is_inline() const { return size_ != kOnHeap; }
  Heap heap() const {
    Heap heap;
    std::memcpy(&heap, bytes_, sizeof(heap));
    return heap;
  }
  void swap(SmallBytes& other) {
    std::swap(size_, other.size_);
    std::swap(bytes_, other.bytes_);
  }

  uint16_t size_;
  char bytes_[kInlineMax];
};
static_assert(sizeof(SmallBytes) == 32);

inline SmallBytes::SmallBytes(std::string_view bytes) : size_(0), bytes_{} {
  if (bytes.size() <= kInlineMax) {
    size_ = static_cast<uint16_t>(bytes.size());
    std::ranges::copy(bytes, bytes_);  // may be empty, and nowhere
    return;
  }
  Heap heap{new char[bytes.size()], bytes.size()};
  std::memcpy(heap.data, bytes.data(), bytes.size());
  std::memcpy(bytes_, &heap, sizeof(heap));
  size_ = kOnHeap;
}

}  // namespace tidemark
