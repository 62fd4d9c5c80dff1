#include "base/file_io.h"

#include <filesystem>

#include <errno.h>
#include <sys/statvfs.h>
#include <unistd.h>

namespace tidemark {

bool write_at(int fd, std::string_view bytes, uint64_t offset) {
  size_t done = 0;
  while (done < bytes.size()) {
    ssize_t written =
        pwrite(fd, bytes.data() + done, bytes.size() - done, static_cast<off_t>(offset + done));
    if (written < 0 && errno == EINTR) {
      continue;
    }
    if (written <= 0) {
      return false;
    }
    done += static_cast<size_t>(written);
  }
  return true;
}

std::ptrdiff_t read_at(int fd, char* out, size_t size, uint64_t offset) {
  size_t done = 0;
  while (done < size) {
    ssize_t got = pread(fd, out + done, size - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got < 0) {
      return -1;
    }
    if (got == 0) {
      break;
    }
    done += static_cast<size_t>(got);
  }
  return static_cast<std::ptrdiff_t>(done);
}

bool is_nearly_full(const std::string& path) {
  constexpr uint64_t kFreeShare = 10;
  struct statvfs info = {};
  std::filesystem::path place = path;
  while (statvfs(place.c_str(), &info) != 0 && place.has_relative_path()) {
    place = place.parent_path();
  }
  return info.f_bavail < info.f_blocks / kFreeShare;
}

}  // namespace tidemark
