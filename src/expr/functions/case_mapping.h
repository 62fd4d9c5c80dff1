#pragma once
// Upper and lower case by code point: the simple mapping of Unicode, that of the C.UTF-8 locale.

#include <cstdint>
#include <string>
#include <string_view>

namespace tidemark {

void append_upper(std::string_view text, std::string& out);
void append_lower(std::string_view text, std::string& out);
bool is_alphanumeric(uint32_t point);

}  // namespace tidemark
