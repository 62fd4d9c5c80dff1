#include "tests/harness/postgres_cluster.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace tidemark {

namespace {

namespace fs = std::filesystem;

std::string find_binaries() {
  if (const char* given = getenv("TIDEMARK_TEST_POSTGRES_BIN")) {
    return given;
  }
  std::vector<std::string> found;
  for (const auto& entry : fs::directory_iterator("/usr/lib/postgresql")) {
    if (fs::exists(entry.path() / "bin" / "initdb")) {
      found.push_back(entry.path() / "bin");
    }
  }
  std::ranges::sort(found);
  CHECK(!found.empty());
  return found.back();
}

std::string free_port() {
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  CHECK(bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  socklen_t size = sizeof address;
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  close(fd);
  return std::to_string(ntohs(address.sin_port));
}

// Starts a program, as user postgres where we are root (the server refuses root). Its output goes
// to `log`.
pid_t spawn(const std::vector<std::string>& arguments, const std::string& log) {
  const passwd* user = geteuid() == 0 ? getpwnam("postgres") : nullptr;
  CHECK(geteuid() != 0 || user != nullptr);
  pid_t pid = fork();
  if (pid != 0) {
    return pid;
  }
  if (user != nullptr && (setgid(user->pw_gid) != 0 || setuid(user->pw_uid) != 0)) {
    _exit(126);
  }
  prctl(PR_SET_PDEATHSIG, SIGQUIT);  // the server does not outlive a test program that crashes
  int fd = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  dup2(fd, 1);
  dup2(fd, 2);
  std::vector<char*> argv;
  for (const std::string& argument : arguments) {
    argv.push_back(const_cast<char*>(argument.c_str()));
  }
  argv.push_back(nullptr);
  execv(argv[0], argv.data());
  _exit(127);
}

bool run_to_end(const std::vector<std::string>& arguments, const std::string& log) {
  int status = 0;
  return waitpid(spawn(arguments, log), &status, 0) > 0 && WIFEXITED(status) &&
         WEXITSTATUS(status) == 0;
}

}  // namespace

std::string PostgresCluster::binary(const std::string& name) const {
  return bin_ + "/" + name;
}

PostgresCluster::PostgresCluster(ClusterOptions options)
    : bin_(find_binaries()), options_(std::move(options)) {
  std::string pattern = (fs::temp_directory_path() / "tidemark_pg_XXXXXX").string();
  CHECK(mkdtemp(pattern.data()) != nullptr);
  directory_ = pattern;
  if (const passwd* user = geteuid() == 0 ? getpwnam("postgres") : nullptr) {
    CHECK(chown(directory_.c_str(), user->pw_uid, user->pw_gid) == 0);
  }
  std::vector<std::string> initdb = {
      binary("initdb"), "-D",         directory_ + "/data", "-U", "postgres", "-E",
      "UTF8",           "--locale=C", "--no-sync",          "-A", "trust"};
  CHECK(run_to_end(initdb, directory_ + "/log"));
  port_ = free_port();
  {
    std::ofstream conf(directory_ + "/data/postgresql.conf", std::ios::app);
    conf << "\nport = " << port_ << "\nunix_socket_directories = '" << directory_
         << "'\nlisten_addresses = '127.0.0.1'\n"
         << "wal_level = logical\nfsync = " << (options_.fsync ? "on" : "off")
         << "\nmax_wal_senders = 20\nmax_replication_slots = 20\nmax_connections = "
            "100\nshared_buffers = 64MB\n"
         << "password_encryption = 'scram-sha-256'\n"  // PostgreSQL 13 has md5
         << "log_line_prefix = '%m [%p] '\ndynamic_shared_memory_type = posix\n";
    for (const std::string& setting : options_.settings) {
      conf << setting << "\n";
    }
    std::ofstream hba(directory_ + "/data/pg_hba.conf");
    hba << "local all all trust\nlocal replication all trust\nhost all all 127.0.0.1/32 "
           "scram-sha-256\n"
        << "host replication all 127.0.0.1/32 scram-sha-256\n";
  }
  start();
  run("ALTER ROLE postgres PASSWORD 'postgres'");
}

PostgresCluster::~PostgresCluster() {
  stop();
  std::error_code ignored;
  fs::remove_all(directory_, ignored);
}

void PostgresCluster::start() {
  CHECK(pid_ < 0);
  pid_ = spawn({binary("postgres"), "-D", directory_ + "/data"}, directory_ + "/log");
  auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!PostgresConnection::open(address()).ok()) {
    CHECK(std::chrono::steady_clock::now() < deadline);
    int status = 0;
    CHECK(waitpid(pid_, &status, WNOHANG) == 0);
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

void PostgresCluster::stop() {
  if (pid_ > 0) {
    kill(pid_, SIGQUIT);
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = -1;
  }
}

PostgresAddress PostgresCluster::address(const std::string& database) const {
  PostgresAddress address;
  address.host = directory_;
  address.port = port_;
  address.database = database;
  address.user = "postgres";
  address.password = "postgres";
  return address;
}

PostgresConnection PostgresCluster::connect(const std::string& database) {
  Result<PostgresConnection> connection = PostgresConnection::open(address(database));
  if (!connection.ok()) {
    fmt::print(stderr, "{}\n", connection.status().to_string());
  }
  CHECK(connection.ok());
  return std::move(connection).value();
}

void PostgresCluster::run(const std::string& sql, const std::string& database) {
  Status status = connect(database).execute(sql);
  if (!status.ok()) {
    fmt::print(stderr, "{}: {}\n", sql, status.to_string());
  }
  CHECK(status.ok());
}

std::string PostgresCluster::value(const std::string& sql, const std::string& database) {
  Result<QueryResult> result = connect(database).query(sql);
  if (!result.ok()) {
    fmt::print(stderr, "{}: {}\n", sql, result.status().to_string());
  }
  CHECK(result.ok());
  return result->rows() == 0 ? "" : std::string(result->text(0, 0));
}

int PostgresCluster::server_version() {
  return connect().server_version();
}

std::string PostgresCluster::make_database() {
  std::string name = fmt::format("test_{}", ++databases_);
  run("CREATE DATABASE " + name + " TEMPLATE template0");
  return name;
}

PostgresCluster& shared_cluster() {
  static PostgresCluster cluster;
  return cluster;
}

}  // namespace tidemark
