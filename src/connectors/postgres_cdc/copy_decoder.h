#pragma once
// COPY's binary format (PostgreSQL 15 manual, COPY, "Binary Format") into columns: an 11-byte
// signature, int32 flags, int32 extension length; then per row int16 columns and per column int32
// length (-1: NULL) and bytes; int16 -1 at the end.
//
// A run of rows is looked through for where their fields are, then decoded column by column.

#include <span>
#include <string_view>
#include <vector>

#include "connectors/postgres_cdc/reader_plan.h"

namespace tidemark {

class CopyDecoder {
 public:
  explicit CopyDecoder(const ReaderPlan& plan);  // must outlive it

  // Where the next bytes are to be put, any number of them; then `filled` says how many were.
  std::span<char> room();
  void filled(size_t bytes) { end_ += bytes; }
  // Decodes the whole rows that are there, until it has `rows_max`; the rest waits. On error the
  // decoder must not be used any more.
  Status decode(size_t rows_max);
  // Of the rows that have not been taken.
  size_t rows() const { return rows_; }
  size_t bytes() const { return bytes_; }
  RowBatch take();

 private:
  Result<bool> skip_header();  // false: it has not come whole
  // Finds the fields of the next rows, and moves behind them; how many rows.
  Result<size_t> find_rows(size_t rows_max);
  // The fields of the row whose first begins here, as row number `row` of the run. Where the row
  // ends; null if it has not come whole.
  const char* find_fields(const char* at, const char* end, size_t row);
  Status row_error(Status status, size_t column) const;

  const ReaderPlan& plan_;
  const Schema schema_;
  std::vector<Column> columns_;
  std::vector<std::string_view> fields_;  // of a run, column after column; NULL has no data
  std::vector<char> buffer_;
  size_t begin_ = 0;  // of what has come and is not decoded
  size_t end_ = 0;
  size_t rows_ = 0;
  size_t bytes_ = 0;
  bool has_header_ = false;
};

}  // namespace tidemark
