#pragma once
// Values as text, the same everywhere a user sees or writes one: client, pgwire text format, CAST
// to and from STRING, VALUES in tests. Numbers, dates and bytes are written as PostgreSQL writes
// them.

#include <string>
#include <string_view>

#include "base/status.h"
#include "types/column.h"

namespace tidemark {

struct TextFormat {
  std::string_view zone = "UTC";  // for TIMESTAMP_LTZ
};

// Appends the value (nothing for NULL). BOOLEAN is "true"/"false", bytes are "\x0102", arrays
// "{a,NULL,\"b c\"}" as in Postgres, rows "(a,b)", maps "{k=v}".
void append_text(const Column& column, size_t row, std::string& out, TextFormat format = {});
std::string text_of(const Column& column, size_t row, TextFormat format = {});

// Parses one value of the column's type and appends it. kDataError: it is not one, or out of range.
Status append_parsed(std::string_view text, Column& column, TextFormat format = {});

// Shortest text that reads back as the same number, laid out by Postgres's rule (float8out with
// extra_float_digits 1): plain digits for exponents -4..14 (double) or -4..5 (float), else 1e+15.
void append_double(double value, std::string& out);
void append_float(float value, std::string& out);

}  // namespace tidemark
