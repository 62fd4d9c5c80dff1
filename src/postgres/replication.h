#pragma once
// A stream of logical changes: START_REPLICATION's COPY BOTH, its framing, and how to read it so
// that the walsender stays fast.
//
// PostgreSQL 15 manual, "Streaming Replication Protocol":
//   server: 'w' start(8) end(8) time(8) payload      XLogData
//           'k' end(8) time(8) reply_requested(1)    primary keepalive
//   client: 'r' written(8) flushed(8) applied(8) time(8) reply_requested(1)   standby status update
//
// Reading: the walsender makes one send() a message, and a receiver that wakes for each of them
// slows it by a context switch a message. So while messages come in bursts without a gap (a
// backlog), let data gather for a moment and read it whole; otherwise wake at once.
//
// Thread rule: belongs to one thread.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "postgres/connection.h"
#include "types/lsn.h"

namespace tidemark {

class ReplicationStream {
 public:
  struct Message {
    std::string_view payload;    // empty for a keepalive; valid until the next call
    Lsn end;                     // keepalive: everything before it has been sent
    int64_t server_time_us = 0;  // since 2000-01-01
    bool is_keepalive = false;
    bool reply_requested = false;
  };

  // The connection must be in kReplication mode.
  explicit ReplicationStream(PostgresConnection connection);

  PostgresConnection& connection() { return connection_; }
  Status start(const std::string& sql);
  // The next message that has been received, without waiting.
  Result<std::optional<Message>> next();
  // Waits until there is something to read, `wake_fd` is readable or the time is up, and reads it.
  Status wait_and_read(int64_t time_us, int wake_fd);
  // Whether data comes faster than it would when woken for each message.
  bool is_behind() const { return behind_; }
  // Time since anything was received.
  int64_t silent_us() const;
  Status send_status(Lsn written, Lsn flushed, int64_t now_us, bool ask_for_reply);

 private:
  using Clock = std::chrono::steady_clock;

  PostgresConnection connection_;
  int64_t pause_us_;
  Clock::time_point last_received_ = Clock::now();
  Clock::time_point last_wake_ = Clock::now();
  uint32_t messages_since_read_ = 0;
  uint32_t quick_wakes_ = 0;
  uint32_t small_bursts_ = 0;
  uint32_t messages_in_burst_ = 0;
  bool behind_ = false;
};

}  // namespace tidemark
