#pragma once
// ARRAY, MAP, MULTISET and ROW values packed into one string. Packed forms of equal values are
// equal byte by byte, so grouping and comparing for equality need no unpacking.
//
//   array, multiset: u32 count, then per element: 1 byte null flag, then the value
//   map:             u32 count, then per entry: key as above, value as above; by packed key
//   row:             per field: 1 byte null flag, then the value
//   value:           fixed-width kinds as their bytes; strings and nested: u32 length, bytes
// Integers are little-endian. -0 and NaN are made canonical before packing.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "types/column.h"

namespace tidemark {

// Appends one element (null flag and value) of `column`'s type.
void pack_element(const Column& column, size_t row, std::string& out);
// Reads one element of `column`'s type from the front of `bytes`, appends it, and advances.
void unpack_element(std::string_view& bytes, Column& column);

// All elements of an array as a packed array, and back.
std::string pack_array(const Column& elements);
void unpack_array(std::string_view bytes, Column& elements);
uint32_t packed_count(std::string_view bytes);

// The columns that the elements of an array, multiset or map become: an element (of a ROW its
// fields), a key and its value.
std::vector<Field> unnested_fields(const Type& collection);
// Elements as they are packed, null flag first: equal bytes are equal values. The views are into
// `array`.
std::vector<std::string_view> packed_elements(std::string_view array, const Type& element);
std::string pack_elements(std::span<const std::string_view> elements);
inline bool is_packed_null(std::string_view element) {
  return element[0] == '\1';
}
// Takes one packed element from the front.
std::string_view take_packed(std::string_view& bytes, const Type& element);

// Entries in the order of their packed keys; of equal keys the last.
std::string pack_map(const Column& keys, const Column& values);
void unpack_map(std::string_view bytes, Column& keys, Column& values);

}  // namespace tidemark
