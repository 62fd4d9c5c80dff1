#pragma once
// The words of the grammar, for completion and near misses. Every keyword that the parser asks for
// is listed (checked in debug builds), so unparse() quotes exactly what could be misread.

#include <span>
#include <string_view>

namespace tidemark::sql {

// Sorted, upper case.
std::span<const std::string_view> reserved_keywords();      // need quotes to be names
std::span<const std::string_view> non_reserved_keywords();  // may be names as they are

// `word` is upper case.
bool is_reserved(std::string_view word);
bool is_keyword(std::string_view word);  // of either list

}  // namespace tidemark::sql
