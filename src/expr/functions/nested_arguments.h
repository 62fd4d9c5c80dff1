#pragma once
// Kernels of packed values (types/nested.h): reading an argument as one packed element, and writing
// a packed element as a result of any type.

#include <optional>

#include "expr/functions/shape.h"
#include "types/nested.h"

namespace tidemark {

inline std::string packed_at(const Argument& argument, size_t row) {
  std::string out;
  pack_element(*argument.column, row * argument.stride, out);
  return out;
}

// f(row) -> the packed value of the row, or nothing for NULL, for every row that is not NULL.
template <typename F>
void store_packed(const KernelFrame& frame, F&& f) {
  Column one(frame.result);
  for (size_t row = 0; row < frame.rows; ++row) {
    if (frame.out.is_null(row)) {
      continue;
    }
    std::optional<std::string_view> packed = f(row);
    if (!packed || is_packed_null(*packed)) {
      frame.out.set_null(row);
      continue;
    }
    one.clear();
    unpack_element(*packed, one);
    visit_physical(one.physical(), [&](auto tag) {
      using T = decltype(tag);
      if constexpr (std::is_same_v<T, StringRef>) {
        frame.out.mutable_data<T>()[row] = frame.out.intern(one.string_at(0));
      } else {
        frame.out.mutable_data<T>()[row] = one.data<T>()[0];
      }
    });
  }
}

// What || does to arrays (array.cc); of text it is in string.cc.
Result<BoundFunction> bind_array_concatenation(std::span<const Type> types);

}  // namespace tidemark
