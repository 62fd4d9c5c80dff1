#pragma once
// `tidemark serve` as a process of its own, with a data directory that outlives it; killed as tests
// like.

#include <string>
#include <vector>

#include <sys/types.h>

#include "postgres/connection.h"

namespace tidemark {

class ServeProcess {
 public:
  // Makes a directory for data, socket and log.
  ServeProcess();
  ~ServeProcess();
  ServeProcess(const ServeProcess&) = delete;
  ServeProcess& operator=(const ServeProcess&) = delete;

  // Starts and waits until it listens; false if it died first (a crash point, a bad data
  // directory). Flags come after `serve`.
  bool start(const std::vector<std::string>& flags = {});
  void signal(int number);
  void kill();  // -9, and waits for its end
  // SIGTERM, and waits; the exit status.
  int stop();
  // Waits for an end that comes by itself; the signal that ended it, 0 if it exited.
  int wait();
  bool is_running();
  pid_t pid() const { return pid_; }

  PostgresConnection connect();
  // Tries once.
  Result<PostgresConnection> try_connect();
  const std::string& directory() const { return directory_; }
  // Of the unix socket, which is in directory(), for programs; empty: it does not listen.
  std::string port() const;
  std::string data_directory() const { return directory_ + "/data"; }
  std::string log() const;

 private:
  std::string directory_;
  pid_t pid_ = -1;
};

// The rows of a query, each as text with | between cells, sorted.
std::vector<std::string> sorted_rows(PostgresConnection& connection, const std::string& sql);

}  // namespace tidemark
