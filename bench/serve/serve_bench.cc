// The load figures of the server, against the very PostgreSQL that it reads, in one run: point
// reads by pgbench, write - WAIT FOR LSN - read, commit to subscriber, a whole view in binary, and
// how readers slow the keeping of views.
//
//   serve_bench BINARY [rows of the view, default 1000000] [seconds of each load, default 10]

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include <fmt/core.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "postgres/connection.h"
#include "tests/harness/postgres_cluster.h"

namespace tidemark {
namespace {

using Clock = std::chrono::steady_clock;

double ms_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

double percentile(std::vector<double> values, double part) {
  std::sort(values.begin(), values.end());
  return values.empty()
             ? 0
             : values[std::min(values.size() - 1,
                               static_cast<size_t>(part * static_cast<double>(values.size())))];
}

QueryResult must(PostgresConnection& connection, const std::string& sql) {
  Result<QueryResult> result = connection.query(sql);
  if (!result.ok()) {
    fmt::print(stderr, "{}\n{}\n", sql, result.status().to_string());
    exit(1);
  }
  return std::move(result).value();
}

class Server {
 public:
  Server(const char* binary, std::string directory) : directory_(std::move(directory)) {
    std::filesystem::create_directories(directory_);
    pid_ = fork();
    if (pid_ == 0) {
      if (freopen((directory_ + "/log").c_str(), "a", stderr) == nullptr) {
        _exit(127);
      }
      execl(binary, binary, "serve", "--data-dir", (directory_ + "/data").c_str(), "--socket-dir",
            directory_.c_str(), "--listen", "127.0.0.1:0", nullptr);
      _exit(127);
    }
    while (port_.empty()) {
      for (const auto& entry : std::filesystem::directory_iterator(directory_)) {
        std::string name = entry.path().filename();
        port_ = name.starts_with(".s.PGSQL.") ? name.substr(9) : port_;
      }
      usleep(1000);
    }
  }
  ~Server() {
    ::kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    std::filesystem::remove_all(directory_);
  }
  PostgresConnection connect() {
    while (true) {  // its socket is there a moment before it listens
      Result<PostgresConnection> connection = PostgresConnection::open(
          {.host = directory_, .port = port_, .database = "tidemark", .user = "tidemark"});
      if (connection.ok()) {
        return std::move(connection).value();
      }
      usleep(1000);
    }
  }
  void signal(int number) const { ::kill(pid_, number); }
  std::string flags() const { return fmt::format("-h {} -p {} -U tidemark", directory_, port_); }

 private:
  std::string directory_, port_;
  pid_t pid_ = -1;
};

std::string output_of(const std::string& command) {
  FILE* pipe = popen((command + " 2>&1").c_str(), "r");
  std::string output;
  char buffer[4096];
  while (size_t size = fread(buffer, 1, sizeof buffer, pipe)) {
    output.append(buffer, size);
  }
  pclose(pipe);
  return output;
}

// Lines of pgbench that say how fast; 99 % of the latencies from its log.
std::string pgbench(const std::string& flags, const std::string& database, int rows, int seconds) {
  std::string folder =
      std::filesystem::temp_directory_path() / fmt::format("serve_bench_{}", getpid());
  std::filesystem::create_directories(folder);
  std::ofstream(folder + "/read.sql")
      << "\\set id random(1, " << rows
      << ")\nSELECT id, owner, balance FROM wallets WHERE id = :id;\n";
  std::string output =
      output_of(fmt::format("cd {} && /usr/lib/postgresql/15/bin/pgbench {} -n -M prepared -c 8 -j "
                            "2 -T {} -f read.sql -l {}",
                            folder, flags, seconds, database));
  std::vector<double> latencies;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    std::ifstream log(entry.path());
    std::string name = entry.path().filename();
    for (std::string line; name.starts_with("pgbench_log") && std::getline(log, line);) {
      double client = 0, number = 0, us = 0;
      if (sscanf(line.c_str(), "%lf %lf %lf", &client, &number, &us) == 3) {
        latencies.push_back(us / 1000);
      }
    }
  }
  std::filesystem::remove_all(folder);
  size_t at = output.find("tps = ");
  if (at == std::string::npos) {
    return output;
  }
  return fmt::format("{}, p50 {:.3f} ms, p99 {:.3f} ms",
                     output.substr(at, output.find(' ', at + 6) - at), percentile(latencies, 0.5),
                     percentile(latencies, 0.99));
}

// COPY of everything in binary, to nowhere.
double copy_seconds(const std::string& psql_flags, const std::string& database,
                    const std::string& query) {
  auto start = Clock::now();
  output_of(fmt::format("psql -X {} {} -c \"COPY ({}) TO STDOUT (FORMAT binary)\" > /dev/null",
                        psql_flags, database, query));
  return ms_since(start) / 1000;
}

void writes_waited_for(PostgresConnection& source, PostgresConnection& reader, int rounds) {
  std::vector<double> times;
  for (int i = 0; i < rounds; ++i) {
    auto start = Clock::now();
    must(source, fmt::format("UPDATE wallets SET balance = balance + 1 WHERE id = {}", i + 1));
    std::string lsn(must(source, "SELECT pg_current_wal_insert_lsn()").text(0, 0));
    must(reader, fmt::format("WAIT FOR LSN '{}'", lsn));
    must(reader, fmt::format("SELECT balance FROM wallets WHERE id = {}", i + 1));
    times.push_back(ms_since(start));
  }
  fmt::print("write, WAIT FOR LSN, read: p50 {:.2f} ms, p99 {:.2f} ms\n", percentile(times, 0.5),
             percentile(times, 0.99));
}

void commits_to_subscriber(Server& server, PostgresConnection& source, int rounds) {
  PostgresConnection reader = server.connect();
  must(reader, "BEGIN");
  must(reader, "DECLARE c CURSOR FOR SUBSCRIBE by_owner WITH (SNAPSHOT = false)");
  must(reader, "FETCH ALL FROM c WITH (TIMEOUT = '1ms')");
  std::vector<double> times;
  for (int i = 0; i < rounds; ++i) {
    must(source, fmt::format("UPDATE wallets SET balance = balance + 1 WHERE id = {}", i + 1));
    auto committed = Clock::now();
    must(reader, "FETCH ALL FROM c");
    times.push_back(ms_since(committed));
    std::this_thread::sleep_for(std::chrono::milliseconds(10));  // 100 commits a second
  }
  fmt::print("commit returned to row at a subscriber (FETCH): p50 {:.2f} ms, p99 {:.2f} ms\n",
             percentile(times, 0.5), percentile(times, 0.99));
}

// Changed rows a second that the views take in, of a backlog that has come while the server was
// stopped: Postgres has no part in it but to send. `readers`: eight clients read meanwhile.
double kept_rate(Server& server, PostgresConnection& source, PostgresConnection& connection,
                 int rows, bool readers) {
  constexpr int kCommits = 40, kRowsEach = 10'000;
  std::thread load;
  if (readers) {
    load = std::thread([&] { pgbench(server.flags(), "tidemark", rows, 12); });
    std::this_thread::sleep_for(std::chrono::seconds(1));
  }
  server.signal(SIGSTOP);
  for (int i = 0; i < kCommits; ++i) {
    int first = 1 + i * kRowsEach % std::max(rows - kRowsEach, 1);
    must(source, fmt::format("UPDATE wallets SET balance = balance + 1 WHERE id BETWEEN {} AND {}",
                             first, first + kRowsEach - 1));
  }
  std::string lsn(must(source, "SELECT pg_current_wal_insert_lsn()").text(0, 0));
  auto start = Clock::now();
  server.signal(SIGCONT);
  must(connection, fmt::format("WAIT FOR LSN '{}'", lsn));
  double rate = kCommits * kRowsEach / (ms_since(start) / 1000);
  if (readers) {
    load.join();
  }
  return rate;
}

int run(const char* binary, int rows, int seconds) {
  PostgresCluster cluster;
  PostgresConnection source = cluster.connect();
  must(source, fmt::format("CREATE TABLE wallets (id int PRIMARY KEY, owner int NOT NULL, balance "
                           "bigint NOT NULL); INSERT INTO wallets SELECT i, i % 1000, 100 FROM "
                           "generate_series(1, {}) i",
                           rows));
  must(source, "VACUUM ANALYZE wallets");
  Server server(binary, std::filesystem::temp_directory_path() /
                            fmt::format("serve_bench_data_{}", getpid()));
  PostgresConnection connection = server.connect();
  PostgresAddress address = cluster.address();
  must(connection, fmt::format("CREATE TABLE wallets_cdc WITH ('connector'='postgres-cdc', "
                               "'hostname'='{}', 'port'='{}', 'username'='postgres', "
                               "'password'='postgres', 'database-name'='postgres', "
                               "'schema-name'='public', 'table-name'='wallets')",
                               address.host, address.port));
  must(connection,
       "CREATE MATERIALIZED VIEW wallets AS SELECT id, owner, balance FROM wallets_cdc");
  must(connection,
       "CREATE MATERIALIZED VIEW by_owner AS SELECT owner, SUM(balance) AS balance FROM "
       "wallets GROUP BY owner");
  must(connection, "SELECT * FROM wallets WHERE id = 1");
  must(connection, "SELECT * FROM wallets WHERE id = 2");
  std::string postgres = fmt::format("-h {} -p {} -U postgres", address.host, address.port);
  fmt::print("view of {} rows; 8 clients, prepared point reads for {} s\n", rows, seconds);
  fmt::print("  PostgreSQL by primary key: {}\n", pgbench(postgres, "postgres", rows, seconds));
  fmt::print("  tidemark by key:           {}\n",
             pgbench(server.flags(), "tidemark", rows, seconds));
  std::string all = "SELECT id, owner, balance FROM wallets";
  double theirs = copy_seconds(postgres, "postgres", all);
  double ours = copy_seconds(server.flags(), "tidemark", all);
  fmt::print("the whole in binary: PostgreSQL {:.2f} s, tidemark {:.2f} s, {:.2f} of its rate\n",
             theirs, ours, theirs / ours);
  writes_waited_for(source, connection, 300);
  commits_to_subscriber(server, source, 300);
  std::vector<double> unread, read;
  for (int round = 0; round < 3; ++round) {
    unread.push_back(kept_rate(server, source, connection, rows, false));
    read.push_back(kept_rate(server, source, connection, rows, true));
  }
  double without = percentile(unread, 0.5), with = percentile(read, 0.5);
  fmt::print(
      "views kept from a backlog, median of 3: {:.0f} changed rows a second, while 8 clients read "
      "{:.0f}, {:.2f} of it\n",
      without, with, with / without);
  return 0;
}

}  // namespace
}  // namespace tidemark

int main(int argc, char** argv) {
  if (argc < 2) {
    fmt::print(stderr, "usage: serve_bench BINARY [rows] [seconds]\n");
    return 2;
  }
  return tidemark::run(argv[1], argc > 2 ? atoi(argv[2]) : 1'000'000,
                       argc > 3 ? atoi(argv[3]) : 10);
}
