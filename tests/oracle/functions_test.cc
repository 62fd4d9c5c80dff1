// Scalar functions that Postgres has too give what Postgres gives: each expression is asked of
// both.

#include <gtest/gtest.h>

#include "tests/harness/live_query.h"
#include "tests/harness/postgres_cluster.h"
#include "tests/oracle/oracle_case.h"

namespace tidemark {
namespace {

// CAST of a BOOLEAN to text is upper case in Flink.
TextRows answer(TestSession& session, const std::string& expression) {
  TextRows rows = session.rows("SELECT CAST(" + expression + " AS STRING)");
  TextRows result;
  for (std::vector<std::string> row : rows) {
    row[0] = row[0] == "TRUE" ? "true" : row[0] == "FALSE" ? "false" : row[0];
    result.insert(std::move(row));
  }
  return result;
}

// Both sides' answer to SELECT expression, as one text.
void expect_as_postgres(const std::vector<std::string>& expressions) {
  Engine engine;
  TestSession session(engine);
  PostgresCluster& cluster = shared_cluster();
  std::string database = cluster.make_database();
  for (const std::string& expression : expressions) {
    SCOPED_TRACE(expression);
    std::string query = "SELECT CAST(" + expression + " AS TEXT)";
    EXPECT_EQ(answer(session, expression), postgres_rows(cluster, database, query));
  }
}

TEST(OracleFunctions, text) {
  expect_as_postgres({
      "SPLIT_PART('a,b,c', ',', 2)",
      "SPLIT_PART('a,b,c', ',', -1)",
      "SPLIT_PART('a,b,c', ',', 7)",
      "SPLIT_PART('', ',', 1)",
      "SPLIT_PART('abc', '', 1)",
      "LEFT('größe', 3)",
      "RIGHT('größe', 3)",
      "QUOTE_LITERAL('it''s')",
      "FORMAT('%s|%5s|%-5s|%%|%2$s', 'a', 'b', 'c')",
      "FORMAT('%I %L %L', 'My table', 'x''y', NULL)",
      "BIT_LENGTH('größe')",
      "MD5('größe')",
      "TO_HEX(255)",
      "ENCODE(CAST('abc' AS BYTEA), 'base64')",
      "ENCODE(CAST('abc' AS BYTEA), 'hex')",
      "'größe' ~ '^gr.ß'",
      "'abc' !~* 'B'",
      "REGEXP_REPLACE('abc', 'b', 'X')",
      "TRANSLATE('12345', '143', 'ax')",
      "STRPOS('größe', 'ß')",
      "STARTS_WITH('abc', 'ab')",
  });
}

TEST(OracleFunctions, dates_and_times) {
  std::vector<std::string> expressions;
  for (std::string t : {"TIMESTAMP '2020-02-29 13:04:05.678'", "TIMESTAMP '1999-12-31 00:00:00'",
                        "TIMESTAMP '2021-01-03 12:30:00'", "TIMESTAMP '0044-03-15 06:00:00'"}) {
    for (const char* pattern :
         {"YYYY-MM-DD HH24:MI:SS.MS", "FMDay, FMDDth FMMonth YYYY", "Day|Month|DY|Mon|month|DAY",
          "IYYY-IW-ID", "DDD D Q WW W J CC", "HH12:MI:SS am A.M.", "\"at\" HH24 \"o''clock\" US",
          "Y,YYY YY Y SSSS"}) {
      expressions.push_back("TO_CHAR(" + t + ", '" + pattern + "')");
    }
    for (const char* unit : {"'year'", "'quarter'", "'month'", "'week'", "'day'", "'hour'",
                             "'minute'", "'second'", "'decade'", "'century'"}) {
      expressions.push_back("DATE_TRUNC(" + std::string(unit) + ", " + t + ")");
    }
    for (std::string other : {"TIMESTAMP '2020-01-31 14:00:00'", "TIMESTAMP '2020-03-01 00:00:00'",
                              "TIMESTAMP '1980-07-15 23:59:59'"}) {
      expressions.push_back("AGE(" + t + ", " + other + ")");
      expressions.push_back("EXTRACT(DAY FROM " + t + " - " + other + ")");
      expressions.push_back("EXTRACT(HOUR FROM " + t + " - " + other + ")");
    }
    expressions.push_back(t + " + INTERVAL '1' MONTH");
    expressions.push_back(t + " - INTERVAL '5' DAY");
    expressions.push_back(t + " AT TIME ZONE 'Europe/Berlin' AT TIME ZONE 'America/New_York'");
  }
  for (const char* more :
       {"DATE '2020-03-01' - DATE '2020-02-01'", "DATE '2020-02-28' + 2", "2 + DATE '2020-02-28'",
        "DATE '2020-03-01' - 1", "MAKE_DATE(2020, 2, 29)", "MAKE_TIMESTAMP(2020, 2, 29, 1, 2, 3.5)",
        "DATE_PART('doy', DATE '2020-12-31')",
        "(DATE '2020-01-01', DATE '2020-01-10') OVERLAPS (DATE '2020-01-10', DATE '2020-02-01')",
        "(DATE '2020-01-01', DATE '2020-01-11') OVERLAPS (DATE '2020-02-01', DATE '2020-01-10')",
        "(DATE '2020-01-01', INTERVAL '10' DAY) OVERLAPS (DATE '2020-01-05', DATE '2020-01-05')"}) {
    expressions.push_back(more);
  }
  expect_as_postgres(expressions);
}

TEST(OracleFunctions, numbers_by_template) {
  std::vector<std::string> expressions;
  for (const char* number : {"0", "1", "-1", "12.5", "-12.345", "1234567.891", "0.05", "-0.05"}) {
    for (const char* pattern :
         {"999", "9999.99", "0000.00", "FM9999.99", "FM990.00", "9,999,999.9", "S9999", "9999S",
          "9999MI", "9999PR", "S999.99", "FMS9,999,990.099", "09.9", ".99"}) {
      expressions.push_back(std::string("TO_CHAR(") + number + ", '" + pattern + "')");
    }
  }
  expect_as_postgres(expressions);
}

TEST(OracleFunctions, arrays) {
  expect_as_postgres({
      "(ARRAY[1, 2, 3])[2]",
      "(ARRAY[1, 2, 3])[4]",
      "ARRAY['a', NULL, 'c d']",
      "ARRAY[1, 2] || ARRAY[3]",
      "ARRAY[1, 2] || 3",
      "ARRAY_APPEND(ARRAY[1], NULL)",
      "ARRAY_REMOVE(ARRAY[1, NULL, 1, 2], 1)",
      "ARRAY_REPLACE(ARRAY[1, 2, 1], 1, 9)",
      "ARRAY_LENGTH(ARRAY[1, 2], 1)",
      "ARRAY_TO_STRING(ARRAY[1, NULL, 3], '-', '*')",
      "STRING_TO_ARRAY('a,b,,c', ',', '')",
      "STRING_TO_ARRAY('', ',')",
      "REGEXP_SPLIT_TO_ARRAY('a1b22c', '[0-9]+')",
      "CARDINALITY(ARRAY[1, 2, 3])",
      "2 = ANY (ARRAY[1, 2, NULL])",
      "3 = ANY (ARRAY[1, 2, NULL])",
      "3 = ANY (ARRAY[1, 2])",
      "3 > ALL (ARRAY[1, 2])",
      "3 <> ALL (ARRAY[1, NULL])",
      "1 < ALL (ARRAY[2, NULL, 0])",
  });
}

TEST(OracleFunctions, jsonb) {
  Engine engine;
  TestSession session(engine);
  PostgresCluster& cluster = shared_cluster();
  std::string database = cluster.make_database();
  const std::vector<std::string> documents = {
      R"({"b": [1, 2.50, {"c": null}], "a": "x\"y", "long name": true, "b2": {}})",
      R"([1, "two", [3], {"four": 4.0}, null, false])",
      R"("text")",
      "12",
      "null",
      "{}",
      "[]",
      R"({"a": {"b": {"c": [10, 20, 30]}}, "u": "é\n"})"};
  const std::vector<std::string> operations = {
      "{} -> 'a'",
      "{} ->> 'a'",
      "{} -> 0",
      "{} ->> 1",
      "{} -> -1",
      "{} -> 'b' -> 2 ->> 'c'",
      "{} #> '{a,b}'",
      "{} #>> '{a,b,c,-1}'",
      "{} #> '{b,2}'",
      "{} @> '{\"a\": {}}'",
      "{} @> '[1]'",
      "{} <@ '[1, \"two\", [3], {\"four\": 4.0}, null, false, 7]'",
      "JSONB_TYPEOF({})",
      "JSONB_EXTRACT_PATH({}, 'a', 'b')",
      "JSONB_EXTRACT_PATH_TEXT({}, 'b', '1')"};
  for (const std::string& document : documents) {
    for (const std::string& operation : operations) {
      size_t at = operation.find("{}");
      auto with = [&](const std::string& value) {
        return operation.substr(0, at) + value + operation.substr(at + 2);
      };
      SCOPED_TRACE(with("'" + document + "'"));
      std::string theirs = "SELECT CAST(" + with("CAST('" + document + "' AS JSONB)") + " AS TEXT)";
      EXPECT_EQ(answer(session, with("'" + document + "'")),
                postgres_rows(cluster, database, theirs));
    }
  }
}

// The same over rows that come, change and go.
TEST(OracleFunctions, over_changing_rows) {
  OracleCase oracle;
  oracle.tables = {"a (id INT PRIMARY KEY, j JSONB, s TEXT, t TIMESTAMP, l INT[])"};
  oracle.transactions = {
      {R"(INSERT INTO a VALUES (1, '{"k": 1, "v": [1, 2.50], "n": null}', 'a,b', '2020-02-29', '{1,2}'))",
       R"(INSERT INTO a VALUES (2, '[1, {"k": 2}]', '', '1999-12-31 23:59:59.5', '{}'))",
       "INSERT INTO a VALUES (3, NULL, NULL, NULL, NULL)"},
      {R"(UPDATE a SET j = j || '{"k": 7}' WHERE id = 1)"},
      {R"(INSERT INTO a SELECT i, jsonb_build_object('k', i % 3, 'v', i), 'x' || i, '2024-01-01'::timestamp + i * interval '1 hour', ARRAY[i, i % 2] FROM generate_series(10, 30) i)"},
      {"UPDATE a SET s = s || ',z', l = l || 5 WHERE id % 2 = 0"},
      {"DELETE FROM a WHERE id BETWEEN 12 AND 20"},
      {"TRUNCATE a"},
      {R"(INSERT INTO a VALUES (1, '{"k": 1}', 'q', '2020-01-01', '{3}'))"},
  };
  oracle.queries = {
      {"SELECT id, j -> 'k', j ->> 'k', j -> 'v' -> 1, j -> 1 ->> 'k', j #> '{v,0}' FROM a", ""},
      {"SELECT id FROM a WHERE j @> '{\"k\": 1}'", ""},
      {"SELECT j ->> 'k', COUNT(*), MAX(id) FROM a GROUP BY j ->> 'k'", ""},
      {"SELECT id, k FROM a, LATERAL TABLE(JSONB_ARRAY_ELEMENTS_TEXT(j)) AS u(k) WHERE id = 2",
       "SELECT id, k FROM a, jsonb_array_elements_text(j) AS u(k) WHERE id = 2"},
      {"SELECT id, SPLIT_PART(s, ',', -1), MD5(s), s ~ '^a', REGEXP_SPLIT_TO_ARRAY(s, ',') FROM a",
       ""},
      {"SELECT id, TO_CHAR(t, 'FMDay HH24:MI:SS.MS'), DATE_TRUNC('month', t), AGE(t, TIMESTAMP "
       "'2000-02-29 12:00:00') FROM a",
       ""},
      {"SELECT id, t AT TIME ZONE 'Europe/Berlin' AT TIME ZONE 'Asia/Tokyo' FROM a", ""},
      {"SELECT id, l || 9, ARRAY_REMOVE(l, 5), 5 = ANY (l), 3 > ALL (l), ARRAY_TO_STRING(l, '-') "
       "FROM a",
       ""},
  };
  expect_oracle_holds(oracle);
}

TEST(OracleFunctions, json_aggregates) {
  OracleCase oracle;
  oracle.tables = {"a (id INT PRIMARY KEY, g INT, v INT, s TEXT)"};
  oracle.transactions = {
      {"INSERT INTO a VALUES (1, 1, 5, 'x'), (2, 1, NULL, 'a\"b'), (3, 2, 7, 'z'), (4, 2, 7, 'y')"},
      {"UPDATE a SET v = 9 WHERE id = 2"},
      {"INSERT INTO a SELECT i, i % 3, i % 7, 'k' || i FROM generate_series(10, 20) i"},
      {"DELETE FROM a WHERE g = 1"},
      {"TRUNCATE a"},
      {"INSERT INTO a VALUES (1, NULL, 1, 'q')"},
  };
  oracle.queries = {
      {"SELECT g, JSON_ARRAYAGG(v) FROM a GROUP BY g",
       "SELECT g, '[' || COALESCE(string_agg(v::text, ',' ORDER BY v), '') || ']' FROM a GROUP BY "
       "g"},
      {"SELECT g, JSON_ARRAYAGG(s ORDER BY id DESC NULL ON NULL) FROM a GROUP BY g",
       "SELECT g, '[' || string_agg(to_json(s)::text, ',' ORDER BY id DESC) || ']' FROM a GROUP BY "
       "g"},
      {"SELECT JSON_ARRAYAGG(JSON_OBJECT('v' VALUE id)) FROM a",
       "SELECT '[' || COALESCE(string_agg('{\"v\":' || id || '}', ',' ORDER BY ('{\"v\":' || id || "
       "'}') COLLATE \"C\"), '') || ']' FROM a"},
      {"SELECT g, JSON_OBJECTAGG(KEY s VALUE v) FILTER (WHERE id > 1) FROM a GROUP BY g",
       "SELECT g, '{' || COALESCE(string_agg(to_json(s) || ':' || COALESCE(v::text, 'null'), ',' "
       "ORDER BY s COLLATE \"C\") FILTER (WHERE id > 1), '') || '}' FROM a GROUP BY g"},
  };
  expect_oracle_holds(oracle);
}

// Paths that SQL/JSON and Jayway read alike.
TEST(OracleFunctions, json_paths) {
  OracleCase oracle;
  oracle.tables = {"a (id INT PRIMARY KEY, j TEXT)"};
  oracle.transactions = {
      {"INSERT INTO a VALUES (1, '{\"a\": [{\"b\": 1, \"c\": \"x\"}, {\"b\": 2.50, \"c\": "
       "\"yes\"}], \"m\": 2}'), (2, '{\"a\": {\"b\": 7, \"c\": \"you\"}}'), (3, '[1, [2, "
       "{\"b\": 3}]]')",
       "INSERT INTO a VALUES (4, '{\"a\": [3, 10, null, \"x\"], \"d\": {\"a\": {\"b\": 5}}}'), "
       "(5, '{}')"},
      {"UPDATE a SET j = '{\"a\": [{\"b\": 10}, {\"b\": null}]}' WHERE id = 3"},
      {"DELETE FROM a WHERE id < 3"},
  };
  for (const char* path :
       {"$.a ? (@.b > 1)", "$.a[*] ? (@.b == 2.5)", "$.a ? (@.b >= 2 && @.c starts with \"y\")",
        "$.a ? (@ > 2 && @ <= 10)", "$.a ? (exists(@.c) || @.b < 6)", "$.a ? (!(@.b > 1))",
        "$.a ? (@.c like_regex \"^Y\" flag \"i\")", "$.a ? (@.b == null)", "strict $.**.b",
        "$.a ? (@.b > $.m)", "$.a[*] ? (@ == \"x\")"}) {
    std::string quoted = std::string("'") + path + "'";
    oracle.queries.push_back(
        {"SELECT id, JSON_EXISTS(j, " + quoted + "), JSON_QUERY(j, " + quoted + ") FROM a",
         "SELECT id, jsonb_path_exists(j::jsonb, " + quoted +
             "), replace(jsonb_path_query_array(j::jsonb, " + quoted + ")::text, ' ', '') FROM a"});
  }
  expect_oracle_holds(oracle);
}

}  // namespace
}  // namespace tidemark
