// Columns into binary values, for clients of the wire protocol.

#include "types/decimal.h"
#include "types/nested.h"
#include "types/pg_codec.h"
#include "types/pg_numeric.h"
#include "types/pg_wire.h"
#include "types/text.h"

namespace tidemark {

namespace {

void append_interval(int64_t us, int32_t months, std::string& out) {
  append_big_endian<int64_t>(out, us);
  append_big_endian<int32_t>(out, 0);
  append_big_endian<int32_t>(out, months);
}

// The elements of an array of any depth in row-major order.
struct FlatArray {
  std::vector<int32_t> sizes;
  Column elements;
};

void flatten(const Column& column, size_t row, size_t depth, FlatArray& flat) {
  const Type& element = column.type().children[0];
  Column level(element);
  unpack_array(column.string_at(row), level);
  auto size = static_cast<int32_t>(level.size());
  if (flat.sizes.size() <= depth) {
    flat.sizes.push_back(size);
  }
  for (size_t i = 0; i < level.size(); ++i) {
    if (element.kind == TypeKind::kArray && !level.is_null(i)) {
      flatten(level, i, depth + 1, flat);
    } else if (element.kind != TypeKind::kArray) {
      flat.elements.append_copy(level, i);
    }
  }
}

void append_array(const Column& column, size_t row, std::string& out) {
  const Type* element = &column.type();
  while (element->kind == TypeKind::kArray) {
    element = &element->children[0];
  }
  FlatArray flat{.sizes = {}, .elements = Column(*element)};
  flatten(column, row, 0, flat);
  size_t expected = 1;
  for (int32_t size : flat.sizes) {
    expected *= static_cast<size_t>(size);
  }
  // PostgreSQL has no ragged arrays; inner arrays of unequal length are sent as one dimension.
  if (expected != flat.elements.size()) {
    flat.sizes.assign(1, static_cast<int32_t>(flat.elements.size()));
  }
  if (flat.elements.size() == 0) {
    flat.sizes.clear();
  }
  append_big_endian<int32_t>(out, static_cast<int32_t>(flat.sizes.size()));
  append_big_endian<int32_t>(out, flat.elements.has_nulls() ? 1 : 0);
  append_big_endian<uint32_t>(out, oid_of(*element));
  for (int32_t size : flat.sizes) {
    append_big_endian<int32_t>(out, size);
    append_big_endian<int32_t>(out, 1);
  }
  for (size_t i = 0; i < flat.elements.size(); ++i) {
    size_t length_at = out.size();
    append_big_endian<int32_t>(out, -1);
    if (!flat.elements.is_null(i)) {
      append_pg_binary(flat.elements, i, out);
      std::string length;
      append_big_endian<int32_t>(length, static_cast<int32_t>(out.size() - length_at - 4));
      out.replace(length_at, 4, length);
    }
  }
}

}  // namespace

void append_pg_binary(const Column& column, size_t row, std::string& out) {
  switch (column.type().kind) {
    case TypeKind::kNull:
      return;
    case TypeKind::kBoolean:
      out += static_cast<char>(column.data<uint8_t>()[row]);
      return;
    case TypeKind::kTinyint:
    case TypeKind::kSmallint:
      append_big_endian<int16_t>(out, static_cast<int16_t>(column.data<int32_t>()[row]));
      return;
    case TypeKind::kInt:
    case TypeKind::kDate:
      append_big_endian<int32_t>(out, column.data<int32_t>()[row]);
      return;
    case TypeKind::kBigint:
    case TypeKind::kTime:
    case TypeKind::kTimestamp:
    case TypeKind::kTimestampLtz:
      append_big_endian<int64_t>(out, column.data<int64_t>()[row]);
      return;
    case TypeKind::kFloat:
      append_big_endian<float>(out, column.data<float>()[row]);
      return;
    case TypeKind::kDouble:
      append_big_endian<double>(out, column.data<double>()[row]);
      return;
    case TypeKind::kDecimal:
      append_pg_numeric(column.data<Int128>()[row], column.type().scale, out);
      return;
    case TypeKind::kChar:
    case TypeKind::kVarchar:
    case TypeKind::kBinary:
    case TypeKind::kVarbinary:
      out += column.string_at(row);
      return;
    case TypeKind::kIntervalMonth:
      append_interval(0, column.data<int32_t>()[row], out);
      return;
    case TypeKind::kIntervalDay:
      append_interval(column.data<int64_t>()[row], 0, out);
      return;
    case TypeKind::kArray:
      append_array(column, row, out);
      return;
    case TypeKind::kMap:
    case TypeKind::kMultiset:
    case TypeKind::kRow:
      append_text(column, row, out);
      return;
  }
  CHECK(false);
}

}  // namespace tidemark
