#include "server/server.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <thread>

#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/pgwire/connection.h"

namespace tidemark {

namespace asio = boost::asio;

namespace {

constexpr size_t kWorkersMax = 64;  // statements that may block at the same time
constexpr size_t kConnectionsMax = 5000;
constexpr std::chrono::milliseconds kAcceptPause{100};

using Tcp = asio::ip::tcp;
using Unix = asio::local::stream_protocol;

}  // namespace

namespace {

// A process that was killed leaves its socket's file, which nobody listens on.
void remove_dead_socket(const std::string& path) {
  asio::io_context io;
  Unix::socket socket(io);
  boost::system::error_code error;
  socket.connect(Unix::endpoint(path), error);
  if (error == asio::error::connection_refused) {
    unlink(path.c_str());
  }
}

}  // namespace

struct Server::State {
  explicit State(Engine& engine)
      : io(std::make_shared<asio::io_context>(1)),
        workers(kWorkersMax),
        all{.io = io, .engine = engine, .workers = workers, .open = {}},
        tcp(*io),
        local(*io) {}

  template <typename Acceptor>
  Status listen(Acceptor& acceptor, const typename Acceptor::endpoint_type& endpoint,
                std::string_view where);
  template <typename Acceptor>
  asio::awaitable<void> accept(Acceptor& acceptor);

  std::shared_ptr<asio::io_context> io;
  WorkerPool workers;
  pgwire::Connections all;
  Tcp::acceptor tcp;
  Unix::acceptor local;
  std::string socket_path;
  uint16_t port = 0;
  std::thread thread;
};

template <typename Acceptor>
Status Server::State::listen(Acceptor& acceptor, const typename Acceptor::endpoint_type& endpoint,
                             std::string_view where) {
  boost::system::error_code error;
  acceptor.open(endpoint.protocol(), error);
  if (!error) {
    acceptor.set_option(typename Acceptor::reuse_address(true), error);
    acceptor.bind(endpoint, error);
  }
  if (!error) {
    acceptor.listen(asio::socket_base::max_listen_connections, error);
  }
  if (error) {
    return Status::unavailable(fmt::format("cannot listen: {}: {}", error.message(), where));
  }
  asio::co_spawn(*io, accept(acceptor), asio::detached);
  return {};
}

template <typename Acceptor>
asio::awaitable<void> Server::State::accept(Acceptor& acceptor) {
  while (acceptor.is_open()) {
    auto [error, socket] = co_await acceptor.async_accept(asio::as_tuple(asio::use_awaitable));
    if (error == asio::error::operation_aborted) {
      co_return;
    }
    if (error) {  // out of file descriptors: a while later there may be some again
      asio::steady_timer pause(*io, kAcceptPause);
      co_await pause.async_wait(asio::as_tuple(asio::use_awaitable));
      continue;
    }
    if (all.open.size() >= kConnectionsMax) {
      continue;
    }
    boost::system::error_code ignored;
    if constexpr (std::is_same_v<Acceptor, Tcp::acceptor>) {
      socket.set_option(Tcp::no_delay(true), ignored);
    }
    std::make_shared<pgwire::Connection>(pgwire::Socket(std::move(socket)), all)->start();
  }
}

Server::Server(std::unique_ptr<State> state) : state_(std::move(state)) {}

Result<std::unique_ptr<Server>> Server::start(Engine& engine, ListenOptions options) {
  auto state = std::make_unique<State>(engine);
  state->port = options.port;
  if (!options.host.empty()) {
    boost::system::error_code error;
    asio::ip::address address = asio::ip::make_address(options.host, error);
    std::string where = fmt::format("{}:{}", options.host, options.port);
    if (error) {
      return Status::invalid_argument(fmt::format("cannot listen: {}: {}", error.message(), where));
    }
    TRY(state->listen(state->tcp, Tcp::endpoint(address, options.port), where));
    state->port = state->tcp.local_endpoint(error).port();
  }
  if (!options.socket_directory.empty()) {
    std::string path = fmt::format("{}/.s.PGSQL.{}", options.socket_directory, state->port);
    if (path.size() > 107) {  // unix(7): sun_path holds 108 bytes with the final zero
      return Status::invalid_argument("cannot listen: the path of the socket is too long: " + path);
    }
    remove_dead_socket(path);
    TRY(state->listen(state->local, Unix::endpoint(path), path));
    state->socket_path = path;
  }
  state->thread = std::thread([io = state->io] { io->run(); });
  return std::unique_ptr<Server>(new Server(std::move(state)));
}

Server::~Server() {
  asio::post(*state_->io, [state = state_.get()] {
    boost::system::error_code ignored;
    state->tcp.close(ignored);
    state->local.close(ignored);
    // A connection leaves the map when its last coroutine ends, which is not before this returns.
    for (auto [id, connection] : state->all.open) {
      connection->close();
    }
  });
  // The context runs out of work once every connection has ended.
  state_->thread.join();
  if (!state_->socket_path.empty()) {
    unlink(state_->socket_path.c_str());
  }
}

uint16_t Server::port() const {
  return state_->port;
}

}  // namespace tidemark
