#pragma once
// "Did you mean": the candidate nearest to a misspelt name.

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace tidemark {

// The candidate with the smallest edit distance (case ignored), if it is near enough to be a
// likely misspelling: at most a third of the name's length, and at least 1.
std::optional<std::string> nearest_name(std::string_view name,
                                        std::span<const std::string> candidates);

}  // namespace tidemark
