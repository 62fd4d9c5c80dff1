#pragma once
// The server's log on standard error: one line an event, as logfmt or as JSON.
//
//   2026-01-02T03:04:05.678Z ready: 127.0.0.1:7432 and /tmp/.s.PGSQL.7432
//   {"time":"2026-01-02T03:04:05.678Z","level":"info","message":"ready: ..."}
//
// Errors of statements go to their clients, not here. Values of options are never written.

#include <string_view>

namespace tidemark {

enum class LogFormat { kText, kJson };

class Log {
 public:
  explicit Log(LogFormat format = LogFormat::kText) : format_(format) {}
  void info(std::string_view text) const { write("info", text); }
  void warning(std::string_view text) const { write("warning", text); }
  void error(std::string_view text) const { write("error", text); }

 private:
  void write(std::string_view level, std::string_view text) const;
  LogFormat format_;
};

}  // namespace tidemark
