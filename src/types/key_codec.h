#pragma once
// Order-preserving bytes: comparing two encodings with memcmp orders the values as compare_values
// does.
//
//   per column: one byte 0x01 (value) or 0x00/0x02 (NULL, sorted first/last), then the value:
//     integers   big-endian with the sign bit flipped
//     floats     IEEE bits, sign-flipped when positive, inverted when negative; one NaN, above all
//     strings    0x00 escaped as 0x00 0xFF, ended by 0x00 0x00
//   descending: every byte of the value inverted

#include <string>

#include "base/bytes.h"
#include "types/column.h"

namespace tidemark {

struct SortKey {
  size_t column = 0;
  bool descending = false;
  bool nulls_first = false;
  bool operator==(const SortKey&) const = default;
};

// The opposite order.
inline void reverse(std::vector<SortKey>& order) {
  for (SortKey& key : order) {
    key.descending = !key.descending;
    key.nulls_first = !key.nulls_first;
  }
}

void append_sort_key(const Column& column, size_t row, bool descending, bool nulls_first,
                     std::string& out);
// Reads back what append_sort_key wrote, as a new row of `column` (-0 comes back as 0). Bytes that
// it cannot have written fail the reader; the column then has an unspecified row more or none.
void read_sort_key(ByteReader& in, bool descending, Column& column);
// The same, but a long text's bytes are kept by `texts`, which outlives the column.
void read_sort_key(ByteReader& in, bool descending, Column& column, Column& texts);
// Passes over one value.
void skip_sort_key(ByteReader& in, bool descending, PhysicalKind kind);

}  // namespace tidemark
