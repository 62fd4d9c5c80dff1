#include "connectors/postgres_cdc/spill_buffer.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include <errno.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file_io.h"

namespace tidemark {

namespace {

constexpr size_t kHeaderBytes = 8;               // size(4) tag(4), in memory order
constexpr size_t kSpillWindowBytes = 256 << 10;  // read back in pieces of this size

Result<int> open_temporary_file() {
  const char* directory = getenv("TMPDIR");
  std::string path = directory == nullptr || *directory == '\0' ? "/tmp" : directory;
  int fd = open(path.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (fd >= 0) {
    return fd;
  }
  std::string pattern = path + "/tidemark_XXXXXX";  // file systems without O_TMPFILE
  fd = mkostemp(pattern.data(), O_CLOEXEC);
  if (fd < 0) {
    return Status::unavailable(
        fmt::format("cannot make a temporary file in {}: {}", path, strerror(errno)));
  }
  unlink(pattern.c_str());
  return fd;
}

}  // namespace

SpillBuffer::~SpillBuffer() {
  if (fd_ >= 0) {
    close(fd_);
  }
}
SpillBuffer::SpillBuffer(SpillBuffer&& other) noexcept : memory_max_(other.memory_max_) {
  *this = std::move(other);
}
SpillBuffer& SpillBuffer::operator=(SpillBuffer&& other) noexcept {
  std::swap(memory_max_, other.memory_max_);
  std::swap(tail_, other.tail_);
  std::swap(file_bytes_, other.file_bytes_);
  std::swap(records_, other.records_);
  std::swap(fd_, other.fd_);
  return *this;
}

Status SpillBuffer::append(uint32_t tag, char first, std::string_view rest) {
  uint32_t header[2] = {static_cast<uint32_t>(rest.size() + 1), tag};
  tail_.append(reinterpret_cast<const char*>(header), kHeaderBytes);
  tail_ += first;
  tail_.append(rest);
  ++records_;
  if (tail_.size() < memory_max_) {
    return {};
  }
  if (fd_ < 0) {
    fd_ = TRY(open_temporary_file());
  }
  if (!write_at(fd_, tail_, file_bytes_)) {
    return Status::unavailable(fmt::format("cannot write a temporary file: {}", strerror(errno)));
  }
  file_bytes_ += tail_.size();
  tail_.clear();
  return {};
}

Status SpillBuffer::read_at(uint64_t offset, size_t size, std::string& out) const {
  out.resize(size);
  size_t in_file = offset < file_bytes_ ? std::min<uint64_t>(size, file_bytes_ - offset) : 0;
  if (in_file != 0 &&
      tidemark::read_at(fd_, out.data(), in_file, offset) != static_cast<ptrdiff_t>(in_file)) {
    return Status::unavailable(fmt::format("cannot read a temporary file: {}", strerror(errno)));
  }
  if (in_file < size) {
    std::memcpy(out.data() + in_file, tail_.data() + (offset + in_file - file_bytes_),
                size - in_file);
  }
  return {};
}

Result<bool> SpillBuffer::Cursor::next(Record& record) {
  uint64_t total = buffer_.file_bytes_ + buffer_.tail_.size();
  if (at_ == total) {
    return false;
  }
  auto ensure = [&](size_t size) -> Status {
    if (at_ >= window_begin_ && at_ + size <= window_begin_ + window_.size()) {
      return {};
    }
    window_begin_ = at_;
    return buffer_.read_at(at_, std::min<uint64_t>(std::max(size, kSpillWindowBytes), total - at_),
                           window_);
  };
  TRY(ensure(kHeaderBytes));
  uint32_t header[2];
  std::memcpy(header, window_.data() + (at_ - window_begin_), kHeaderBytes);
  TRY(ensure(kHeaderBytes + header[0]));
  record.tag = header[1];
  record.bytes = std::string_view(window_).substr(at_ - window_begin_ + kHeaderBytes, header[0]);
  at_ += kHeaderBytes + header[0];
  return true;
}

}  // namespace tidemark
