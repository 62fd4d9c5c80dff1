#pragma once
// What the operator of window functions is asked for, and the keys that its rows are kept under:
//
//   partition columns, sort columns, whole row     in order-preserving bytes

#include <string>
#include <string_view>
#include <vector>

#include "dataflow/operators/over_functions.h"
#include "state/ordered_table.h"
#include "types/key_codec.h"

namespace tidemark {

struct OverSpec {
  std::vector<size_t> partition;
  std::vector<SortKey> order;
  std::vector<OverCall> calls;
};

// Rows of the result that come or go.
struct OverOutput {
  std::vector<Column> columns;
  std::vector<int64_t> weights;
};

class OverKeys {
 public:
  OverKeys(const std::vector<Type>& types, const OverSpec& spec)
      : partition_(spec.partition), order_(spec.order), types_(types) {}

  void append(const std::vector<ColumnRef>& columns, size_t row, std::string& key) const {
    for (size_t column : partition_) {
      append_sort_key(*columns[column], row, false, false, key);
    }
    for (const SortKey& sort : order_) {
      append_sort_key(*columns[sort.column], row, sort.descending, sort.nulls_first, key);
    }
    for (const ColumnRef& column : columns) {  // ties are settled by the whole row
      append_sort_key(*column, row, false, false, key);
    }
  }
  // Bytes of the partition's columns.
  size_t partition_bytes(std::string_view key) const {
    ByteReader in(key);
    for (size_t column : partition_) {
      skip_sort_key(in, false, types_[column].physical());
    }
    return key.size() - in.rest().size();
  }
  // The same and those of the sort columns: what peers have in common.
  size_t sort_bytes(std::string_view key) const {
    ByteReader in(key.substr(partition_bytes(key)));
    for (const SortKey& sort : order_) {
      skip_sort_key(in, sort.descending, types_[sort.column].physical());
    }
    return key.size() - in.rest().size();
  }
  // Appends the row; its key begins with sort_bytes bytes.
  static void read_row(std::string_view key, size_t sort_bytes, std::vector<Column>& columns) {
    ByteReader in(key.substr(sort_bytes));
    for (Column& column : columns) {
      read_sort_key(in, false, column);
    }
    CHECK(in.at_end());
  }
  const Type& type(size_t column) const { return types_[column]; }

 private:
  std::vector<size_t> partition_;
  std::vector<SortKey> order_;
  std::vector<Type> types_;
};

}  // namespace tidemark
