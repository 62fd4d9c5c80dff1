#pragma once
// Where the tree and its binary are. In a source file of its own, since no other object of the
// tests depends on the path: a second checkout finds them all in the compiler's cache.

#include <string>

namespace tidemark {

// The root of the checkout, without a slash at the end.
std::string source_dir();

// The program that was built along with the tests.
std::string tidemark_binary();

}  // namespace tidemark
