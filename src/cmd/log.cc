#include "cmd/log.h"

#include <string>

#include <fmt/core.h>
#include <stdio.h>
#include <time.h>

namespace tidemark {

namespace {

std::string now_text() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  tm parts{};
  gmtime_r(&now.tv_sec, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", parts.tm_year + 1900,
                     parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                     now.tv_nsec / 1'000'000);
}

std::string json_string(std::string_view text) {
  std::string quoted = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      quoted += fmt::format("\\u{:04x}", static_cast<int>(c));
    } else {
      quoted += c;
    }
  }
  return quoted + "\"";
}

}  // namespace

void Log::write(std::string_view level, std::string_view text) const {
  if (format_ == LogFormat::kJson) {
    fmt::print(stderr, "{{\"time\":\"{}\",\"level\":\"{}\",\"message\":{}}}\n", now_text(), level,
               json_string(text));
  } else {
    fmt::print(stderr, "{} {}{}\n", now_text(), level == "info" ? "" : std::string(level) + ": ",
               text);
  }
}

}  // namespace tidemark
