#pragma once
// NUMERIC on the wire (src/backend/utils/adt/numeric.c, numeric_send, PostgreSQL 14 and later for
// the infinities): int16 digits, int16 weight, uint16 sign, int16 display scale, then digits of
// base 10000, the first one worth 10000^weight. Signs: 0x0000 plus, 0x4000 minus, 0xC000 NaN,
// 0xD000 infinity, 0xF000 -infinity.

#include <string>
#include <string_view>

#include "base/status.h"
#include "types/column.h"

namespace tidemark {

// The unscaled value at this precision and scale. Error: malformed, too large, or digits would be
// lost.
Result<Int128> decode_pg_numeric(std::string_view bytes, int precision, int scale);
// As numeric_out writes it, of any length.
Status append_pg_numeric_text(std::string_view bytes, std::string& out);
// The wire form of an unscaled value.
void append_pg_numeric(Int128 value, int scale, std::string& out);

}  // namespace tidemark
