#include "connectors/postgres_cdc/read_ahead_log.h"

#include <algorithm>
#include <cstring>
#include <filesystem>

#include <errno.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/file_io.h"

namespace tidemark {

namespace fs = std::filesystem;

namespace {

constexpr uint64_t kSegmentBytes = 64 << 20;  // what is removed at once
constexpr size_t kBufferBytes = 1 << 20;

Status cannot(const char* what, const std::string& path) {
  return Status::unavailable(fmt::format("cannot {} {}: {}", what, path, strerror(errno)));
}

Status sync_directory(const std::string& path) {
  int fd = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0 || fsync(fd) != 0) {
    Status status = cannot("sync", path);
    if (fd >= 0) {
      close(fd);
    }
    return status;
  }
  close(fd);
  return {};
}

}  // namespace

ReadAheadLog::~ReadAheadLog() {
  if (fd_ >= 0) {
    close(fd_);
  }
}

std::string ReadAheadLog::path(uint64_t number) const {
  return fmt::format("{}/{:016x}.ahead", directory_, number);
}

void ReadAheadLog::clear() {
  if (fd_ >= 0) {
    close(fd_);
    fd_ = -1;
  }
  reader_.reset();
  // The newest first: what a kill leaves is the beginning, which covers too little.
  std::error_code ignored;
  for (; !segments_.empty(); segments_.pop_back()) {
    fs::remove(path(segments_.back().number), ignored);
  }
  // And what was damaged; a folder is not ours.
  for (const fs::directory_entry& file : fs::directory_iterator(directory_, ignored)) {
    if (file.is_regular_file(ignored)) {
      fs::remove(file.path(), ignored);
    }
  }
  fs::remove(directory_, ignored);
  buffer_.clear();
  is_in_doubt_ = false;
  file_bytes_ = synced_bytes_ = 0;
  end_ = synced_end_ = Lsn{};
  relations_.clear();
  open_.clear();
  count_bytes();
}

void ReadAheadLog::count_bytes() {
  uint64_t bytes = 0;
  for (const Segment& segment : segments_) {
    bytes += segment.bytes;
  }
  bytes_ = bytes;
}

void ReadAheadLog::add_segment(const SegmentHeader& header, uint64_t bytes) {
  segments_.push_back({.number = header.number,
                       .begin = header.begin,
                       .needed_from = header.needed_from,
                       .timeline = header.timeline,
                       .is_text = header.is_text,
                       .bytes = bytes});
}

bool ReadAheadLog::is_disk_nearly_full() const {
  return is_nearly_full(directory_);
}

// --- what is there ---

Status ReadAheadLog::open() {
  std::vector<std::string> files;
  std::error_code error;
  for (const fs::directory_entry& file : fs::directory_iterator(directory_, error)) {
    if (!file.is_directory(error)) {
      files.push_back(file.path().string());
    }
  }
  std::ranges::sort(files);
  Status damage;
  for (size_t i = 0; i < files.size() && damage.ok(); ++i) {
    Result<SegmentReader> reader = SegmentReader::open(files[i]);
    bool is_last = i + 1 == files.size();
    if (!reader.ok() && is_last && reader.status().code() == StatusCode::kCorruption) {
      // Its header was being written: nothing in it was acknowledged.
      fs::remove(files[i], error);
      break;
    }
    if (!reader.ok()) {
      damage = reader.status();
      break;
    }
    const SegmentHeader& header = reader->header();
    bool fits = segments_.empty() || (header.number == segments_.back().number + 1 &&
                                      header.previous_bytes == segments_.back().bytes);
    if (!fits || path(header.number) != files[i]) {
      damage = Status::corruption("a file is missing or cut off before " + files[i]);
      break;
    }
    add_segment(header, fs::file_size(files[i], error));
  }
  if (damage.ok() && !segments_.empty()) {
    damage = scan_last(segments_.back());
  }
  if (!damage.ok()) {
    clear();
    return std::move(damage).with_context("the log that was read ahead cannot be used");
  }
  count_bytes();
  return {};
}

// Finds the end, and cuts off what a write has left undone.
Status ReadAheadLog::scan_last(Segment& last) {
  SegmentReader reader = TRY(SegmentReader::open(path(last.number)));
  end_ = last.begin;
  SegmentRecord record;
  while (true) {
    Result<bool> more = reader.next(record);
    if (!more.ok() && more.status().code() != StatusCode::kCorruption) {
      return more.status();
    }
    if (!more.ok() || !*more) {
      break;
    }
    if (record.kind == SegmentRecordKind::kKeepalive) {
      move_end(Lsn{ByteReader(record.body).fixed<uint64_t>()});
    } else if (record.kind == SegmentRecordKind::kMessage) {
      TRY(follow(record.body));
    }
  }
  last.bytes = reader.offset();
  int fd = ::open(path(last.number).c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0) {
    return cannot("open", path(last.number));
  }
  bool is_cut = ftruncate(fd, static_cast<off_t>(last.bytes)) == 0 && fdatasync(fd) == 0;
  Status status = is_cut ? Status() : cannot("cut", path(last.number));
  close(fd);
  synced_end_ = end_;
  return status;
}

const ReadAheadLog::Segment* ReadAheadLog::segment_of(Lsn position) const {
  auto after =
      std::ranges::find_if(segments_, [&](const Segment& s) { return s.begin > position; });
  return after == segments_.begin() ? nullptr : &*std::prev(after);
}

bool ReadAheadLog::covers(Lsn position) const {
  const Segment* segment = segment_of(position);
  return segment != nullptr && segment->needed_from >= segments_.front().number && position <= end_;
}

void ReadAheadLog::drop_before(Lsn position) {
  const Segment* segment = segment_of(position);
  if (segment == nullptr) {
    return;
  }
  uint64_t keep_from = segment->needed_from;
  if (reader_) {
    keep_from = std::min(keep_from, reader_->header().number);
  }
  bool is_dropped = false;
  while (segments_.front().number < keep_from) {
    std::error_code ignored;
    fs::remove(path(segments_.front().number), ignored);
    segments_.pop_front();
    is_dropped = true;
  }
  if (is_dropped) {
    count_bytes();
    pass("ahead_dropped");
  }
}

// --- writing ---

Status ReadAheadLog::begin_stream(Lsn position, uint32_t timeline, bool is_text) {
  forget_unsynced();
  CHECK(empty() || position == end_);
  in_transaction_ = false;
  in_part_.reset();
  relations_.clear();
  open_.clear();
  end_ = synced_end_ = position;
  return start_segment(
      {.begin = position, .timeline = timeline, .starts_stream = true, .is_text = is_text});
}

// The one before is synced. Its number, and what follows from the others, is filled in.
Status ReadAheadLog::start_segment(SegmentHeader header) {
  header.number = segments_.empty() ? 1 : segments_.back().number + 1;
  header.previous_bytes = segments_.empty() ? 0 : segments_.back().bytes;
  header.needed_from = header.number;
  for (const auto& [xid, transaction] : open_) {
    header.needed_from = std::min(header.needed_from, transaction.first_segment);
  }
  std::error_code error;
  fs::create_directories(directory_, error);
  int fd = ::open(path(header.number).c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) {
    return cannot("make", path(header.number));
  }
  if (Status synced = sync_directory(directory_); !synced.ok()) {
    close(fd);
    return synced;
  }
  if (fd_ >= 0) {
    close(fd_);
  }
  fd_ = fd;
  file_bytes_ = synced_bytes_ = 0;
  buffer_ = encode_segment_header(header);
  for (const auto& [oid, message] : relations_) {
    append_segment_record(SegmentRecordKind::kRelation, message, buffer_);
  }
  add_segment(header, 0);
  return sync();
}

// Between transactions and between parts of one.
Status ReadAheadLog::roll_if_full() {
  bool is_full = file_bytes_ + buffer_.size() >= kSegmentBytes;
  if (!is_full || in_transaction_ || in_part_) {
    return {};
  }
  TRY(sync());
  const Segment& last = segments_.back();
  return start_segment({.begin = end_, .timeline = last.timeline, .is_text = last.is_text});
}

Status ReadAheadLog::append_message(std::string_view message) {
  if (message.empty()) {
    return Status::corruption("empty message of the change stream");
  }
  if (message[0] == 'Y' || message[0] == 'O' || message[0] == 'M') {
    return {};  // of no use here (pgoutput.h)
  }
  append_segment_record(SegmentRecordKind::kMessage, message, buffer_);
  return follow(message);
}

void ReadAheadLog::append_keepalive(Lsn position, int64_t time_us) {
  if (in_transaction_ || position <= end_) {
    return;  // it tells of what came before this transaction
  }
  std::string body;
  append_fixed(position.value, body);
  append_fixed(time_us, body);
  append_segment_record(SegmentRecordKind::kKeepalive, body, buffer_);
  move_end(position);
}

void ReadAheadLog::move_end(Lsn position) {
  end_ = std::max(end_, position);
}

void ReadAheadLog::keep_relation(std::string message) {
  uint32_t oid = parse_xid(std::string_view(message).substr(1)).value();  // has the same form
  relations_[oid] = std::move(message);
}

// What a message changes about where transactions begin and end, and about tables.
Status ReadAheadLog::follow(std::string_view message) {
  char kind = message[0];
  std::string_view body = message.substr(1);
  switch (kind) {
    case 'B':
      in_transaction_ = true;
      return {};
    case 'C':
      in_transaction_ = false;
      move_end(TRY(parse_commit(body)).end_position);
      return {};
    case 'R':
      if (in_part_) {
        uint32_t subxid = TRY(parse_xid(body));
        open_[*in_part_].relations.emplace_back(subxid, "R" + std::string(body.substr(4)));
      } else {
        TRY(parse_xid(body));
        keep_relation(std::string(message));
      }
      return {};
    case 'S':
      in_part_ = TRY(parse_xid(body));
      open_.try_emplace(*in_part_,
                        OpenTransaction{.first_segment = segments_.back().number, .relations = {}});
      return {};
    case 'E':
      in_part_.reset();
      return {};
    default:
      return follow_end_of_parts(kind, body);
  }
}

// A table that was described within a transaction in parts counts as described once that has
// committed (pgoutput, set_schema_sent_in_streamed_txn and cleanup_rel_sync_cache).
Status ReadAheadLog::follow_end_of_parts(char kind, std::string_view body) {
  if (kind == 'A') {
    PgStreamAbort abort = TRY(parse_stream_abort(body));
    if (abort.xid == abort.subxid) {
      open_.erase(abort.xid);
    } else if (auto found = open_.find(abort.xid); found != open_.end()) {
      std::erase_if(found->second.relations,
                    [&](const auto& relation) { return relation.first == abort.subxid; });
    }
  } else if (kind == 'c') {
    uint32_t xid = TRY(parse_xid(body));
    move_end(TRY(parse_commit(body.substr(4))).end_position);
    if (auto found = open_.find(xid); found != open_.end()) {
      for (auto& [subxid, message] : found->second.relations) {
        keep_relation(std::move(message));
      }
      open_.erase(found);
    }
  }
  return {};
}

Status ReadAheadLog::write_buffer() {
  if (!write_at(fd_, buffer_, file_bytes_)) {
    return cannot("write", path(segments_.back().number));
  }
  file_bytes_ += buffer_.size();
  buffer_.clear();
  segments_.back().bytes = file_bytes_;
  count_bytes();
  return {};
}

Status ReadAheadLog::flush() {
  if (buffer_.empty()) {
    return {};
  }
  TRY(write_buffer());
  pass("ahead_written");
  return roll_if_full();
}

Status ReadAheadLog::sync() {
  if (!buffer_.empty()) {
    TRY(write_buffer());
  }
  if (synced_bytes_ == file_bytes_) {
    return {};
  }
  // After a failure the kernel may have dropped what it could not write, and says so only once.
  if (is_in_doubt_) {
    errno = EIO;
  }
  if (is_in_doubt_ || fdatasync(fd_) != 0) {
    is_in_doubt_ = true;
    return cannot("sync", path(segments_.back().number));
  }
  synced_bytes_ = file_bytes_;
  synced_end_ = end_;
  pass("ahead_synced");
  return {};
}

void ReadAheadLog::forget_unsynced() {
  buffer_.clear();
  is_in_doubt_ = false;
  end_ = synced_end_;
  if (fd_ < 0) {
    return;
  }
  if (synced_bytes_ == 0) {  // not even its header
    close(std::exchange(fd_, -1));
    std::error_code ignored;
    fs::remove(path(segments_.back().number), ignored);
    segments_.pop_back();
  } else if (ftruncate(fd_, static_cast<off_t>(synced_bytes_)) == 0) {
    file_bytes_ = segments_.back().bytes = synced_bytes_;
  }
  count_bytes();
}

// --- reading ---

Status ReadAheadLog::start_reading(Lsn position) {
  const Segment* segment = segment_of(position);
  uint64_t number = segment == nullptr ? segments_.front().number : segment->needed_from;
  reader_ = TRY(SegmentReader::open(path(number)));
  is_first_read_ = true;
  tells_stream_ = reader_->header().starts_stream;
  return {};
}

Result<std::optional<ReadAheadLog::Entry>> ReadAheadLog::next() {
  if (!reader_) {
    return std::optional<Entry>();
  }
  while (true) {
    if (std::exchange(tells_stream_, false)) {
      return std::optional(Entry{.kind = Entry::Kind::kStream});
    }
    SegmentRecord record;
    if (TRY(reader_->next(record))) {
      if (record.kind == SegmentRecordKind::kKeepalive) {
        ByteReader in(record.body);
        Lsn position{in.fixed<uint64_t>()};
        return std::optional(Entry{.kind = Entry::Kind::kKeepalive,
                                   .message = {},
                                   .position = position,
                                   .time_us = in.fixed<int64_t>()});
      }
      if (record.kind == SegmentRecordKind::kMessage || is_first_read_) {
        return std::optional(
            Entry{.kind = Entry::Kind::kMessage, .message = record.body, .position = {}});
      }
      continue;
    }
    uint64_t number = reader_->header().number;
    if (number == segments_.back().number) {
      return std::optional<Entry>();
    }
    SegmentReader following = TRY(SegmentReader::open(path(number + 1)));
    if (following.header().previous_bytes != reader_->offset()) {
      return Status::corruption(fmt::format("it ends at offset {} of {}: {}", reader_->offset(),
                                            following.header().previous_bytes, path(number)));
    }
    reader_ = std::move(following);
    is_first_read_ = false;
    tells_stream_ = reader_->header().starts_stream;
  }
}

}  // namespace tidemark
