#include "types/column_copy.h"

#include <bit>

namespace tidemark {

namespace {

template <typename RowOf>
void append(Column& to, const Column& source, size_t count, RowOf row_of) {
  CHECK(source.physical() == to.physical());
  size_t first = to.size();
  size_t total = first + count;
  if (first != 0 || total < 128) {
    to.reserve(std::bit_ceil(std::max<size_t>(total, 128)));  // grows by doubling
  }
  to.resize(total);
  visit_physical(to.physical(), [&](auto tag) {
    using T = decltype(tag);
    const T* from = source.data<T>();
    T* values = to.mutable_data<T>() + first;
    if constexpr (std::is_same_v<T, StringRef>) {
      StringHeap& heap = to.heap();
      for (size_t i = 0; i < count; ++i) {
        StringRef value = from[row_of(i)];
        values[i] =
            value.is_inline() ? value : StringRef({heap.append(value.view()), value.size()});
      }
    } else {
      for (size_t i = 0; i < count; ++i) {
        values[i] = from[row_of(i)];
      }
    }
  });
  if (source.has_nulls() && count != 0) {
    uint8_t* nulls = to.mutable_nulls() + first;
    for (size_t i = 0; i < count; ++i) {
      nulls[i] = source.nulls()[row_of(i)];
    }
  }
}

}  // namespace

void append_copies(Column& to, const Column& source, std::span<const uint32_t> rows) {
  append(to, source, rows.size(), [&](size_t i) { return rows[i]; });
}

void append_copies(Column& to, const Column& source) {
  append(to, source, source.size(), [](size_t i) { return i; });
}

}  // namespace tidemark
