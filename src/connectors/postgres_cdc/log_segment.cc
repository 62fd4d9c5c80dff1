#include "connectors/postgres_cdc/log_segment.h"

#include <algorithm>
#include <cstring>

#include <errno.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "base/file_io.h"

namespace tidemark {

namespace {

constexpr std::string_view kMagic = "tidemark ahead 1";
constexpr size_t kRecordHeaderBytes = 9;      // checksum 4, size 4, kind 1
constexpr size_t kRecordBytesMax = 1u << 30;  // a message of PostgreSQL is shorter
constexpr size_t kWindowBytes = 256 << 10;    // read back in pieces of this size
constexpr uint32_t kStartsStream = 1, kIsText = 2;

}  // namespace

std::string encode_segment_header(const SegmentHeader& header) {
  std::string bytes(kMagic);
  append_fixed(header.number, bytes);
  append_fixed(header.begin.value, bytes);
  append_fixed(header.needed_from, bytes);
  append_fixed(header.previous_bytes, bytes);
  append_fixed(header.timeline, bytes);
  append_fixed((header.starts_stream ? kStartsStream : 0) | (header.is_text ? kIsText : 0), bytes);
  append_fixed(uint32_t{0}, bytes);
  append_fixed(crc32c(bytes), bytes);
  CHECK(bytes.size() == kSegmentHeaderBytes);
  return bytes;
}

Result<SegmentHeader> decode_segment_header(std::string_view bytes) {
  ByteReader in(bytes);
  bool is_ours = in.take(kMagic.size()) == kMagic;
  SegmentHeader header;
  header.number = in.fixed<uint64_t>();
  header.begin = Lsn{in.fixed<uint64_t>()};
  header.needed_from = in.fixed<uint64_t>();
  header.previous_bytes = in.fixed<uint64_t>();
  header.timeline = in.fixed<uint32_t>();
  auto flags = in.fixed<uint32_t>();
  header.starts_stream = (flags & kStartsStream) != 0;
  header.is_text = (flags & kIsText) != 0;
  auto unused = in.fixed<uint32_t>();
  auto checksum = in.fixed<uint32_t>();
  bool is_whole =
      !in.failed() && is_ours && unused == 0 && (flags & ~(kStartsStream | kIsText)) == 0;
  if (!is_whole || checksum != crc32c(bytes.substr(0, kSegmentHeaderBytes - 4))) {
    return Status::corruption("its header is damaged");
  }
  return header;
}

void append_segment_record(SegmentRecordKind kind, std::string_view body, std::string& out) {
  size_t begin = out.size();
  append_fixed(uint32_t{0}, out);
  append_fixed(static_cast<uint32_t>(body.size()), out);
  out += static_cast<char>(kind);
  out += body;
  uint32_t checksum = crc32c(std::string_view(out).substr(begin + 4));
  std::memcpy(out.data() + begin, &checksum, 4);
}

SegmentReader::~SegmentReader() {
  if (fd_ >= 0) {
    close(fd_);
  }
}

SegmentReader& SegmentReader::operator=(SegmentReader&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(path_, other.path_);
  std::swap(header_, other.header_);
  std::swap(at_, other.at_);
  std::swap(window_, other.window_);
  std::swap(window_begin_, other.window_begin_);
  return *this;
}

Result<SegmentReader> SegmentReader::open(const std::string& path) {
  SegmentReader reader;
  reader.path_ = path;
  reader.fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (reader.fd_ < 0) {
    return Status::unavailable(fmt::format("cannot open {}: {}", path, strerror(errno)));
  }
  if (!TRY(reader.ensure(kSegmentHeaderBytes))) {
    return Status::corruption("its header is cut off: " + path);
  }
  Result<SegmentHeader> header =
      decode_segment_header(std::string_view(reader.window_).substr(0, kSegmentHeaderBytes));
  if (!header.ok()) {
    return Status::corruption(fmt::format("{}: {}", header.status().message(), path));
  }
  reader.header_ = *header;
  reader.at_ = kSegmentHeaderBytes;
  return reader;
}

// Whether the file has that many bytes from at_ on; then they are in the window.
Result<bool> SegmentReader::ensure(size_t bytes) {
  if (at_ >= window_begin_ && at_ + bytes <= window_begin_ + window_.size()) {
    return true;
  }
  window_.resize(std::max(bytes, kWindowBytes));
  window_begin_ = at_;
  std::ptrdiff_t got = read_at(fd_, window_.data(), window_.size(), window_begin_);
  if (got < 0) {
    int error = errno;
    window_.clear();
    return Status::unavailable(fmt::format("cannot read {}: {}", path_, strerror(error)));
  }
  window_.resize(static_cast<size_t>(got));
  return window_.size() >= bytes;
}

Result<bool> SegmentReader::next(SegmentRecord& record) {
  if (!TRY(ensure(kRecordHeaderBytes))) {
    return false;
  }
  auto damaged = [&] {
    return Status::corruption(fmt::format("a record is damaged: {}, offset {}", path_, at_));
  };
  ByteReader in(std::string_view(window_).substr(at_ - window_begin_));
  auto checksum = in.fixed<uint32_t>();
  auto size = in.fixed<uint32_t>();
  if (size > kRecordBytesMax) {
    return damaged();
  }
  if (!TRY(ensure(kRecordHeaderBytes + size))) {
    return false;
  }
  std::string_view bytes =
      std::string_view(window_).substr(at_ - window_begin_, kRecordHeaderBytes + size);
  if (checksum != crc32c(bytes.substr(4))) {
    return damaged();
  }
  record.kind = static_cast<SegmentRecordKind>(bytes[8]);
  record.body = bytes.substr(kRecordHeaderBytes);
  at_ += bytes.size();
  switch (record.kind) {
    case SegmentRecordKind::kRelation:
    case SegmentRecordKind::kMessage:
    case SegmentRecordKind::kKeepalive:
      return true;
  }
  return Status::corruption(fmt::format("a record of a kind that is not known: {}", path_));
}

}  // namespace tidemark
