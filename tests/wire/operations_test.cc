// What those who run the server look at and do: HTTP, metrics, the log, signals, the memory of idle
// connections. `tidemark serve` is a process of its own here.

#include <filesystem>
#include <fstream>

#include <fmt/core.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/harness/command_output.h"
#include "tests/harness/http_get.h"
#include "tests/harness/postgres_cluster.h"
#include "tests/harness/raw_socket.h"
#include "tests/harness/serve_process.h"

namespace tidemark {
namespace {

class WireOperations : public testing::Test {
 protected:
  void SetUp() override {
    database_ = shared_cluster().make_database();
    shared_cluster().run(
        "CREATE TABLE claims (id int PRIMARY KEY, animal text, cost int NOT NULL); INSERT INTO "
        "claims SELECT i, 'animal' || i % 5, 1 FROM generate_series(1, 100) i",
        database_);
  }
  void TearDown() override {
    serve_.kill();
    shared_cluster().run(
        "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = '" +
            database_ + "'",
        database_);
  }

  void start(std::vector<std::string> flags = {}) {
    flags.insert(flags.end(), {"--http", "127.0.0.1:0"});
    ASSERT_TRUE(serve_.start(flags)) << serve_.log();
  }
  void must(PostgresConnection& client, const std::string& sql) {
    Result<QueryResult> result = client.query(sql);
    ASSERT_TRUE(result.ok()) << sql << "\n" << result.status().to_string();
  }
  void make_view() {
    PostgresConnection client = serve_.connect();
    PostgresAddress address = shared_cluster().address(database_);
    must(client,
         fmt::format("CREATE TABLE claims WITH ('connector' = 'postgres-cdc', 'hostname' = '{}', "
                     "'port' = '{}', 'username' = 'postgres', 'password' = 'postgres', "
                     "'database-name' = '{}', 'schema-name' = 'public', 'table-name' = 'claims')",
                     address.host, address.port, database_));
    must(client,
         "CREATE MATERIALIZED VIEW costs AS SELECT animal, 100 / MIN(cost) AS part, COUNT(*) AS n "
         "FROM claims GROUP BY animal");
    must(client, "SELECT * FROM costs");
  }
  // A change at the source that the views show.
  void change(const std::string& sql) {
    shared_cluster().run(sql, database_);
    PostgresConnection client = serve_.connect();
    must(client, "WAIT FOR LSN '" +
                     shared_cluster().value("SELECT pg_current_wal_insert_lsn()", database_) + "'");
  }
  uint16_t http_port() const {
    std::string log = serve_.log();
    size_t at = log.rfind(", http 127.0.0.1:");
    return at == std::string::npos ? 0 : static_cast<uint16_t>(atoi(log.c_str() + at + 17));
  }
  HttpAnswer get(const std::string& path) const { return http_get(http_port(), path); }
  // The value of the one sample whose line begins so; a test failure if there is none.
  static double sample(const std::string& metrics, const std::string& begin) {
    size_t at = metrics.find("\n" + begin);
    EXPECT_NE(at, std::string::npos) << begin << "\n" << metrics;
    size_t line = metrics.find('\n', at + 1);
    size_t blank = metrics.rfind(' ', line);
    return at == std::string::npos ? -1 : atof(metrics.c_str() + blank + 1);
  }
  std::string socket_path() const {
    for (const auto& entry : std::filesystem::directory_iterator(serve_.directory())) {
      if (entry.path().filename().string().starts_with(".s.PGSQL.")) {
        return entry.path();
      }
    }
    return "";
  }

  std::string database_;
  ServeProcess serve_;
};

TEST_F(WireOperations, metrics_say_what_is_there) {
  start();
  make_view();
  change("INSERT INTO claims VALUES (101, 'animal9', 1)");
  HttpAnswer answer = get("/metrics");
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_NE(answer.head.find("Content-Type: text/plain; version=0.0.4"), std::string::npos);
  const std::string& text = answer.body;
  EXPECT_EQ(sample(text, "tidemark_view_up{schema=\"public\",view=\"costs\"}"), 1);
  EXPECT_EQ(sample(text, "tidemark_view_rows{schema=\"public\",view=\"costs\"}"), 6);
  EXPECT_GE(sample(text, "tidemark_view_lag_seconds{schema=\"public\",view=\"costs\"}"), 0);
  EXPECT_GT(sample(text, "tidemark_view_state_bytes{schema=\"public\",view=\"costs\"}"), 0);
  EXPECT_EQ(sample(text, "tidemark_source_up{"), 1);
  EXPECT_GT(sample(text, "tidemark_operator_rows_in{view=\"costs\""), 0);
  EXPECT_EQ(sample(text, "tidemark_connections "), 0);
  EXPECT_EQ(sample(text, "tidemark_statement_errors_total "), 0);
  EXPECT_GT(sample(text, "tidemark_statement_seconds_count "), 3);
  EXPECT_GT(sample(text, "tidemark_statement_seconds_sum "), 0);
  EXPECT_EQ(sample(text, "tidemark_statement_seconds_bucket{le=\"+Inf\"}"),
            sample(text, "tidemark_statement_seconds_count "));
  // Every line is a comment, or a name with labels and a number; every name has its type.
  std::istringstream lines("\n" + text);
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line.starts_with("#")) {
      continue;
    }
    std::string name = line.substr(0, line.find_first_of("{ "));
    for (const char* part : {"_bucket", "_sum", "_count"}) {
      if (name.ends_with(part)) {
        name.resize(name.size() - std::string_view(part).size());
      }
    }
    EXPECT_NE(text.find("# TYPE " + name + " "), std::string::npos) << line;
    char* end = nullptr;
    strtod(line.c_str() + line.rfind(' ') + 1, &end);
    EXPECT_EQ(*end, '\0') << line;
  }
  PostgresConnection client = serve_.connect();
  EXPECT_FALSE(client.query("SELECT nothing").ok());
  std::string later = get("/metrics").body;
  EXPECT_EQ(sample(later, "tidemark_connections "), 1);
  EXPECT_EQ(sample(later, "tidemark_statement_errors_total "), 1);
}

// The log grows by a large commit while the program is stopped, and nothing of it can have come.
TEST_F(WireOperations, lag_is_told_in_bytes) {
  start();
  make_view();
  change("UPDATE claims SET cost = 2");
  auto lag = [&](const std::string& what) {
    return sample(get("/metrics").body, "tidemark_" + what + "_bytes{");
  };
  EXPECT_LT(lag("view_lag"), 100'000);
  // Changes of a table that nobody reads are in the log, too.
  shared_cluster().run("CREATE TABLE other (t text)", database_);
  PostgresConnection client = serve_.connect();
  serve_.signal(SIGSTOP);
  shared_cluster().run("INSERT INTO other SELECT repeat('x', 500) FROM generate_series(1, 4000)",
                       database_);
  serve_.signal(SIGCONT);
  // The first answer after it may be given before the log has been received; then it catches up.
  Result<QueryResult> told =
      client.query("SELECT lag_bytes FROM tidemark.lag WHERE what = 'confirmed'");
  ASSERT_TRUE(told.ok()) << told.status().to_string();
  EXPECT_GT(told->integer(0, 0), 1'000'000);
  change("UPDATE claims SET cost = 3");
  EXPECT_LT(lag("view_lag"), 100'000);
  EXPECT_LT(lag("source_lag"), 100'000);
  for (int i = 0; i < 3000 && lag("source_held") > 100'000; ++i) {
    usleep(10'000);  // until the next checkpoint
  }
  EXPECT_LT(lag("source_held"), 100'000);
}

TEST_F(WireOperations, health_and_readiness) {
  start();
  EXPECT_EQ(get("/healthz").status, 200);
  EXPECT_EQ(get("/healthz").body, "ok\n");
  EXPECT_EQ(get("/readyz").status, 200);  // no view is missing
  make_view();
  EXPECT_EQ(get("/readyz").status, 200);
  change("UPDATE claims SET cost = 0 WHERE id = 7");  // 100 / 0: the view is in error
  HttpAnswer unready = get("/readyz");
  EXPECT_EQ(unready.status, 503);
  EXPECT_NE(unready.body.find("costs: error"), std::string::npos) << unready.body;
  EXPECT_EQ(get("/healthz").status, 200);
  EXPECT_EQ(sample(get("/metrics").body, "tidemark_view_up{schema=\"public\",view=\"costs\"}"), 0);
  change("UPDATE claims SET cost = 1 WHERE id = 7");
  EXPECT_EQ(get("/readyz").status, 200);
  EXPECT_EQ(get("/nothing").status, 404);
  EXPECT_EQ(http_get(http_port(), "/healthz", "POST").status, 405);
  EXPECT_EQ(http_get(http_port(), "/healthz", "HEAD").body, "");
}

TEST_F(WireOperations, the_log_is_json_when_asked) {
  std::string config = serve_.directory() + "/conf";
  std::ofstream(config) << "log-format = json\n";
  start({"--config", config});
  make_view();
  serve_.signal(SIGHUP);
  std::string log;
  while ((log = serve_.log()).find("reloaded") == std::string::npos) {
    usleep(1000);
  }
  EXPECT_EQ(serve_.stop(), 0);
  std::istringstream lines(serve_.log());
  size_t count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    std::string command = fmt::format(
        "python3 -c 'import json, sys; e = json.loads(sys.argv[1]); assert set(e) == {{\"time\", "
        "\"level\", \"message\"}}, e; assert e[\"level\"] in (\"info\", \"warning\", \"error\")' "
        "'{}'",
        line);
    EXPECT_EQ(system(command.c_str()), 0) << line;
    EXPECT_EQ(line.find("postgres'"), std::string::npos) << line;  // no passwords
  }
  EXPECT_GE(count, 4U);  // ready, reloaded, ending, ended
}

TEST_F(WireOperations, secrets_are_not_told) {
  const std::string secret = "hunter2secret";
  start();
  PostgresConnection client = serve_.connect();
  PostgresAddress address = shared_cluster().address(database_);
  auto declaration = [&](const std::string& name, const std::string& options) {
    return fmt::format(
        "CREATE TABLE {} WITH ('connector' = 'postgres-cdc', 'hostname' = '{}', 'port' = '{}', "
        "'username' = 'postgres', 'password' = '{}', 'database-name' = '{}', 'schema-name' = "
        "'public', {})",
        name, address.host, address.port, secret, database_, options);
  };
  must(client, declaration("claims", "'table-name' = 'claims'"));
  must(client,
       "CREATE MATERIALIZED VIEW costs AS SELECT animal, SUM(cost) AS cost FROM claims "
       "GROUP BY animal");
  must(client, "SELECT * FROM costs");
  must(client, "CREATE USER ada PASSWORD '" + secret + "'");
  std::string told = get("/metrics").body;
  for (const char* statement :
       {"SHOW CREATE TABLE claims", "DESCRIBE claims", "SHOW SOURCES", "SHOW JOBS", "SHOW USERS",
        "SELECT * FROM tidemark.sources", "SELECT * FROM tidemark.settings", "SHOW ALL",
        "SELECT * FROM pg_catalog.pg_roles", "EXPLAIN SELECT * FROM claims"}) {
    Result<QueryResult> result = client.query(statement);
    ASSERT_TRUE(result.ok()) << statement << "\n" << result.status().to_string();
    for (size_t row = 0; row < result->rows(); ++row) {
      for (size_t column = 0; column < result->columns(); ++column) {
        told += result->is_null(row, column) ? "" : std::string(result->text(row, column)) + "\n";
      }
    }
  }
  EXPECT_NE(told.find("'password' = '******'"), std::string::npos) << told;
  for (const std::string& wrong :
       {declaration("other", "'table-name' = 'no_such'"), declaration("other", "'unknown' = '1'"),
        declaration("claims", "'table-name' = 'claims'")}) {
    Result<QueryResult> result = client.query(wrong);
    ASSERT_FALSE(result.ok());
    told += result.status().to_string();
  }
  must(client, "DROP USER ada");
  EXPECT_EQ(serve_.stop(), 0);
  told += serve_.log();
  EXPECT_EQ(told.find(secret), std::string::npos) << told;
}

// New connections get the new certificate, those that are there go on.
TEST_F(WireOperations, hup_reads_the_certificate_again) {
  std::string folder = serve_.directory();
  auto make_certificate = [&](const char* name) {
    std::string command = fmt::format(
        "cd {0} && openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN={1} -keyout new.key "
        "-out new.pem >/dev/null 2>&1 && mv new.key server.key && mv new.pem server.pem",
        folder, name);
    ASSERT_EQ(system(command.c_str()), 0);
  };
  auto subject = [&](const std::string& port) {
    std::string command = fmt::format(
        "openssl s_client -connect 127.0.0.1:{} -starttls postgres </dev/null 2>/dev/null | "
        "openssl "
        "x509 -noout -subject",
        port);
    return command_output(command).text;
  };
  make_certificate("first");
  start({"--tls-cert", folder + "/server.pem", "--tls-key", folder + "/server.key"});
  std::string port = std::filesystem::path(socket_path()).filename().string().substr(9);
  EXPECT_NE(subject(port).find("CN = first"), std::string::npos) << subject(port);
  PostgresConnection before = serve_.connect();
  make_certificate("second");
  EXPECT_NE(subject(port).find("CN = first"), std::string::npos);
  serve_.signal(SIGHUP);
  while (serve_.log().find("reloaded: ") == std::string::npos) {
    usleep(1000);
  }
  EXPECT_NE(subject(port).find("CN = second"), std::string::npos) << subject(port);
  must(before, "SELECT 1");
  // Files that cannot be read change nothing, and the log says so.
  std::ofstream(folder + "/server.pem") << "not a certificate";
  serve_.signal(SIGHUP);
  while (serve_.log().find("not reloaded: ") == std::string::npos) {
    usleep(1000);
  }
  EXPECT_NE(subject(port).find("CN = second"), std::string::npos) << subject(port);
}

// The file of --config as it is now: limits and certificates at once, the rest at the next start.
TEST_F(WireOperations, hup_reads_the_flags_again) {
  std::string file = serve_.directory() + "/tidemark.conf";
  auto write = [&](const std::string& text) { std::ofstream(file) << text; };
  auto reload = [&](const std::string& expected) {
    serve_.signal(SIGHUP);
    while (serve_.log().find(expected) == std::string::npos) {
      usleep(1000);
    }
  };
  write("max-connections = 100\n");
  start({"--config", file});
  PostgresConnection first = serve_.connect();
  write("max-connections = 1\n");
  reload("reloaded: new connections");
  EXPECT_FALSE(serve_.try_connect().ok());
  must(first, "SELECT 1");
  write("max-connections = 2\ncheckpoint-interval = 7s\n");
  reload("; other flags have changed too, and wait for the next start");
  EXPECT_TRUE(serve_.try_connect().ok());
  for (const char* wrong : {"max-connections = many\n", "colour = red\n", "log-format = xml\n",
                            "tls-cert = /nowhere.pem\ntls-key = /nowhere.key\n"}) {
    size_t refusals_before = serve_.log().size();
    write(wrong);
    serve_.signal(SIGHUP);
    while (serve_.log().find("not reloaded: ", refusals_before) == std::string::npos) {
      usleep(1000);
    }
  }
  EXPECT_TRUE(serve_.try_connect().ok());
}

// 5,000 connections, or as many as this process may open; what each costs the server is told.
TEST_F(WireOperations, idle_connections_cost_little) {
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  rlimit before = limit;
  limit.rlim_cur = limit.rlim_max;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  size_t wanted = std::min<size_t>(5000, limit.rlim_cur > 300 ? limit.rlim_cur - 300 : 0);
  start({"--max-connections", "6000"});
  auto resident_kb = [&] {
    return sample("\n" + get("/metrics").body, "process_resident_memory_bytes ") / 1024;
  };
  {
    PostgresConnection first = serve_.connect();
    must(first, "SELECT 1");
  }
  double kb = resident_kb();
  std::string path = socket_path();
  // Version 3.0, user and database.
  std::string startup("\0\0\0\x29\0\3\0\0user\0tidemark\0database\0tidemark\0\0", 41);
  std::vector<int> open;
  for (size_t i = 0; i < wanted; ++i) {
    int fd = connect_unix(path);
    ASSERT_EQ(::write(fd, startup.data(), startup.size()), static_cast<ssize_t>(startup.size()));
    std::string greeting;
    while (!greeting.ends_with("Z" + std::string("\0\0\0\5I", 5))) {
      char buffer[4096];
      ssize_t size = ::read(fd, buffer, sizeof buffer);
      ASSERT_GT(size, 0) << i << serve_.log();
      greeting.append(buffer, static_cast<size_t>(size));
    }
    open.push_back(fd);
  }
  EXPECT_EQ(sample(get("/metrics").body, "tidemark_connections "), open.size());
  double each_kb = (resident_kb() - kb) / static_cast<double>(open.size());
  fmt::print("{} idle connections: {:.1f} KB each\n", open.size(), each_kb);
  EXPECT_LT(each_kb, 100.0 * 1024 / 5000);  // 5,000 in 100 MB
  PostgresConnection last = serve_.connect();
  must(last, "SELECT 1");
  for (int fd : open) {
    close(fd);
  }
  setrlimit(RLIMIT_NOFILE, &before);
}

}  // namespace
}  // namespace tidemark
