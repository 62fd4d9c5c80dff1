#pragma once
// Files of one INSERT in a directory, each of them there exactly once and whole, whatever dies and
// when.
//
//   write    .part-<job>-<n>.json.inprogress   hidden; n counts up
//   roll     the file has its size or age: the next change begins another
//   prepare  sync of the files and of the directory; the token has their numbers and lengths
//   commit   those that are ended: rename to part-<job>-<n>.json, sync of the directory
//
// restore() cuts the file that was being written to its length in the token, and removes hidden
// files of this INSERT that the token does not name: what they held comes again. A file that is
// ended and is not there under either name was taken away by a reader; it is not made again.
//
// Token: version 1; number of the next file varint; files that are ended: count varint, then number
// and length varint each; 1 if one is being written: number, length varint, begin 8.

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "connectors/sink.h"
#include "formats/row_encoder.h"

namespace tidemark {

struct FileSinkOptions {
  std::string directory;
  std::string name;       // in the files' names
  std::string extension;  // without the dot
  uint64_t size_max = 128 << 20;
  int64_t age_max_us = 60'000'000;
  CrashPoint* crash = nullptr;  // may be null
};

class FileSink final : public Sink {
 public:
  FileSink(FileSinkOptions options, std::unique_ptr<RowEncoder> encoder);
  ~FileSink() override;

  Status check() override;
  Status restore(std::string_view token) override;
  Status write(const SinkChanges& update) override;
  Result<std::string> prepare() override;
  Status commit(std::string_view token) override;
  std::optional<int64_t> due_us() const override;
  Status finish() override;

 private:
  struct OpenFile {
    uint64_t number = 0;
    uint64_t length = 0;
    int64_t began_us = 0;
  };
  // What a token says.
  struct Files {
    uint64_t next = 1;
    std::map<uint64_t, uint64_t> ended;  // number, length
    std::optional<OpenFile> open;
  };
  static std::string encode(const Files& files);
  static Result<Files> decode(std::string_view token);

  std::string shown_path(uint64_t number) const;
  std::string hidden_path(uint64_t number) const;
  bool is_old(const OpenFile& file, int64_t now_us) const;
  Status begin_file();
  Status end_file();
  Status reopen(const OpenFile& file);
  // Hidden files that `kept` does not name go.
  Status remove_others(const Files& kept);
  Status show(uint64_t number, uint64_t length);
  Status sync_file(int fd, const std::string& path);
  Status sync_directory();
  void close_file();
  void pass(std::string_view crash_point);

  const FileSinkOptions options_;
  const std::unique_ptr<RowEncoder> encoder_;
  Files files_;
  Files committed_;            // by the newest token that was committed
  uint64_t first_own_ = 1;     // files from here on were begun since restore(): not shown by others
  int fd_ = -1;                // of files_.open
  bool is_synced_ = true;      // all of files_.open
  bool is_dir_synced_ = true;  // the names of all of files_
  std::string buffer_;
};

}  // namespace tidemark
