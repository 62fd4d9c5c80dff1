#pragma once
// Values of parameters as Bind carries them, in text or binary.

#include <string_view>

#include "base/status.h"
#include "types/column.h"

namespace tidemark::pgwire {

// The type of a parameter that Parse declares by its oid. NULL's type: it is left open (0, or
// unknown). kUnsupported: no values of that type can be taken.
Result<Type> parameter_type(uint32_t oid);
// What ParameterDescription says of one.
uint32_t parameter_oid(const Type& type);

// One value that is not NULL. kDataError with Postgres's SQLSTATE: it is not one of this type.
Result<Value> decode_parameter(const Type& type, std::string_view bytes, bool is_binary,
                               std::string_view zone);

}  // namespace tidemark::pgwire
