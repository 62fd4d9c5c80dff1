#pragma once
// Named places where a test kills the process, as a power cut would: `tidemark serve --crash-at
// written:3` dies the third time that it comes past `written`. Without a name they cost a
// comparison.
//
// Thread rule: any thread.

#include <atomic>
#include <string>
#include <string_view>

namespace tidemark {

class CrashPoint {
 public:
  // "NAME:N"; empty: none.
  explicit CrashPoint(std::string_view text = {});
  void pass(std::string_view name);

 private:
  std::string name_;
  std::atomic<int> left_{0};
};

}  // namespace tidemark
