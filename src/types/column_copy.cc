#include "types/column_copy.h"

#include <algorithm>
#include <bit>
#include <vector>

namespace tidemark {

namespace {

// Long texts of one source that were copied already. What a join makes repeats the texts of its
// rows: the same bytes at the same place are copied once.
class CopiedTexts {
 public:
  explicit CopiedTexts(size_t rows) : places_(rows < kRowsMin ? 0 : kPlaces) {}

  StringRef copy(StringRef text, StringHeap& heap) {
    if (places_.empty()) {
      return StringRef({heap.append(text.view()), text.size()});
    }
    Place& place = places_[(text.tail() * 0x9E3779B97F4A7C15) >> 54];
    bool is_known = place.from == text.tail() && place.to.size() == text.size();
    ++asked_;
    known_ += is_known ? 1 : 0;
    if (!is_known) {
      place = {text.tail(), StringRef({heap.append(text.view()), text.size()})};
    }
    StringRef copied = place.to;
    if (asked_ == kTried && known_ < kTried / 8) {
      places_.clear();  // hardly any do
    }
    return copied;
  }

 private:
  static constexpr size_t kRowsMin = 512;  // fewer are not worth the memory
  static constexpr size_t kPlaces = 1024;
  static constexpr size_t kTried = 256;
  struct Place {
    uint64_t from = 0;  // the pointer
    StringRef to;
  };
  std::vector<Place> places_;
  size_t asked_ = 0;
  size_t known_ = 0;
};

template <typename RowOf>
void append_texts(Column& to, const Column& source, size_t count, RowOf row_of) {
  CHECK(source.physical() == to.physical());
  size_t first = to.size();
  size_t total = first + count;
  if (first != 0 || total < 128) {
    to.reserve(room_for(total));
  }
  to.resize(total);
  const StringRef* from = source.data<StringRef>();
  StringRef* values = to.mutable_data<StringRef>() + first;
  StringHeap& heap = to.heap();
  CopiedTexts copied(count);
  for (size_t i = 0; i < count; ++i) {
    StringRef value = from[row_of(i)];
    values[i] = value.is_inline() ? value : copied.copy(value, heap);
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

bool keep_heap(Column& to, const Column& source) {
  constexpr size_t kBytesMin = 64 << 10;  // fewer are copied: a heap that keeps many is a long list
  std::shared_ptr<const StringHeap> heap = source.only_heap();
  if (heap == nullptr || heap->keeps_others() || heap->used_bytes() < kBytesMin) {
    return false;
  }
  size_t wanted = 0;
  for (size_t row = 0; row < source.size(); ++row) {
    StringRef text = source.data<StringRef>()[row];
    wanted += text.is_inline() ? 0 : text.size();
  }
  if (wanted < heap->used_bytes() / 8 * 7) {
    return false;
  }
  to.heap().keep(std::move(heap));
  return true;
}

void append_kept(Column& to, const Column& source) {
  if (to.physical() != PhysicalKind::kString || !keep_heap(to, source)) {
    append_copies(to, source);
    return;
  }
  size_t first = to.size();
  to.reserve(room_for(first + source.size()));
  to.resize(first + source.size());
  std::copy_n(source.data<StringRef>(), source.size(), to.mutable_data<StringRef>() + first);
  if (source.has_nulls()) {
    std::copy_n(source.nulls(), source.size(), to.mutable_nulls() + first);
  }
}

size_t room_for(size_t rows) {
  constexpr size_t kRowsMin = 128;
  constexpr size_t kDoublingMax = 1 << 16;
  size_t power = std::bit_ceil(std::max(rows, kRowsMin));
  if (power <= kDoublingMax) {
    return power;
  }
  size_t step = power / 8;
  return (rows + step - 1) / step * step;
}

}  // namespace tidemark
