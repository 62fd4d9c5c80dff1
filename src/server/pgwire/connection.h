#pragma once
// One client's connection: startup, the simple and the extended query protocol, live queries.
//
// Two coroutines share a connection once it is open, both on the server's one socket thread: one
// reads bytes, so that a client that leaves is noticed while its statement runs; the other takes
// messages and answers them.
//
//   startup (TLS, authentication) --> ready --> simple query / extended messages --> ready ...
//   --> Terminate or a cut
//
// Parts: startup.cc, simple.cc, extended.cc, execute.cc (portals), cursor.cc, copy.cc.
//
// Thread rule: the socket thread only.

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "engine/engine.h"
#include "server/http/metrics.h"
#include "server/pgwire/channel.h"
#include "server/pgwire/message.h"
#include "server/pgwire/portal.h"
#include "server/pgwire/request.h"
#include "server/server.h"
#include "server/worker_pool.h"

namespace tidemark::pgwire {

class Connection;
class CopyFormat;

// What all connections share. Owned by the server, outlives them.
struct Connections {
  // Shared with the wake functions of subscriptions, which the step thread may still be calling
  // when the server goes.
  std::shared_ptr<boost::asio::io_context> io;
  Engine& engine;
  WorkerPool& workers;
  ServerLimits limits;
  // Null: no TLS. Shared: a connection goes on with the certificate that it began with.
  std::shared_ptr<boost::asio::ssl::context> tls;
  std::string mock_secret;              // of answers to users that do not exist
  std::map<int32_t, Connection*> open;  // by id, for cancel requests
  int32_t last_id = 0;
  std::string scratch;  // of reads
  http::ServerMetrics metrics;
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  // Owned by its own coroutines from start() on.
  Connection(Socket socket, bool is_local, Connections& all);
  ~Connection();
  void start();
  // Ends the running statement, if any.
  void cancel();
  void close();

 private:
  template <typename T>
  using Awaitable = boost::asio::awaitable<T>;
  class Busy;

  Awaitable<void> read_input();
  Awaitable<void> serve();
  Awaitable<bool> answer(Message message);

  // startup.cc
  Awaitable<bool> start_session();
  Awaitable<std::optional<Message>> first_message();
  Awaitable<bool> answer_tls_request();
  Awaitable<bool> authenticate(const std::string& user);
  Awaitable<bool> authenticate_scram(const std::string& user);
  Awaitable<std::optional<std::string>> password_message();
  Awaitable<bool> refuse(const Status& status);
  Status take_startup_options(const std::map<std::string, std::string>& options);
  void cancel_other(std::string_view body);
  void write_greeting();
  void close_unless_started();

  // simple.cc
  Awaitable<void> simple_query(std::string text);
  // False: an error was sent, or nobody is there.
  Awaitable<bool> run_simple(const sql::Statement& statement, const std::string& text);

  // extended.cc
  Awaitable<bool> extended(Message message);
  Awaitable<Status> parse(std::string_view body);
  Status bind(std::string_view body);
  Status take_parameters(const BindRequest& request, Portal& portal);
  Status describe(std::string_view body);
  void describe_rows(const StatementShape& shape, const ResultFormats& formats, Portal* portal);
  Awaitable<Status> execute_message(std::string_view body);
  Status close_named(std::string_view body);

  // execute.cc
  // Runs the portal's statement unless it has run.
  Awaitable<Status> run_portal(Portal& portal, const sql::Statement& statement,
                               const std::string& text);
  // Sends rows of an answer, all or up to rows_max (0: all). False: nobody is there, or cancelled.
  Awaitable<Status> send_portal(Portal& portal, size_t rows_max);
  Awaitable<Status> send_rows(const RowBatch& rows, size_t from, size_t to,
                              const ResultFormats& formats);
  Awaitable<Status> send_stream(Portal& portal, size_t rows_max);
  // Waits until rows of a live query can be read; false: it has ended. deadline_us: no later than
  // this (0: at once, negative: whenever).
  Awaitable<Result<bool>> next_rows(Portal& portal, int64_t deadline_us);
  Awaitable<void> renew(const Prepared& prepared);
  void open_stream(Portal& portal);
  void end_portals();
  void write_freshness(const RowsResult& rows);

  // cursor.cc
  Awaitable<Result<StatementResult>> declare(const sql::DeclareCursor& declare,
                                             const std::string& text, Parameters* parameters);
  Awaitable<Result<StatementResult>> fetch(const sql::Fetch& fetch);
  Awaitable<Result<RowsResult>> fetch_live(Portal& portal, const sql::Fetch& fetch);
  Result<StatementResult> close_cursor(const sql::CloseCursor& close);
  Result<StatementResult> discard(const sql::DiscardAll& statement);
  Result<StatementResult> deallocate(const sql::Deallocate& statement);
  // KILL n: cuts another connection.
  Result<StatementResult> kill(const sql::Kill& statement);
  Result<Portal*> find_cursor(const std::string& name, size_t position);

  // copy.cc
  Awaitable<Status> copy(const sql::Copy& copy, const std::string& text, Parameters* parameters);
  Awaitable<Status> copy_rows(const RowBatch& rows, const CopyFormat& format);

  // Runs on a worker what may block, and waits for it.
  Awaitable<void> on_worker(std::function<void()> work);
  // The engine's statements, and those about cursors.
  Awaitable<Result<StatementResult>> run(const sql::Statement& statement, const std::string& text,
                                         Parameters* parameters);
  // The next message, whole; false: the connection is closed.
  Awaitable<bool> next_message(Message& message);
  Awaitable<bool> flush();
  Awaitable<void> wait();
  void wake();
  void begin_statement();
  void end_statement();
  Status cancelled_status() const;
  void fail(const Status& status, std::string_view text);
  void drop_input(size_t bytes);
  void report_settings();
  void write_parameter(const std::string& name, std::string value);
  std::string zone() const;

  Connections& all_;
  Channel channel_;
  boost::asio::steady_timer wake_;      // what serve() waits on
  bool is_woken_ = false;               // since the last wait: it may have been busy with writing
  boost::asio::steady_timer drained_;   // what read_input() waits on while there is enough to do
  boost::asio::steady_timer deadline_;  // of the startup, then of the running statement
  std::unique_ptr<Session> session_;    // from the end of the startup on
  std::string input_;
  std::string out_;
  int32_t id_ = 0;
  std::string secret_;
  bool closed_ = false;
  bool working_ = false;     // a worker has the session
  bool busy_ = false;        // between a statement and its answer's end
  bool cancelled_ = false;   // the running statement
  bool timed_out_ = false;   // by its deadline
  bool failed_ = false;      // extended protocol: skip until Sync
  int64_t began_us_ = 0;     // the running statement
  uint64_t statements_ = 0;  // begun; tells a deadline whether its statement still runs
  std::map<std::string, std::shared_ptr<const Prepared>, std::less<>> prepared_;
  std::map<std::string, Portal, std::less<>> portals_;
  std::map<std::string, std::string> reported_;  // ParameterStatus as the client knows it
  Lsn told_mark_;                                // freshness in reported_
  int64_t told_published_us_ = 0;
};

// While one lives, the connection runs a statement.
class Connection::Busy {
 public:
  explicit Busy(Connection& connection) : connection_(connection) { connection_.begin_statement(); }
  ~Busy() { connection_.end_statement(); }
  Busy(const Busy&) = delete;
  Busy& operator=(const Busy&) = delete;

 private:
  Connection& connection_;
};

constexpr size_t kOutBytes = 256 << 10;  // one write; also what a slow reader can make us hold

}  // namespace tidemark::pgwire
