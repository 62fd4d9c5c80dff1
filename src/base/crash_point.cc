#include "base/crash_point.h"

#include <charconv>

#include <signal.h>
#include <unistd.h>

namespace tidemark {

CrashPoint::CrashPoint(std::string_view text) {
  size_t colon = text.find(':');
  name_ = text.substr(0, colon);
  int times = 1;
  if (colon != std::string_view::npos) {
    std::from_chars(text.data() + colon + 1, text.data() + text.size(), times);
  }
  left_ = times;
}

void CrashPoint::pass(std::string_view name) {
  if (on_pass_) {
    on_pass_(name);
  }
  if (!name_.empty() && name == name_ && --left_ == 0) {
    kill(getpid(), SIGKILL);
    pause();  // until it arrives
  }
}

}  // namespace tidemark
