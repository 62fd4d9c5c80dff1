#pragma once
// One connection to a PostgreSQL server. This folder is the only one that knows libpq; errors come
// back as Status, with the server's SQLSTATE beside it.
//
// Thread rule: a connection belongs to one thread at a time; only cancel() may come from another.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/status.h"
#include "postgres/address.h"

struct pg_conn;
struct pg_result;

namespace tidemark {

class Interrupt;

// The rows of one statement, and what the server said about it.
class QueryResult {
 public:
  explicit QueryResult(pg_result* result);
  ~QueryResult();
  QueryResult(QueryResult&& other) noexcept;
  QueryResult& operator=(QueryResult&& other) noexcept;

  size_t rows() const;
  size_t columns() const;
  bool is_null(size_t row, size_t column) const;
  // Valid as long as this object. NULL reads as "".
  std::string_view text(size_t row, size_t column) const;
  int64_t integer(size_t row, size_t column) const;  // 0 if it is not one
  bool boolean(size_t row, size_t column) const { return text(row, column) == "t"; }
  std::string_view column_name(size_t column) const;
  uint32_t column_oid(size_t column) const;
  int32_t column_modifier(size_t column) const;
  // "INSERT 0 1", "SELECT 5"
  std::string_view command_tag() const;
  // False for statements that return no rows at all, as opposed to none this time.
  bool has_columns() const { return columns() != 0; }

 private:
  pg_result* result_;
};

// A server's notice or warning.
struct PostgresNotice {
  std::string severity;  // not translated: "NOTICE", "WARNING"
  std::string sqlstate;
  std::string message;
  std::string hint;
};

enum class ConnectionMode : uint8_t {
  kPlain,        // the session as the server makes it
  kSource,       // settings under which texts mean the same on every server, and no time limits
  kReplication,  // a walsender, with the same settings for texts
};

class PostgresConnection {
 public:
  // An interrupt, if given, must outlive the connection; it ends every wait with kCancelled.
  static Result<PostgresConnection> open(const PostgresAddress& address,
                                         ConnectionMode mode = ConnectionMode::kPlain,
                                         const Interrupt* interrupt = nullptr);
  ~PostgresConnection();
  PostgresConnection(PostgresConnection&&) noexcept;
  PostgresConnection& operator=(PostgresConnection&&) noexcept;

  // 150020 for 15.20; compare with 14'00'00.
  int server_version() const;
  bool is_unix_socket() const;
  bool is_broken() const;
  // The server process that serves this connection.
  int backend_pid() const;
  std::string parameter(std::string_view name) const;
  int socket() const;
  // The SQLSTATE of the last error, "" if it did not come from the server.
  const std::string& sqlstate() const { return sqlstate_; }
  // Where the last error is in the statement: 1-based, in characters; 0 if it has no place.
  size_t error_position() const { return error_position_; }

  // Runs one statement, or several without parameters; the last one's result.
  Result<QueryResult> query(const std::string& sql);
  Result<QueryResult> query(const std::string& sql, std::span<const std::string> parameters);
  Status execute(const std::string& sql);

  // Result by result: send, then next_result until it gives nullopt. row_by_row (straight after
  // send) makes a result of each row, for answers that never end.
  Status send(const std::string& sql);
  Status row_by_row();
  Result<std::optional<QueryResult>> next_result();
  // As next_result, but reads only what the socket has: not ready when the next result is not there
  // yet. Every read takes in ParameterStatus messages up to that result.
  struct Polled {
    bool ready = false;
    std::optional<QueryResult> result;
  };
  Result<Polled> poll_result();
  void on_notice(std::function<void(const PostgresNotice&)> handler);

  // COPY ... TO STDOUT: after start_copy, messages until nullopt. A message is valid until the next
  // call.
  Status start_copy(const std::string& sql);
  Result<std::optional<std::string_view>> next_copy_message();
  // The same as bytes: puts what has come into `room`, message after message, the last one cut
  // where it is full, and waits if there is none. How many bytes; 0: that was all.
  Result<size_t> next_copy_bytes(std::span<char> room);

  // COPY BOTH, as START_REPLICATION begins it.
  Status start_copy_both(const std::string& sql);
  // The next message that libpq already holds, without reading from the socket.
  Result<std::optional<std::string_view>> buffered_copy_message();
  Status send_copy_message(std::string_view bytes);
  // Reads what the socket has; does not wait.
  Status consume_input();
  // Waits for the socket, the interrupt, `also_fd` (-1: none) or the time. True if the socket has
  // data.
  Result<bool> wait_readable(int64_t time_us, int also_fd = -1);

  // Waits are not ended by the interrupt any more: for the last words.
  void ignore_interrupt() { interrupt_ = nullptr; }

  // Asks the server to cancel what this connection is doing.
  void cancel();
  // Grows the receive buffer of a TCP socket.
  void set_receive_buffer(int bytes);

 private:
  explicit PostgresConnection(pg_conn* connection, const Interrupt* interrupt);
  Status connection_error(std::string_view attempt);
  Status result_error(const pg_result* result);
  Status flush();
  Status gather_input();
  Result<pg_result*> wait_for_result();
  Result<QueryResult> collect_results();

  struct CopyBuffer {
    void operator()(char* bytes) const;
  };

  pg_conn* connection_ = nullptr;
  const Interrupt* interrupt_ = nullptr;
  std::string sqlstate_;
  size_t error_position_ = 0;
  std::unique_ptr<char, CopyBuffer> copy_message_;
  bool has_read_ = false;    // messages of a COPY since libpq read from the socket
  bool is_flowing_ = false;  // they came since the last wait
  // On the heap, so that libpq's pointer to it survives a move.
  std::unique_ptr<std::function<void(const PostgresNotice&)>> notice_handler_;
};

// What the caller can do about a server's error.
StatusCode status_code_of_sqlstate(std::string_view sqlstate);

}  // namespace tidemark
