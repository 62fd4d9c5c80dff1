// What PostgreSQL's clients ask to find their way: their queries as text, and psql itself.

#include <algorithm>
#include <fstream>
#include <sstream>

#include <fmt/core.h>

#include "tests/harness/paths.h"
#include "tests/wire/wire_fixture.h"

namespace tidemark {
namespace {

class WireIntrospection : public WireTest {
 protected:
  void SetUp() override {
    WireTest::SetUp();
    PgClient client = connect();
    ASSERT_TRUE(client
                    .run("CREATE VIEW numbers AS SELECT a, b FROM (VALUES (1, 'x'), (2, 'y')) AS "
                         "t (a, b)")
                    .ok());
    ASSERT_TRUE(client.run("CREATE DATABASE extra").ok());
  }
};

TEST_F(WireIntrospection, psql_lists_what_there_is) {
  EXPECT_EQ(psql("\\dv"), "public|numbers|view|tidemark\n");
  EXPECT_NE(psql("\\d").find("public|numbers|view|tidemark"), std::string::npos);
  psql("\\dt");
  psql("\\dm");
  psql("\\di");
  EXPECT_NE(psql("\\l").find("tidemark|tidemark|UTF8"), std::string::npos);
  EXPECT_EQ(psql("\\dn"), "extra|tidemark\npublic|tidemark\ntidemark|tidemark\n");
  psql("\\df");
  EXPECT_NE(psql("\\conninfo").find("database \"tidemark\" as user \"tidemark\""),
            std::string::npos);
  EXPECT_NE(psql("\\dt tidemark.*").find("tidemark|views|table|tidemark"), std::string::npos);
}

TEST_F(WireIntrospection, psql_lists_functions_in_sql) {
  PgClient client = connect();
  ASSERT_TRUE(client.run("CREATE FUNCTION plus(x INT, t TEXT) RETURNS BIGINT AS 'x + 1'").ok());
  EXPECT_EQ(psql("\\df"), "public|plus|bigint|x integer, t text|func\n");
  EXPECT_EQ(psql("\\df pl*"), "public|plus|bigint|x integer, t text|func\n");
  EXPECT_EQ(
      client.rows("SELECT prosrc, pronargs, proargnames, pg_get_functiondef(oid) FROM pg_proc "
                  "WHERE proname = 'plus'"),
      "x + 1|2|{x,t}|CREATE FUNCTION default_catalog.default_database.plus(x INT, t STRING) "
      "RETURNS BIGINT LANGUAGE SQL AS 'x + 1'");
  EXPECT_EQ(client.rows("SELECT word, catcode FROM pg_catalog.pg_get_keywords() WHERE word IN "
                        "('select', 'qualify', 'language') ORDER BY 1"),
            "language|U;qualify|R;select|R");
}

TEST_F(WireIntrospection, psql_describes_a_view) {
  std::string described = psql("\\d numbers");
  EXPECT_NE(described.find("a|integer||not null|"), std::string::npos) << described;
  EXPECT_NE(described.find("b|character varying(1)||not null|"), std::string::npos) << described;
  described = psql("\\d+ numbers");
  EXPECT_NE(described.find("a|integer||not null||plain"), std::string::npos) << described;
}

// None of them is an error. (ERROR alone is the value of a setting.)
TEST_F(WireIntrospection, psql_describes_all_there_is_to_describe) {
  PgClient client = connect();
  ASSERT_TRUE(client.run("CREATE MATERIALIZED VIEW kept AS SELECT a FROM numbers").ok());
  for (const char* command : {"\\d",         "\\d+",     "\\d+ *",        "\\da",
                              "\\dA+",       "\\db+",    "\\dc",          "\\dC",
                              "\\dconfig *", "\\dD",     "\\ddp",         "\\des",
                              "\\det",       "\\deu",    "\\dew",         "\\df+",
                              "\\dF",        "\\dFd+",   "\\dFp",         "\\dFt+",
                              "\\dg+",       "\\di+",    "\\dl+",         "\\dm+",
                              "\\dn+",       "\\do",     "\\dp",          "\\dP",
                              "\\drds",      "\\dRp",    "\\dRs+",        "\\ds+",
                              "\\dt+",       "\\dt *.*", "\\dT+",         "\\du+",
                              "\\dv+",       "\\dx",     "\\dX",          "\\dy+",
                              "\\l+",        "\\z",      "\\d+ pg_class", "\\d tidemark.views"}) {
    EXPECT_EQ(psql(command).find("ERROR: "), std::string::npos) << command << psql(command);
  }
}

// Each block of introspection.sql is one query, as its client sends it.
TEST_F(WireIntrospection, queries_of_clients_are_answered) {
  std::ifstream file(source_dir() + "/tests/wire/introspection.sql");
  ASSERT_TRUE(file.good());
  PgClient client = connect();
  std::string line, query, name;
  size_t asked = 0;
  auto ask = [&] {
    if (query.find_first_not_of(" \n") != std::string::npos) {
      PgAnswer answer = client.run(query);
      EXPECT_TRUE(answer.ok()) << name << "\n" << client.message() << query;
      ++asked;
    }
    query.clear();
  };
  while (std::getline(file, line)) {
    if (line.starts_with("-- ")) {
      ask();
      name = line;
    } else {
      query += line + "\n";
    }
  }
  ask();
  EXPECT_GT(asked, 15U);
}

TEST_F(WireIntrospection, own_tables_are_there) {
  PgClient client = connect();
  for (const char* table :
       {"views", "sources", "operators", "subscriptions", "settings", "slots"}) {
    EXPECT_TRUE(client.run(fmt::format("SELECT * FROM tidemark.{}", table)).ok()) << table;
  }
  EXPECT_EQ(
      client.rows("SELECT value FROM tidemark.settings WHERE name = 'execution.runtime-mode'"),
      "batch");
  EXPECT_EQ(client.rows("SELECT 'numbers'::regclass::text, 'pg_class'::regclass::oid"),
            "numbers|1259");
  EXPECT_EQ(client.run("SELECT 'nothing'::regclass").sqlstate(), "42P01");
  EXPECT_EQ(client.rows("SELECT a FROM public.numbers WHERE a = 1"), "1");
  EXPECT_EQ(client.rows("SELECT a FROM tidemark.public.numbers WHERE a = 2"), "2");
}

}  // namespace
}  // namespace tidemark
