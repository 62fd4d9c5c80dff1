#pragma once
// Memory for arrays that grow, by the rules of realloc(). From 4 MiB on an array has huge pages of
// its own, where the system gives them: a read of a large table at a place that nobody knows ahead
// misses the TLB otherwise, and walks the tables of pages, besides missing the cache. Growing such
// an array moves its pages and copies no bytes.
//
// Thread rule: any thread.

#include <cstddef>

namespace tidemark {

// `memory` has `from` bytes, from 0 on (0: null); it is replaced by what has `to` bytes, more than
// that. New bytes are unspecified. Running out of memory aborts.
std::byte* grow_memory(std::byte* memory, size_t from, size_t to);
void free_memory(std::byte* memory, size_t size);

// The same for a vector whose size is known when it is made.
template <typename T>
struct PageAllocator {
  using value_type = T;

  PageAllocator() = default;
  template <typename U>
  explicit PageAllocator(const PageAllocator<U>&) {}
  T* allocate(size_t count) {
    return reinterpret_cast<T*>(grow_memory(nullptr, 0, count * sizeof(T)));
  }
  void deallocate(T* values, size_t count) {
    free_memory(reinterpret_cast<std::byte*>(values), count * sizeof(T));
  }
  friend bool operator==(const PageAllocator&, const PageAllocator&) { return true; }
};

}  // namespace tidemark
