#pragma once
// Standard output with a buffer of our own: written out when asked, and remembering when nobody
// reads any more.

#include <string>
#include <string_view>

namespace tidemark {

class Output {
 public:
  explicit Output(int fd) : fd_(fd) {}

  // Written out by flush(), or before when much has come together.
  std::string& buffer() { return buffer_; }
  void write(std::string_view text) { buffer_ += text; }
  void flush();
  void flush_if_large();
  // The reader has gone, or the disk is full: nothing more can be written.
  bool closed() const { return error_ != 0; }
  bool reader_gone() const;
  int error() const { return error_; }
  int fd() const { return fd_; }

 private:
  int fd_;
  std::string buffer_;
  int error_ = 0;
};

}  // namespace tidemark
