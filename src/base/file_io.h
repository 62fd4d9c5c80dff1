#pragma once
// Whole reads and writes at a place of a file: interrupted and partial ones are gone on with. Any
// thread.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace tidemark {

// All of the bytes; false: errno says why not.
bool write_at(int fd, std::string_view bytes, uint64_t offset);
// Up to `size` bytes, fewer only at the end of the file; -1: errno says why not.
std::ptrdiff_t read_at(int fd, char* out, size_t size, uint64_t offset);

// Whether a file system has less than a tenth of its room free, which is left to others. The path
// may not have been made yet.
bool is_nearly_full(const std::string& path);

}  // namespace tidemark
