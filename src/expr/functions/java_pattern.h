#pragma once
// Java's date patterns (java.time.format.DateTimeFormatter), as Flink's functions take them: yyyy
// MM dd HH mm ss SSS, quotes, and the like.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tidemark {

// Appends a timestamp as the pattern says.
void append_formatted(int64_t us, std::string_view pattern, std::string& out);
// Times that lie in one unit of this many microseconds have the same text by the pattern.
int64_t formatted_unit_us(std::string_view pattern);
// Reads a text by a pattern of numbers; nullopt if it does not fit.
std::optional<int64_t> parse_by_pattern(std::string_view text, std::string_view pattern);

}  // namespace tidemark
