// The COPY half of PostgresConnection: messages out of COPY TO STDOUT and both ways of replication.

#include <algorithm>

#include <libpq-fe.h>
#include <poll.h>
#include <time.h>

#include "postgres/connection.h"
#include "postgres/interrupt.h"

namespace tidemark {

namespace {

constexpr size_t kCopyBytesMax = 1 << 30;  // libpq counts in int

}  // namespace

Status PostgresConnection::start_copy(const std::string& sql) {
  TRY(send(sql));
  pg_result* raw = TRY(wait_for_result());
  QueryResult result(raw);
  ExecStatusType state = PQresultStatus(raw);
  if (state == PGRES_COPY_OUT || state == PGRES_COPY_BOTH) {
    return {};
  }
  Status failed = result_error(raw);
  while (raw != nullptr && !is_broken()) {
    raw = TRY(wait_for_result());
    PQclear(raw);
  }
  return failed;
}

Status PostgresConnection::start_copy_both(const std::string& sql) {
  return start_copy(sql);
}

Result<std::optional<std::string_view>> PostgresConnection::buffered_copy_message() {
  char* bytes = nullptr;
  int size = PQgetCopyData(connection_, &bytes, 1);
  copy_message_.reset(bytes);
  if (size > 0) {
    return std::optional(std::string_view(bytes, static_cast<size_t>(size)));
  }
  if (size == 0) {
    return std::optional<std::string_view>();
  }
  // The copy is over: the server's reason is in the result that follows.
  pg_result* raw = TRY(wait_for_result());
  QueryResult result(raw);
  if (raw != nullptr && PQresultStatus(raw) == PGRES_FATAL_ERROR) {
    return result_error(raw);
  }
  return Status::unavailable("the server ended the stream");
}

Result<std::optional<std::string_view>> PostgresConnection::next_copy_message() {
  for (;;) {
    char* bytes = nullptr;
    int size = PQgetCopyData(connection_, &bytes, 1);
    copy_message_.reset(bytes);
    if (size > 0) {
      has_read_ = true;
      return std::optional(std::string_view(bytes, static_cast<size_t>(size)));
    }
    if (size < 0) {
      TRY(collect_results());  // the command's own result: an error if the copy broke off
      return std::optional<std::string_view>();
    }
    TRY(gather_input());
  }
}

// PQgetlineAsync is of an older interface than PQgetCopyData (PostgreSQL 15 manual, "Obsolete
// Functions for COPY"), and the one that copies into a buffer of ours: the other allocates memory
// for each row.
Result<size_t> PostgresConnection::next_copy_bytes(std::span<char> room) {
  size_t filled = 0;
  for (;;) {
    int size = PQgetlineAsync(connection_, room.data() + filled,
                              static_cast<int>(std::min(room.size() - filled, kCopyBytesMax)));
    if (size > 0) {
      filled += static_cast<size_t>(size);
      has_read_ = true;
      if (filled == room.size()) {
        return filled;
      }
    } else if (filled != 0) {
      return filled;
    } else if (size < 0) {
      TRY(collect_results());
      return size_t{0};
    } else {
      TRY(gather_input());
    }
  }
}

// Reads on, waiting if there is nothing. The server sends 8 kB at a time, and a reader that wakes
// for each takes the core from it; so when all that had come is read, more is let gather for a
// moment.
Status PostgresConnection::gather_input() {
  constexpr timespec kPause{.tv_sec = 0, .tv_nsec = 1'000'000};  // a unix socket holds more
  if (std::exchange(has_read_, false)) {
    is_flowing_ = true;
    return consume_input();  // libpq reads a part of what the socket holds
  }
  if (std::exchange(is_flowing_, false)) {
    nanosleep(&kPause, nullptr);
  }
  Result<bool> readable = wait_readable(-1);
  if (!readable.ok()) {
    cancel();
    return std::move(readable).status();
  }
  return consume_input();
}

Status PostgresConnection::send_copy_message(std::string_view bytes) {
  if (PQputCopyData(connection_, bytes.data(), static_cast<int>(bytes.size())) < 0) {
    return connection_error("cannot send to the server");
  }
  return flush();
}

Status PostgresConnection::consume_input() {
  if (PQconsumeInput(connection_) == 0) {
    return connection_error("the connection to the server was lost");
  }
  return {};
}

Result<bool> PostgresConnection::wait_readable(int64_t time_us, int also_fd) {
  pollfd waits[3] = {
      {.fd = socket(), .events = POLLIN, .revents = 0},
      {.fd = interrupt_ == nullptr ? -1 : interrupt_->fd(), .events = POLLIN, .revents = 0},
      {.fd = also_fd, .events = POLLIN, .revents = 0}};
  timespec time{.tv_sec = time_us / 1'000'000, .tv_nsec = time_us % 1'000'000 * 1000};
  int ready = ppoll(waits, 3, time_us < 0 ? nullptr : &time, nullptr);
  if (interrupt_ != nullptr && interrupt_->requested()) {
    return Status::cancelled("interrupted while waiting for the server");
  }
  return ready > 0 && waits[0].revents != 0;
}

}  // namespace tidemark
