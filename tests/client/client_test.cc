// Runs the tidemark program as users and scripts do, and looks at its output and exit status.

#include <chrono>
#include <fstream>
#include <thread>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/harness/paths.h"
#include "tests/harness/postgres_cluster.h"

namespace tidemark {
namespace {

struct Outcome {
  int status = -1;
  std::string out;
  std::string err;
};

std::string contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class ClientTest : public testing::Test {
 protected:
  void SetUp() override {
    char path[] = "/tmp/tidemark_client_test.XXXXXX";
    ASSERT_NE(mkdtemp(path), nullptr);
    directory_ = path;
  }
  void TearDown() override {
    std::string command = "rm -rf " + directory_;
    ASSERT_EQ(system(command.c_str()), 0);
  }
  std::string file(const std::string& name, std::string_view text) {
    std::ofstream(directory_ + "/" + name, std::ios::binary) << text;
    return directory_ + "/" + name;
  }
  // `shell` follows the program's name; "..." in it may redirect.
  Outcome run(const std::string& arguments) {
    std::string command = "cd " + directory_ + " && TMPDIR=" + directory_ + " timeout 60 " +
                          tidemark_binary() + " " + arguments + " >out 2>err </dev/null";
    int status = system(command.c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, contents(directory_ + "/out"),
            contents(directory_ + "/err")};
  }
  std::string source(const std::string& table) {
    PostgresAddress address = shared_cluster().address(database_);
    return "CREATE TABLE " + table + " WITH ('connector'='postgres-cdc', 'hostname'='" +
           address.host + "', 'port'='" + address.port +
           "', 'username'='postgres', 'password'='postgres', 'database-name'='" + database_ +
           "', 'schema-name'='public', 'table-name'='" + table + "');\n";
  }
  void make_table(const std::string& sql) {
    database_ = shared_cluster().make_database();
    shared_cluster().run(sql, database_);
  }
  std::string directory_;
  std::string database_;
};

TEST_F(ClientTest, prints_bounded_rows_as_a_grid) {
  Outcome r = run("-c \"VALUES (1, 'a'), (2, NULL)\"");
  EXPECT_EQ(r.status, 0) << r.err;
  EXPECT_EQ(r.out,
            "+--------+--------+\n| EXPR$0 | EXPR$1 |\n+--------+--------+\n|      1 |      a |\n| "
            "     2 | <NULL> |\n"
            "+--------+--------+\n2 rows in set\n");
}

TEST_F(ClientTest, json_and_csv_hold_nothing_but_data) {
  std::string statements =
      "-c \"CREATE VIEW v AS SELECT 1 AS a; SELECT CAST(1.50 AS DECIMAL(10,2)) AS d, TRUE AS b, "
      "CAST(NULL AS INT) AS n, 'x,y' AS s\" --output ";
  Outcome json = run(statements + "json");
  EXPECT_EQ(
      json.out,
      "{\"op\":\"+I\",\"mark\":null,\"data\":{\"d\":1.50,\"b\":true,\"n\":null,\"s\":\"x,y\"}}\n");
  Outcome csv = run(statements + "csv");
  EXPECT_EQ(csv.out, "op,mark,d,b,n,s\n+I,,1.50,true,,\"x,y\"\n");
  EXPECT_EQ(json.status, 0);
  EXPECT_EQ(csv.status, 0);
}

TEST_F(ClientTest, stops_at_the_first_failure_and_shows_the_place) {
  Outcome r = run(
      "-f " + file("q.sql", "SELECT 1 AS one;\n\nSELECT 'é', x FROM nowhere;\nSELECT 2 AS two;\n"));
  EXPECT_EQ(r.status, 1);
  EXPECT_NE(r.out.find("one"), std::string::npos);
  EXPECT_EQ(r.out.find("two"), std::string::npos);
  EXPECT_EQ(r.err.find("[ERROR] Could not execute SQL statement. Reason:\n"), 0u);
  EXPECT_NE(r.err.find("q.sql, line 3: "), std::string::npos) << r.err;
  EXPECT_NE(r.err.find("\n  SELECT 'é', x FROM nowhere;\n                     ^"),
            std::string::npos)
      << r.err;
}

TEST_F(ClientTest, a_script_that_cannot_be_whole_runs_nothing) {
  Outcome quote = run("-f " + file("quote.sql", "SELECT 1;\nSELECT 'abc"));
  EXPECT_EQ(quote.status, 1);
  EXPECT_EQ(quote.out, "");
  EXPECT_NE(quote.err.find("line 2: the script ends inside a quote"), std::string::npos)
      << quote.err;
  Outcome bytes = run("-f " + file("bytes.sql", "SELECT '\xFF';"));
  EXPECT_EQ(bytes.status, 1);
  EXPECT_NE(bytes.err.find("not valid UTF-8: byte 0xff"), std::string::npos) << bytes.err;
}

TEST_F(ClientTest, wrong_flags_are_usage_errors) {
  for (const char* flags :
       {"--nope", "--output xml", "--until later", "--for soon", "-D novalue", "http://x y z"}) {
    Outcome r = run(flags);
    EXPECT_EQ(r.status, 2) << flags;
    EXPECT_NE(r.err.find("tidemark: "), std::string::npos) << flags;
  }
  EXPECT_EQ(run("-f /nowhere.sql").status, 1);
  EXPECT_EQ(run("version").status, 0);
  EXPECT_EQ(run("--help").status, 0);
}

TEST_F(ClientTest, init_scripts_prepare_and_do_not_query) {
  std::string init = file("init.sql", "CREATE VIEW v AS SELECT 7 AS n;");
  Outcome good = run("-i " + init + " -c 'SELECT n FROM v' --until caught-up --output csv");
  EXPECT_EQ(good.out, "op,mark,n\n+I,,7\n") << good.err;
  Outcome bad = run("-i " + file("query.sql", "SELECT 1;") + " -c 'SELECT 2'");
  EXPECT_EQ(bad.status, 1);
  EXPECT_NE(bad.err.find("no queries"), std::string::npos);
}

TEST_F(ClientTest, one_shot_over_postgres_is_ordered_and_complete) {
  make_table(
      "CREATE TABLE t (id int PRIMARY KEY, g text, v numeric); "
      "INSERT INTO t SELECT i, 'g' || i % 3, i FROM generate_series(1, 1000) i");
  Outcome r = run(
      "-f " +
      file("q.sql", source("t") + "SELECT g, COUNT(*) AS n FROM t GROUP BY g ORDER BY n DESC, g") +
      " --until caught-up");
  EXPECT_EQ(r.status, 0) << r.err;
  EXPECT_NE(r.out.find("| g |   n |") == std::string::npos ? r.out.find("|  g |   n |") : 0,
            std::string::npos);
  EXPECT_NE(r.out.find("| g1 | 334 |\n| g0 | 333 |\n| g2 | 333 |\n"), std::string::npos) << r.out;
  EXPECT_NE(r.out.find("3 rows in set"), std::string::npos);
}

TEST_F(ClientTest, url_makes_every_table_ready) {
  make_table("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1), (2)");
  PostgresAddress address = shared_cluster().address(database_);
  Outcome r =
      run("'postgres:///" + database_ + "?host=" + address.host + "&port=" + address.port +
          "&user=postgres' -c 'SELECT COUNT(*) AS n FROM t' --until caught-up --output csv");
  EXPECT_EQ(r.status, 0) << r.err;
  EXPECT_TRUE(r.out.starts_with("op,mark,n\n+I,")) << r.out;
  EXPECT_TRUE(r.out.ends_with(",2\n")) << r.out;
  Outcome wrong = run("'postgres:///nowhere?host=" + address.host + "&port=" + address.port +
                      "&user=postgres' -c 'SELECT 1'");
  EXPECT_EQ(wrong.status, 1);
  EXPECT_NE(wrong.err.find("nowhere"), std::string::npos);
  EXPECT_EQ(wrong.err.find("'password'"), std::string::npos);
}

TEST_F(ClientTest, time_pipe_and_signals_end_a_live_query) {
  make_table("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)");
  std::string script = file("q.sql", source("t") + "SELECT id FROM t");
  // How soon the answer comes is not this test's matter: it is asked for without a time below.
  EXPECT_EQ(run("-f " + script + " --for 1s --output json").status, 0);
  Outcome timed = run("-f " + script + " --until caught-up --output json");
  EXPECT_EQ(timed.status, 0) << timed.err;
  EXPECT_NE(timed.out.find("{\"op\":\"+I\",\"mark\":\""), std::string::npos)
      << timed.out << timed.err;
  // `timeout` ends with the program's own status.
  std::string base = "cd " + directory_ + " && TMPDIR=" + directory_ + " ";
  std::string program = tidemark_binary() + " -f " + script + " --output json";
  auto status_of = [&](const std::string& command) {
    return WEXITSTATUS(system((base + command).c_str()));
  };
  EXPECT_EQ(status_of("timeout -s INT --preserve-status 1 " + program + " >out 2>err </dev/null"),
            130);
  EXPECT_EQ(status_of("timeout -s TERM --preserve-status 1 " + program + " >out 2>err </dev/null"),
            143);
  EXPECT_EQ(status_of("bash -c 'timeout 30 " + program +
                      " 2>err </dev/null | head -n 1 >out; exit ${PIPESTATUS[0]}'"),
            141);
  // Nothing is left behind: no socket directory, no slot.
  EXPECT_EQ(status_of("ls -d tidemark.* >left 2>/dev/null; test ! -s left"), 0);
  EXPECT_EQ(shared_cluster().value("SELECT count(*) FROM pg_replication_slots WHERE database = '" +
                                   database_ + "'"),
            "0");
}

TEST_F(ClientTest, killed_it_leaves_nothing_that_holds_the_log_and_is_cleaned_up_after) {
  make_table("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)");
  std::string script = file("q.sql", source("t") + "SELECT id FROM t");
  std::string command = "cd " + directory_ + " && { TMPDIR=" + directory_ + " " +
                        tidemark_binary() + " -f " + script +
                        " --output json >out 2>err </dev/null & } && "
                        "for i in $(seq 3000); do test -s out && break; sleep 0.01; done; "
                        "test -s out && kill -9 $!";
  ASSERT_EQ(system(command.c_str()), 0) << contents(directory_ + "/err");
  auto count = [&](const std::string& what) {
    return shared_cluster().value("SELECT count(*) FROM " + what, database_);
  };
  std::string slots = "pg_replication_slots WHERE database = '" + database_ + "'";
  for (int i = 0; i < 3000 && count(slots) != "0"; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_EQ(count(slots), "0");
  EXPECT_EQ(count("pg_publication"), "1");
  Outcome again = run("-f " + script + " --until caught-up --output json");
  EXPECT_EQ(again.status, 0) << again.err;
  EXPECT_NE(again.out.find("{\"id\":1}"), std::string::npos) << again.out;
  EXPECT_EQ(count("pg_publication"), "0");
}

TEST_F(ClientTest, changes_follow_at_their_marks) {
  make_table("CREATE TABLE t (id int PRIMARY KEY, v int); INSERT INTO t VALUES (1, 10)");
  std::string script = file("q.sql", source("t") + "SELECT id, v FROM t");
  std::thread writer([&] {
    // Each change is seen before the next is made: neighbouring commits may be shown as one.
    auto wait_for = [&](const std::string& part) {
      for (int i = 0; i < 3000 && contents(directory_ + "/out").find(part) == std::string::npos;
           ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
      }
    };
    wait_for("+I");
    shared_cluster().run("UPDATE t SET v = 11 WHERE id = 1", database_);
    wait_for("+U");
    shared_cluster().run("DELETE FROM t", database_);
  });
  Outcome r = run("-f " + script + " --for 5s --output json");
  writer.join();
  std::string ops;
  for (size_t at = r.out.find("\"op\":\""); at != std::string::npos;
       at = r.out.find("\"op\":\"", at + 1)) {
    ops += r.out.substr(at + 6, 2);
  }
  EXPECT_EQ(ops, "+I-U+U-D") << r.out << r.err;
}

}  // namespace
}  // namespace tidemark
