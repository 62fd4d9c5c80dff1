#pragma once
// Named places where a test kills the process, as a power cut would: `tidemark serve --crash-at
// written:3` dies the third time that it comes past `written`. Without a name they cost a
// comparison.
//
// A simulation is told of every place instead, and kills by an exception: whoever is below it
// leaves things as a killed process does.
//
// Thread rule: any thread.

#include <atomic>
#include <functional>
#include <string>
#include <string_view>

namespace tidemark {

class CrashPoint {
 public:
  // "NAME:N"; empty: none.
  explicit CrashPoint(std::string_view text = {});
  explicit CrashPoint(std::function<void(std::string_view)> on_pass)
      : on_pass_(std::move(on_pass)) {}
  void pass(std::string_view name);

 private:
  std::string name_;
  std::atomic<int> left_{0};
  std::function<void(std::string_view)> on_pass_;
};

}  // namespace tidemark
