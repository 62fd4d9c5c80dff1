#pragma once
// Operators that are calls of the function of their name: the parser makes calls of them, unparse()
// writes such calls between their arguments.

#include <algorithm>
#include <array>
#include <string_view>

namespace tidemark::sql {

inline constexpr std::array<std::string_view, 6> kCallOperators = {"#>>", "#>", "@>",
                                                                   "<@",  "&",  "|"};

inline bool is_call_operator(std::string_view name) {
  return std::find(kCallOperators.begin(), kCallOperators.end(), name) != kCallOperators.end();
}

}  // namespace tidemark::sql
