#pragma once
// Records in the order they were appended, in memory up to a limit and then in a temporary file
// that has no name (it is gone with the process, however that ends).
//
// Thread rule: one thread.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace tidemark {

class SpillBuffer {
 public:
  explicit SpillBuffer(size_t memory_max) : memory_max_(memory_max) {}
  ~SpillBuffer();
  SpillBuffer(SpillBuffer&& other) noexcept;
  SpillBuffer& operator=(SpillBuffer&& other) noexcept;

  // A record of a tag and bytes: `first`, then `rest`.
  Status append(uint32_t tag, char first, std::string_view rest);
  bool empty() const { return records_ == 0; }
  uint64_t records() const { return records_; }

  struct Record {
    uint32_t tag;
    std::string_view bytes;  // valid until the next call
  };
  // Reads all records from the first on. Appending while reading is allowed: they are read too.
  class Cursor {
   public:
    explicit Cursor(SpillBuffer& buffer) : buffer_(buffer) {}
    // False at the end.
    Result<bool> next(Record& record);

   private:
    SpillBuffer& buffer_;
    uint64_t at_ = 0;
    std::string window_;
    uint64_t window_begin_ = 0;
  };

 private:
  Status read_at(uint64_t offset, size_t size, std::string& out) const;

  size_t memory_max_;
  std::string tail_;  // the newest bytes, not yet in the file
  uint64_t file_bytes_ = 0;
  uint64_t records_ = 0;
  int fd_ = -1;
};

}  // namespace tidemark
