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

namespace tidemark {

class Engine;

struct ListenOptions {
  // A directory: the socket in it is named ".s.PGSQL.<port>", as libpq looks for it. Empty: none.
  std::string socket_directory;
  // An address for TCP. Empty: none.
  std::string host;
  uint16_t port = 7432;  // 0, with TCP: any free port
};

class Server {
 public:
  // Listens from here on. The engine must outlive the server.
  static Result<std::unique_ptr<Server>> start(Engine& engine, ListenOptions options);
  ~Server();  // cuts all connections, waits for their statements to end, removes the socket

  uint16_t port() const;

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
