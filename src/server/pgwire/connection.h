#pragma once
// One client's connection: startup, the simple and the extended query protocol, live queries.
//
// Two coroutines share a connection, both on the server's one socket thread: one reads bytes, so
// that a client that leaves is noticed while its statement runs; the other takes messages and
// answers them.
//
//   startup --> ready --> simple query / extended messages --> ready ... --> Terminate or a cut
//
// Thread rule: the socket thread only.

#include <boost/asio/awaitable.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "engine/engine.h"
#include "server/pgwire/message.h"
#include "server/worker_pool.h"

namespace tidemark::pgwire {

class Connection;
using Socket = boost::asio::generic::stream_protocol::socket;

// What all connections share. Owned by the server, outlives them.
struct Connections {
  // Shared with the wake functions of subscriptions, which the step thread may still be calling
  // when the server goes.
  std::shared_ptr<boost::asio::io_context> io;
  Engine& engine;
  WorkerPool& workers;
  std::map<int32_t, Connection*> open;  // by id, for cancel requests
  int32_t last_id = 0;
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  // Owned by its own coroutines from start() on.
  Connection(Socket socket, Connections& all);
  ~Connection();
  void start();
  // Ends the running statement, if any.
  void cancel();
  void close();

 private:
  template <typename T>
  using Awaitable = boost::asio::awaitable<T>;

  // A parsed statement of the extended protocol. Empty `statements`: the empty query.
  struct Prepared {
    std::string text;
    std::vector<sql::Statement> statements;
  };
  // An answer that is being sent. `row` is the next row of a complete one.
  struct Portal {
    std::shared_ptr<const Prepared> prepared;  // immutable: a portal outlives its statement's name
    std::optional<StatementResult> result;
    size_t row = 0;
  };

  Awaitable<void> read_input();
  Awaitable<void> serve();
  Awaitable<bool> start_session();
  Awaitable<bool> answer(Message message);
  void cancel_other(std::string_view body);

  Awaitable<void> simple_query(std::string text);
  Awaitable<bool> send_result(StatementResult result);
  Awaitable<bool> send_rows(const RowsResult& rows);
  Awaitable<bool> send_stream(StreamResult& stream);
  Awaitable<Status> pump(StreamResult& stream, class StreamWriter& writer);

  Awaitable<bool> extended(Message message);
  Awaitable<Status> parse(BodyReader body);
  Status bind(BodyReader body);
  Awaitable<Status> describe(BodyReader body);
  Awaitable<Status> execute_portal(BodyReader body);
  Awaitable<Status> run_portal(Portal& portal);
  void close_named(BodyReader body);
  void describe_result(const StatementResult& result);

  // Runs on a worker what may block, and waits for it.
  Awaitable<void> on_worker(std::function<void()> work);
  Awaitable<Result<StatementResult>> run(const sql::Statement& statement, const std::string& text);
  // The next message, whole; false: the connection is closed.
  Awaitable<bool> next_message(Message& message, bool startup);
  Awaitable<bool> flush();
  Awaitable<void> wait();
  void wake();
  void drop_input(size_t bytes);
  std::string zone() const;

  Connections& all_;
  Socket socket_;
  boost::asio::steady_timer wake_;     // what serve() waits on
  boost::asio::steady_timer drained_;  // what read_input() waits on while there is enough to do
  std::unique_ptr<Session> session_;
  std::string input_;
  std::string out_;
  int32_t id_ = 0;
  int32_t secret_ = 0;
  bool closed_ = false;
  bool working_ = false;    // a worker has the session
  bool busy_ = false;       // between a statement and its answer's end
  bool cancelled_ = false;  // the running statement
  bool failed_ = false;     // extended protocol: skip until Sync
  std::map<std::string, std::shared_ptr<const Prepared>, std::less<>> prepared_;
  std::map<std::string, Portal, std::less<>> portals_;
};

}  // namespace tidemark::pgwire
