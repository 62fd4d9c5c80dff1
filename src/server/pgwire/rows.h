#pragma once
// Rows as messages: RowDescription and DataRow in text and binary format, and the types as Postgres
// names them.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "types/column.h"
#include "types/text.h"

namespace tidemark::pgwire {

class MessageWriter;

// A type as RowDescription gives it (oids of PostgreSQL 15, src/include/catalog/pg_type.dat).
struct WireType {
  uint32_t oid = 25;
  int16_t size = -1;
  // Postgres's own meaning, where it has one; TINYINT is int2 with modifier 1. -1: none.
  int32_t modifier = -1;
};
WireType wire_type(const Type& type);
// The same for a column of a result. What is only text here, and of whose type Postgres has another
// binary form (a parameter that was declared as uuid or jsonb, or an array of them), goes out as
// text.
WireType result_type(const Type& type);

// The format of each column of a result, as Bind asks for it: none (all text), one for all, or one
// a column (PostgreSQL 15 manual, "Bind").
class ResultFormats {
 public:
  ResultFormats() = default;
  explicit ResultFormats(std::vector<int16_t> codes) : codes_(std::move(codes)) {}
  static ResultFormats binary() { return ResultFormats({1}); }
  bool is_binary(size_t column) const {
    return codes_.size() == 1 ? codes_[0] != 0 : column < codes_.size() && codes_[column] != 0;
  }
  // Codes other than 0 and 1, or as many as no such result has, are errors.
  Status check(size_t columns) const;

 private:
  std::vector<int16_t> codes_;
};

void write_row_description(std::string& out, const Schema& schema, const ResultFormats& formats);
// Rows [from, to) until `out` exceeds bytes_max; the first row not written.
size_t write_rows(std::string& out, const RowBatch& rows, size_t from, size_t to, size_t bytes_max,
                  const TextFormat& format, const ResultFormats& formats);

// One value without its length. Not for NULL.
void append_wire_text(const Column& column, size_t row, std::string& out, const TextFormat& format);
void append_wire_binary(const Column& column, size_t row, std::string& out,
                        const TextFormat& format);

}  // namespace tidemark::pgwire
