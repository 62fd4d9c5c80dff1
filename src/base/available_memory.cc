#include "base/available_memory.h"

#include <algorithm>
#include <fstream>

#include <unistd.h>

namespace tidemark {

uint64_t available_memory() {
  uint64_t bytes = static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) *
                   static_cast<uint64_t>(sysconf(_SC_PAGE_SIZE));
  for (const char* path :
       {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
    std::ifstream file(path);
    uint64_t limit = 0;
    if (file >> limit && limit != 0) {
      bytes = std::min(bytes, limit);
    }
  }
  return bytes;
}

}  // namespace tidemark
