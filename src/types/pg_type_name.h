#pragma once
// PostgreSQL's types by the names that its SQL and its catalog give them.

#include <cstdint>
#include <optional>
#include <string>

namespace tidemark {

// As format_type() of PostgreSQL 15 writes it: "numeric(10,2)", "timestamp(3) without time zone".
// Negative modifier: none. "???": no such type is known.
std::string pg_type_name(uint32_t oid, int32_t modifier);
// By that name without a modifier, or the one in pg_type ("int4"). nullopt: not known.
std::optional<uint32_t> pg_type_by_name(const std::string& name);

}  // namespace tidemark
