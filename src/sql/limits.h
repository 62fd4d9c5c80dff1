#pragma once
// Bounds that keep recursion over text and tree off the end of the stack.

#include <cstddef>

namespace tidemark::sql {

constexpr size_t kNestingMax = 128;  // parentheses, subqueries and types inside one another
constexpr size_t kTreeHeightMax =
    2048;  // nodes on a path; long AND, OR and + chains lean to the left

}  // namespace tidemark::sql
