#pragma once
// What a source has received and its consumer has not taken yet, on our disk: so that the server
// may forget it though no view has it (docs/decisions/0017). Messages of pgoutput as they came, in
// files of about 64 MB:
//
//   stream ─► append ─► sync ─► synced_end(): the server may forget up to here
//                │
//                └► next() ─► decoder ─► views ─► checkpoint ─► drop_before(): files go
//
// Laws: begin() to end() is covered without a gap: every transaction whose commit lies between has
// all its messages here, in the order of the commits. What comes after end() is of no use before
// its commit: the server has it still. A file's checksums are checked when it is read.
//
// Thread rule: one thread, the receiver's; bytes() from any.

#include <atomic>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/crash_point.h"
#include "connectors/postgres_cdc/log_segment.h"
#include "connectors/postgres_cdc/pgoutput.h"

namespace tidemark {

class ReadAheadLog {
 public:
  // `crash` is for tests and may be null.
  ReadAheadLog(std::string directory, CrashPoint* crash)
      : directory_(std::move(directory)), crash_(crash) {}
  ~ReadAheadLog();

  // Takes what an earlier process left. What was being written when it ended is cut off; other
  // damage empties the log, and is told.
  Status open();
  // Removes everything.
  void clear();

  bool empty() const { return segments_.empty(); }
  Lsn begin() const { return segments_.empty() ? Lsn{} : segments_.front().begin; }
  // The last commit, or later: everything before has come. Written, and synced.
  Lsn end() const { return end_; }
  Lsn synced_end() const { return synced_end_; }
  bool covers(Lsn position) const;
  // Of the server that sent what is before end().
  uint32_t timeline() const { return segments_.empty() ? 0 : segments_.back().timeline; }
  bool is_text() const { return !segments_.empty() && segments_.back().is_text; }
  uint64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }
  uint64_t unsynced_bytes() const { return file_bytes_ + buffer_.size() - synced_bytes_; }
  // No more should be written: the disk would be nearly full.
  bool is_disk_nearly_full() const;

  // --- writing ---
  // A stream starts at `position`: synced_end(), if the log is not empty. What was not synced goes.
  Status begin_stream(Lsn position, uint32_t timeline, bool is_text);
  // Kept in memory until flush or sync; kCorruption: not a message of pgoutput.
  Status append_message(std::string_view message);
  void append_keepalive(Lsn position, int64_t time_us);
  // Something was appended and is not written: next() does not have it yet.
  bool has_unwritten() const { return !buffer_.empty(); }
  // Written, so that it can be read. On kUnavailable (a full disk) everything is still there: try
  // again.
  Status flush();
  // On disk. After an error what was not synced before is not to be relied upon: a new stream has
  // to begin.
  Status sync();
  // Cuts off what was not synced; end() is synced_end() then.
  void forget_unsynced();

  // --- reading ---
  struct Entry {
    enum class Kind : uint8_t { kStream, kMessage, kKeepalive } kind;
    std::string_view message;  // kMessage; valid until the next call
    Lsn position;              // kKeepalive
    int64_t time_us = 0;
  };
  // From where every commit after `position` is whole; some before come too.
  Status start_reading(Lsn position);
  // Absent: all that was written has been read. kStream: what came of transactions that have not
  // ended is void. kCorruption: the log is damaged.
  Result<std::optional<Entry>> next();

  // Everything up to here has a better place now. Removes files that are not needed to go on from
  // there.
  void drop_before(Lsn position);

 private:
  // A file.
  struct Segment {
    uint64_t number;
    Lsn begin;
    uint64_t needed_from;
    uint32_t timeline;
    bool is_text;
    uint64_t bytes;
  };
  // Sent in parts, and not ended.
  struct OpenTransaction {
    uint64_t first_segment;
    std::vector<std::pair<uint32_t, std::string>> relations;  // by subtransaction, as outside it
  };

  std::string path(uint64_t number) const;
  Status start_segment(SegmentHeader header);
  void add_segment(const SegmentHeader& header, uint64_t bytes);
  Status roll_if_full();
  Status write_buffer();
  Status scan_last(Segment& last);
  Status follow(std::string_view message);
  Status follow_end_of_parts(char kind, std::string_view body);
  void keep_relation(std::string message);
  void move_end(Lsn position);
  const Segment* segment_of(Lsn position) const;
  void count_bytes();
  void pass(std::string_view name) {
    if (crash_ != nullptr) {
      crash_->pass(name);
    }
  }

  const std::string directory_;
  CrashPoint* const crash_;
  std::deque<Segment> segments_;
  std::atomic<uint64_t> bytes_{0};

  // The last segment, which is written.
  int fd_ = -1;
  std::string buffer_;  // what is not in the file yet
  uint64_t file_bytes_ = 0;
  uint64_t synced_bytes_ = 0;
  bool is_in_doubt_ = false;  // a sync has failed: what was not synced before may be lost
  Lsn end_;
  Lsn synced_end_;
  bool in_transaction_ = false;      // between B and C
  std::optional<uint32_t> in_part_;  // between S and E
  std::map<uint32_t, std::string> relations_;
  std::map<uint32_t, OpenTransaction> open_;

  // Reading.
  std::optional<SegmentReader> reader_;
  bool is_first_read_ = false;  // the relations at the segment's begin are wanted
  bool tells_stream_ = false;
};

}  // namespace tidemark
