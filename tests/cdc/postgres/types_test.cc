// Every type of the mapping through the whole source: what the snapshot gives, what the stream
// gives in binary and in text, and what Postgres writes for the value are the same.

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "tests/cdc/postgres/source_fixture.h"

namespace tidemark {
namespace {

struct TypeCase {
  const char* type;                 // as a column's type in Postgres
  const char* derived;              // the type of the column here
  std::vector<const char*> values;  // SQL literals; NULL is added
};

const std::vector<TypeCase>& cases() {
  static const std::vector<TypeCase> kCases = {
      {"boolean", "BOOLEAN", {"true", "false"}},
      {"smallint", "SMALLINT", {"-32768", "0", "32767"}},
      {"integer", "INT", {"-2147483648", "2147483647"}},
      {"bigint", "BIGINT", {"-9223372036854775808", "9223372036854775807"}},
      {"real",
       "FLOAT",
       {"'NaN'", "'Infinity'", "'-Infinity'", "3.4028235e38", "1e-45", "-0.0", "0.1", "1234567"}},
      {"double precision",
       "DOUBLE",
       {"'NaN'", "'Infinity'", "'-Infinity'", "1.7976931348623157e308", "5e-324", "0.1", "1e15",
        "123456789012345"}},
      {"numeric(10,2)",
       "DECIMAL(10, 2)",
       {"99999999.99", "-99999999.99", "0.01", "0", "'NaN'", "12345"}},
      {"numeric(38,0)",
       "DECIMAL(38, 0)",
       {"99999999999999999999999999999999999999", "-99999999999999999999999999999999999999",
        "10000", "1"}},
      {"numeric(38,38)",
       "DECIMAL(38, 38)",
       {"0.99999999999999999999999999999999999999", "0.00000000000000000000000000000000000001"}},
      {"numeric(5,-2)", "DECIMAL(7, 0)", {"1234567", "100"}},
      {"numeric(50,10)",
       "STRING",
       {"1234567890123456789012345678901234567890.0123456789", "-0.0000000001", "'NaN'"}},
      {"varchar(20)", "VARCHAR(20)", {"''", "'short'", "'twenty characters!!!'", "'žluťoučký'"}},
      {"char(6)", "CHAR(6)", {"'abcdef'"}},
      {"text", "STRING", {"''", "'a\nb|c\"\\'", "repeat('long ', 5000)", "'日本語'"}},
      {"name", "STRING", {"'a_name'"}},
      {"\"char\"", "STRING", {"'x'", "''"}},
      {"bytea", "BYTES", {"'\\x'", "'\\x00ff10'", "decode(repeat('ab', 3000), 'hex')"}},
      {"date",
       "DATE",
       {"'2020-02-29'", "'infinity'", "'-infinity'", "'0044-03-15 BC'", "'4713-01-01 BC'",
        "'5874897-12-31'"}},
      {"time", "TIME(6)", {"'00:00'", "'23:59:59.999999'", "'24:00:00'", "'10:00:00.5'"}},
      {"time with time zone", "STRING", {"'10:00:00+02'", "'23:59:59.5-03:30'", "'00:00:00+00'"}},
      {"timestamp",
       "TIMESTAMP(6)",
       {"'2020-01-31 10:00:00.123456'", "'infinity'", "'-infinity'", "'0044-03-15 10:00:00 BC'",
        "'294276-12-31 23:59:59.999999'", "'1969-12-31 23:59:59.9'"}},
      {"timestamp(3)", "TIMESTAMP(3)", {"'2020-01-31 10:00:00.123'"}},
      {"timestamptz",
       "TIMESTAMP_LTZ(6)",
       {"'2020-01-31 10:00:00.123456+02'", "'infinity'", "'-infinity'",
        "'0044-03-15 10:00:00+00 BC'"}},
      {"interval",
       "STRING",
       {"'1 year 2 months 3 days 04:05:06.789'", "'-1 year -2 months +3 days -04:05:06'", "'0'",
        "'1 mon'", "'-1 day'", "'1 day -00:00:01'", "'100:00:00.5'"}},
      {"uuid", "STRING", {"'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'"}},
      {"json", "STRING", {"'{\"b\": 1,  \"a\": [null, \"x\"]}'"}},
      {"jsonb", "STRING", {"'{\"b\": 1,  \"a\": [null, \"x\"]}'", "'null'", "'\"s\"'"}},
      {"xml", "STRING", {"'<a>b</a>'"}},
      {"money", "STRING", {"1234567.89", "-5"}},
      {"bit(10)", "STRING", {"B'1010101011'"}},
      {"bit varying", "STRING", {"B''", "B'1'", "B'10000000011'"}},
      {"inet",
       "STRING",
       {"'192.168.0.1'", "'10.0.0.0/8'", "'::1'", "'2001:db8::1/64'", "'::ffff:1.2.3.4'"}},
      {"cidr", "STRING", {"'10.0.0.0/8'", "'192.168.1.0/24'", "'2001:db8::/32'"}},
      {"macaddr", "STRING", {"'08:00:2b:01:02:03'"}},
      {"macaddr8", "STRING", {"'08:00:2b:01:02:03:04:05'"}},
      {"oid", "BIGINT", {"4294967295", "0"}},
      {"pg_lsn", "STRING", {"'16/B374D848'"}},
      {"mood", "STRING", {"'sad'", "'happy'"}},
      {"positive", "INT", {"1", "2147483647"}},
      {"place", "STRING", {"'(1,x)'"}},
      {"int4range", "STRING", {"'[1,5)'", "'empty'"}},
      {"point", "STRING", {"'(1,2)'"}},
      {"tsvector", "STRING", {"'a fat cat'"}},
      {"integer[]", "ARRAY<INT>", {"'{}'", "'{1,NULL,-3}'", "'[0:1]={7,8}'"}},
      {"integer[][]", "ARRAY<ARRAY<INT>>", {"'{{1,2},{3,NULL}}'"}},
      {"integer[][][]", "ARRAY<ARRAY<ARRAY<INT>>>", {"'{{{1},{2}},{{3},{4}}}'"}},
      {"text[]", "ARRAY<STRING>", {"'{a,\"b c\",\"\",\"NULL\",NULL,\"q\\\"uo\\\\te\",\"{x}\"}'"}},
      {"varchar(5)[]", "ARRAY<VARCHAR(5)>", {"'{abc,d}'"}},
      {"numeric(10,2)[]", "ARRAY<DECIMAL(10, 2)>", {"'{1.5,NaN,-99.99}'"}},
      {"double precision[]", "ARRAY<DOUBLE>", {"'{0.1,NaN,-Infinity}'"}},
      {"boolean[]", "ARRAY<BOOLEAN>", {"'{t,f,NULL}'"}},
      {"date[]", "ARRAY<DATE>", {"'{2020-01-01,infinity}'"}},
      {"timestamp[]", "ARRAY<TIMESTAMP(6)>", {"'{\"2020-01-01 10:00:00\"}'"}},
      {"uuid[]", "ARRAY<STRING>", {"'{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}'"}},
      {"mood[]", "ARRAY<STRING>", {"'{sad,happy}'"}},
      {"bytea[]", "ARRAY<BYTES>", {"'{\"\\\\x0102\"}'"}},
      {"int4range[]", "STRING", {"'{\"[1,5)\"}'"}},
  };
  return kCases;
}

// As our texts have it: inet as its output function writes it (the cast adds /32), booleans in
// arrays as outside of them, padded char(n), and without an array's own bounds.
std::string source_text(const std::string& type, const std::string& column) {
  if (type == "integer[]") {
    return fmt::format("regexp_replace({}::text, '^.*=', '')", column);
  }
  if (type == "boolean[]") {
    return fmt::format("replace(replace({}::text, 't', 'true'), 'f', 'false')", column);
  }
  if (type == "inet") {
    return fmt::format("CASE WHEN v IS NOT NULL THEN format('%s', {}) END", column);
  }
  return type == "char(6)" ? fmt::format("rpad({0}::text, 6)", column) : column + "::text";
}

class PostgresTypesTest : public ::testing::TestWithParam<bool> {};

// The parameter: whether a column without a binary form is read along, so that the stream is text.
TEST_P(PostgresTypesTest, snapshot_and_stream_and_postgres_agree) {
  SourceFixture fixture(shared_cluster(), shared_cluster().make_database());
  fixture.run(
      "CREATE TYPE mood AS ENUM ('sad', 'happy'); CREATE DOMAIN positive AS int CHECK (VALUE > 0);"
      "CREATE TYPE place AS (x int, y text)");
  bool in_text = GetParam();
  if (in_text) {
    fixture.run("CREATE TABLE forces_text (id int PRIMARY KEY, p point)");
    ASSERT_TRUE(fixture.pump_until_ready(fixture.read("forces_text")));
  }
  std::vector<ReaderId> readers;
  std::vector<std::string> tables;
  for (size_t i = 0; i < cases().size(); ++i) {
    const TypeCase& c = cases()[i];
    bool needs_text =
        std::string_view("money place int4range point tsvector int4range[]").find(c.type) !=
        std::string_view::npos;
    if (needs_text && !in_text) {
      continue;
    }
    std::string table = fmt::format("t{}", i);
    std::string rows = "(0, NULL)";
    for (size_t v = 0; v < c.values.size(); ++v) {
      rows += fmt::format(", ({}, {})", v + 1, c.values[v]);
    }
    fixture.run(
        fmt::format("CREATE TABLE {0} (id int, v {1}); ALTER TABLE {0} REPLICA IDENTITY FULL; "
                    "INSERT INTO {0} VALUES {2}",
                    table, c.type, rows));
    Result<SourceTable> resolved = fixture.resolve(table);
    ASSERT_TRUE(resolved.ok()) << c.type << ": " << resolved.status().to_string();
    EXPECT_EQ(resolved->schema[1].type.to_string(), c.derived) << c.type;
    readers.push_back(fixture.read_resolved(table, *resolved));
    tables.push_back(table);
  }
  auto expect_agreement = [&](const char* when) {
    for (size_t i = 0; i < readers.size(); ++i) {
      const TypeCase& c = cases()[std::stoul(tables[i].substr(1))];
      std::string sql = fmt::format("SELECT id || '|' || COALESCE({}, 'NULL') || '|' FROM {}",
                                    source_text(c.type, "v"), tables[i]);
      Result<QueryResult> result =
          fixture.cluster.connect(fixture.database).query("SET timezone = 'UTC'; " + sql);
      ASSERT_TRUE(result.ok()) << result.status().to_string();
      std::vector<std::string> expected;
      for (size_t row = 0; row < result->rows(); ++row) {
        expected.emplace_back(result->text(row, 0));
      }
      std::ranges::sort(expected);
      EXPECT_TRUE(fixture.model(readers[i]).failed.ok())
          << c.type << ": " << fixture.model(readers[i]).failed.to_string();
      EXPECT_EQ(fixture.model(readers[i]).sorted_rows(), expected) << c.type << ", " << when;
    }
  };
  for (ReaderId reader : readers) {
    ASSERT_TRUE(fixture.pump_until_ready(reader));
  }
  expect_agreement("snapshot");
  for (const std::string& table : tables) {
    fixture.run(fmt::format(
        "CREATE TEMP TABLE copy AS TABLE {0}; DELETE FROM {0}; INSERT INTO {0} SELECT * FROM copy",
        table));
  }
  ASSERT_TRUE(fixture.catch_up());
  expect_agreement("stream");
}

INSTANTIATE_TEST_SUITE_P(BinaryAndText, PostgresTypesTest, ::testing::Bool(),
                         [](const auto& info) { return info.param ? "text" : "binary"; });

}  // namespace
}  // namespace tidemark
