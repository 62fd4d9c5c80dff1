#pragma once
// The most memory that a process has of its own while this lives: anonymous pages, looked at every
// 5 ms.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <fstream>
#include <string>
#include <thread>

#include <fmt/core.h>
#include <sys/types.h>

namespace tidemark {

class PeakMemory {
 public:
  explicit PeakMemory(pid_t pid)
      : thread_([this, pid](const std::stop_token& stop) {
          while (!stop.stop_requested()) {
            bytes_ = std::max(bytes_.load(), own_bytes(pid));
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
          }
        }) {}
  uint64_t bytes() const { return bytes_; }

 private:
  // proc(5): RssAnon of /proc/PID/status, in kB.
  static uint64_t own_bytes(pid_t pid) {
    std::ifstream status(fmt::format("/proc/{}/status", pid));
    std::string name;
    uint64_t value = 0;
    while (status >> name && name != "RssAnon:") {
    }
    status >> value;
    return value << 10;
  }

  std::atomic<uint64_t> bytes_ = 0;
  std::jthread thread_;
};

}  // namespace tidemark
