#pragma once
// Rows as messages: RowDescription and DataRow in text format, and the types as Postgres names
// them.

#include <cstdint>
#include <string>
#include <string_view>

#include "types/column.h"
#include "types/text.h"

namespace tidemark::pgwire {

class MessageWriter;

// A type as RowDescription gives it (oids of PostgreSQL 15, src/include/catalog/pg_type.dat).
struct WireType {
  int32_t oid = 25;
  int16_t size = -1;
  // Postgres's own meaning, where it has one; TINYINT is int2 with modifier 1. -1: none.
  int32_t modifier = -1;
};
WireType wire_type(const Type& type);

void write_row_description(std::string& out, const Schema& schema);
// Rows [from, ...) until `out` exceeds bytes_max; the first row not written.
size_t write_rows(std::string& out, const RowBatch& rows, size_t from, size_t bytes_max,
                  const TextFormat& format);

void write_column(MessageWriter& message, std::string_view name, WireType type);
void write_value(MessageWriter& message, const Column& column, size_t row,
                 const TextFormat& format);

}  // namespace tidemark::pgwire
