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

#include "auth/scram.h"
#include "base/thread_priority.h"
#include "engine/engine.h"
#include "engine/step_loop.h"
#include "server/give_way.h"
#include "server/http/http_server.h"
#include "server/pgwire/connection.h"
#include "server/tls.h"

namespace tidemark {

namespace asio = boost::asio;

namespace {

constexpr size_t kWorkersMax = 64;  // statements that may block at the same time
constexpr std::chrono::milliseconds kAcceptPause{100};
constexpr size_t kReadBytes = 64 << 10;
constexpr size_t kHttpConnectionsMax = 64;
constexpr size_t kRefusalsMax = 200;  // so many beyond the limit are told, at the same time

using Tcp = asio::ip::tcp;
using Unix = asio::local::stream_protocol;

}  // namespace

namespace {

bool is_loopback(const asio::ip::address& address) {
  return address.is_loopback() ||
         (address.is_v6() && address.to_v6().is_v4_mapped() &&
          asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).is_loopback());
}

// Other machines could read along and come in.
Status check_open_address(const ListenOptions& options, const Engine& engine) {
  if (options.limits.allows_insecure) {
    return {};
  }
  bool has_tls = !options.tls.certificate_file.empty();
  if (has_tls && engine.users().has_passwords()) {
    return {};
  }
  return Status::invalid_argument(
             fmt::format("will not listen on {}, which other machines reach: {}", options.host,
                         has_tls ? "no user has a password" : "without TLS"))
      .with_hint(has_tls ? "CREATE USER name PASSWORD '...' first, while it listens on 127.0.0.1; "
                           "--allow-insecure-listen does without"
                         : "give --tls-cert and --tls-key; --allow-insecure-listen does without");
}

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
        all{.io = io,
            .engine = engine,
            .workers = workers,
            .limits = {},
            .tls = nullptr,
            .mock_secret = random_bytes(32),
            .open = {},
            .scratch = std::string(kReadBytes, '\0'),
            .metrics = {}},
        tcp(*io),
        http(*io),
        local(*io) {}

  template <typename Acceptor>
  Status listen(Acceptor& acceptor, const typename Acceptor::endpoint_type& endpoint,
                std::string_view where);
  template <typename Acceptor>
  asio::awaitable<void> accept(Acceptor& acceptor);
  asio::awaitable<void> accept_http();

  std::shared_ptr<asio::io_context> io;
  WorkerPool workers;
  pgwire::Connections all;
  Tcp::acceptor tcp;
  Tcp::acceptor http;
  Unix::acceptor local;
  std::string socket_path;
  size_t http_connections = 0;
  uint16_t port = 0;
  uint16_t http_port = 0;
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
  return {};
}

asio::awaitable<void> Server::State::accept_http() {
  while (http.is_open()) {
    auto [error, socket] = co_await http.async_accept(asio::as_tuple(asio::use_awaitable));
    if (error == asio::error::operation_aborted) {
      co_return;
    }
    if (!error && http_connections < kHttpConnectionsMax) {
      ++http_connections;
      asio::co_spawn(*io, http::serve(std::move(socket), all),
                     [this](const std::exception_ptr&) { --http_connections; });
    }
  }
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
    if (all.open.size() >= all.limits.connections_max + kRefusalsMax) {
      all.metrics.count_refused();
      continue;
    }
    boost::system::error_code ignored;
    bool is_local = true;
    if constexpr (std::is_same_v<Acceptor, Tcp::acceptor>) {
      socket.set_option(Tcp::no_delay(true), ignored);
      is_local = is_loopback(socket.remote_endpoint(ignored).address());
    }
    std::make_shared<pgwire::Connection>(pgwire::Socket(std::move(socket)), is_local, all)->start();
  }
}

Server::Server(std::unique_ptr<State> state) : state_(std::move(state)) {}

Result<std::unique_ptr<Server>> Server::start(Engine& engine, ListenOptions options) {
  auto state = std::make_unique<State>(engine);
  state->port = options.port;
  state->all.limits = options.limits;
  if (!options.tls.certificate_file.empty()) {
    state->all.tls = TRY(make_tls(options.tls));
  }
  if (!options.host.empty()) {
    boost::system::error_code error;
    asio::ip::address address = asio::ip::make_address(options.host, error);
    std::string where = fmt::format("{}:{}", options.host, options.port);
    if (error) {
      return Status::invalid_argument(fmt::format("cannot listen: {}: {}", error.message(), where));
    }
    if (!is_loopback(address)) {
      TRY(check_open_address(options, engine));
    }
    TRY(state->listen(state->tcp, Tcp::endpoint(address, options.port), where));
    asio::co_spawn(*state->io, state->accept(state->tcp), asio::detached);
    state->port = state->tcp.local_endpoint(error).port();
  }
  if (!options.socket_directory.empty()) {
    std::string path = fmt::format("{}/.s.PGSQL.{}", options.socket_directory, state->port);
    if (path.size() > 107) {  // unix(7): sun_path holds 108 bytes with the final zero
      return Status::invalid_argument("cannot listen: the path of the socket is too long: " + path);
    }
    remove_dead_socket(path);
    TRY(state->listen(state->local, Unix::endpoint(path), path));
    asio::co_spawn(*state->io, state->accept(state->local), asio::detached);
    state->socket_path = path;
  }
  if (!options.http_host.empty()) {
    boost::system::error_code error;
    asio::ip::address address = asio::ip::make_address(options.http_host, error);
    std::string where = fmt::format("http {}:{}", options.http_host, options.http_port);
    if (error) {
      return Status::invalid_argument(fmt::format("cannot listen: {}: {}", error.message(), where));
    }
    TRY(state->listen(state->http, Tcp::endpoint(address, options.http_port), where));
    state->http_port = state->http.local_endpoint(error).port();
    asio::co_spawn(*state->io, state->accept_http(), asio::detached);
  }
  state->thread = std::thread([io = state->io, &engine] {
    lower_thread_priority();
    run_giving_way(*io, engine.step_loop().backlog(), real_pace());
  });
  return std::unique_ptr<Server>(new Server(std::move(state)));
}

Server::~Server() {
  asio::post(*state_->io, [state = state_.get()] {
    boost::system::error_code ignored;
    state->tcp.close(ignored);
    state->http.close(ignored);
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

Status Server::reload(const TlsOptions& tls, const ServerLimits& limits) {
  std::shared_ptr<asio::ssl::context> context;
  if (!tls.certificate_file.empty()) {
    context = TRY(make_tls(tls));
  }
  asio::post(*state_->io, [state = state_.get(), context = std::move(context), limits] {
    state->all.tls = context;
    state->all.limits.connections_max = limits.connections_max;
    state->all.limits.message_bytes_max = limits.message_bytes_max;
  });
  return {};
}

uint16_t Server::http_port() const {
  return state_->http_port;
}

uint16_t Server::port() const {
  return state_->port;
}

}  // namespace tidemark
