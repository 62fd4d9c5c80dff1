// A library for LD_PRELOAD: a disk whose syncs fail while the file that $TIDEMARK_FAILING_SYNC
// names is there. As with a real one, what was written since the last sync that succeeded is lost
// with the first that fails: the file ends there again, and no later sync of it succeeds.

#include <cerrno>
#include <cstdlib>
#include <map>
#include <mutex>
#include <set>
#include <utility>

#include <dlfcn.h>
#include <sys/stat.h>
#include <unistd.h>

namespace {

using File = std::pair<dev_t, ino_t>;

struct Disk {
  std::mutex mutex;  // guards all below
  std::map<File, off_t> synced;
  std::set<File> lost;
};

Disk& disk() {
  static Disk* disk = new Disk;  // syncs may come until the process has ended
  return *disk;
}

bool is_failing() {
  const char* path = getenv("TIDEMARK_FAILING_SYNC");
  return path != nullptr && access(path, F_OK) == 0;
}

int sync(int fd, const char* function) {
  auto real = reinterpret_cast<int (*)(int)>(dlsym(RTLD_NEXT, function));
  struct stat info = {};
  if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
    return real(fd);
  }
  File file(info.st_dev, info.st_ino);
  std::lock_guard lock(disk().mutex);
  if (is_failing() && disk().lost.insert(file).second) {
    // Not one that is open for reading only.
    static_cast<void>(ftruncate(fd, disk().synced[file]) == 0);
  }
  if (disk().lost.contains(file)) {
    errno = EIO;
    return -1;
  }
  int status = real(fd);
  if (status == 0) {
    disk().synced[file] = info.st_size;
  }
  return status;
}

}  // namespace

extern "C" int fsync(int fd) {
  return sync(fd, "fsync");
}
extern "C" int fdatasync(int fd) {
  return sync(fd, "fdatasync");
}
