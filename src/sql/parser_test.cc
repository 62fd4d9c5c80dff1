#include "sql/parser.h"

#include <gtest/gtest.h>

#include "sql/excerpt.h"
#include "sql/split.h"
#include "sql/unparse.h"

namespace tidemark::sql {
namespace {

struct BadInput {
  std::string_view text;
  size_t position;
  std::string_view part;  // of message and hint
};

TEST(Parser, bad_input_says_what_and_where) {
  static constexpr BadInput kBad[] = {
      {"SELCT 1", 0, "did you mean SELECT?"},
      {"SELECT $$abc", 7, "string is not closed: expected $$"},
      {"SELECT $a$abc$$", 7, "string is not closed: expected $a$"},
      {"CREATE FUNCTION f(x INT) AS '1'", 25, "RETURNS"},
      {"CREATE FUNCTION f(x INT) RETURNS INT", 36, "expected LANGUAGE, AS or RETURN"},
      {"CREATE FUNCTION f(OUT x INT) RETURNS INT AS '1'", 18, "parameters are read only"},
      {"CREATE OR REPLACE FUNCTION f AS", 31, "a body or class name"},
      {"SELECT a FORM t", 14, "did you mean FROM in place of FORM?"},
      {"", 0, "found the end of the text"},
      {"SELECT", 6, "expected an expression, found the end of the text"},
      {"SELECT a FROM", 13, "expected a table"},
      {"SELECT a FROM t WHERE", 21, "expected an expression"},
      {"SELECT 'abc", 7, "string is not closed"},
      {"SELECT `abc", 7, "quoted identifier is not closed"},
      {"SELECT 1 /* x", 9, "comment is not closed"},
      {"SELECT \xff", 7, "not valid UTF-8"},
      {"SELECT 1x", 7, "not a number: 1x"},
      {"SELECT X'0'", 7, "pairs of hexadecimal digits"},
      {"SELECT (1", 9, "expected ',' or ')'"},
      {"SELECT a b c", 11, "found c"},
      {"SELECT 1; SELECT 2", 10, "expected the end of the text"},
      {"CREATE TABLE t (a)", 16, "column has no type: a"},
      {"CREATE TABEL t (a INT)", 7, "did you mean TABLE?"},
      {"CREATE TABLE t", 14, "WITH"},
      {"CREATE TABLE t (a INT, PRIMARY KEY (a) NOT ENFORCED WITH ('a' = 'b')", 52,
       "expected ',' or ')', found WITH"},
      {"CREATE TABLE t (a INT) WITH ('connector' 'print'", 48, "expected ',' or ')'"},
      {"DROP TABEL t", 5, "did you mean TABLE?"},
      {"SELECT a FROM t JOIN u", 22, "ON"},
      {"SELECT CAST(a INT)", 14, "expected AS, found INT"},
      {"SELECT a FROM t GROUP a", 22, "BY"},
      {"INSERT t SELECT 1", 7, "expected OVERWRITE or INTO, found t"},
      {"SELECT MAP['a']", 7, "value for each key"},
      {"SELECT * FROM t MATCH_RECOGNIZE (PATTERN ())", 42, "a pattern variable"},
      {"SELECT order FROM t", 7, "ORDER is a keyword: write `order`"},
      {"WAIT FOR LSN 5", 13, "an LSN"},
      {"EXPLAIN DROP TABLE t", 8, "found DROP"},
  };
  for (const BadInput& bad : kBad) {
    Result<Statement> result = parse_statement(bad.text);
    ASSERT_FALSE(result.ok()) << bad.text;
    Status status = result.status();
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << bad.text;
    EXPECT_EQ(status.position(), bad.position) << excerpt(status, bad.text);
    EXPECT_NE(status.to_string().find(bad.part), std::string::npos) << excerpt(status, bad.text);
  }
}

TEST(Parser, deep_nesting_is_an_error_and_not_a_crash) {
  auto repeat = [](std::string_view part, int times) {
    std::string text;
    for (int i = 0; i < times; ++i) {
      text += part;
    }
    return text;
  };
  const int n = 100000;
  for (std::string_view open : {"(", "ARRAY[", "NOT ", "- ", "f(", "CASE ", "CAST(", "(SELECT ",
                                "a => ", "x IN (", "ROW("}) {
    Result<Statement> result = parse_statement("SELECT " + repeat(open, n));
    ASSERT_FALSE(result.ok()) << open;
  }
  for (std::string_view link :
       {" + 1", " AND a", "::int", "[1]", " IS NULL", ".f", " UNION SELECT 1"}) {
    Result<Statement> result = parse_statement("SELECT f(1)" + repeat(link, n));
    ASSERT_FALSE(result.ok()) << link;
  }
  EXPECT_FALSE(parse_statement("SELECT 1 FROM " + repeat("(", n)).ok());
  EXPECT_FALSE(parse_statement("SELECT 1 FROM t" + repeat(" CROSS JOIN t", n)).ok());
  EXPECT_FALSE(parse_type(repeat("ARRAY<", n)).ok());
  EXPECT_FALSE(parse_statement("SELECT 1 GROUP BY " + repeat("ROLLUP (", n)).ok());
  EXPECT_FALSE(parse_statement(repeat("EXPLAIN EXECUTE ", 3)).ok());
  EXPECT_TRUE(parse_statement("SELECT " + repeat("(", 100) + "1" + repeat(")", 100)).ok());
  EXPECT_TRUE(parse_statement("SELECT a" + repeat(" OR a", 1000)).ok());
  EXPECT_TRUE(parse_statement("VALUES (1 + 1)" + repeat(", (1 + 1)", 20000)).ok());
}

TEST(Parser, canonical_text_is_as_expected) {
  auto canonical = [](std::string_view text) {
    Result<Statement> result = parse_statement(text);
    return result.ok() ? unparse(*result) : excerpt(result.status(), text);
  };
  EXPECT_EQ(canonical("select 1 union select 2 intersect select 3"),
            "SELECT 1 UNION SELECT 2 INTERSECT SELECT 3");
  EXPECT_EQ(canonical("(select 1 union select 2) intersect select 3"),
            "(SELECT 1 UNION SELECT 2) INTERSECT SELECT 3");
  EXPECT_EQ(canonical("select a::int, not a and b or c"),
            "SELECT CAST(a AS INT), NOT a AND b OR c");
  EXPECT_EQ(canonical("select extract(year from ts)"), "SELECT EXTRACT(YEAR FROM ts)");
  EXPECT_EQ(canonical("set table.x-y = 2 min"), "SET 'table.x-y' = '2 min'");
  EXPECT_EQ(canonical("set a=10min"), "SET 'a' = '10min'");
  EXPECT_EQ(canonical("begin statement set; insert into a select 1; end"),
            "EXECUTE STATEMENT SET BEGIN INSERT INTO a SELECT 1; END");
  EXPECT_EQ(canonical("select ((select 1))"), "SELECT (SELECT 1)");
}

TEST(Split, ends_statements_only_where_they_end) {
  Script script = split_script(
      "SELECT ';' /* ; */; -- ;\nEXECUTE STATEMENT SET BEGIN INSERT INTO a SELECT CASE WHEN x THEN "
      "1 END; "
      "INSERT INTO b SELECT 2; END;;BEGIN; COMMIT; BEGIN STATEMENT SET; INSERT INTO a SELECT 1; "
      "END; SELECT 1");
  ASSERT_EQ(script.pieces.size(), 6U);
  EXPECT_EQ(script.pieces[0].text, "SELECT ';' /* ; */");
  EXPECT_TRUE(script.pieces[1].text.ends_with("END"));
  EXPECT_EQ(script.pieces[2].text, "BEGIN");
  EXPECT_EQ(script.pieces[3].text, "COMMIT");
  EXPECT_EQ(script.pieces[4].text, "BEGIN STATEMENT SET; INSERT INTO a SELECT 1; END");
  EXPECT_EQ(script.pieces[5].text, "SELECT 1");
  EXPECT_EQ(script.end, ScriptEnd::kNoSemicolon);
  EXPECT_EQ(split_script("SELECT 'a").end, ScriptEnd::kOpenQuote);
  EXPECT_EQ(split_script("SELECT 1 /* a").end, ScriptEnd::kOpenComment);
  EXPECT_EQ(split_script("EXECUTE STATEMENT SET BEGIN INSERT INTO a SELECT 1;").end,
            ScriptEnd::kOpenStatementSet);
  EXPECT_EQ(split_script("SELECT 1; -- done\n ").end, ScriptEnd::kComplete);
  EXPECT_EQ(split_script("  ;; ").pieces.size(), 0U);
  EXPECT_EQ(split_script("SELECT # 1; SELECT 2;").pieces.size(), 2U);
}

TEST(Excerpt, points_at_the_column) {
  std::string text = "SELECT 'äö',\n  a FORM t";
  EXPECT_EQ(excerpt(parse_statement(text).status(), text),
            "line 2: " + parse_statement(text).status().message() +
                "\n    a FORM t\n           ^\nhint: did you mean FROM in place of FORM?");
  std::string long_line = "SELECT " + std::string(300, 'x') + " b c d";
  std::string shown = excerpt(parse_statement(long_line).status(), long_line);
  EXPECT_NE(shown.find("  .."), std::string::npos);
  EXPECT_LT(shown.size(), 500U);
}

}  // namespace
}  // namespace tidemark::sql
