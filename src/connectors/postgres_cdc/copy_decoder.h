#pragma once
// COPY's binary format (PostgreSQL 15 manual, COPY, "Binary Format") into columns: an 11-byte
// signature, int32 flags, int32 extension length; then per row int16 columns and per column int32
// length (-1: NULL) and bytes; int16 -1 at the end.

#include <string>
#include <string_view>

#include "connectors/postgres_cdc/reader_plan.h"

namespace tidemark {

class CopyDecoder {
 public:
  explicit CopyDecoder(const ReaderPlan& plan);

  // Takes the next bytes, of any length.
  Status append(std::string_view bytes);
  size_t rows() const { return rows_; }
  size_t bytes() const { return bytes_; }
  RowBatch take();

 private:
  // Decodes whole rows from the front; what is left begins an incomplete one.
  Status decode(std::string_view& bytes);
  // Moves `at` behind the row; leaves it, and takes nothing, if the row is not complete.
  Status decode_row(const char*& at, const char* end);
  void undo_row(size_t columns);
  Status row_error(Status status, size_t column) const;

  const ReaderPlan& plan_;
  const Schema schema_;
  std::vector<Column> columns_;
  std::string pending_;
  size_t rows_ = 0;
  size_t bytes_ = 0;
  bool has_header_ = false;
};

}  // namespace tidemark
