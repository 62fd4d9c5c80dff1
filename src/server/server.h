#pragma once
// The PostgreSQL wire protocol in front of an engine, over a unix socket, a TCP address, or both.
//
// One thread runs all sockets; statements run on a pool of workers, because they may block. Each
// connection has its own Session and runs one statement at a time.
//
// Thread rule: made, stopped and destroyed by one thread, which is none of the server's own.

#include <cstdint>
#include <memory>
#include <string>

#include "base/status.h"
#include "server/tls_options.h"

namespace tidemark {

class Engine;

// What one client, and all together, may ask for.
struct ServerLimits {
  size_t connections_max = 5000;
  size_t message_bytes_max = 64 << 20;  // of one message; its statement and its parameters
  size_t prepared_max = 10'000;         // prepared statements of one connection
  int64_t startup_ms = 30'000;          // from the first byte to the end of authentication
  // Other machines are let in without TLS, and without a password if there is none.
  bool allows_insecure = false;
};

struct ListenOptions {
  // A directory: the socket in it is named ".s.PGSQL.<port>", as libpq looks for it. Empty: none.
  std::string socket_directory;
  // An address for TCP. Empty: none.
  std::string host;
  uint16_t port = 7432;  // 0, with TCP: any free port
  // An address for HTTP (server/http/). Empty: none.
  std::string http_host;
  uint16_t http_port = 0;  // 0: any free port
  TlsOptions tls;          // without a certificate: none
  ServerLimits limits;
};

class Server {
 public:
  // Listens from here on. The engine must outlive the server. An address that other machines reach
  // takes TLS and a user with a password, unless the limits allow it without.
  static Result<std::unique_ptr<Server>> start(Engine& engine, ListenOptions options);
  ~Server();  // cuts all connections, waits for their statements to end, removes the socket

  uint16_t port() const;
  uint16_t http_port() const;
  // Reads the files of TLS, which may be others now; of the limits those of connections and
  // messages are taken over. For connections from here on; an error changes nothing.
  Status reload(const TlsOptions& tls, const ServerLimits& limits);

 private:
  struct State;
  explicit Server(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// A fresh directory that only this user may enter, gone with the object.
class PrivateDirectory {
 public:
  static Result<PrivateDirectory> make();
  ~PrivateDirectory();
  PrivateDirectory(PrivateDirectory&& other) noexcept;
  PrivateDirectory& operator=(PrivateDirectory&& other) noexcept;
  const std::string& path() const { return path_; }

 private:
  explicit PrivateDirectory(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

}  // namespace tidemark
