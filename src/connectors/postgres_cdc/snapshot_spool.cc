#include "connectors/postgres_cdc/snapshot_spool.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <optional>
#include <unordered_set>

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "base/file_io.h"
#include "types/type_codec.h"

namespace tidemark {

namespace fs = std::filesystem;

namespace {

// The log begins with how far it reaches: position 8, length of the records up to it 8, checksum of
// both 4. Records: checksum of what follows 4, length of the body 4, kind 1, body.
constexpr char kDescribed = 'd';    // first: oid, key columns, description
constexpr char kFingerprint = 'f';  // ranges before it are of another one
constexpr char kRange = 'r';
constexpr char kChanged = 'k';  // the key's values as text

constexpr size_t kHeadBytes = 20;
constexpr size_t kSpoolHeaderBytes = 9;
constexpr size_t kChunkHeaderBytes = 8;  // checksum of the bytes 4, their number 4
constexpr size_t kPieceBytes = 256 << 10;
constexpr size_t kPendingBytes = 64 << 10;
// Some 800,000 changes: beyond, the table is read from its start.
constexpr size_t kLogBytesMax = 16 << 20;

std::optional<std::string> read_file(int fd, size_t bytes, uint64_t offset) {
  std::string content(bytes, '\0');
  std::ptrdiff_t got = read_at(fd, content.data(), bytes, offset);
  if (got < 0) {
    return std::nullopt;
  }
  content.resize(static_cast<size_t>(got));
  return content;
}

std::string encode_head(Lsn reached, uint64_t bytes) {
  std::string head;
  append_fixed(reached.value, head);
  append_fixed(bytes, head);
  append_fixed(crc32c(head), head);
  return head;
}

// Calls f(kind, body) for the whole records at the beginning, as long as it returns true; how many
// bytes these are.
template <typename F>
size_t for_each_record(std::string_view log, F&& f) {
  size_t at = 0;
  while (log.size() - at >= kSpoolHeaderBytes) {
    ByteReader in(log.substr(at));
    auto checksum = in.fixed<uint32_t>();
    auto size = in.fixed<uint32_t>();
    if (size > log.size() - at - kSpoolHeaderBytes ||
        checksum != crc32c(log.substr(at + 4, kSpoolHeaderBytes - 4 + size)) ||
        !f(log[at + 8], log.substr(at + kSpoolHeaderBytes, size))) {
      break;
    }
    at += kSpoolHeaderBytes + size;
  }
  return at;
}

bool is_key_type(uint32_t type_oid) {
  switch (pg_builtin(type_oid).kind) {
    case PgKind::kInt2:
    case PgKind::kInt4:
    case PgKind::kInt8:
    case PgKind::kText:
    case PgKind::kUuid:
    case PgKind::kDate:
      return true;
    default:
      return false;
  }
}

std::string describe(const ReaderPlan& plan) {
  std::string description;
  append_bytes(plan.asked_schema, description);
  append_bytes(plan.asked_table, description);
  for (const ReaderPlan::Column& column : plan.columns) {
    append_bytes(column.name, description);
    append_bytes(column.source_name, description);
    append_fixed(column.declared_oid, description);
    append_type(column.decoder.target(), description);
    append_fixed(static_cast<uint8_t>(column.decoder.has_binary()), description);
    append_fixed(static_cast<uint8_t>(column.in_key), description);
  }
  return description;
}

// Parses the body of kRange.
std::optional<SpooledRange> parse_range(std::string_view body) {
  ByteReader in(body);
  SpooledRange range;
  range.part = in.fixed<uint32_t>();
  range.first_page = in.fixed<int64_t>();
  range.end_page = in.fixed<int64_t>();
  range.end = Lsn{in.fixed<uint64_t>()};
  range.file = in.fixed<uint64_t>();
  range.bytes = in.fixed<uint64_t>();
  return in.at_end() ? std::optional(range) : std::nullopt;
}

}  // namespace

// --- what there is ---

bool SnapshotSpool::suits(const ReaderPlan& plan) {
  bool has_key = false;
  for (const ReaderPlan::Column& column : plan.columns) {
    if (column.in_key && !is_key_type(column.declared_oid)) {
      return false;
    }
    has_key = has_key || column.in_key;
  }
  return plan.old_rows == OldRows::kKeyOnly && has_key;
}

SnapshotSpool::SnapshotSpool(std::string directory, const ReaderPlan& plan)
    : directory_(std::move(directory)), table_(plan.table.oid), description_(describe(plan)) {
  for (const ReaderPlan::Column& column : plan.columns) {
    if (column.in_key) {
      key_.push_back({.name = column.source_name, .type_oid = column.declared_oid});
    }
  }
}

SnapshotSpool::~SnapshotSpool() {
  if (fd_ >= 0) {
    close(fd_);
  }
}

std::shared_ptr<SnapshotSpool> SnapshotSpool::open(const std::string& directory) {
  std::shared_ptr<SnapshotSpool> spool(new SnapshotSpool(directory));
  if (!spool->load()) {
    spool->remove();
    return nullptr;
  }
  return spool;
}

// What is not whole at the log's end is cut off.
bool SnapshotSpool::load() {
  fd_ = ::open((directory_ + "/log").c_str(), O_RDWR | O_CLOEXEC);
  std::error_code error;
  uint64_t size = fs::file_size(directory_ + "/log", error);
  std::optional<std::string> log;
  if (fd_ >= 0 && !error && size >= kHeadBytes && size <= 2 * kLogBytesMax) {
    log = read_file(fd_, size, 0);
  }
  if (!log || log->size() != size) {
    return false;
  }
  bool is_described = false;
  log_bytes_ = for_each_record(
      std::string_view(*log).substr(kHeadBytes), [&](char kind, std::string_view body) {
        ByteReader in(body);
        switch (kind) {
          case kDescribed:
            table_ = in.fixed<uint32_t>();
            for (uint64_t left = in.varint(); left != 0 && !in.failed(); --left) {
              KeyColumn column{.name = std::string(in.bytes())};
              column.type_oid = in.fixed<uint32_t>();
              key_.push_back(std::move(column));
            }
            description_ = in.bytes();
            is_described = in.at_end();
            return is_described;
          case kFingerprint:
            fingerprint_ = body;
            ranges_.clear();
            return true;
          case kRange: {
            std::optional<SpooledRange> range = parse_range(body);
            if (range) {
              ranges_.push_back(*range);
              next_file_ = std::max(next_file_, range->file + 1);
            }
            return range.has_value();
          }
          case kChanged:
            return true;
          default:
            return false;
        }
      });
  if (!is_described || ftruncate(fd_, static_cast<off_t>(kHeadBytes + log_bytes_)) != 0) {
    return false;
  }
  ByteReader head(*log);
  Lsn reached{head.fixed<uint64_t>()};
  auto bytes = head.fixed<uint64_t>();
  bool is_whole = bytes <= log_bytes_ && log->starts_with(encode_head(reached, bytes));
  marked_ = is_whole ? reached.value : 0;
  // What was being written when the process ended.
  for (const fs::directory_entry& file : fs::directory_iterator(directory_, error)) {
    bool is_kept = file.path().filename() == "log";
    for (const SpooledRange& range : ranges_) {
      is_kept = is_kept || file.path() == range_path(range.file);
    }
    if (!is_kept) {
      fs::remove(file.path(), error);
    }
  }
  return true;
}

bool SnapshotSpool::is_of(const ReaderPlan& plan) const {
  return table_ == plan.table.oid && description_ == describe(plan);
}

std::string SnapshotSpool::range_path(uint64_t file) const {
  return fmt::format("{}/{}.rows", directory_, file);
}

void SnapshotSpool::note(char kind, std::string_view body) {
  size_t begin = pending_.size();
  append_fixed(uint32_t{0}, pending_);
  append_fixed(static_cast<uint32_t>(body.size()), pending_);
  pending_ += kind;
  pending_ += body;
  uint32_t checksum = crc32c(std::string_view(pending_).substr(begin + 4));
  std::memcpy(pending_.data() + begin, &checksum, 4);
}

// A disk that takes no more ends it.
bool SnapshotSpool::flush() {
  if (fd_ >= 0 && !pending_.empty()) {
    if (log_bytes_ + pending_.size() > kLogBytesMax ||
        !write_at(fd_, pending_, kHeadBytes + log_bytes_)) {
      remove_locked();
      return false;
    }
    log_bytes_ += pending_.size();
    pending_.clear();
  }
  if (pending_.size() > kLogBytesMax) {
    remove_locked();
  }
  return !is_removed_;
}

void SnapshotSpool::forget() {
  std::lock_guard lock(mutex_);
  forget_locked();
}

void SnapshotSpool::forget_locked() {
  if (is_removed_ || (ranges_.empty() && fingerprint_.empty())) {
    return;
  }
  note(kFingerprint, "");
  fingerprint_.clear();
  std::vector<SpooledRange> forgotten = std::move(ranges_);
  ranges_.clear();
  flush();
  std::error_code ignored;
  for (const SpooledRange& range : forgotten) {
    fs::remove(range_path(range.file), ignored);
  }
}

void SnapshotSpool::remove() {
  std::lock_guard lock(mutex_);
  remove_locked();
}

bool SnapshotSpool::is_removed() const {
  std::lock_guard lock(mutex_);
  return is_removed_;
}

// The log first: files without it are nothing.
void SnapshotSpool::remove_locked() {
  is_removed_ = true;
  ranges_.clear();
  pending_.clear();
  if (fd_ >= 0) {
    close(fd_);
    fd_ = -1;
  }
  std::error_code ignored;
  fs::remove(directory_ + "/log", ignored);
  fs::remove_all(directory_, ignored);
}

// --- the stream ---

// The key that a row has, noted; false: it does not have it as we know it. `instead` has values
// that the row leaves out because they did not change.
bool SnapshotSpool::take_key(const PgRelation& relation, const PgRow& row, const PgRow* instead) {
  scratch_.clear();
  for (const KeyColumn& column : key_) {
    auto found = std::ranges::find(relation.columns, column.name, &PgRelation::Column::name);
    auto index = static_cast<size_t>(found - relation.columns.begin());
    if (found == relation.columns.end() || found->type_oid != column.type_oid ||
        index >= row.size()) {
      return false;
    }
    const PgField* field = &row[index];
    if (field->kind == 'u' && instead != nullptr && index < instead->size()) {
      field = &(*instead)[index];
    }
    if (field->kind == 't') {
      append_bytes(field->bytes, scratch_);
      continue;
    }
    std::string text;
    if (field->kind != 'b' ||
        !append_pg_text(pg_builtin(found->type_oid, found->modifier), field->bytes, text).ok()) {
      return false;
    }
    append_bytes(text, scratch_);
  }
  note(kChanged, scratch_);
  return true;
}

void SnapshotSpool::touch(const PgRelation& relation, const PgRowChange& change) {
  if (relation.oid != table_) {
    return;
  }
  std::lock_guard lock(mutex_);
  if (is_removed_) {
    return;
  }
  // An update that leaves the table's key as it is says nothing of its old row: the key must be
  // ours.
  auto is_ours = [&](const PgRelation::Column& column) {
    return std::ranges::find(key_, column.name, &KeyColumn::name) != key_.end();
  };
  bool is_known = relation.identity == 'f' ||
                  std::ranges::all_of(relation.columns, [&](const PgRelation::Column& column) {
                    return column.in_key == is_ours(column);
                  });
  bool has_old = change.old_kind != 0;
  if (is_known && has_old) {
    is_known = take_key(relation, change.old_row, nullptr);
  }
  if (is_known && change.has_new) {
    is_known = take_key(relation, change.new_row, has_old ? &change.old_row : nullptr);
  }
  if (!is_known) {
    remove_locked();
  } else if (pending_.size() > kPendingBytes) {
    flush();
  }
}

void SnapshotSpool::mark(Lsn position) {
  if (position.value <= marked_.load()) {
    return;
  }
  std::lock_guard lock(mutex_);
  if (is_removed_) {
    return;
  }
  if (flush() && write_head(position)) {
    marked_ = position.value;
  }
}

bool SnapshotSpool::write_head(Lsn reached) {
  if (fd_ >= 0 && !write_at(fd_, encode_head(reached, log_bytes_), 0)) {
    remove_locked();
  }
  return !is_removed_;
}

// What a snapshot sees of commits after the place where the stream goes on may be lost with the
// server's log; and if keys are missing up to there, the ranges are of no use. What was noted
// beyond it is no less than what comes, but it is to come again: another server may have taken
// over.
void SnapshotSpool::settle(Lsn position) {
  std::lock_guard lock(mutex_);
  bool is_ahead =
      std::ranges::any_of(ranges_, [&](const SpooledRange& range) { return range.end > position; });
  if (marked_.load() < position.value) {
    forget_locked();
  } else if (is_ahead) {
    std::vector<SpooledRange> ranges = std::exchange(ranges_, {});
    note(kFingerprint, fingerprint_);
    for (const SpooledRange& range : ranges) {
      if (range.end <= position) {
        note_range(range);
      }
    }
  }
  if (!is_removed_ && flush() && write_head(position)) {
    marked_ = position.value;
  }
}

// --- the snapshot ---

bool SnapshotSpool::begin(std::string_view fingerprint) {
  std::lock_guard lock(mutex_);
  if (is_removed_) {
    return false;
  }
  std::error_code error;
  if (fd_ < 0) {
    fs::create_directories(directory_, error);
    fd_ = ::open((directory_ + "/log").c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd_ < 0) {
      remove_locked();
      return false;
    }
    std::string changed = std::exchange(pending_, "");
    std::string body;
    append_fixed(table_, body);
    append_varint(key_.size(), body);
    for (const KeyColumn& column : key_) {
      append_bytes(column.name, body);
      append_fixed(column.type_oid, body);
    }
    append_bytes(description_, body);
    note(kDescribed, body);
    pending_ += changed;
  }
  if (fingerprint != fingerprint_) {
    forget_locked();
    fingerprint_ = fingerprint;
    note(kFingerprint, fingerprint_);
  }
  if (is_nearly_full(directory_)) {
    remove_locked();
  }
  return flush() && write_head(marked());
}

std::vector<SpooledRange> SnapshotSpool::ranges() const {
  std::lock_guard lock(mutex_);
  return ranges_;
}

std::string SnapshotSpool::key_columns() const {
  std::string columns;
  for (const KeyColumn& column : key_) {
    columns += (columns.empty() ? "(" : ", ") + quote_identifier(column.name);
  }
  return columns + ")";
}

Result<ChangedKeys> SnapshotSpool::changed_keys(const ReaderPlan& plan) const {
  std::unordered_set<std::string> different;
  {
    std::lock_guard lock(mutex_);
    std::optional<std::string> log;
    if (!is_removed_ && fd_ >= 0) {
      log = read_file(fd_, log_bytes_, kHeadBytes);
    }
    if (!log || log->size() != log_bytes_) {
      return Status::unavailable("what was kept of a snapshot that was cut off is gone");
    }
    size_t whole = for_each_record(*log + pending_, [&](char kind, std::string_view body) {
      if (kind == kChanged) {
        different.emplace(body);
      }
      return true;
    });
    if (whole != log_bytes_ + pending_.size()) {
      return Status::unavailable("what was kept of a snapshot that was cut off is damaged");
    }
  }
  return ChangedKeys::make(plan, different);
}

// --- ranges ---

std::unique_ptr<SnapshotSpool::Writer> SnapshotSpool::write_range() {
  std::lock_guard lock(mutex_);
  return is_removed_ || fd_ < 0 ? std::make_unique<Writer>()
                                : std::make_unique<Writer>(*this, next_file_++);
}

SnapshotSpool::Writer::Writer(const SnapshotSpool& spool, uint64_t file)
    : fd_(::open(spool.range_path(file).c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)),
      file_(file),
      is_whole_(fd_ >= 0) {}

SnapshotSpool::Writer::~Writer() {
  if (fd_ >= 0) {
    close(fd_);
  }
}

void SnapshotSpool::Writer::append(std::string_view bytes) {
  if (fd_ >= 0 && is_whole_) {
    buffer_ += bytes;
    is_whole_ = buffer_.size() < kPieceBytes || flush();
  }
}

bool SnapshotSpool::Writer::flush() {
  if (buffer_.empty()) {
    return true;
  }
  std::string header;
  append_fixed(crc32c(buffer_), header);
  append_fixed(static_cast<uint32_t>(buffer_.size()), header);
  bool is_written = write_at(fd_, header, bytes_) && write_at(fd_, buffer_, bytes_ + header.size());
  bytes_ += header.size() + buffer_.size();
  buffer_.clear();
  return is_written;
}

void SnapshotSpool::keep(Writer& writer, SpooledRange range) {
  if (writer.fd_ < 0) {
    return;
  }
  bool is_whole = writer.is_whole_ && writer.flush();
  range.file = writer.file_;
  range.bytes = writer.bytes_;
  std::lock_guard lock(mutex_);
  if (is_removed_) {
    return;
  }
  if (!is_whole || is_nearly_full(directory_)) {
    remove_locked();
    return;
  }
  note_range(range);
  flush();
}

void SnapshotSpool::note_range(const SpooledRange& range) {
  std::string body;
  append_fixed(range.part, body);
  append_fixed(range.first_page, body);
  append_fixed(range.end_page, body);
  append_fixed(range.end.value, body);
  append_fixed(range.file, body);
  append_fixed(range.bytes, body);
  note(kRange, body);
  ranges_.push_back(range);
}

SnapshotSpool::Reader::Reader(SnapshotSpool& spool, const SpooledRange& range)
    : spool_(spool),
      bytes_(range.bytes),
      fd_(::open(spool.range_path(range.file).c_str(), O_RDONLY | O_CLOEXEC)) {}

SnapshotSpool::Reader::~Reader() {
  if (fd_ >= 0) {
    close(fd_);
  }
}

Result<std::string_view> SnapshotSpool::Reader::next() {
  if (at_ == bytes_ && fd_ >= 0) {
    return std::string_view();
  }
  uint32_t header[2] = {};
  bool is_read = fd_ >= 0 && read_at(fd_, reinterpret_cast<char*>(header), kChunkHeaderBytes,
                                     at_) == static_cast<std::ptrdiff_t>(kChunkHeaderBytes);
  is_read = is_read && header[1] != 0 && header[1] <= bytes_ - at_ - kChunkHeaderBytes;
  if (is_read) {
    chunk_.resize(header[1]);
    is_read = read_at(fd_, chunk_.data(), chunk_.size(), at_ + kChunkHeaderBytes) ==
                  static_cast<std::ptrdiff_t>(chunk_.size()) &&
              crc32c(chunk_) == header[0];
  }
  if (!is_read) {
    spool_.remove();
    return Status::unavailable(
        "what was kept of a snapshot that was cut off is damaged; it is read from its start");
  }
  at_ += kChunkHeaderBytes + chunk_.size();
  return std::string_view(chunk_);
}

}  // namespace tidemark
