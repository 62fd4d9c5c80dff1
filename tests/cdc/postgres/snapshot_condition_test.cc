// Snapshots that leave out rows of no use: which conditions the server is asked, and that it leaves
// out just the rows that the engine would.

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "tests/cdc/postgres/source_fixture.h"
#include "tests/harness/served_source.h"

namespace tidemark {
namespace {

using Kind = SourceCondition::Kind;

class PostgresSnapshotCondition : public testing::Test {
 protected:
  PostgresSnapshotCondition() : fixture_(shared_cluster(), shared_cluster().make_database()) {}

  SourceCondition on(Kind kind, const std::string& column, Value value = {}) {
    return {.kind = kind,
            .column = *fixture_.resolve("t")->schema.find(column),
            .value = std::move(value)};
  }
  // How many rows the snapshot of a new reader brings.
  uint64_t rows_read(std::vector<SourceCondition> conditions) {
    ReaderId reader =
        fixture_.read_resolved("t", fixture_.resolve("t").value(), std::move(conditions));
    EXPECT_TRUE(fixture_.pump_until_ready(reader));
    uint64_t rows = fixture_.model(reader).snapshot_rows;
    fixture_.source->remove_reader(reader);
    return rows;
  }
  uint64_t count(const std::string& where) {
    return std::stoull(fixture_.value("SELECT count(*) FROM t WHERE " + where));
  }

  SourceFixture fixture_;
};

TEST_F(PostgresSnapshotCondition, leaves_out_what_the_engine_would) {
  fixture_.run(
      "CREATE TABLE t (small int2, id int, large int8, name text, \"short\" varchar(10), is_on "
      "bool); ALTER TABLE t REPLICA IDENTITY FULL;"
      "INSERT INTO t SELECT i % 7, i, i * 10000000000, (ARRAY['a', 'A', '', 'it''s', 'b\\c', "
      "NULL])[i % 6 + 1], (ARRAY['x', 'X ', NULL])[i % 3 + 1], (ARRAY[true, false, NULL])[i % 3 + "
      "1] FROM generate_series(-50, 50) i; INSERT INTO t (large) VALUES (-9223372036854775808)");
  struct Case {
    SourceCondition condition;
    const char* where;
  };
  const std::vector<Case> cases = {
      {on(Kind::kEqual, "small", int32_t{3}), "small = 3"},
      {on(Kind::kNotEqual, "small", int32_t{-3}), "small <> -3"},
      {on(Kind::kLess, "id", int32_t{-7}), "id < -7"},
      {on(Kind::kLessEqual, "id", int32_t{-7}), "id <= -7"},
      {on(Kind::kGreater, "id", int64_t{5'000'000'000}), "id > 5000000000"},
      {on(Kind::kGreater, "large", INT64_MIN), "large > '-9223372036854775808'"},
      {on(Kind::kGreaterEqual, "large", int64_t{-7}), "large >= -7"},
      {on(Kind::kLess, "large", int64_t{10'000'000'000}), "large < 10000000000"},
      {on(Kind::kEqual, "name", std::string("it's")), "name = 'it''s'"},
      {on(Kind::kEqual, "name", std::string("b\\c")), "name = E'b\\\\c'"},
      {on(Kind::kEqual, "name", std::string("a")), "name = 'a'"},
      {on(Kind::kNotEqual, "name", std::string()), "name <> ''"},
      {on(Kind::kNotEqual, "short", std::string("X")), "\"short\" <> 'X'"},
      {on(Kind::kEqual, "is_on", true), "is_on"},
      {on(Kind::kEqual, "is_on", false), "NOT is_on"},
      {on(Kind::kIsNull, "name"), "name IS NULL"},
      {on(Kind::kIsNotNull, "is_on"), "is_on IS NOT NULL"},
      {{.kind = Kind::kNot, .parts = {on(Kind::kEqual, "name", std::string("a"))}}, "name <> 'a'"},
      {{.kind = Kind::kOr,
        .parts = {on(Kind::kEqual, "id", int32_t{1}), on(Kind::kEqual, "id", int32_t{2})}},
       "id IN (1, 2)"},
      {{.kind = Kind::kAnd,
        .parts = {on(Kind::kGreater, "id", int32_t{1}), on(Kind::kLess, "id", int32_t{9})}},
       "id > 1 AND id < 9"},
  };
  for (const Case& each : cases) {
    SCOPED_TRACE(each.where);
    uint64_t wanted = count(each.where);
    EXPECT_LT(wanted, 102u);
    EXPECT_EQ(rows_read({each.condition}), wanted);
    EXPECT_EQ(rows_read({each.condition, on(Kind::kGreater, "small", int32_t{2})}),
              count(fmt::format("({}) AND small > 2", each.where)));
  }
}

// Where the server's equality is not the engine's, or the answer depends on a collation or an
// encoding, all rows come.
TEST_F(PostgresSnapshotCondition, asks_nothing_that_the_server_sees_otherwise) {
  fixture_.run(
      "CREATE TYPE color AS ENUM ('red', 'blue'); CREATE TABLE t (fixed char(5), name text, amount "
      "float8, price numeric(10, 2), hue color, day date, at timestamp); ALTER TABLE t REPLICA "
      "IDENTITY FULL; INSERT INTO t SELECT 'a', 'a', 1, 1, 'red', '2020-01-01', '2020-01-01' FROM "
      "generate_series(1, 10)");
  for (const SourceCondition& condition :
       {on(Kind::kEqual, "fixed", std::string("b")), on(Kind::kLess, "name", std::string("A")),
        on(Kind::kEqual, "name", std::string("\xc3\xa9")), on(Kind::kLess, "amount", double{0}),
        on(Kind::kEqual, "price", Int128{5}), on(Kind::kEqual, "hue", std::string("no color")),
        on(Kind::kEqual, "day", int32_t{0}), on(Kind::kEqual, "at", int64_t{0}),
        on(Kind::kIsNull, "amount"),
        SourceCondition{.kind = Kind::kOr,
        .parts = {on(Kind::kEqual, "name", std::string("b")),
                  on(Kind::kLess, "amount", double{0})}}}) {
    EXPECT_EQ(rows_read({condition}), 10u);
  }
  // A condition that can be asked goes beside one that cannot.
  EXPECT_EQ(
      rows_read({on(Kind::kLess, "amount", double{0}), on(Kind::kEqual, "name", std::string("b"))}),
      0u);
}

TEST_F(PostgresSnapshotCondition, an_equality_of_another_collation_is_not_asked) {
  fixture_.run(
      "CREATE COLLATION loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false);"
      "CREATE TABLE t (name text COLLATE loose); ALTER TABLE t REPLICA IDENTITY FULL;"
      "INSERT INTO t VALUES ('a'), ('A'), ('b')");
  ASSERT_EQ(count("name = 'a'"), 2u);
  EXPECT_EQ(rows_read({on(Kind::kEqual, "name", std::string("a"))}), 1u);
}

// Views whose conditions differ, over one table: each snapshot has its own; rows come into a
// condition and leave it later.
class SnapshotCondition : public ServedSource {};

TEST_F(SnapshotCondition, views_follow_rows_that_their_snapshots_left_out) {
  source(
      "CREATE TABLE t (id int, kind text, amount int); ALTER TABLE t REPLICA IDENTITY FULL; INSERT "
      "INTO t SELECT i, (ARRAY['a', 'b', NULL])[i % 3 + 1], i FROM generate_series(1, 3000) i;"
      "CREATE TABLE k (id int PRIMARY KEY, kind text); INSERT INTO k SELECT id, kind FROM t");
  start();
  declare("t");
  declare("k");
  const std::vector<std::string> queries = {
      "SELECT kind, COUNT(*), SUM(amount) FROM t WHERE kind <> 'a' GROUP BY kind",
      "SELECT id FROM t WHERE kind IS NULL AND amount > 2000",
      "SELECT id FROM t WHERE NOT (kind = 'b') AND id BETWEEN 10 AND 40",
      "SELECT x.id FROM t AS x JOIN t AS y ON x.id = y.amount WHERE x.kind = 'a' AND y.kind = 'a'",
      "SELECT x.id, y.id AS other FROM t AS x JOIN t AS y ON x.id = y.amount + 1 WHERE x.kind = "
      "'a'",
      "SELECT id FROM t WHERE kind = 'a' UNION ALL SELECT id FROM t WHERE kind = 'b'",
      "SELECT t.id, k.kind FROM t JOIN k ON t.id = k.id WHERE k.kind = 'b' AND t.amount < 100",
      "SELECT id FROM t WHERE kind = 'a' AND amount > (SELECT AVG(amount) FROM t)",
  };
  for (size_t i = 0; i < queries.size(); ++i) {
    run(fmt::format("CREATE MATERIALIZED VIEW v{} AS {}", i, queries[i]));
  }
  auto compare = [&] {
    wait();
    for (size_t i = 0; i < queries.size(); ++i) {
      EXPECT_EQ(rows(fmt::format("SELECT * FROM v{}", i)), source_rows(queries[i])) << queries[i];
    }
  };
  compare();
  source("UPDATE t SET kind = 'a' WHERE id % 5 = 0; UPDATE t SET kind = 'b' WHERE id % 7 = 0");
  source("UPDATE t SET kind = NULL WHERE id % 11 = 0; DELETE FROM t WHERE id % 13 = 0");
  source("UPDATE k SET kind = 'b' WHERE id % 4 = 0");
  compare();
}

}  // namespace
}  // namespace tidemark
