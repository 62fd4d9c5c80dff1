#include "tests/harness/serve_process.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/harness/paths.h"

namespace tidemark {

namespace {

std::string read_from(const std::string& path, size_t offset) {
  std::ifstream file(path, std::ios::binary);
  file.seekg(static_cast<std::streamoff>(offset));
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

ServeProcess::ServeProcess() {
  std::string path = std::filesystem::temp_directory_path() / "tidemark_serve.XXXXXX";
  CHECK(mkdtemp(path.data()) != nullptr);
  directory_ = path;
}

ServeProcess::~ServeProcess() {
  kill();
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

bool ServeProcess::start(const std::vector<std::string>& flags) {
  CHECK(pid_ < 0);
  const char* binary = getenv("TIDEMARK_TEST_BINARY");
  std::vector<std::string> arguments = {binary != nullptr ? binary : tidemark_binary(),
                                        "serve",
                                        "--data-dir",
                                        data_directory(),
                                        "--socket-dir",
                                        directory_,
                                        "--listen",
                                        "127.0.0.1:0"};
  arguments.insert(arguments.end(), flags.begin(), flags.end());
  std::error_code ignored;
  std::filesystem::remove(directory_ + "/ready", ignored);
  std::string log_path = directory_ + "/log";
  size_t log_before = std::filesystem::exists(log_path) ? std::filesystem::file_size(log_path) : 0;
  pid_ = fork();
  if (pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int fd = open(log_path.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    dup2(fd, 1);
    dup2(fd, 2);
    std::vector<char*> argv;
    for (std::string& argument : arguments) {
      argv.push_back(argument.data());
    }
    argv.push_back(nullptr);
    execv(argv[0], argv.data());
    _exit(127);
  }
  // Ready is when the log says so: the socket's file may be one that a killed process left.
  auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (std::chrono::steady_clock::now() < deadline) {
    if (read_from(log_path, log_before).find("ready: ") != std::string::npos) {
      return true;
    }
    if (!is_running()) {
      return false;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  ADD_FAILURE() << "tidemark serve does not begin\n" << log();
  return false;
}

bool ServeProcess::is_running() {
  if (pid_ < 0) {
    return false;
  }
  siginfo_t info{};
  return waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
         info.si_pid == 0;
}

void ServeProcess::signal(int number) {
  CHECK(pid_ > 0);
  ::kill(pid_, number);
}

void ServeProcess::kill() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    wait();
  }
}

int ServeProcess::stop() {
  signal(SIGTERM);
  int status = 0;
  waitpid(pid_, &status, 0);
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int ServeProcess::wait() {
  int status = 0;
  waitpid(pid_, &status, 0);
  pid_ = -1;
  return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

Result<PostgresConnection> ServeProcess::try_connect() {
  for (const auto& entry : std::filesystem::directory_iterator(directory_)) {
    std::string name = entry.path().filename();
    if (name.starts_with(".s.PGSQL.")) {
      Result<PostgresConnection> connection = PostgresConnection::open(
          {.host = directory_, .port = name.substr(9), .database = "tidemark", .user = "tidemark"});
      if (connection.ok()) {
        return connection;
      }
    }
  }
  return Status::unavailable("nobody listens in " + directory_);
}

PostgresConnection ServeProcess::connect() {
  Result<PostgresConnection> connection = try_connect();
  if (!connection.ok()) {
    ADD_FAILURE() << connection.status().to_string() << "\n" << log();
  }
  CHECK(connection.ok());
  return std::move(connection).value();
}

std::string ServeProcess::port() const {
  constexpr std::string_view kPrefix = ".s.PGSQL.";
  for (const auto& entry : std::filesystem::directory_iterator(directory_)) {
    std::string name = entry.path().filename();
    if (name.starts_with(kPrefix)) {
      return name.substr(kPrefix.size());
    }
  }
  return "";
}

std::string ServeProcess::log() const {
  return read_from(directory_ + "/log", 0);
}

std::vector<std::string> sorted_rows(PostgresConnection& connection, const std::string& sql) {
  std::vector<std::string> rows;
  Result<QueryResult> result = connection.query(sql);
  if (!result.ok()) {
    rows.push_back("error: " + result.status().to_string());
    return rows;
  }
  for (size_t row = 0; row < result->rows(); ++row) {
    std::string text;
    for (size_t column = 0; column < result->columns(); ++column) {
      text += column == 0 ? "" : "|";
      text += result->is_null(row, column) ? "NULL" : std::string(result->text(row, column));
    }
    rows.push_back(std::move(text));
  }
  std::sort(rows.begin(), rows.end());
  return rows;
}

}  // namespace tidemark
