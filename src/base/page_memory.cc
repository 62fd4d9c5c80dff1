#include "base/page_memory.h"

#include <cstdint>
#include <cstdlib>
#include <cstring>

#include <sys/mman.h>

#include "base/check.h"

namespace tidemark {

namespace {

constexpr size_t kHugePageBytes = 2 << 20;
// The last huge page of an array is half empty on average: a quarter of the array at most.
constexpr size_t kHugeMin = 2 * kHugePageBytes;

size_t whole_pages(size_t size) {
  return (size + kHugePageBytes - 1) / kHugePageBytes * kHugePageBytes;
}

// Pages that nobody has touched, beginning where a huge page can.
std::byte* map_pages(size_t size) {
  size_t mapped = size + kHugePageBytes;
  void* begin = mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(begin != MAP_FAILED);
  std::byte* first = static_cast<std::byte*>(begin);
  size_t before = -reinterpret_cast<uintptr_t>(first) % kHugePageBytes;
  size_t behind = kHugePageBytes - before;
  if (before != 0) {
    CHECK(munmap(first, before) == 0);
  }
  CHECK(munmap(first + before + size, behind) == 0);  // never empty: `before` is less than a page
  return first + before;
}

std::byte* map_huge(size_t size) {
  std::byte* pages = map_pages(size);
  madvise(pages, size, MADV_HUGEPAGE);  // refused: it works with small pages too
  return pages;
}

}  // namespace

std::byte* grow_memory(std::byte* memory, size_t from, size_t to) {
  CHECK(to > from);
  if (to < kHugeMin) {
    memory = static_cast<std::byte*>(std::realloc(memory, to));
    CHECK(memory != nullptr);
    return memory;
  }
  if (from < kHugeMin) {
    std::byte* pages = map_huge(whole_pages(to));
    if (from != 0) {
      std::memcpy(pages, memory, from);
    }
    std::free(memory);
    return pages;
  }
  size_t mapped = whole_pages(from), wanted = whole_pages(to);
  if (mapped == wanted) {
    return memory;
  }
  void* pages = mremap(memory, mapped, wanted, MREMAP_MAYMOVE | MREMAP_FIXED, map_pages(wanted));
  CHECK(pages != MAP_FAILED);
  return static_cast<std::byte*>(pages);
}

void free_memory(std::byte* memory, size_t size) {
  if (size < kHugeMin) {
    std::free(memory);
  } else {
    CHECK(munmap(memory, whole_pages(size)) == 0);
  }
}

}  // namespace tidemark
