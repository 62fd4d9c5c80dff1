// What a function cannot compute is an error of its row, with the value; nothing wraps or is
// silently NULL.

#include <gtest/gtest.h>

#include "engine/engine.h"
#include "tests/harness/live_query.h"

namespace tidemark {
namespace {

struct Refused {
  std::string expression;
  std::string message;  // what the error says
};

TEST(FunctionErrors, values_out_of_range_are_errors_of_their_row) {
  Engine engine;
  TestSession session(engine);
  const std::vector<Refused> all = {
      {"ROUND(2147483647, -1)", "ROUND out of range of INT: ROUND(2147483647, -1)"},
      {"ABS(CAST(-128 AS TINYINT))", "ABS out of range of TINYINT: -128"},
      {"-CAST(-32768 AS SMALLINT)", "result out of range of SMALLINT: -(-32768)"},
      {"TIMESTAMP '294276-12-31 00:00:00' + INTERVAL '1' MONTH",
       "result out of range of TIMESTAMP(6): 294276-12-31 00:00:00 + +0-01"},
      {"DATE '2020-01-01' + 2147483647", "result out of range of DATE: 2020-01-01 + 2147483647"},
      {"TIMESTAMPADD(YEAR, 300000, TIMESTAMP '2020-01-01 00:00:00')",
       "TIMESTAMPADD out of range of TIMESTAMP: 300000 YEAR"},
      {"TO_TIMESTAMP_LTZ(9223372036854775807, 0)",
       "TO_TIMESTAMP_LTZ out of range of TIMESTAMP_LTZ: 9223372036854775807"},
      {"MAKE_DATE(2021, 2, 29)", "no such date: year 2021, month 2, day 29"},
      {"TIMESTAMP '2020-01-01 00:00:00' AT TIME ZONE 'Mars'", "no such time zone: 'Mars'"},
      {"'[1, ' -> 0", "not JSON: '[1, '"},
      {"JSON_VALUE('{}', '$.a' ERROR ON EMPTY)", "JSON_VALUE: nothing at '$.a'"},
      {"JSON_VALUE('{}', 'a')", "not a JSON path: 'a': expected $ at character 1"},
      {"ELEMENT(ARRAY[1, 2])", "ELEMENT of an array of 2 elements"},
      {"SPLIT_PART('a', ',', 0)", "SPLIT_PART counts parts from 1, or from -1 backwards: 0"},
      {"ENCODE('a', 'EBCDIC')", "no such character set: 'EBCDIC'"},
      {"REGEXP_COUNT('a', '(')", "not a regular expression: '('"},
  };
  for (const Refused& refused : all) {
    SCOPED_TRACE(refused.expression);
    std::string error = session.error("SELECT " + refused.expression);
    EXPECT_NE(error.find(refused.message), std::string::npos) << error;
  }
}

TEST(FunctionErrors, what_is_not_there_is_said_with_a_reason) {
  Engine engine;
  TestSession session(engine);
  EXPECT_NE(session.error("SELECT RAND()").find("could not be taken back"), std::string::npos);
  EXPECT_NE(session.error("SELECT JSON_VLUE('{}')").find("did you mean JSON_VALUE?"),
            std::string::npos);
  EXPECT_NE(session.error("SELECT ROW(1, 2).nope").find("no such field: nope"), std::string::npos);
}

}  // namespace
}  // namespace tidemark
