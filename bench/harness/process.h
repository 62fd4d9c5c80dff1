#pragma once
// A measurement in a process of its own, and the memory of this one.

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>

#include <sys/wait.h>
#include <unistd.h>

namespace tidemark {

// A line of /proc/self/status, such as "VmHWM:", in MiB.
inline double status_mib(const char* name) {
  std::ifstream in("/proc/self/status");
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with(name)) {
      return std::strtod(line.c_str() + std::strlen(name) + 1, nullptr) / 1024;
    }
  }
  return 0;
}

// Calls f in a child that has all that this process has. Returns the child's wait status, 0 if f
// returned 0.
template <typename F>
int run_in_child(F&& f) {
  std::fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    int result = f();
    std::fflush(stdout);
    _exit(result);
  }
  int ended = 0;
  waitpid(child, &ended, 0);
  return ended;
}

}  // namespace tidemark
