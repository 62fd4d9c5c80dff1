#include "types/column_copy.h"

#include <bit>

namespace tidemark {

namespace {

template <typename RowOf>
void append_texts(Column& to, const Column& source, size_t count, RowOf row_of) {
  CHECK(source.physical() == to.physical());
  size_t first = to.size();
  size_t total = first + count;
  if (first != 0 || total < 128) {
    to.reserve(std::bit_ceil(std::max<size_t>(total, 128)));  // grows by doubling
  }
  to.resize(total);
  const StringRef* from = source.data<StringRef>();
  StringRef* values = to.mutable_data<StringRef>() + first;
  StringHeap& heap = to.heap();
  for (size_t i = 0; i < count; ++i) {
    StringRef value = from[row_of(i)];
    values[i] = value.is_inline() ? value : StringRef({heap.append(value.view()), value.size()});
  }
  if (source.has_nulls() && count != 0) {
    uint8_t* nulls = to.mutable_nulls() + first;
    for (size_t i = 0; i < count; ++i) {
      nulls[i] = source.nulls()[row_of(i)];
    }
  }
}

}  // namespace

void append_copies(Column& to, const Column& source, std::span<const uint32_t> rows) {
  if (to.physical() != PhysicalKind::kString) {
    to.append_rows(source, rows);
    return;
  }
  append_texts(to, source, rows.size(), [&](size_t i) { return rows[i]; });
}

void append_copies(Column& to, const Column& source) {
  if (to.physical() != PhysicalKind::kString) {
    to.append_all(source);
    return;
  }
  append_texts(to, source, source.size(), [](size_t i) { return i; });
}

}  // namespace tidemark
