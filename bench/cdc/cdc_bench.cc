// postgres-cdc against the limits of the source, side by side in one run: snapshot against COPY,
// draining a backlog against pg_recvlogical and against bare receivers of the same backlog, and
// commit-to-visible latency against the bare receive of the commit's message.
//
//   cdc_bench TIDEMARK_BINARY [snapshot|drain|cpu|latency|all, default all] [claims, default
//   1000000] [claims in the larger snapshot, default 5000000]
//
// The tidemark measured is the binary as a user runs it, in its own process.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <thread>

#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/cdc/bare_receiver.h"
#include "postgres/replication.h"
#include "tests/harness/postgres_cluster.h"
#include "types/datetime.h"

namespace tidemark {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

double quantile(std::vector<double> values, double q) {
  std::sort(values.begin(), values.end());
  return values.empty()
             ? 0
             : values[std::min(values.size() - 1,
                               static_cast<size_t>(q * static_cast<double>(values.size())))];
}

constexpr const char* kTable = R"(
CREATE SCHEMA claims;
CREATE TABLE claims.accident_claims (claim_id SERIAL PRIMARY KEY, claim_total FLOAT, claim_total_receipt VARCHAR(50), claim_currency VARCHAR(3),
  member_id INT, accident_date VARCHAR(20), accident_type VARCHAR(20), accident_detail VARCHAR(20), claim_date VARCHAR(20),
  claim_status VARCHAR(10), ts_created VARCHAR(20), ts_updated VARCHAR(20));
ALTER TABLE claims.accident_claims REPLICA IDENTITY FULL;)";

std::string insert_sql(size_t rows) {
  return fmt::format(
      R"(INSERT INTO claims.accident_claims (claim_total, claim_total_receipt, claim_currency, member_id, accident_date, accident_type,
    accident_detail, claim_date, claim_status, ts_created, ts_updated)
    SELECT (i::bigint * 7919 % 1000000) / 100.0, 'ImperdietEtCommodo.ppt', 'AUD', i % 500, '2020-01-05 10:59:09', 'Light Injury',
      (ARRAY['Blue Ringed Octopus','Box Jellyfish','Cassowary','Funnel Web Spider','Great White Shark','Inland Taipan Snake','Saltwater Crocodile'])[i % 7 + 1],
      '2020-06-29 00:25:26', (ARRAY['INITIAL','IN REVIEW','REIMBURSED','DENIED','INITIAL'])[i % 5 + 1], '2020-06-29 00:25:26', '2020-06-29 00:25:26'
    FROM generate_series(1, {}) i)",
      rows);
}

// The program under measurement, with the recipe; its JSON lines come through a pipe.
class Tidemark {
 public:
  Tidemark(const std::string& binary, const PostgresAddress& address,
           std::vector<std::string> more) {
    std::string script = "/tmp/tidemark_bench_recipe.sql";
    std::ofstream(script)
        << "CREATE TABLE accident_claims (claim_id INT, claim_total DOUBLE, accident_detail "
           "VARCHAR(20), claim_status VARCHAR(10)) WITH ("
        << "'connector'='postgres-cdc','hostname'='" << address.host << "','port'='" << address.port
        << "','username'='postgres','password'='postgres',"
        << "'database-name'='" << address.database
        << "','schema-name'='claims','table-name'='accident_claims');\n"
        << "SELECT accident_detail, SUM(claim_total) AS agg_claim_costs FROM accident_claims WHERE "
           "claim_status <> 'DENIED' GROUP BY accident_detail;\n";
    int ends[2];
    CHECK(pipe2(ends, O_CLOEXEC) == 0);
    pid_ = fork();
    CHECK(pid_ >= 0);
    if (pid_ == 0) {
      dup2(ends[1], 1);
      std::vector<char*> arguments{const_cast<char*>(binary.c_str()), const_cast<char*>("-f"),
                                   const_cast<char*>(script.c_str()), const_cast<char*>("--output"),
                                   const_cast<char*>("json")};
      for (std::string& argument : more) {
        arguments.push_back(argument.data());
      }
      arguments.push_back(nullptr);
      execv(binary.c_str(), arguments.data());
      _exit(127);
    }
    close(ends[1]);
    fd_ = ends[0];
  }
  ~Tidemark() {
    if (pid_ > 0) {
      kill(pid_, SIGTERM);
      rusage usage;
      end(usage);
    }
    close(fd_);
  }
  // The next line, waiting; empty at the end.
  std::string line() {
    for (;;) {
      size_t newline = buffer_.find('\n', read_);
      if (newline != std::string::npos) {
        std::string result = buffer_.substr(read_, newline - read_);
        read_ = newline + 1;
        return result;
      }
      buffer_.erase(0, read_);
      read_ = 0;
      char bytes[65536];
      ssize_t n = ::read(fd_, bytes, sizeof bytes);
      if (n <= 0) {
        return "";
      }
      buffer_.append(bytes, static_cast<size_t>(n));
    }
  }
  static Lsn mark_of(const std::string& line) {
    size_t at = line.find("\"mark\":\"");
    return at == std::string::npos
               ? Lsn{}
               : Lsn::parse(line.substr(at + 8, line.find('"', at + 8) - at - 8)).value_or(Lsn{});
  }
  void wait_for(Lsn lsn) {
    for (std::string text = line(); !text.empty(); text = line()) {
      if (mark_of(text) >= lsn) {
        return;
      }
    }
    CHECK(false);
  }
  int end(rusage& usage) {
    int status = 0;
    wait4(pid_, &status, 0, &usage);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_;
  int fd_;
  std::string buffer_;
  size_t read_ = 0;
};

double cpu_seconds(pid_t pid) {
  std::ifstream file(fmt::format("/proc/{}/stat", pid));
  std::string text((std::istreambuf_iterator<char>(file)), {});
  size_t at = text.rfind(')') + 2;
  double user = 0, system = 0;
  for (int field = 3; field <= 15; ++field) {
    size_t space = text.find(' ', at);
    double value = atof(text.substr(at, space - at).c_str());
    user = field == 14 ? value : user;
    system = field == 15 ? value : system;
    at = space + 1;
  }
  return (user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

class Bench {
 public:
  Bench(std::string binary, size_t rows, size_t rows_large)
      : binary_(std::move(binary)), rows_(rows), rows_large_(rows_large) {
    // The bare receivers know no passwords.
    std::ofstream(cluster_.socket_directory() + "/data/pg_hba.conf")
        << "local all all trust\nlocal replication all trust\nhost all all 127.0.0.1/32 trust\n"
           "host replication all 127.0.0.1/32 trust\n";
    cluster_.run("SELECT pg_reload_conf()");
  }

  void snapshots() {
    std::printf(
        "## Snapshot into the recipe's view, against binary COPY of the same three columns\n\n");
    std::printf(
        "| claims | way | seconds, median of 5 (min - max) | M rows/s | ratio "
        "|\n|---|---|---|---|---|\n");
    snapshot(rows_);
    snapshot(rows_large_);
  }

  void drains() {
    std::printf(
        "\n## Draining a backlog of %zu changes: all readers on the same backlog, unix socket if "
        "not said otherwise\n\n",
        rows_);
    std::printf(
        "| backlog | reader | seconds, median of %d (min - max) | k changes/s | ratio to "
        "the best | CPU: walsender / reader |\n|---|---|---|---|---|---|\n",
        kDrainRounds);
    backlogs();
  }

  // Drained by tidemark alone, for its CPU and the walsender's: a fifth of the time.
  void drains_alone() {
    is_alone_ = true;
    std::printf("\n## Draining a backlog of %zu changes\n\n", rows_);
    std::printf(
        "| backlog | reader | seconds, median of %d (min - max) | k changes/s | CPU: walsender / "
        "reader |\n|---|---|---|---|---|\n",
        kDrainRounds);
    backlogs();
  }

  void latencies() {
    std::printf(
        "\n## Commit to visible, one-row transactions, ms after the writer's COMMIT returned\n\n");
    std::printf(
        "| rate | bare receive p50 / p99 | json line of tidemark p50 / p99 |\n|---|---|---|\n");
    latency(10, 100);
    latency(1000, 10000);
  }

 private:
  std::string new_database(size_t rows) {
    std::string database = cluster_.make_database();
    cluster_.run(kTable, database);
    if (rows != 0) {
      cluster_.run(insert_sql(rows), database);
      cluster_.run("VACUUM (ANALYZE, FREEZE) claims.accident_claims", database);
      cluster_.run("CHECKPOINT", database);
    }
    return database;
  }

  double copy(const std::string& database, int connections) {
    int64_t pages =
        atoll(cluster_.value("SELECT pg_relation_size('claims.accident_claims') / 8192", database)
                  .c_str());
    std::vector<PostgresConnection> open;
    for (int i = 0; i < connections; ++i) {
      open.push_back(cluster_.connect(database));
    }
    auto start = Clock::now();
    std::vector<std::thread> threads;
    for (int i = 0; i < connections; ++i) {
      threads.emplace_back([&, i] {
        std::string sql = connections == 1
                              ? "COPY claims.accident_claims (claim_total, accident_detail, "
                                "claim_status) TO STDOUT (FORMAT binary)"
                              : fmt::format(
                                    "COPY (SELECT claim_total, accident_detail, claim_status FROM "
                                    "claims.accident_claims WHERE ctid >= '({},0)' AND ctid < "
                                    "'({},0)') TO STDOUT (FORMAT binary)",
                                    pages * i / connections, pages * (i + 1) / connections + 1);
        CHECK(open[static_cast<size_t>(i)].start_copy(sql).ok());
        while (open[static_cast<size_t>(i)].next_copy_message()->has_value()) {
        }
      });
    }
    for (std::thread& thread : threads) {
      thread.join();
    }
    return seconds_since(start);
  }

  void snapshot(size_t rows) {
    std::string database = new_database(rows);
    std::string empty = new_database(0);
    cluster_.run(insert_sql(7), empty);
    std::vector<double> one, two, ours, starts;
    long memory_kb = 0;
    for (int round = 0; round < 6; ++round) {  // the first one warms the caches
      double a = copy(database, 1), b = copy(database, 2);
      auto whole_run = [&](const std::string& of) {
        auto start = Clock::now();
        Tidemark tidemark(binary_, cluster_.address(of), {"--until", "caught-up"});
        size_t lines = 0;
        while (!tidemark.line().empty()) {
          ++lines;
        }
        double time = seconds_since(start);
        rusage usage;
        CHECK(tidemark.end(usage) == 0 && lines >= 6);
        memory_kb = std::max(memory_kb, usage.ru_maxrss);
        return time;
      };
      double c = whole_run(database), d = whole_run(empty);
      if (round > 0) {
        one.push_back(a);
        two.push_back(b);
        ours.push_back(c);
        starts.push_back(d);
      }
    }
    double start = quantile(starts, 0.5);
    auto row = [&](const char* way, const std::vector<double>& times, double ratio) {
      double median = quantile(times, 0.5);
      std::printf("| %zu | %s | %.3f (%.3f - %.3f) | %.2f | %.2f |\n", rows, way, median,
                  quantile(times, 0), quantile(times, 1), static_cast<double>(rows) / median / 1e6,
                  ratio);
    };
    row("COPY, one connection", one, quantile(two, 0.5) / quantile(one, 0.5));
    row("COPY, two connections", two, 1);
    row("tidemark, whole process, two connections", ours, quantile(two, 0.5) / quantile(ours, 0.5));
    for (double& time : ours) {
      time -= start;
    }
    row(fmt::format("the same without start and end ({:.3f} s on 7 claims)", start).c_str(), ours,
        quantile(two, 0.5) / quantile(ours, 0.5));
    std::printf("| %zu | peak resident memory of tidemark | %.1f MB | | |\n", rows,
                static_cast<double>(memory_kb) / 1024);
  }

  // How the backlog is read; each reader has a slot of its own, made before the backlog.
  struct Reader {
    std::string name;
    std::function<void(const std::string& database, const std::string& slot, Lsn end)> drain;
    std::vector<double> seconds;
  };

  std::vector<Reader> readers() {
    std::vector<Reader> result;
    result.push_back({"pg_recvlogical, text",
                      [this](const std::string& database, const std::string& slot, Lsn end) {
                        PostgresAddress address = cluster_.address(database);
                        std::string command = fmt::format(
                            "/usr/lib/postgresql/15/bin/pg_recvlogical -h {} -p {} -U postgres -d "
                            "{} --slot {} --start --endpos {} -o proto_version=1 -o "
                            "publication_names=bench -f - >/dev/null",
                            address.host, address.port, database, slot, end.to_string());
                        CHECK(system(command.c_str()) == 0);
                      },
                      {}});
    static constexpr BareReceiver::Pattern kPatterns[] = {
        {"bare, read at once", false, 0},
        {"bare, 20 us pause", false, 20},
        {"bare, 100 us pause", false, 100},
        {"bare, TCP with 4 MB, 1 ms pause", true, 1000},
    };
    for (const BareReceiver::Pattern& pattern : kPatterns) {
      result.push_back(
          {pattern.name,
           [this, &pattern](const std::string& database, const std::string& slot, Lsn end) {
             BareReceiver(cluster_.address(database), pattern).drain(slot, "bench", 2, end);
           },
           {}});
    }
    return result;
  }

  void backlog(const char* name, size_t prepared_rows,
               const std::function<void(const std::string&)>& make) {
    std::vector<Reader> others;
    if (!is_alone_) {
      others = readers();
    }
    std::vector<double> ours, walsender_cpu, our_cpu;
    for (int round = 0; round < kDrainRounds; ++round) {
      std::string database = new_database(prepared_rows);
      cluster_.run(insert_sql(7), database);
      Tidemark tidemark(binary_, cluster_.address(database), {});
      tidemark.line();  // the first content stands
      pid_t walsender =
          atoi(cluster_.value("SELECT pid FROM pg_stat_replication LIMIT 1", database).c_str());
      kill(tidemark.pid(), SIGSTOP);
      cluster_.run("CREATE PUBLICATION bench FOR TABLE claims.accident_claims", database);
      for (size_t i = 0; i < others.size(); ++i) {
        cluster_.run(
            fmt::format("SELECT pg_create_logical_replication_slot('bench{}', 'pgoutput')", i),
            database);
      }
      make(database);
      // The last commit changes the answer, so that its mark is seen.
      cluster_.run(
          "INSERT INTO claims.accident_claims (claim_total, accident_detail, claim_status) VALUES "
          "(1, 'last', 'INITIAL')",
          database);
      Lsn end = Lsn::parse(cluster_.value("SELECT pg_current_wal_flush_lsn()", database)).value();
      double sender = cpu_seconds(walsender), own = cpu_seconds(tidemark.pid());
      auto start = Clock::now();
      kill(tidemark.pid(), SIGCONT);
      for (std::string text = tidemark.line();; text = tidemark.line()) {
        CHECK(!text.empty());
        if (text.find("\"last\"") != std::string::npos && Tidemark::mark_of(text) <= end) {
          break;
        }
      }
      ours.push_back(seconds_since(start));
      walsender_cpu.push_back(cpu_seconds(walsender) - sender);
      our_cpu.push_back(cpu_seconds(tidemark.pid()) - own);
      // The others in an order that turns from round to round.
      for (size_t k = 0; k < others.size(); ++k) {
        size_t i = (k + static_cast<size_t>(round)) % others.size();
        std::string slot = fmt::format("bench{}", i);
        start = Clock::now();
        others[i].drain(database, slot, end);
        others[i].seconds.push_back(seconds_since(start));
      }
      for (size_t i = 0; i < others.size(); ++i) {
        drop_slot(database, fmt::format("bench{}", i));
      }
    }
    double best = 1e9;
    for (const Reader& reader : others) {
      best = std::min(best, quantile(reader.seconds, 0.5));
    }
    auto row = [&](const std::string& reader, const std::vector<double>& seconds,
                   const std::string& cpu) {
      double median = quantile(seconds, 0.5);
      std::string ratio = is_alone_ ? "" : fmt::format("{:.2f} | ", best / median);
      std::printf("| %s | %s | %.2f (%.2f - %.2f) | %.0f | %s%s |\n", name, reader.c_str(), median,
                  quantile(seconds, 0), quantile(seconds, 1),
                  static_cast<double>(rows_) / median / 1e3, ratio.c_str(), cpu.c_str());
    };
    for (const Reader& reader : others) {
      row(reader.name, reader.seconds, "");
    }
    row("tidemark, until the answer stands", ours,
        fmt::format("{:.2f} s / {:.2f} s ({:.2f})", quantile(walsender_cpu, 0.5),
                    quantile(our_cpu, 0.5), quantile(our_cpu, 0.5) / quantile(walsender_cpu, 0.5)));
    std::fflush(stdout);
  }

  // The walsender of a reader that just left may still hold it.
  void drop_slot(const std::string& database, const std::string& slot) {
    cluster_.run(fmt::format("DO $$ BEGIN FOR i IN 1..1000 LOOP BEGIN PERFORM "
                             "pg_drop_replication_slot('{}'); RETURN; EXCEPTION WHEN object_in_use "
                             "THEN PERFORM pg_sleep(0.01); END; END LOOP; END $$",
                             slot),
                 database);
  }

  void backlogs() {
    auto run = [&](std::string sql) {
      return [this, sql](const std::string& database) { cluster_.run(sql, database); };
    };
    backlog("inserts, one transaction", 0, run(insert_sql(rows_)));
    backlog("inserts, 100,000 transactions", 0, [this](const std::string& database) {
      cluster_.run(fmt::format("CREATE PROCEDURE many() LANGUAGE plpgsql AS $$ BEGIN FOR t IN "
                               "1..100000 LOOP {}; COMMIT; END LOOP; END $$",
                               insert_sql(rows_ / 100000)),
                   database);
      PostgresConnection connection = cluster_.connect(database);
      CHECK(connection.execute("SET synchronous_commit = off").ok());
      CHECK(connection.execute("CALL many()").ok());
      cluster_.run("DROP PROCEDURE many()", database);
    });
    backlog("updates (FULL), one transaction", rows_,
            run("UPDATE claims.accident_claims SET claim_total = claim_total + 1"));
    backlog("deletes, one transaction", rows_, run("DELETE FROM claims.accident_claims"));
  }

  void latency(int rate, int commits) {
    std::string database = new_database(1000);
    Tidemark tidemark(binary_, cluster_.address(database), {});
    tidemark.line();
    cluster_.run("CREATE PUBLICATION bench FOR TABLE claims.accident_claims", database);
    std::atomic<bool> stop{false};
    std::vector<std::pair<Lsn, Clock::time_point>> received, seen;
    auto connection =
        PostgresConnection::open(cluster_.address(database), ConnectionMode::kReplication);
    CHECK(connection.ok());
    CHECK(connection->query("CREATE_REPLICATION_SLOT bench TEMPORARY LOGICAL pgoutput").ok());
    std::thread receiver([&] {
      ReplicationStream stream(std::move(*connection));
      CHECK(stream
                .start("START_REPLICATION SLOT bench LOGICAL 0/0 (proto_version '1', "
                       "publication_names 'bench', binary 'true')")
                .ok());
      while (!stop) {
        CHECK(stream.wait_and_read(10'000, -1).ok());
        for (auto message = stream.next(); message.ok() && message->has_value();
             message = stream.next()) {
          std::string_view payload = (*message)->payload;
          if (!payload.empty() && payload[0] == 'C') {  // Commit: flags, commit LSN, end LSN, time
            uint64_t lsn = 0;
            for (size_t i = 0; i < 8; ++i) {
              lsn = lsn << 8 | static_cast<uint8_t>(payload[10 + i]);
            }
            received.emplace_back(Lsn{lsn}, Clock::now());
            CHECK(stream.send_status(Lsn{lsn}, Lsn{lsn}, now_us(), false).ok());
          }
        }
      }
    });
    std::thread reader([&] {
      for (std::string text = tidemark.line(); !text.empty(); text = tidemark.line()) {
        seen.emplace_back(Tidemark::mark_of(text), Clock::now());
        if (text.find("\"last\"") != std::string::npos) {
          break;
        }
      }
    });
    std::vector<std::pair<Lsn, Clock::time_point>> done;
    PostgresConnection writer = cluster_.connect(database);
    auto next = Clock::now();
    for (int i = 0; i < commits; ++i) {
      next += std::chrono::microseconds(1'000'000 / rate);
      std::this_thread::sleep_until(next);
      CHECK(writer
                .execute("INSERT INTO claims.accident_claims (claim_total, accident_detail, "
                         "claim_status) VALUES (1.25, 'Cassowary', 'INITIAL')")
                .ok());
      auto now = Clock::now();
      done.emplace_back(
          Lsn::parse(writer.query("SELECT pg_current_wal_insert_lsn()")->text(0, 0)).value(), now);
    }
    CHECK(writer
              .execute("INSERT INTO claims.accident_claims (claim_total, accident_detail, "
                       "claim_status) VALUES (1, 'last', 'INITIAL')")
              .ok());
    reader.join();
    stop = true;
    receiver.join();
    auto delays = [&](const std::vector<std::pair<Lsn, Clock::time_point>>& events) {
      std::vector<double> result;
      size_t at = 0;
      for (size_t i = 1; i < done.size(); ++i) {
        while (at < events.size() && events[at].first <= done[i - 1].first) {
          ++at;
        }
        if (at < events.size()) {
          result.push_back(
              std::chrono::duration<double, std::milli>(events[at].second - done[i].second)
                  .count());
        }
      }
      return result;
    };
    std::vector<double> bare = delays(received), ours = delays(seen);
    std::printf("| %d/s | %.3f / %.3f | %.3f / %.3f |\n", rate, quantile(bare, 0.5),
                quantile(bare, 0.99), quantile(ours, 0.5), quantile(ours, 0.99));
    std::fflush(stdout);
  }

  static constexpr int kDrainRounds = 5;
  bool is_alone_ = false;

  std::string binary_;
  size_t rows_;
  size_t rows_large_;
  PostgresCluster cluster_{
      {.settings = {"max_wal_size = '16GB'", "shared_buffers = '1GB'"}, .fsync = true}};
};

}  // namespace
}  // namespace tidemark

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(
        stderr,
        "usage: cdc_bench TIDEMARK_BINARY [snapshot|drain|cpu|latency|all] [claims] [claims in "
        "the larger snapshot]\n");
    return 2;
  }
  signal(SIGPIPE, SIG_IGN);
  std::string part = argc > 2 ? argv[2] : "all";
  size_t rows = argc > 3 ? strtoull(argv[3], nullptr, 10) : 1'000'000;
  size_t rows_large = argc > 4 ? strtoull(argv[4], nullptr, 10) : 5'000'000;
  tidemark::Bench bench(argv[1], rows, rows_large);
  bool all = part == "all";
  if (all || part == "snapshot") {
    bench.snapshots();
  }
  if (all || part == "drain") {
    bench.drains();
  }
  if (part == "cpu") {
    bench.drains_alone();
  }
  if (all || part == "latency") {
    bench.latencies();
  }
  return 0;
}
