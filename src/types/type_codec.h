#pragma once
// Types and schemas as the records on disk hold them: little-endian numbers and length-prefixed
// text, in the order of the fields. TypeKind's numbers are part of the format: new kinds go to its
// end.

#include <string>

#include "base/bytes.h"
#include "types/type.h"

namespace tidemark {

void append_type(const Type& type, std::string& out);
Type read_type(ByteReader& in);

void append_schema(const Schema& schema, std::string& out);
Schema read_schema(ByteReader& in);

}  // namespace tidemark
