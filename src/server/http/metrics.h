#pragma once
// What the server counts, and all that is measured as Prometheus reads it (its documentation,
// "Text-based format", version 0.0.4).

#include <array>
#include <cstdint>
#include <string>

#include "base/status.h"

namespace tidemark {
class Session;
}

namespace tidemark::http {

// Thread rule: the socket thread.
class ServerMetrics {
 public:
  // Upper bounds of the buckets of statements' times; the last one has none.
  static constexpr std::array<int64_t, 12> kBounds_us = {
      100, 250, 500, 1000, 2500, 5000, 10'000, 50'000, 100'000, 500'000, 1'000'000, 10'000'000};

  void count_statement(int64_t time_us);
  void count_error() { ++errors_; }
  void count_refused() { ++refused_; }
  void count_point_read() { ++point_reads_; }
  void append(std::string& out, size_t connections) const;

 private:
  std::array<uint64_t, kBounds_us.size() + 1> buckets_{};
  uint64_t statements_ = 0, errors_ = 0, refused_ = 0, point_reads_ = 0;
  int64_t total_us_ = 0;
};

// Views, sources and operators, asked of the system tables. May block.
Result<std::string> engine_metrics(Session& session);
// A line per view that shows nothing yet, or nothing any more; empty: all are ready. May block.
Result<std::string> unready_views(Session& session);

}  // namespace tidemark::http
