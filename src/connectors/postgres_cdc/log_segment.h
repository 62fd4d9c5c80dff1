#pragma once
// One file of the log that is read ahead (read_ahead_log.h): its header, its records, and how they
// are read back. docs/state_layout.md shows every byte.
//
// Thread rule: one thread.

#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"
#include "types/lsn.h"

namespace tidemark {

struct SegmentHeader {
  uint64_t number = 0;
  // The segments before have every commit up to here, and none after it.
  Lsn begin;
  // The segment in which the oldest transaction began that had not ended at `begin`: reading from
  // `begin` on means reading from that one on.
  uint64_t needed_from = 0;
  uint64_t previous_bytes = 0;  // the length of the segment before; 0: there is none
  uint32_t timeline = 0;        // of the server
  // A stream begins here. What the segments before hold of transactions that have not ended is
  // void: it comes again.
  bool starts_stream = false;
  bool is_text = false;  // values are in text form where the other is possible
  friend bool operator==(const SegmentHeader&, const SegmentHeader&) = default;
};

constexpr size_t kSegmentHeaderBytes = 64;
std::string encode_segment_header(const SegmentHeader& header);
// kCorruption: it is none, or damaged.
Result<SegmentHeader> decode_segment_header(std::string_view bytes);

enum class SegmentRecordKind : char {
  kRelation = 'r',   // what an earlier segment had of a table: a message of pgoutput
  kMessage = 'm',    // a message of pgoutput
  kKeepalive = 'k',  // everything before a position has come: position 8, time 8
};

struct SegmentRecord {
  SegmentRecordKind kind;
  std::string_view body;  // valid until the next call
};

void append_segment_record(SegmentRecordKind kind, std::string_view body, std::string& out);

class SegmentReader {
 public:
  SegmentReader() = default;
  ~SegmentReader();
  SegmentReader(SegmentReader&& other) noexcept { *this = std::move(other); }
  SegmentReader& operator=(SegmentReader&& other) noexcept;

  // Reads and checks the header; records follow.
  static Result<SegmentReader> open(const std::string& path);
  const SegmentHeader& header() const { return header_; }
  // False: there is no whole record (yet). kCorruption: its checksum is not right.
  Result<bool> next(SegmentRecord& record);
  // The end of the last record that was read.
  uint64_t offset() const { return at_; }

 private:
  Result<bool> ensure(size_t bytes);

  int fd_ = -1;
  std::string path_;
  SegmentHeader header_;
  uint64_t at_ = 0;
  std::string window_;
  uint64_t window_begin_ = 0;
};

}  // namespace tidemark
