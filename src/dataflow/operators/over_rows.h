#pragma once
// A stretch of a window partition in memory, and the frames of its rows. Rows with a weight above 1
// stand once for each copy.

#include <optional>
#include <string_view>
#include <vector>

#include "expr/window.h"
#include "types/key_codec.h"

namespace tidemark {

// A value of the order's only column as a number, for frames in RANGE.
struct OrderNumber {
  Int128 whole = 0;
  double real = 0;
};

// How values of the order's column become numbers that distances can be added to.
class OrderScale {
 public:
  OrderScale() = default;
  OrderScale(const Type& type, bool descending)
      : kind_(type.kind),
        is_real_(type.kind == TypeKind::kFloat || type.kind == TypeKind::kDouble),
        descending_(descending) {}
  // The value is not NULL.
  OrderNumber number_of(const Column& column, size_t row) const;
  // The end of a frame around this value.
  OrderNumber shifted(const OrderNumber& from, const WindowBound& bound) const;
  // Whether a stands before b in the order.
  bool before(const OrderNumber& a, const OrderNumber& b) const;

 private:
  TypeKind kind_ = TypeKind::kInt;
  bool is_real_ = false;
  bool descending_ = false;
};

// Positions [first, last).
struct Stretch {
  size_t first = 0;
  size_t last = 0;
  bool contains(size_t position) const { return first <= position && position < last; }
};

struct OverRows {
  std::vector<Column> columns;      // a row for each different row
  std::vector<uint32_t> row;        // by position: its row in the columns
  std::vector<uint32_t> group;      // by position: its group of peers
  std::vector<size_t> group_first;  // by group: its first position; one more at the end
  // For RANGE, by position; rows whose value is NULL stand at one end, outside of `numbered`.
  OrderScale scale;
  std::vector<OrderNumber> numbers;
  Stretch numbered;

  size_t size() const { return row.size(); }
  Stretch peers(size_t position) const {
    size_t at = group[position];
    return {group_first[at], group_first[at + 1]};
  }
  // Before exclusion. What lies outside of the rows in memory is cut off.
  Stretch frame(size_t position, const WindowFrame& frame) const;
  // The positions of a frame that are excluded, and of these the one that is not (or npos).
  static constexpr size_t kNone = SIZE_MAX;
  Stretch excluded(size_t position, WindowExclude exclude, size_t& kept) const;

 private:
  size_t range_end(size_t position, const WindowBound& bound, bool is_start) const;
};

}  // namespace tidemark
