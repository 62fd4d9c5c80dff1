#include "base/available_memory.h"

#include <algorithm>
#include <fstream>
#include <string_view>

#include <malloc.h>
#include <unistd.h>

// jemalloc's, if the program is linked with it.
extern "C" __attribute__((weak)) int mallctl(const char* name, void* old_value, size_t* old_size,
                                             void* new_value, size_t new_size);

namespace tidemark {

namespace {

// The least that the group or one above it allows. A group of another namespace is not found, nor
// are those above it: the root is what this process sees of them.
uint64_t limit_on_path(const std::string& root, std::string path, const char* name) {
  uint64_t least = UINT64_MAX;
  while (true) {
    std::ifstream file(root + path + "/" + name);
    uint64_t limit = 0;
    if (file >> limit && limit != 0) {  // "max" is no number
      least = std::min(least, limit);
    }
    if (path.empty() || path == "/") {
      return least;
    }
    path.resize(path.rfind('/'));
  }
}

}  // namespace

uint64_t group_memory_limit(const std::string& groups_file, const std::string& root) {
  uint64_t least = std::min(limit_on_path(root, "", "memory.max"),
                            limit_on_path(root + "/memory", "", "memory.limit_in_bytes"));
  std::ifstream groups(groups_file);
  // hierarchy:controllers:path
  for (std::string line; std::getline(groups, line);) {
    size_t first = line.find(':');
    size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos || line[second + 1] != '/' ||
        line.find("..", second) != std::string::npos) {
      continue;
    }
    std::string_view controllers = std::string_view(line).substr(first + 1, second - first - 1);
    std::string path = line.substr(second + 1);
    if (controllers.empty()) {
      least = std::min(least, limit_on_path(root, path, "memory.max"));
    } else if (("," + std::string(controllers) + ",").find(",memory,") != std::string::npos) {
      least = std::min(least, limit_on_path(root + "/memory", path, "memory.limit_in_bytes"));
    }
  }
  return least;
}

uint64_t available_memory() {
  uint64_t bytes = static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) *
                   static_cast<uint64_t>(sysconf(_SC_PAGE_SIZE));
  return std::min(bytes, group_memory_limit("/proc/self/cgroup", "/sys/fs/cgroup"));
}

uint64_t own_memory() {
  std::ifstream statm("/proc/self/statm");  // proc(5): size, resident, shared, in pages
  uint64_t size = 0, resident = 0, shared = 0;
  statm >> size >> resident >> shared;
  return (resident - std::min(shared, resident)) * static_cast<uint64_t>(sysconf(_SC_PAGE_SIZE));
}

void give_back_free_memory() {
  if (mallctl != nullptr) {
    mallctl("arena.4096.purge", nullptr, nullptr, nullptr, 0);  // jemalloc(3): MALLCTL_ARENAS_ALL
  } else {
    malloc_trim(0);
  }
}

}  // namespace tidemark
