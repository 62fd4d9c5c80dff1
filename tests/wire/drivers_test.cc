// Real drivers, those of Debian's packages (pgjdbc where there is a JDK): TIDEMARK_TEST_PYTHON
// names another Python that has psycopg, psycopg2 and SQLAlchemy. node-postgres is no package that
// can always be installed: script/drivers gets it and runs its test.

#include <fmt/core.h>
#include <stdlib.h>

#include "tests/harness/command_output.h"
#include "tests/harness/paths.h"
#include "tests/wire/wire_fixture.h"

namespace tidemark {
namespace {

class WireDrivers : public WireTest {
 protected:
  void SetUp() override {
    WireTest::SetUp();
    ASSERT_TRUE(connect()
                    .run("CREATE VIEW numbers AS SELECT a, b FROM (VALUES (1, 'x'), (2, 'y')) AS "
                         "t (a, b)")
                    .ok());
    for (const char* statement :
         {"CREATE MATERIALIZED VIEW indexed AS SELECT a, MAX(b) AS b FROM numbers GROUP BY a",
          "CREATE INDEX by_b ON indexed (b, a)",
          "CREATE FUNCTION plus(x INT, y INT) RETURNS INT AS 'x + y'"}) {
      PgAnswer answer = connect().run(statement);
      ASSERT_TRUE(answer.ok()) << answer.error();
    }
  }
  static std::string python() {
    const char* named = getenv("TIDEMARK_TEST_PYTHON");
    return named == nullptr ? "/usr/bin/python3" : named;
  }
  static CommandOutput shell(const std::string& command) {
    return command_output(command + " 2>&1");
  }
  static std::string file(const char* name) {
    return fmt::format("{}/tests/wire/drivers/{}", source_dir(), name);
  }
};

TEST_F(WireDrivers, psycopg) {
  if (shell(python() + " -c 'import psycopg'").status != 0) {
    GTEST_SKIP() << "this Python has no psycopg";
  }
  auto [status, output] =
      shell(fmt::format("{} {} '{}'", python(), file("psycopg_test.py"), socket_conninfo()));
  EXPECT_EQ(status, 0) << output;
}

TEST_F(WireDrivers, psycopg2_and_sqlalchemy) {
  if (shell(python() + " -c 'import psycopg2'").status != 0) {
    GTEST_SKIP() << "this Python has no psycopg2";
  }
  auto [status, output] =
      shell(fmt::format("{} {} '{}'", python(), file("psycopg2_test.py"), socket_conninfo()));
  EXPECT_EQ(status, 0) << output;
}

TEST_F(WireDrivers, pgjdbc) {
  if (shell("javac -version").status != 0) {
    GTEST_SKIP() << "this machine has no JDK";
  }
  auto [status, output] =
      shell(fmt::format("java -cp /usr/share/java/postgresql.jar {} 127.0.0.1 {}",
                        file("PgJdbc.java"), server_->port()));
  EXPECT_EQ(status, 0) << output;
}

// Run by script/drivers, which needs npm.
TEST_F(WireDrivers, DISABLED_node_postgres) {
  auto [status, output] =
      shell(fmt::format("node {} 127.0.0.1 {}", file("node_test.js"), server_->port()));
  EXPECT_EQ(status, 0) << output;
}

}  // namespace
}  // namespace tidemark
