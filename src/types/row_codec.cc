#include "types/row_codec.h"

namespace tidemark {

void append_value(const Column& column, size_t row, std::string& out) {
  if (column.is_null(row)) {
    out += '\1';
    return;
  }
  out += '\0';
  visit_physical(column.physical(), [&](auto tag) {
    using T = decltype(tag);
    if constexpr (std::is_same_v<T, StringRef>) {
      append_bytes(column.string_at(row), out);
    } else {
      append_fixed(column.data<T>()[row], out);
    }
  });
}

void read_value(ByteReader& in, Column& column, size_t row) {
  uint8_t mark = in.fixed<uint8_t>();
  if (mark > 1) {
    in.fail();
  }
  if (mark != 0 || in.failed()) {
    column.set_null(row);
    return;
  }
  if (column.has_nulls()) {
    column.mutable_nulls()[row] = 0;
  }
  visit_physical(column.physical(), [&](auto tag) {
    using T = decltype(tag);
    if constexpr (std::is_same_v<T, StringRef>) {
      column.mutable_data<StringRef>()[row] = column.intern(in.bytes());
    } else {
      column.mutable_data<T>()[row] = in.fixed<T>();
    }
  });
}

}  // namespace tidemark
