#pragma once
// A throw-away PostgreSQL cluster: a temporary directory, a free port, a unix socket, stopped and
// removed when the object ends. TIDEMARK_TEST_POSTGRES_BIN names the folder of other binaries to
// use.

#include <cstdint>
#include <string>
#include <vector>

#include <sys/types.h>

#include "postgres/connection.h"

namespace tidemark {

struct ClusterOptions {
  std::vector<std::string> settings;  // "max_replication_slots = 2"
  bool fsync = false;
};

class PostgresCluster {
 public:
  explicit PostgresCluster(ClusterOptions options = {});
  ~PostgresCluster();
  PostgresCluster(const PostgresCluster&) = delete;
  PostgresCluster& operator=(const PostgresCluster&) = delete;

  // Over the unix socket, as user "postgres" (password "postgres"; the socket trusts).
  PostgresAddress address(const std::string& database = "postgres") const;
  const std::string& socket_directory() const { return directory_; }
  const std::string& port() const { return port_; }
  int server_version();

  // Each aborts the test program on error: the harness itself must work.
  PostgresConnection connect(const std::string& database = "postgres");
  void run(const std::string& sql, const std::string& database = "postgres");
  std::string value(const std::string& sql, const std::string& database = "postgres");
  // A database of its own for one test; names repeat per process only with the counter.
  std::string make_database();

  void stop();   // immediate: as a crash, without a word to the clients
  void start();  // again, on the same port

 private:
  std::string binary(const std::string& name) const;

  std::string directory_;
  std::string port_;
  std::string bin_;
  ClusterOptions options_;
  pid_t pid_ = -1;
  int databases_ = 0;
};

// One cluster for all tests of the program that do not stop it.
PostgresCluster& shared_cluster();

}  // namespace tidemark
