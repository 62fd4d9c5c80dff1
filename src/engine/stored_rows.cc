#include "engine/stored_rows.h"

#include <memory>

#include "base/bytes.h"
#include "types/row_codec.h"

namespace tidemark {

std::string encode_rows(const ZBatch& batch) {
  std::string out;
  append_varint(batch.rows.rows, out);
  for (size_t row = 0; row < batch.rows.rows; ++row) {
    append_fixed(batch.weight(row), out);
    for (const ColumnRef& column : batch.rows.columns) {
      append_value(*column, row, out);
    }
  }
  return out;
}

Result<ZBatch> decode_rows(std::string_view bytes, const std::vector<Type>& types) {
  const Status damaged = Status::corruption("changes in the data directory cannot be read");
  ByteReader in(bytes);
  size_t rows = in.varint();
  if (rows > bytes.size()) {
    return damaged;
  }
  std::vector<std::shared_ptr<Column>> columns;
  for (const Type& type : types) {
    columns.push_back(std::make_shared<Column>(type));
    columns.back()->resize(rows);
  }
  ZBatch batch{{{}, rows}, {}};
  for (size_t row = 0; row < rows; ++row) {
    batch.weights.push_back(in.fixed<int64_t>());
    for (const std::shared_ptr<Column>& column : columns) {
      read_value(in, *column, row);
    }
  }
  if (in.failed() || !in.at_end()) {
    return damaged;
  }
  batch.rows.columns.assign(columns.begin(), columns.end());
  return batch;
}

}  // namespace tidemark
