#include "types/column_copy.h"

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
    to.reserve(std::bit_ceil(std::max<size_t>(total, 128)));  // grows by doubling
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

}  // namespace tidemark
