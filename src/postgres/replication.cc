#include "postgres/replication.h"

#include <bit>

#include <fmt/core.h>
#include <time.h>

namespace tidemark {

namespace {

// Measured with docs/postgres_cdc.md, "Reading the stream": a unix socket's buffer is small (208
// kB), so it must be emptied often; TCP with a large buffer is read best about once a millisecond.
constexpr int64_t kPauseUnixUs = 100;
constexpr int64_t kPauseTcpUs = 700;
constexpr int kTcpReceiveBufferBytes = 4 << 20;
// A wake this soon after the last one counts as quick; so many in a row mean a backlog. A commit
// alone makes three or four messages, so normal traffic stays below.
constexpr int64_t kQuickWakeUs = 60;
constexpr uint32_t kQuickWakesToBehind = 48;
// A burst with fewer messages than this is small; so many in a row end the backlog.
constexpr uint32_t kSmallBurstMessages = 4;
constexpr uint32_t kSmallBurstsToIdle = 3;

uint64_t read_u64(std::string_view bytes, size_t at) {
  uint64_t value;
  std::memcpy(&value, bytes.data() + at, 8);
  return std::byteswap(value);
}

void append_u64(std::string& out, uint64_t value) {
  value = std::byteswap(value);
  out.append(reinterpret_cast<const char*>(&value), 8);
}

void pause(int64_t us) {
  timespec time{.tv_sec = 0, .tv_nsec = us * 1000};
  nanosleep(&time, nullptr);
}

}  // namespace

ReplicationStream::ReplicationStream(PostgresConnection connection)
    : connection_(std::move(connection)),
      pause_us_(connection_.is_unix_socket() ? kPauseUnixUs : kPauseTcpUs) {
  if (!connection_.is_unix_socket()) {
    connection_.set_receive_buffer(kTcpReceiveBufferBytes);
  }
}

Status ReplicationStream::start(const std::string& sql) {
  last_received_ = Clock::now();
  behind_ = false;
  return connection_.start_copy_both(sql);
}

Result<std::optional<ReplicationStream::Message>> ReplicationStream::next() {
  std::optional<std::string_view> bytes = TRY(connection_.buffered_copy_message());
  if (!bytes) {
    return std::optional<Message>();
  }
  ++messages_since_read_;
  Message message;
  if ((*bytes)[0] == 'w' && bytes->size() >= 25) {
    message.end = Lsn{read_u64(*bytes, 9)};
    message.server_time_us = static_cast<int64_t>(read_u64(*bytes, 17));
    message.payload = bytes->substr(25);
    return std::optional(message);
  }
  if ((*bytes)[0] == 'k' && bytes->size() >= 18) {
    message.end = Lsn{read_u64(*bytes, 1)};
    message.server_time_us = static_cast<int64_t>(read_u64(*bytes, 9));
    message.reply_requested = (*bytes)[17] != 0;
    message.is_keepalive = true;
    return std::optional(message);
  }
  return Status::corruption(
      fmt::format("unknown message in the replication stream: kind {}, {} bytes",
                  static_cast<int>((*bytes)[0]), bytes->size()));
}

Status ReplicationStream::wait_and_read(int64_t time_us, int wake_fd) {
  uint32_t messages = std::exchange(messages_since_read_, 0);
  if (messages != 0) {
    last_received_ = Clock::now();
  }
  if (behind_) {
    messages_in_burst_ += messages;
    if (messages != 0) {  // libpq reads a part of what the socket holds
      return connection_.consume_input();
    }
    small_bursts_ = messages_in_burst_ < kSmallBurstMessages ? small_bursts_ + 1 : 0;
    messages_in_burst_ = 0;
    if (small_bursts_ < kSmallBurstsToIdle) {
      pause(pause_us_);
      return connection_.consume_input();
    }
    behind_ = false;
    quick_wakes_ = 0;
    return {};  // the caller hands out what it gathered before it waits
  }
  bool readable = TRY(connection_.wait_readable(time_us, wake_fd));
  if (!readable) {
    return {};
  }
  Clock::time_point now = Clock::now();
  bool quick = now - last_wake_ < std::chrono::microseconds(kQuickWakeUs);
  last_wake_ = now;
  quick_wakes_ = quick ? quick_wakes_ + 1 : 0;
  if (quick_wakes_ >= kQuickWakesToBehind) {
    behind_ = true;
    small_bursts_ = 0;
    messages_in_burst_ = 0;
  }
  return connection_.consume_input();
}

int64_t ReplicationStream::silent_us() const {
  return std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - last_received_)
      .count();
}

Status ReplicationStream::send_status(Lsn written, Lsn flushed, int64_t now_us,
                                      bool ask_for_reply) {
  std::string message = "r";
  append_u64(message, written.value);
  append_u64(message, flushed.value);
  append_u64(message, flushed.value);
  append_u64(message, static_cast<uint64_t>(now_us));
  message += static_cast<char>(ask_for_reply ? 1 : 0);
  return connection_.send_copy_message(message);
}

}  // namespace tidemark
