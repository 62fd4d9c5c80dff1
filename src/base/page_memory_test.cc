#include "base/page_memory.h"

#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

namespace tidemark {
namespace {

constexpr size_t kHugePage = 2 << 20;

TEST(PageMemory, bytes_stay_while_an_array_grows) {
  std::byte* memory = nullptr;
  size_t size = 0;
  for (size_t next : {size_t{1}, size_t{1000}, kHugePage, 2 * kHugePage - 1, 2 * kHugePage,
                      2 * kHugePage + 1, 3 * kHugePage, 9 * kHugePage + 17}) {
    memory = grow_memory(memory, size, next);
    for (size_t at = size; at < next; ++at) {
      memory[at] = static_cast<std::byte>(at * 31 >> 4);
    }
    size = next;
    for (size_t at = 0; at < size; at += 511) {
      ASSERT_EQ(memory[at], static_cast<std::byte>(at * 31 >> 4)) << at << " of " << size;
    }
  }
  free_memory(memory, size);
}

TEST(PageMemory, large_arrays_begin_at_a_huge_page) {
  std::byte* memory = grow_memory(nullptr, 0, 5 * kHugePage);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(memory) % kHugePage, 0u);
  memory = grow_memory(memory, 5 * kHugePage, 50 * kHugePage);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(memory) % kHugePage, 0u);
  free_memory(memory, 50 * kHugePage);
}

TEST(PageMemory, vectors_of_any_size_are_given_back) {
  for (size_t size : {size_t{0}, size_t{1}, kHugePage}) {
    std::vector<uint64_t, PageAllocator<uint64_t>> values(size, 7);
    values.resize(size * 3 / 2, 8);
    EXPECT_EQ(values.size(), size * 3 / 2);
    EXPECT_TRUE(values.empty() || values.front() == 7);
  }
}

}  // namespace
}  // namespace tidemark
