// What durability costs: the same work with checkpoints every second and with none, in turn, in one
// run (throughput, and the time from a commit until it is visible); what checkpoints write and what
// state takes, against the raw size of what changed and of what is kept; how long a start takes
// after a kill -9; and what becomes of state of which a quarter may be in memory.
//
//   durability_bench TIDEMARK_BINARY [throughput|latency|size|restart|memory|all, default all]
//   [ROWS]
//
// ROWS: of the backlog (default 400,000), of the table whose join is restarted (3,000,000), or of
// the one that has no room (1,000,000).

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <thread>

#include <fmt/core.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "postgres/connection.h"
#include "tests/harness/peak_memory.h"
#include "tests/harness/postgres_cluster.h"

namespace tidemark {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

class Server {
 public:
  // memory_limit: as --memory-limit takes it; empty: its default.
  Server(const char* binary, std::string directory, std::string interval,
         std::string memory_limit = "")
      : binary_(binary),
        directory_(std::move(directory)),
        interval_(std::move(interval)),
        memory_limit_(std::move(memory_limit)) {
    std::filesystem::create_directories(directory_);
  }
  ~Server() { kill(); }
  void start() {
    pid_ = fork();
    if (pid_ == 0) {
      if (freopen((directory_ + "/log").c_str(), "a", stderr) == nullptr) {
        _exit(127);
      }
      execl(binary_, binary_, "serve", "--data-dir", (directory_ + "/data").c_str(), "--socket-dir",
            directory_.c_str(), "--listen", "127.0.0.1:0", "--checkpoint-interval",
            interval_.c_str(), memory_limit_.empty() ? nullptr : "--memory-limit",
            memory_limit_.c_str(), nullptr);
      _exit(127);
    }
  }
  void kill() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
      pid_ = -1;
    }
    for (const auto& entry : std::filesystem::directory_iterator(directory_)) {
      if (entry.path().filename().string().starts_with(".s.PGSQL")) {
        std::filesystem::remove(entry.path());
      }
    }
  }
  PostgresConnection connect() {
    while (true) {
      for (const auto& entry : std::filesystem::directory_iterator(directory_)) {
        std::string name = entry.path().filename();
        if (name.starts_with(".s.PGSQL.")) {
          Result<PostgresConnection> connection = PostgresConnection::open({.host = directory_,
                                                                            .port = name.substr(9),
                                                                            .database = "tidemark",
                                                                            .user = "tidemark"});
          if (connection.ok()) {
            return std::move(connection).value();
          }
        }
      }
      usleep(1000);
    }
  }
  pid_t pid() const { return pid_; }
  uint64_t resident_bytes() const {
    std::ifstream statm(fmt::format("/proc/{}/statm", pid_));
    uint64_t pages = 0;
    statm >> pages >> pages;
    return pages * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  }
  // Handed to the disk so far, what is rewritten by compaction included.
  uint64_t written_bytes() const {
    std::ifstream io(fmt::format("/proc/{}/io", pid_));
    std::string name;
    uint64_t value = 0;
    while (io >> name >> value && name != "write_bytes:") {
    }
    return value;
  }
  uint64_t data_bytes() const {
    uint64_t bytes = 0;
    std::error_code gone;  // files come and go while it looks
    for (const auto& entry : std::filesystem::recursive_directory_iterator(directory_ + "/data")) {
      uint64_t size = entry.is_regular_file(gone) ? entry.file_size(gone) : 0;
      bytes += gone ? 0 : size;
    }
    return bytes;
  }

 private:
  const char* binary_;
  std::string directory_;
  std::string interval_;
  std::string memory_limit_;
  pid_t pid_ = -1;
};

void must(const Status& status) {
  if (!status.ok()) {
    fmt::print(stderr, "{}\n", status.to_string());
    exit(1);
  }
}

std::string table_sql(PostgresCluster& cluster, const std::string& database,
                      const std::string& table) {
  PostgresAddress address = cluster.address(database);
  return fmt::format(
      "CREATE TABLE {0} WITH ('connector'='postgres-cdc', 'hostname'='{1}', 'port'='{2}', "
      "'username'='postgres', "
      "'password'='postgres', 'database-name'='{3}', 'schema-name'='public', 'table-name'='{0}')",
      table, address.host, address.port, database);
}

void wait_for_source(PostgresCluster& cluster, PostgresConnection& client,
                     const std::string& database) {
  std::string position = cluster.value("SELECT pg_current_wal_insert_lsn()", database);
  must(client.execute(fmt::format("WAIT FOR LSN '{}'", position)));
}

// Until the views' present content is on disk: a change made now is applied after it, and
// acknowledged when it is there too.
void wait_for_checkpoint(PostgresCluster& cluster, PostgresConnection& client,
                         const std::string& database) {
  cluster.run("UPDATE kinds SET name = name WHERE id = 1", database);
  wait_for_source(cluster, client, database);
  std::string done = "SELECT bool_and(confirmed_flush_lsn >= '" +
                     cluster.value("SELECT pg_current_wal_insert_lsn()", database) +
                     "') FROM pg_replication_slots WHERE database = '" + database + "'";
  while (cluster.value(done, database) != "t") {
    usleep(20'000);
  }
}

constexpr const char* kRecipe =
    "CREATE MATERIALIZED VIEW v AS SELECT kind, SUM(cost) AS s FROM facts GROUP BY kind";
constexpr const char* kJoin =
    "CREATE MATERIALIZED VIEW v AS SELECT f.id, f.cost, d.name FROM facts f JOIN kinds d ON f.kind "
    "= d.id";

// Rows a second from the writers' commits to the view's mark, with the backlog waiting in the log.
double drain(PostgresCluster& cluster, const char* binary, const std::string& root,
             const char* view, const char* interval, size_t rows) {
  std::string database = cluster.make_database();
  cluster.run(
      "CREATE TABLE facts (id int PRIMARY KEY, kind int, cost float8); CREATE TABLE kinds (id int "
      "PRIMARY KEY, name text);"
      "INSERT INTO kinds SELECT i, 'kind number ' || i FROM generate_series(1, 1000) i",
      database);
  std::string directory = root + "/" + database;
  double rate = 0;
  {
    Server server(binary, directory, interval);
    server.start();
    PostgresConnection client = server.connect();
    must(client.execute(table_sql(cluster, database, "facts")));
    must(client.execute(table_sql(cluster, database, "kinds")));
    must(client.execute(view));
    must(client.execute("SELECT COUNT(*) FROM v"));  // complete, and so in the first checkpoint
    usleep(500'000);  // with an interval of an hour there is no other
    server.kill();
    PostgresConnection writer = cluster.connect(database);
    for (size_t at = 0; at < rows; at += 100) {
      must(writer.execute(fmt::format(
          "INSERT INTO facts SELECT i, i % 1000 + 1, i / 7.0 FROM generate_series({}, {}) i", at,
          at + 99)));
    }
    Clock::time_point start = Clock::now();
    server.start();
    PostgresConnection again = server.connect();
    wait_for_source(cluster, again, database);
    rate = static_cast<double>(rows) / seconds_since(start);
  }
  std::filesystem::remove_all(directory);
  cluster.run(
      "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE NOT active");
  return rate;
}

void compare_drain(PostgresCluster& cluster, const char* binary, const std::string& root,
                   const char* name, const char* view, size_t rows) {
  std::vector<double> with, without, ratios;
  for (int round = 0; round < 5; ++round) {
    with.push_back(drain(cluster, binary, root, view, "1s", rows));
    without.push_back(drain(cluster, binary, root, view, "1h", rows));
    ratios.push_back(with.back() / without.back());
  }
  std::sort(ratios.begin(), ratios.end());
  fmt::print("| {} | {:.0f} | {:.0f} | {:.2f} | {:.2f} to {:.2f} |\n", name, median(with) / 1000,
             median(without) / 1000, median(ratios), ratios.front(), ratios.back());
}

// One-row commits at a steady rate; each is waited for until the view shows it.
std::vector<double> visible_ms(PostgresCluster& cluster, const char* binary,
                               const std::string& root, const char* interval, int rate,
                               int commits) {
  std::string database = cluster.make_database();
  cluster.run(
      "CREATE TABLE facts (id int PRIMARY KEY, kind int, cost float8);"
      "INSERT INTO facts SELECT i, i % 1000 + 1, i / 7.0 FROM generate_series(1, 100000) i",
      database);
  std::string directory = root + "/" + database;
  std::vector<double> times;
  {
    Server server(binary, directory, interval);
    server.start();
    PostgresConnection client = server.connect();
    must(client.execute(table_sql(cluster, database, "facts")));
    must(client.execute(kRecipe));
    must(client.execute("SELECT COUNT(*) FROM v"));
    PostgresConnection writer = cluster.connect(database);
    Clock::time_point next = Clock::now();
    for (int i = 0; i < commits; ++i) {
      next += std::chrono::microseconds(1'000'000 / rate);
      std::this_thread::sleep_until(next);
      must(writer.execute(
          fmt::format("UPDATE facts SET cost = cost + 1 WHERE id = {}", i * 7919 % 100000 + 1)));
      Clock::time_point done = Clock::now();
      std::string lsn(writer.query("SELECT pg_current_wal_insert_lsn()")->text(0, 0));
      must(client.execute(fmt::format("WAIT FOR LSN '{}'", lsn)));
      times.push_back(seconds_since(done) * 1000);
    }
  }
  std::filesystem::remove_all(directory);
  cluster.run(
      "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE NOT active");
  std::sort(times.begin(), times.end());
  return times;
}

void compare_latency(PostgresCluster& cluster, const char* binary, const std::string& root) {
  fmt::print(
      "\n| from COMMIT to WAIT FOR LSN's answer, ms | p50 | p99 | most |\n|---|---|---|---|\n");
  for (int round = 0; round < 3; ++round) {
    for (const char* interval : {"1h", "1s"}) {
      std::vector<double> times = visible_ms(cluster, binary, root, interval, 500, 5000);
      fmt::print("| 500 commits/s, checkpoints {} | {:.2f} | {:.2f} | {:.2f} |\n",
                 *interval == '1' && interval[1] == 'h' ? "off" : "every second",
                 times[times.size() / 2], times[times.size() * 99 / 100], times.back());
    }
  }
}

// A part of the rows of a view changed again and again, a checkpoint each time: what is written,
// against the rows changed.
class Changes {
 public:
  Changes(PostgresCluster& cluster, Server& server, PostgresConnection& client,
          std::string database, size_t rows, double raw)
      : cluster_(cluster),
        server_(server),
        client_(client),
        database_(std::move(database)),
        rows_(rows),
        raw_(raw) {}

  void run(size_t changed, int rounds) {
    uint64_t before = server_.written_bytes();
    uint64_t most = 0;
    for (int round = 0; round < rounds; ++round) {
      cluster_.run(fmt::format("UPDATE facts SET cost = cost + 1 WHERE id % {} = {}",
                               rows_ / changed, next_++ % (rows_ / changed)),
                   database_);
      wait_for_source(cluster_, client_, database_);
      usleep(1'100'000);
      most = std::max(most, server_.data_bytes());
    }
    double changed_bytes =
        raw_ / static_cast<double>(rows_) * static_cast<double>(changed) * rounds;
    fmt::print("| {} | {} | {:.2f} | {:.2f} | {:.2f} |\n", rounds, changed,
               static_cast<double>(server_.written_bytes() - before) / changed_bytes,
               static_cast<double>(server_.data_bytes()) / raw_, static_cast<double>(most) / raw_);
  }

 private:
  PostgresCluster& cluster_;
  Server& server_;
  PostgresConnection& client_;
  std::string database_;
  size_t rows_;
  double raw_;
  size_t next_ = 0;
};

// A view that keeps every row.
void sizes(PostgresCluster& cluster, const char* binary, const std::string& root) {
  constexpr size_t kRows = 1'000'000;
  std::string database = cluster.make_database();
  cluster.run(fmt::format("CREATE TABLE facts (id int PRIMARY KEY, kind int, cost float8, note "
                          "text); INSERT INTO facts SELECT i, i % 1000 + 1, i / 7.0, "
                          "repeat(md5(i::text), 3) FROM generate_series(1, {}) i",
                          kRows),
              database);
  double raw = std::stod(
      cluster.value("SELECT sum(4 + 4 + 8 + octet_length(note))::float8 FROM facts", database));
  Server server(binary, root + "/sizes", "1s");
  server.start();
  PostgresConnection client = server.connect();
  uint64_t resident_before = server.resident_bytes();
  must(client.execute(table_sql(cluster, database, "facts")));
  must(client.execute("CREATE MATERIALIZED VIEW v AS SELECT id, kind, cost, note FROM facts"));
  wait_for_source(cluster, client, database);
  must(client.execute("SELECT COUNT(*) FROM v"));
  usleep(5'000'000);  // the first content is on disk, and what can be compacted is
  fmt::print(
      "\nstate of {} rows, {:.0f} MB raw: on disk {:.2f} times, in memory {:.2f} times as much\n",
      kRows, raw / 1e6, static_cast<double>(server.data_bytes()) / raw,
      static_cast<double>(server.resident_bytes() - resident_before) / raw);
  fmt::print(
      "\n| checkpoints | rows changed in each | written, times the rows changed, raw | on disk "
      "afterwards, times raw | most |\n|---|---|---|---|---|\n");
  Changes changes(cluster, server, client, database, kRows, raw);
  changes.run(20'000, 20);
  changes.run(20'000, 60);
  changes.run(500, 40);
  uint64_t written = server.written_bytes();
  usleep(90'000'000);  // all is merged after a minute without a write (state/quiet_merge.h)
  fmt::print(
      "\nafter a minute and a half of rest: on disk {:.2f} times raw, in memory {:.2f} times; "
      "written meanwhile {:.2f} times\n",
      static_cast<double>(server.data_bytes()) / raw,
      static_cast<double>(server.resident_bytes() - resident_before) / raw,
      static_cast<double>(server.written_bytes() - written) / raw);
  server.kill();
  cluster.run(
      "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE NOT active");
}

// As SHOW MEMORY has it.
double state_bytes(PostgresConnection& client) {
  Result<QueryResult> shown = client.query("SHOW MEMORY");
  must(shown.status());
  double bytes = 0;
  for (size_t row = 0; row < shown->rows(); ++row) {
    bytes += std::stod(std::string(shown->text(row, shown->columns() - 1)));
  }
  return bytes;
}

void print_seconds(const std::string& what, const std::vector<double>& seconds) {
  std::string each;
  for (double one : seconds) {
    each += fmt::format("{}{:.2f}", each.empty() ? "" : ", ", one);
  }
  fmt::print("| {} | {:.2f} | {} |\n", what, median(seconds), each);
  std::fflush(stdout);
}

void restart(PostgresCluster& cluster, const char* binary, const std::string& root, size_t rows) {
  std::string database = cluster.make_database();
  cluster.run(fmt::format("CREATE TABLE facts (id int PRIMARY KEY, kind int, cost float8, note "
                          "text); CREATE TABLE kinds (id int "
                          "PRIMARY KEY, name text); INSERT INTO kinds SELECT i, 'kind number ' || "
                          "i FROM generate_series(1, 1000) i;"
                          "INSERT INTO facts SELECT i, i % 1000 + 1, i / 7.0, repeat(md5(i::text), "
                          "10) FROM generate_series(1, {}) i",
                          rows),
              database);
  Server server(binary, root + "/restart", "1s");
  server.start();
  {
    PostgresConnection client = server.connect();
    must(client.execute(table_sql(cluster, database, "facts")));
    must(client.execute(table_sql(cluster, database, "kinds")));
    must(
        client.execute("CREATE MATERIALIZED VIEW v AS SELECT f.id, f.cost, f.note, d.name FROM "
                       "facts f JOIN kinds d ON f.kind = d.id"));
    must(
        client.execute("CREATE MATERIALIZED VIEW sums AS SELECT name, COUNT(*) AS n, SUM(cost) AS "
                       "s FROM v GROUP BY name"));
    Clock::time_point start = Clock::now();
    wait_for_source(cluster, client, database);
    must(client.execute("SELECT COUNT(*) FROM sums"));
    fmt::print("\nhydration of {} rows through a join: {:.1f} s\n", rows, seconds_since(start));
  }
  double state = 0;
  {
    PostgresConnection client = server.connect();
    wait_for_checkpoint(cluster, client, database);
    state = state_bytes(client);
  }
  fmt::print("state: {:.2f} GB in memory before, {:.2f} GB on disk\n", state / 1e9,
             static_cast<double>(server.data_bytes()) / 1e9);
  fmt::print("\n| from kill -9 to | median, s | each |\n|---|---|---|\n");
  const std::string queries[] = {"SELECT * FROM sums",
                                 fmt::format("SELECT * FROM v WHERE id = {}", rows / 2),
                                 "SELECT COUNT(*), MAX(id) FROM v"};
  auto seconds_until = [&](const std::function<void(PostgresConnection&)>& ask) {
    std::vector<double> seconds;
    for (int round = 0; round < 3; ++round) {
      server.kill();
      Clock::time_point start = Clock::now();
      server.start();
      PostgresConnection client = server.connect();
      ask(client);
      seconds.push_back(seconds_since(start));
    }
    return seconds;
  };
  for (const std::string& query : queries) {
    print_seconds(fmt::format("the answer of `{}`", query),
                  seconds_until([&](PostgresConnection& client) { must(client.execute(query)); }));
  }
  std::vector<double> change = seconds_until([&](PostgresConnection& client) {
    cluster.run("UPDATE kinds SET name = name || '.' WHERE id = 7", database);
    wait_for_source(cluster, client, database);
  });
  print_seconds("a change of a dimension row, visible", change);
  server.kill();
  cluster.run(
      "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE NOT active");
}

// A view that keeps every row, and sums of it. Rounds of updates all over the table, each until it
// is visible; then the views are held against the source.
void updates_in_memory(PostgresCluster& cluster, const char* binary, const std::string& directory,
                       const std::string& limit, size_t rows, double& state) {
  constexpr int kRounds = 20;
  constexpr size_t kChanged = 2000;
  std::string database = cluster.make_database();
  cluster.run(fmt::format("CREATE TABLE facts (id int PRIMARY KEY, kind int, cost float8, note "
                          "text); INSERT INTO facts SELECT i, i % 1000 + 1, i / 7.0, "
                          "repeat(md5(i::text), 3) FROM generate_series(1, {}) i",
                          rows),
              database);
  Server server(binary, directory, "1s", limit);
  server.start();
  PeakMemory peak(server.pid());
  PostgresConnection client = server.connect();
  must(client.execute(table_sql(cluster, database, "facts")));
  must(client.execute("CREATE MATERIALIZED VIEW v AS SELECT id, kind, cost, note FROM facts"));
  must(client.execute(
      "CREATE MATERIALIZED VIEW sums AS SELECT kind, SUM(cost) AS s, COUNT(*) AS n, MIN(note) AS m "
      "FROM facts GROUP BY kind"));
  Clock::time_point start = Clock::now();
  wait_for_source(cluster, client, database);
  must(client.execute("SELECT COUNT(*) FROM sums"));
  double hydration = seconds_since(start);
  usleep(3'000'000);
  uint64_t peak_of_first = peak.bytes();
  state = state == 0 ? state_bytes(client) : state;
  std::vector<double> seconds;
  for (int round = 0; round < kRounds; ++round) {
    cluster.run(
        fmt::format("UPDATE facts SET cost = cost + 1 WHERE id % {} = {}", rows / kChanged, round),
        database);
    start = Clock::now();
    wait_for_source(cluster, client, database);
    seconds.push_back(seconds_since(start));
  }
  uint64_t peak_of_updates = peak.bytes();
  double kept = state_bytes(client);
  start = Clock::now();
  std::string verified;
  for (const char* view : {"v", "sums"}) {
    Result<QueryResult> equal = client.query(fmt::format("VERIFY VIEW {}", view));
    must(equal.status());
    verified += (verified.empty() ? "" : "; ") + std::string(equal->text(0, 0));
  }
  fmt::print(
      "| {} | {:.1f} | {:.3f} ({:.3f} - {:.3f}) | {:.0f} MB | {:.0f} MB | {:.0f} MB | {:.0f} MB | "
      "{:.1f} s: {} |\n",
      limit.empty() ? "none" : limit, hydration, median(seconds),
      *std::min_element(seconds.begin(), seconds.end()),
      *std::max_element(seconds.begin(), seconds.end()), kept / 1e6,
      static_cast<double>(peak_of_first) / 1e6, static_cast<double>(peak_of_updates) / 1e6,
      static_cast<double>(peak.bytes()) / 1e6, seconds_since(start), verified);
  server.kill();
  cluster.run(
      "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE NOT active");
}

void memory(PostgresCluster& cluster, const char* binary, const std::string& root, size_t rows) {
  fmt::print(
      "\n| --memory-limit | first content, s | 2,000 rows updated, s | state in memory | process, "
      "most, until the first content | the updates | VERIFY | VERIFY VIEW |\n"
      "|---|---|---|---|---|---|---|---|\n");
  double state = 0;
  updates_in_memory(cluster, binary, root + "/unlimited", "", rows, state);
  std::string quarter = fmt::format("{:.0f}MB", state / 4 / (1 << 20));
  updates_in_memory(cluster, binary, root + "/limited", quarter, rows, state);
}

int run(int argc, char** argv) {
  const char* binary = argv[1];
  std::string part = argc > 2 ? argv[2] : "all";
  auto rows_or = [&](size_t rows) { return argc > 3 ? strtoull(argv[3], nullptr, 10) : rows; };
  std::string root = "/tmp/tidemark_durability.XXXXXX";
  if (mkdtemp(root.data()) == nullptr) {
    return 1;
  }
  PostgresCluster cluster;
  auto wanted = [&](const char* name) { return part == "all" || part == name; };
  if (wanted("throughput")) {
    size_t rows = rows_or(400'000);
    fmt::print(
        "| backlog of {} rows, 100 a commit | 1,000 rows/s, checkpoints every second | without | "
        "ratio | from, to |\n|---|---|---|---|---|\n",
        rows);
    compare_drain(cluster, binary, root, "recipe: sums of 1,000 groups", kRecipe, rows);
    compare_drain(cluster, binary, root, "join with a dimension, all rows kept", kJoin, rows);
  }
  if (wanted("latency")) {
    compare_latency(cluster, binary, root);
  }
  if (wanted("size")) {
    sizes(cluster, binary, root);
  }
  if (wanted("restart")) {
    restart(cluster, binary, root, rows_or(3'000'000));
  }
  if (wanted("memory")) {
    memory(cluster, binary, root, rows_or(1'000'000));
  }
  std::filesystem::remove_all(root);
  return 0;
}

}  // namespace
}  // namespace tidemark

int main(int argc, char** argv) {
  if (argc < 2) {
    fmt::print(
        stderr,
        "usage: durability_bench TIDEMARK_BINARY [throughput|latency|size|restart|memory|all] "
        "[ROWS]\n");
    return 2;
  }
  return tidemark::run(argc, argv);
}
