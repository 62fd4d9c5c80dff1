#include "connectors/filesystem/file_sink.h"

#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <vector>

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/file_io.h"
#include "types/datetime.h"

namespace tidemark {

namespace {

constexpr uint8_t kTokenVersion = 1;

// What the user does about it is at the machine: free the disk, give a right. Tried again.
Status failed(std::string_view doing, const std::string& path) {
  return Status::unavailable(fmt::format("cannot {}: {}: {}", doing, strerror(errno), path));
}

// The file's length; -1: there is none.
int64_t length_of(const std::string& path) {
  struct stat info {};
  return stat(path.c_str(), &info) == 0 ? info.st_size : -1;
}

}  // namespace

FileSink::FileSink(FileSinkOptions options, std::unique_ptr<RowEncoder> encoder)
    : options_(std::move(options)), encoder_(std::move(encoder)) {}

FileSink::~FileSink() {
  close_file();
}

void FileSink::pass(std::string_view crash_point) {
  if (options_.crash != nullptr) {
    options_.crash->pass(crash_point);
  }
}

std::string FileSink::shown_path(uint64_t number) const {
  return fmt::format("{}/part-{}-{}.{}", options_.directory, options_.name, number,
                     options_.extension);
}

std::string FileSink::hidden_path(uint64_t number) const {
  return fmt::format("{}/.part-{}-{}.{}.inprogress", options_.directory, options_.name, number,
                     options_.extension);
}

std::string FileSink::encode(const Files& files) {
  std::string token;
  append_fixed(kTokenVersion, token);
  append_varint(files.next, token);
  append_varint(files.ended.size(), token);
  for (const auto& [number, length] : files.ended) {
    append_varint(number, token);
    append_varint(length, token);
  }
  append_fixed(static_cast<uint8_t>(files.open.has_value()), token);
  if (files.open) {
    append_varint(files.open->number, token);
    append_varint(files.open->length, token);
    append_fixed(files.open->began_us, token);
  }
  return token;
}

Result<FileSink::Files> FileSink::decode(std::string_view token) {
  Files files;
  if (token.empty()) {
    return files;
  }
  ByteReader in(token);
  if (in.fixed<uint8_t>() != kTokenVersion) {
    in.fail();
  }
  files.next = in.varint();
  for (uint64_t left = in.varint(); left != 0 && !in.failed(); --left) {
    uint64_t number = in.varint();
    files.ended[number] = in.varint();
  }
  if (in.fixed<uint8_t>() != 0) {
    files.open.emplace();
    files.open->number = in.varint();
    files.open->length = in.varint();
    files.open->began_us = in.fixed<int64_t>();
  }
  if (!in.at_end()) {
    return Status::corruption("what a sink of files remembers cannot be read");
  }
  return files;
}

Status FileSink::check() {
  std::error_code error;
  std::filesystem::create_directories(options_.directory, error);
  if (error) {
    return Status::invalid_argument(fmt::format("cannot make the directory of 'path': {}: {}",
                                                error.message(), options_.directory));
  }
  if (!std::filesystem::is_directory(options_.directory, error)) {
    return Status::invalid_argument(
        fmt::format("'path' is not a directory: {}", options_.directory));
  }
  if (access(options_.directory.c_str(), W_OK | X_OK) != 0) {
    return Status::invalid_argument(fmt::format("cannot write in the directory of 'path': {}: {}",
                                                strerror(errno), options_.directory))
        .with_hint("the user that runs the program needs the right to write there");
  }
  return {};
}

Status FileSink::restore(std::string_view token) {
  close_file();
  files_ = TRY(decode(token));
  first_own_ = files_.next;
  std::error_code error;
  std::filesystem::create_directories(options_.directory, error);
  TRY(remove_others(files_));
  is_synced_ = true;
  is_dir_synced_ = true;
  if (files_.open) {
    TRY(reopen(*files_.open));
  }
  return {};
}

Status FileSink::reopen(const OpenFile& file) {
  std::string path = hidden_path(file.number);
  int64_t length = length_of(path);
  if (length < 0 && length_of(shown_path(file.number)) == static_cast<int64_t>(file.length)) {
    files_.open.reset();  // the job was being stopped
    return {};
  }
  if (length < static_cast<int64_t>(file.length)) {
    return Status::corruption(fmt::format("a file that is being written has lost what was in it: "
                                          "{} bytes instead of {}: {}",
                                          std::max<int64_t>(length, 0), file.length, path))
        .with_hint("STOP JOB ends the job; what it has shown stays");
  }
  fd_ = open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (fd_ < 0) {
    return failed("open a file", path);
  }
  if (ftruncate(fd_, static_cast<off_t>(file.length)) != 0) {
    return failed("cut a file", path);
  }
  is_synced_ = false;
  return {};
}

Status FileSink::remove_others(const Files& kept) {
  std::string prefix = fmt::format(".part-{}-", options_.name);
  std::error_code error;
  std::filesystem::directory_iterator entries(options_.directory, error);
  if (error) {
    return Status::unavailable(
        fmt::format("cannot read a directory: {}: {}", error.message(), options_.directory));
  }
  for (const auto& entry : entries) {
    std::string name = entry.path().filename();
    if (!name.starts_with(prefix)) {
      continue;
    }
    uint64_t number = 0;
    std::from_chars(name.data() + prefix.size(), name.data() + name.size(), number);
    bool is_kept = kept.ended.contains(number) || (kept.open && kept.open->number == number);
    if (!is_kept && unlink(entry.path().c_str()) != 0 && errno != ENOENT) {
      return failed("remove a file", entry.path());
    }
  }
  return {};
}

bool FileSink::is_old(const OpenFile& file, int64_t now_us) const {
  return now_us >= file.began_us + options_.age_max_us || now_us < file.began_us;
}

std::optional<int64_t> FileSink::due_us() const {
  if (!files_.open || options_.age_max_us == 0) {
    return std::nullopt;
  }
  return files_.open->began_us + options_.age_max_us;
}

Status FileSink::begin_file() {
  std::string path = hidden_path(files_.next);
  fd_ = open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd_ < 0) {
    return failed("make a file", path);
  }
  files_.open = OpenFile{.number = files_.next++, .began_us = now_us()};
  is_dir_synced_ = false;
  return {};
}

Status FileSink::write(const SinkChanges& update) {
  buffer_.clear();
  TRY(encoder_->encode(update.changes, update.mark, buffer_));
  if (!files_.open) {
    TRY(begin_file());
  }
  pass("sink_write");
  if (!write_at(fd_, buffer_, files_.open->length)) {
    return failed("write a file", hidden_path(files_.open->number));
  }
  files_.open->length += buffer_.size();
  is_synced_ = false;
  pass("sink_written");
  return files_.open->length >= options_.size_max ? end_file() : Status();
}

// No more is written to it; it is shown with the next commit.
Status FileSink::end_file() {
  TRY(sync_file(fd_, hidden_path(files_.open->number)));
  files_.ended[files_.open->number] = files_.open->length;
  close_file();
  files_.open.reset();
  is_synced_ = true;
  return {};
}

Result<std::string> FileSink::prepare() {
  if (files_.open && is_old(*files_.open, now_us())) {
    TRY(end_file());
  }
  if (files_.open && !is_synced_) {
    TRY(sync_file(fd_, hidden_path(files_.open->number)));
    is_synced_ = true;
  }
  if (!is_dir_synced_) {
    TRY(sync_directory());
    is_dir_synced_ = true;
  }
  return encode(files_);
}

Status FileSink::commit(std::string_view token) {
  Files committed = TRY(decode(token));
  for (const auto& [number, length] : committed.ended) {
    if (files_.ended.contains(number)) {
      TRY(show(number, length));
    }
  }
  if (!committed.ended.empty()) {
    TRY(sync_directory());
  }
  for (const auto& [number, length] : committed.ended) {
    files_.ended.erase(number);
  }
  committed_ = std::move(committed);
  return {};
}

Status FileSink::show(uint64_t number, uint64_t length) {
  std::string hidden = hidden_path(number);
  int64_t there = length_of(hidden);
  if (there < 0 && number < first_own_) {
    return {};  // it was shown before
  }
  if (there != static_cast<int64_t>(length)) {
    return Status::corruption(
        fmt::format("a file that was ended has another length: {} bytes "
                    "instead of {}: {}",
                    std::max<int64_t>(there, 0), length, hidden));
  }
  pass("sink_rename");
  if (rename(hidden.c_str(), shown_path(number).c_str()) != 0) {
    return failed("rename a file", hidden);
  }
  pass("sink_renamed");
  return {};
}

Status FileSink::finish() {
  close_file();
  if (committed_.open) {
    const OpenFile& file = *committed_.open;
    std::string path = hidden_path(file.number);
    if (length_of(path) > static_cast<int64_t>(file.length) &&
        truncate(path.c_str(), static_cast<off_t>(file.length)) != 0) {
      return failed("cut a file", path);
    }
    TRY(show(file.number, file.length));
  }
  TRY(remove_others(Files()));
  return sync_directory();
}

Status FileSink::sync_file(int fd, const std::string& path) {
  pass("sink_sync");
  if (fsync(fd) != 0) {
    return failed("sync a file", path);
  }
  pass("sink_synced");
  return {};
}

Status FileSink::sync_directory() {
  int fd = open(options_.directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  bool is_synced = fd >= 0 && fsync(fd) == 0;
  Status status = is_synced ? Status() : failed("sync a directory", options_.directory);
  if (fd >= 0) {
    close(fd);
  }
  return status;
}

void FileSink::close_file() {
  if (fd_ >= 0) {
    close(std::exchange(fd_, -1));
  }
}

}  // namespace tidemark
