#pragma once
// A file system of its own at a directory, in memory, for tests of a full disk. Mounting needs
// root; a test that is not allowed to is skipped, which is an error where CI=true.

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>

#include <fmt/core.h>
#include <sys/mount.h>

namespace tidemark {

class SmallDisk {
 public:
  // `size` as mount has it: "48m". Makes the directory.
  SmallDisk(std::string path, const std::string& size) : path_(std::move(path)) {
    std::filesystem::create_directories(path_);
    if (mount("tmpfs", path_.c_str(), "tmpfs", 0, ("size=" + size).c_str()) != 0) {
      why_ = fmt::format("cannot mount a small file system: {}", strerror(errno));
    }
  }
  // Whoever uses it may still run. The directory goes too.
  ~SmallDisk() {
    if (is_mounted()) {
      umount2(path_.c_str(), MNT_DETACH);
    }
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  bool is_mounted() const { return why_.empty(); }
  const std::string& why() const { return why_; }
  const std::string& path() const { return path_; }

  void fill() {
    std::ofstream file(filler(), std::ios::binary);
    std::string block(1 << 12, 'f');
    while (file.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) {
    }
  }
  void make_room() { std::filesystem::remove(filler()); }

 private:
  std::string filler() const { return path_ + "/.filler"; }

  std::string path_;
  std::string why_;  // it is not mounted
};

}  // namespace tidemark
