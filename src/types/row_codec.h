#pragma once
// One value after the other, as the store keeps the columns that are not part of a key:
//
//   per value: one byte, 1 = NULL, 0 = a value follows; fixed widths as in memory (little-endian),
//   text and nested values as varint length and bytes
//
// Unlike keys (types/key_codec.h) these come back bit by bit, -0 and NaN payloads included.

#include <string>

#include "base/bytes.h"
#include "types/column.h"

namespace tidemark {

void append_value(const Column& column, size_t row, std::string& out);
// Overwrites a row of `column`. Bytes that append_value cannot have written fail the reader.
void read_value(ByteReader& in, Column& column, size_t row);

}  // namespace tidemark
