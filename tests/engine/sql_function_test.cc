// Functions in SQL: what they give, what is refused, and how they depend on each other.

#include <filesystem>

#include <gtest/gtest.h>
#include <unistd.h>

#include "engine/engine.h"
#include "sql/parser.h"
#include "tests/harness/live_query.h"

namespace tidemark {
namespace {

class SqlFunction : public testing::Test {
 protected:
  std::string value(const std::string& expression) {
    TextRows rows = session_.rows("SELECT " + expression);
    return rows.size() == 1 ? (*rows.begin())[0] : "no row";
  }
  // The first line of the error.
  std::string error(const std::string& statement) {
    std::string error = session_.error(statement);
    return error.substr(0, error.find('\n'));
  }
  // Where the error is.
  size_t error_position(const std::string& statement) {
    Status status = session_.session().execute_script(statement, [](const auto&) { return true; });
    return status.position().value_or(SIZE_MAX);
  }

  Engine engine_;
  TestSession session_{engine_};
};

TEST_F(SqlFunction, gives_its_body_over_the_arguments) {
  session_.run("CREATE FUNCTION plus(x INT, y INT) RETURNS INT LANGUAGE SQL AS 'x + y'");
  EXPECT_EQ(value("plus(1, 2)"), "3");
  EXPECT_EQ(value("PLUS(plus(1, 2), 3) * 2"), "12");
  EXPECT_EQ(value("default_catalog.default_database.plus(1, 2)"), "3");
  EXPECT_EQ(value("public.plus(1, 2)"), "3");
  session_.run("CREATE FUNCTION greet(name TEXT) RETURNS TEXT AS $$ SELECT 'it''s ' || name $$");
  EXPECT_EQ(value("greet('me')"), "it's me");
  session_.run("CREATE FUNCTION third(INT, INT) RETURNS BIGINT IMMUTABLE AS 'RETURN $1 * 3 + $2;'");
  EXPECT_EQ(value("third(2, 1)"), "7");
  session_.run("CREATE FUNCTION answer() RETURNS INT RETURN 6 * 7");
  EXPECT_EQ(value("answer()"), "42");
}

TEST_F(SqlFunction, casts_arguments_and_result_to_the_declared_types) {
  session_.run("CREATE FUNCTION half(x INT) RETURNS DECIMAL(6, 2) AS 'x / 2'");
  EXPECT_EQ(value("half(5)"), "2.00");
  EXPECT_EQ(value("half(CAST(5 AS BIGINT))"), "2.00");
  EXPECT_EQ(value("half(NULL)"), "NULL");
  session_.run("CREATE FUNCTION short(x TEXT) RETURNS VARCHAR(3) AS 'x'");
  EXPECT_EQ(value("short('abcdef')"), "abc");
  EXPECT_EQ(error("SELECT half(ARRAY[1])"), "half(x INT): cannot convert ARRAY<INT> to INT");
}

TEST_F(SqlFunction, strict_ones_are_null_if_an_argument_is) {
  session_.run("CREATE FUNCTION known(x INT, y INT) RETURNS INT AS 'COALESCE(x, y)'");
  session_.run("CREATE FUNCTION both(x INT, y INT) RETURNS INT STRICT AS 'COALESCE(x, y)'");
  EXPECT_EQ(value("known(NULL, 2)"), "2");
  EXPECT_EQ(value("both(NULL, 2)"), "NULL");
  EXPECT_EQ(value("both(1, 2)"), "1");
}

TEST_F(SqlFunction, stand_wherever_an_expression_does) {
  session_.run("CREATE FUNCTION bucket(x INT) RETURNS INT AS 'x / 10'");
  const std::string from = " FROM (VALUES (1), (5), (12)) AS t(v)";
  EXPECT_EQ(session_.rows("SELECT bucket(v), COUNT(*), bucket(SUM(v))" + from +
                          " WHERE bucket(v) < 9 GROUP BY bucket(v) HAVING bucket(SUM(v)) >= 0"),
            (TextRows{{"0", "2", "0"}, {"1", "1", "1"}}));
  EXPECT_EQ(
      session_.rows("SELECT t.v" + from + " JOIN (VALUES (3)) AS b(w) ON bucket(v) = bucket(w)")
          .size(),
      0u + session_.rows("SELECT v" + from + " WHERE v / 10 = 0").size());
  EXPECT_EQ(value("(SELECT bucket(MAX(v))" + from + ")"), "1");
  session_.run("CREATE FUNCTION pair(x INT) RETURNS ARRAY<INT> AS 'ARRAY[x, x + 1]'");
  EXPECT_EQ(session_.rows("SELECT e FROM pair(4) AS p(e)"), (TextRows{{"{4,5}"}}));
  EXPECT_EQ(session_.rows("SELECT e FROM LATERAL TABLE(pair(4)) AS p(e)"),
            (TextRows{{"4"}, {"5"}}));
}

TEST_F(SqlFunction, see_their_parameters_and_nothing_else) {
  session_.run("CREATE FUNCTION mine(v INT) RETURNS INT AS 'v * 100'");
  EXPECT_EQ(session_.rows("SELECT mine(w) FROM (VALUES (1, 2)) AS t(v, w)"), (TextRows{{"200"}}));
  EXPECT_EQ(error("CREATE FUNCTION f(x INT) RETURNS INT AS 'x + v'"),
            "the body of function f: no such column: v");
  EXPECT_EQ(error("CREATE FUNCTION f(x INT) RETURNS INT AS 'SUM(x)'"),
            "the body of function f: aggregate SUM cannot stand in the body of a function");
  EXPECT_EQ(error("CREATE FUNCTION f(x INT) RETURNS INT AS 'x + $2'"),
            "the body of function f: there is no parameter $2");
}

TEST_F(SqlFunction, call_each_other) {
  session_.run("CREATE FUNCTION twice(x INT) RETURNS INT AS 'x * 2'");
  session_.run("CREATE FUNCTION quadruple(x INT) RETURNS INT AS 'twice(twice(x))'");
  EXPECT_EQ(value("quadruple(3)"), "12");
  session_.run("CREATE OR REPLACE FUNCTION twice(x INT) RETURNS INT AS 'x + x + 0'");
  EXPECT_EQ(value("quadruple(3)"), "12");
}

TEST_F(SqlFunction, cannot_call_themselves) {
  EXPECT_EQ(error("CREATE FUNCTION f(x INT) RETURNS INT AS 'F(x - 1)'"),
            "the body of function f: function F calls itself");
  session_.run("CREATE FUNCTION f(x INT) RETURNS INT AS 'x'");
  session_.run("CREATE FUNCTION g(x INT) RETURNS INT AS 'f(x)'");
  EXPECT_NE(error("CREATE OR REPLACE FUNCTION f(x INT) RETURNS INT AS 'g(x)'").find("calls itself"),
            std::string::npos);
  EXPECT_EQ(value("g(7)"), "7");
}

// Each level names its parameter twice: 2^40 parts.
TEST_F(SqlFunction, cannot_grow_without_bound) {
  session_.run("CREATE FUNCTION f0(x INT) RETURNS INT AS 'x + x'");
  std::string last;
  for (int i = 1; i < 40 && last.empty(); ++i) {
    last = error("CREATE FUNCTION f" + std::to_string(i) + "(x INT) RETURNS INT AS 'f" +
                 std::to_string(i - 1) + "(f" + std::to_string(i - 1) + "(x))'");
  }
  EXPECT_NE(last.find("more than 20000 parts"), std::string::npos) << last;
}

TEST_F(SqlFunction, errors_name_function_and_place) {
  //                                          1         2         3         4         5
  //                                012345678901234567890123456789012345678901234567890123456789
  EXPECT_EQ(error_position("CREATE FUNCTION f(x INT) RETURNS INT LANGUAGE SQL AS 'x + nope'"), 58u);
  EXPECT_EQ(error_position("CREATE FUNCTION f(x INT) RETURNS INT LANGUAGE SQL AS $a$x +$a$"), 59u);
  EXPECT_EQ(error("CREATE FUNCTION f(x INT) RETURNS INT AS 'x +'"),
            "the body of function f: expected an expression, found the end of the text");
  EXPECT_EQ(error("CREATE FUNCTION f(x INT) RETURNS INT AS 'SELECT v FROM t'"),
            "the body of function f: the body of a function is one expression: a query in it is "
            "not supported yet");
  EXPECT_EQ(error("CREATE FUNCTION f(x INT, x INT) RETURNS INT AS 'x'"),
            "parameter is declared twice: x");
  EXPECT_EQ(error("CREATE FUNCTION f(x NOPE) RETURNS INT AS '1'"), "unknown type: NOPE");
  EXPECT_EQ(error("CREATE FUNCTION f(x INT) RETURNS ARRAY<INT> AS 'x'"),
            "the body of function f: cannot convert INT to ARRAY<INT>");
  session_.run("CREATE FUNCTION f(x INT, y TEXT) RETURNS INT AS '10 / x'");
  EXPECT_EQ(session_.error("SELECT f(1)"),
            "f takes 2 arguments, and got 1\nusage: f(x INT, y STRING)");
  EXPECT_EQ(error("SELECT f(0, '')"), "division by zero: 10 / 0");
  EXPECT_EQ(error("SELECT f(DISTINCT 1, '')").substr(0, 21), "f is not an aggregate");
  EXPECT_EQ(session_.error("SELECT ff(1, '')").find("no such function: FF"), 0u);
}

TEST_F(SqlFunction, what_cannot_be_is_refused_by_name) {
  EXPECT_EQ(error("CREATE FUNCTION upper(x TEXT) RETURNS TEXT AS 'x'"),
            "the system has a function of this name: upper");
  EXPECT_EQ(error("CREATE FUNCTION f AS 'a.b.C'"),
            "a function needs its parameters and what it returns");
  EXPECT_EQ(error("CREATE FUNCTION f AS 'a.b.C' LANGUAGE JAVA"),
            "functions in JAVA are not supported");
  EXPECT_EQ(error("CREATE FUNCTION f(x INT) RETURNS SETOF INT AS 'x'"),
            "a function gives one value: RETURNS SETOF and RETURNS TABLE are not supported");
  EXPECT_EQ(error("CREATE FUNCTION f(x INT DEFAULT 1) RETURNS INT AS 'x'"),
            "a default of a parameter is not supported yet");
  EXPECT_EQ(error("CREATE TEMPORARY SYSTEM FUNCTION f(x INT) RETURNS INT AS 'x'"),
            "a TEMPORARY SYSTEM FUNCTION is not supported");
  session_.run("CREATE TEMPORARY FUNCTION passing(x INT) RETURNS INT AS 'x'");
  EXPECT_EQ(error("CREATE FUNCTION f(x INT) RETURNS INT AS 'passing(x)'"),
            "a function cannot call the temporary function passing");
  EXPECT_EQ(error("CREATE MATERIALIZED VIEW v AS SELECT passing(1) AS x"),
            "a materialized view cannot read the temporary function passing");
}

TEST_F(SqlFunction, exist_once_and_are_listed) {
  session_.run("CREATE FUNCTION Area(w DOUBLE, `h t` DOUBLE) RETURNS DOUBLE STRICT AS 'w * `h t`'");
  EXPECT_EQ(error("CREATE FUNCTION area(x INT) RETURNS INT AS 'x'"),
            "function exists already: area");
  session_.run("CREATE FUNCTION IF NOT EXISTS area(x INT) RETURNS INT AS 'x'");
  EXPECT_EQ(session_.rows("SHOW USER FUNCTIONS"), (TextRows{{"Area"}}));
  EXPECT_EQ(session_.rows("SHOW USER FUNCTIONS LIKE 'B%'"), TextRows{});
  EXPECT_GT(session_.rows("SHOW FUNCTIONS").size(), 100u);
  EXPECT_EQ(session_.rows("SHOW FUNCTIONS LIKE 'Are_'"), (TextRows{{"Area"}}));
  std::string text = (*session_.rows("SHOW CREATE FUNCTION area").begin())[0];
  EXPECT_EQ(text,
            "CREATE FUNCTION default_catalog.default_database.Area(w DOUBLE, `h t` DOUBLE) RETURNS "
            "DOUBLE STRICT LANGUAGE SQL AS 'w * `h t`'");
  session_.run("DROP FUNCTION area(DOUBLE, DOUBLE)");
  session_.run(text);
  EXPECT_EQ(value("area(2.0, 4.0)"), "8");
  EXPECT_EQ(error("DROP FUNCTION area(INT)"), "function Area has other parameters");
  EXPECT_EQ(error("DROP FUNCTION upper"), "UPPER is a function of the system");
  session_.run("DROP FUNCTION area; DROP FUNCTION IF EXISTS area");
  EXPECT_EQ(session_.error("DROP FUNCTION area").find("no such function: area"), 0u);
  // A table and a function may have one name.
  session_.run("CREATE VIEW same AS SELECT 1 AS x; CREATE FUNCTION same() RETURNS INT AS '2'");
  EXPECT_EQ(session_.rows("SELECT x, same() FROM same"), (TextRows{{"1", "2"}}));
}

TEST_F(SqlFunction, are_kept_while_something_depends_on_them) {
  session_.run(
      "CREATE FUNCTION f(x INT) RETURNS INT AS 'x + 1';"
      "CREATE FUNCTION g(x INT) RETURNS INT AS 'f(x) * 2';"
      "CREATE VIEW v AS SELECT g(1) AS y;"
      "CREATE MATERIALIZED VIEW m AS SELECT y FROM v");
  EXPECT_EQ(error("DROP FUNCTION f").find("cannot drop function f: "), 0u);
  // What runs keeps the plan it has.
  EXPECT_EQ(error("CREATE OR REPLACE FUNCTION f(x INT) RETURNS INT AS 'x + 2'"),
            "cannot change function f: it would not do for materialized view m");
  EXPECT_EQ(error("CREATE OR REPLACE FUNCTION f(x INT, y INT) RETURNS INT AS 'x'")
                .find("cannot change function f"),
            0u);
  session_.run("DROP MATERIALIZED VIEW m");
  session_.run("CREATE OR REPLACE FUNCTION f(x INT) RETURNS INT AS 'x + 2'");
  EXPECT_EQ(session_.rows("SELECT * FROM v"), (TextRows{{"6"}}));
  session_.run("DROP FUNCTION f CASCADE");
  EXPECT_EQ(session_.rows("SHOW USER FUNCTIONS"), TextRows{});
  EXPECT_EQ(session_.rows("SHOW VIEWS"), TextRows{});
}

// A restart binds the same bodies, and goes on by the same plan.
TEST(SqlFunctionRestart, functions_come_back_with_the_views_over_them) {
  std::string directory = testing::TempDir() + "/sql_function_" + std::to_string(getpid());
  std::filesystem::remove_all(directory);
  for (int round = 0; round < 3; ++round) {
    SCOPED_TRACE(round);
    std::unique_ptr<Engine> engine = Engine::open({.data_directory = directory}).value();
    TestSession session(*engine);
    if (round == 0) {
      session.run(
          "CREATE FUNCTION plus(x INT, y INT) RETURNS INT AS 'x + y';"
          "CREATE FUNCTION scaled(x INT) RETURNS BIGINT STRICT AS $$ plus(x, 1) * 10 $$;"
          "CREATE TEMPORARY FUNCTION passing(x INT) RETURNS INT AS 'x';"
          "CREATE VIEW p AS SELECT v, scaled(v) AS s FROM (VALUES (1), (2)) AS t(v);"
          "CREATE MATERIALIZED VIEW m AS SELECT SUM(s) AS s FROM p");
    }
    session.run("SET 'execution.runtime-mode' = 'batch'");
    EXPECT_TRUE(engine->start_notices().empty()) << engine->start_notices()[0];
    EXPECT_EQ(session.rows("SELECT s FROM m"), (TextRows{{"50"}}));
    EXPECT_EQ(session.rows("SELECT scaled(4)"), (TextRows{{"50"}}));
    EXPECT_EQ(session.rows("SHOW USER FUNCTIONS LIKE 'p%'").size(), round == 0 ? 2u : 1u);
    EXPECT_EQ(session.error("DROP FUNCTION plus").find("cannot drop function plus"), 0u);
    // The same plan: nothing but the text changes.
    session.run("CREATE OR REPLACE FUNCTION plus(x INT, y INT) RETURNS INT AS '(x + y)'");
    EXPECT_NE(session.error("CREATE OR REPLACE FUNCTION plus(x INT, y INT) RETURNS INT AS 'x - y'"),
              "");
  }
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace tidemark
